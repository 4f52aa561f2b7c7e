package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"
)

// errAddress says that a host has an address that webhooks don't go to.
var errAddress = errors.New("webhook: the host has an address that is not public")

// closed are the networks that nothing is sent to (the special-purpose registries of RFC 6890), beside those that netip knows: what is
// in them belongs to the network of the sender, or to nobody.
var closed = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4", "::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "fec0::/10", "5f00::/16")

// wrapped are networks of IPv6 that have an address of IPv4 in them, and at which byte: 6to4 and NAT64.
var wrapped = []struct {
	netip.Prefix
	at int
}{{netip.MustParsePrefix("2002::/16"), 2}, {netip.MustParsePrefix("64:ff9b::/96"), 12}}

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, t := range texts {
		all = append(all, netip.MustParsePrefix(t))
	}
	return all
}

// isPublic says whether an address is one of the open internet.
func isPublic(a netip.Addr) bool {
	a = a.Unmap()
	if a.Zone() != "" || !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
		return false
	}
	for _, w := range wrapped {
		if w.Contains(a) {
			b := a.As16()
			return isPublic(netip.AddrFrom4([4]byte(b[w.at : w.at+4])))
		}
	}
	return !slices.ContainsFunc(closed, func(p netip.Prefix) bool { return p.Contains(a) })
}

// newClient makes a client that goes to public addresses, and to the hosts that are allowed by name. It looks at the address that
// it connects to, so that no answer of a name server, early or late, leads elsewhere. It follows no redirects, and asks no proxy,
// because a proxy would resolve the name by itself.
func newClient(allow []string, timeout time.Duration) *http.Client {
	anywhere := &net.Dialer{Timeout: timeout}
	public := &net.Dialer{Timeout: timeout, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !isPublic(to.Addr()) {
			return fmt.Errorf("%w: %s", errAddress, address)
		}
		return nil
	}}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		if slices.Contains(allow, strings.ToLower(host)) {
			return anywhere.DialContext(ctx, network, address)
		}
		return public.DialContext(ctx, network, address)
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
