package webhook

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle/address"
)

// newClient makes a client that goes to public addresses, and to the hosts that are allowed by name. It looks at the address that
// it connects to, so that no answer of a name server, early or late, leads elsewhere. It follows no redirects, and asks no proxy,
// because a proxy would resolve the name by itself.
func newClient(allow []string, timeout time.Duration) *http.Client {
	anywhere := &net.Dialer{Timeout: timeout}
	public := &net.Dialer{Timeout: timeout, Control: address.Control}
	dial := func(ctx context.Context, network, to string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(to)
		if err != nil {
			return nil, err
		}
		if slices.Contains(allow, strings.ToLower(host)) {
			return anywhere.DialContext(ctx, network, to)
		}
		return public.DialContext(ctx, network, to)
	}
	const (
		header = 64 << 10
		idle   = 30 * time.Second
		hosts  = 32
	)
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dial, ForceAttemptHTTP2: true, MaxIdleConns: 4 * hosts, MaxIdleConnsPerHost: 4, MaxConnsPerHost: hosts,
			IdleConnTimeout: idle, TLSHandshakeTimeout: timeout, ResponseHeaderTimeout: timeout, MaxResponseHeaderBytes: header,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
		},
	}
}
