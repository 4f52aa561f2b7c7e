package replay

import (
	"fmt"
	"net/http"
	"net/http/httptest"
)

// InProcess returns a transport that calls a handler without a network, whatever the URL's host is. A panic of the handler becomes an error
// of the request, as over a network. The transport is safe for concurrent use if the handler is.
func InProcess(h http.Handler) http.RoundTripper { return inProcess{h} }

type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (p inProcess) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			answer, err = nil, fmt.Errorf("the handler panicked: %v", p)
		}
	}()
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	in.Host = r.URL.Host
	in.RemoteAddr = "192.0.2.1:1234"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, in)
	answer = w.Result()
	answer.Request = r
	return answer, nil
}
