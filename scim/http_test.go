package scim_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// raw sends a request and returns the answer as it came over the wire.
func (s *service) raw(method, path string, body []byte, headers ...string) (*http.Response, []byte) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path, bytes.NewReader(body))
	require.NoError(s.t, err)
	r.Header.Set("Authorization", "Bearer acme")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	client := http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	res, err := client.Do(r)
	require.NoError(s.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	return res, text
}

func zipped(t testing.TB, text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestCompressedAnswers(t *testing.T) {
	s := serve(t)
	for i := range 300 {
		s.user(fmt.Sprintf("user%d", i))
	}
	small := s.user("small")
	_, plain := s.raw("GET", "/Users?count=300", nil)
	for accept, want := range map[string]bool{
		"gzip": true, "gzip,deflate": true, "deflate, GZIP;q=0.5": true, "*": true, "br;q=1, *;q=0.1": true,
		"": false, "identity": false, "gzip;q=0": false, "*;q=0": false, "br": false, "gzip;q=x": false,
	} {
		res, text := s.raw("GET", "/Users?count=300", nil, "Accept-Encoding: "+accept)
		assert.Equal(t, "Accept-Encoding", res.Header.Get("Vary"), accept)
		if !want {
			assert.Empty(t, res.Header.Get("Content-Encoding"), accept)
			assert.Equal(t, plain, text, accept)
			continue
		}
		assert.Equal(t, "gzip", res.Header.Get("Content-Encoding"), accept)
		assert.Less(t, len(text), len(plain)/4, accept)
		r, err := gzip.NewReader(bytes.NewReader(text))
		require.NoError(t, err)
		unzipped, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.Equal(t, plain, unzipped, accept)
	}
	for _, path := range []string{"/Users/" + small, "/Users/nobody", "/Users?count=1"} {
		res, _ := s.raw("GET", path, nil, "Accept-Encoding: gzip")
		assert.Empty(t, res.Header.Get("Content-Encoding"), "%s: what is short is sent as it is", path)
	}
	res, _ := s.raw("HEAD", "/Users?count=300", nil, "Accept-Encoding: gzip")
	assert.Empty(t, res.Header.Get("Content-Encoding"))

	for name, change := range map[string]func(*scim.Options){
		"switched off":        func(o *scim.Options) { o.DisableCompression = true },
		"a type with secrets": func(o *scim.Options) { o.Sensitive = map[string][]string{"User": {"nickName"}} },
	} {
		other := serveStore(t, s.store, change)
		for _, path := range []string{"/Users?count=300", "/?count=300"} {
			res, text := other.raw("GET", path, nil, "Accept-Encoding: gzip")
			assert.Empty(t, res.Header.Get("Content-Encoding"), name)
			assert.True(t, json.Valid(text))
		}
	}
}

func TestCompressedRequests(t *testing.T) {
	s := serve(t)
	for _, encoding := range []string{"gzip", "GZIP", "x-gzip"} {
		res, text := s.raw("POST", "/Users", zipped(t, userBody("user-"+encoding+itoa(len(encoding)))), "Content-Encoding: "+encoding)
		if encoding == "GZIP" { // the same name in other case
			assert.Equal(t, 409, res.StatusCode, "%s", text)
			continue
		}
		assert.Equal(t, 201, res.StatusCode, "%s", text)
	}
	for name, c := range map[string]struct {
		body   []byte
		status int
		words  string
	}{
		"a bomb":                 {zipped(t, `{"userName":"`+strings.Repeat("x", 100<<20)+`"}`), 413, "1 MiB"},
		"many empty parts":       {bytes.Repeat(zipped(t, ""), 100_000), 413, "1 MiB"},
		"a part that is missing": {zipped(t, userBody("x"))[:30], 400, "broke off"},
		"nothing":                {zipped(t, ""), 400, "empty"},
		"a wrong sum":            {append(zipped(t, userBody("x"))[:len(zipped(t, userBody("x")))-8], 1, 2, 3, 4, 5, 6, 7, 8), 400, "broke off"},
	} {
		res, text := s.raw("POST", "/Users", c.body, "Content-Encoding: gzip")
		assert.Equal(t, c.status, res.StatusCode, name)
		assert.Contains(t, string(text), c.words, name)
	}
}

func TestMediaTypes(t *testing.T) {
	tolerant := serve(t)
	strict := serve(t, func(o *scim.Options) { o.Auth = dialect{scim.Strict()} })
	interop := serve(t, func(o *scim.Options) { o.Auth = dialect{scim.Interop()} })
	for i, c := range []struct {
		contentType               string
		tolerant, strict, interop int
	}{
		{"application/scim+json", 201, 201, 201},
		{"application/scim+json; charset=utf-8", 201, 201, 201},
		{"Application/SCIM+JSON;charset=UTF-8", 201, 201, 201},
		{"application/json", 201, 201, 415},
		{"application/json; charset=utf-8", 201, 201, 415},
		{"application/scim+json; charset=utf8", 201, 415, 415},
		{"application/json;charset=UTF8", 201, 415, 415},
		{"text/json", 201, 415, 415},
		{"text/json; charset=utf-8", 201, 415, 415},
		{"text/plain", 415, 415, 415},
	} {
		body := userBody(fmt.Sprintf("user%d", i))
		for s, want := range map[*service]int{tolerant: c.tolerant, strict: c.strict, interop: c.interop} {
			s.do("POST", "/Users", body, "Content-Type: "+c.contentType).is(want)
		}
	}
	tolerant.do("POST", "/Users", "\ufeff"+userBody("marked")).is(201)
	strict.do("POST", "/Users", "\ufeff"+userBody("marked")).fails(400, "invalidSyntax", "JSON")
	tolerant.do("POST", "/Users", "\ufeff\ufeff"+userBody("twice")).fails(400, "invalidSyntax", "JSON")
}

func TestAccept(t *testing.T) {
	tolerant := serve(t)
	strict := serve(t, func(o *scim.Options) { o.Auth = dialect{scim.Strict()} })
	for accept, want := range map[string]string{
		"application/scim+json":                           "application/scim+json",
		"application/scim+json, application/json;q=0.5":   "application/scim+json",
		"application/json, application/scim+json":         "application/scim+json",
		"application/json":                                "application/json",
		"application/json, text/plain, */*":               "application/scim+json",
		"application/json;q=1, */*;q=0.1":                 "application/json",
		"*/*":                                             "application/scim+json",
		"application/*":                                   "application/scim+json",
		"text/html, */*;q=0.8":                            "application/scim+json",
		"APPLICATION/JSON; charset=utf-8":                 "application/json",
		"text/html":                                       "", // nothing that there is
		"application/scim+json;q=0":                       "",
		"application/json;q=0, application/scim+json;q=0": "",
	} {
		res, text := tolerant.raw("GET", "/Users", nil, "Accept: "+accept)
		assert.Equal(t, 200, res.StatusCode, accept)
		assert.Equal(t, "application/scim+json", res.Header.Get("Content-Type"), accept)
		assert.True(t, json.Valid(text))
		res, _ = strict.raw("GET", "/Users", nil, "Accept: "+accept)
		if want == "" {
			assert.Equal(t, 406, res.StatusCode, accept)
		} else {
			assert.Equal(t, want, res.Header.Get("Content-Type"), accept)
		}
	}
	res, _ := strict.raw("GET", "/Users/nobody", nil, "Accept: application/json")
	assert.Equal(t, "application/json", res.Header.Get("Content-Type"), "errors too")
	assert.Empty(t, res.Header.Get("Access-Control-Allow-Origin"))
	res, _ = tolerant.raw("OPTIONS", "/Users", nil, "Origin: https://evil.example", "Access-Control-Request-Method: POST")
	assert.Equal(t, 405, res.StatusCode, "no page of another site gets in")
	assert.Empty(t, res.Header.Get("Access-Control-Allow-Origin"))
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit, err := scim.NewRateLimiter(scim.Rate{PerSecond: 0.5, Burst: 4}, scim.Rate{PerSecond: 1, Burst: 2})
		require.NoError(t, err)
		h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: byHeader{}, RateLimit: limit})
		require.NoError(t, err)
		get := func(tenant, connection string) *httptest.ResponseRecorder {
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/Users", nil)
			r.Header.Set("X-Tenant", tenant)
			r.Header.Set("X-Connection", connection)
			h.ServeHTTP(w, r)
			return w
		}
		for _, c := range []struct {
			tenant, connection string
			status             int
			retry              string
		}{
			{"acme", "okta", 200, ""}, {"acme", "okta", 200, ""}, {"acme", "okta", 429, "1"}, // the connection's
			{"acme", "entra", 200, ""}, {"acme", "entra", 200, ""}, {"acme", "third", 429, "2"}, // the tenant's
			{"umbrella", "okta", 200, ""},
		} {
			w := get(c.tenant, c.connection)
			assert.Equal(t, c.status, w.Code, "%s %s", c.tenant, c.connection)
			assert.Equal(t, c.retry, w.Header().Get("Retry-After"))
		}
		time.Sleep(2 * time.Second)
		assert.Equal(t, 200, get("acme", "third").Code, "as Retry-After said")
		assert.Equal(t, 429, get("acme", "third").Code)
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/Users", nil)
		r.Header.Set("X-Tenant", "")
		h.ServeHTTP(w, r)
		assert.Equal(t, 401, w.Code, "who isn't known takes nothing from anybody")
	})
	for _, wrong := range [][2]scim.Rate{{}, {{PerSecond: -1}, {}}, {{Burst: 3}, {}}, {{PerSecond: 1}, {PerSecond: 1, Burst: -1}}} {
		_, err := scim.NewRateLimiter(wrong[0], wrong[1])
		assert.ErrorContains(t, err, "NewRateLimiter")
	}
	shared := serve(t, func(o *scim.Options) { o.RateLimit = sharedLimit{1500 * time.Millisecond, nil} })
	assert.Equal(t, "2", shared.do("GET", "/Users", "").fails(429, "", "try again after 2 s").header.Get("Retry-After"))
	shared = serve(t, func(o *scim.Options) { o.RateLimit = sharedLimit{0, errors.New("secret text")} })
	assert.NotContains(t, shared.do("GET", "/Users", "").fails(500, "", "request id").text, "secret")
}

// byHeader believes whatever a request says of itself.
type byHeader struct{}

func (byHeader) Authenticate(r *http.Request) (scim.Principal, error) {
	if r.Header.Get("X-Tenant") == "" {
		return scim.Principal{}, scim.ErrUnauthorized
	}
	return scim.Principal{Tenant: r.Header.Get("X-Tenant"), Connection: r.Header.Get("X-Connection")}, nil
}

type sharedLimit struct {
	wait time.Duration
	err  error
}

func (s sharedLimit) Limit(context.Context, scim.Principal) (time.Duration, error) {
	return s.wait, s.err
}

func TestServerTiming(t *testing.T) {
	assert.Empty(t, serve(t).do("GET", "/Users", "").header.Get("Server-Timing"))
	s := serve(t, func(o *scim.Options) { o.ServerTiming = true })
	assert.Regexp(t, `^auth;dur=\d+\.\d{3}, total;dur=\d+\.\d{3}$`, s.do("GET", "/Users", "").header.Get("Server-Timing"))
	assert.NotEmpty(t, s.do("DELETE", "/Users/"+s.user("ada"), "").is(204).header.Get("Server-Timing"))
}

func TestContentLocation(t *testing.T) {
	s := serve(t)
	a := s.do("POST", "/Users", userBody("ada")).is(201)
	location := a.at("meta", "location").(string)
	assert.Equal(t, location, a.header.Get("Location"))
	assert.Equal(t, location, a.header.Get("Content-Location"))
	for _, a := range []answer{
		s.do("GET", "/Users/"+a.id(), ""), s.do("PUT", "/Users/"+a.id(), userBody("ada")),
		s.do("PATCH", "/Users/"+a.id(), patchBody(`{"op":"add","path":"title","value":"T"}`)),
	} {
		assert.Equal(t, location, a.is(200).header.Get("Content-Location"))
		assert.Empty(t, a.header.Get("Location"))
	}
	assert.Empty(t, s.do("POST", "/Users", userBody("ada")).is(409).header.Get("Content-Location"))
}
