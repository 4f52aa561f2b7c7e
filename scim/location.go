package scim

import (
	"net/http"
	"strings"
)

// base is the absolute address under which the client reached the handler, without a slash at the end: what
// meta.location starts with (RFC 7643 section 3.1). The prefix is what a router stripped off before us.
func (h *Handler) base(r *http.Request) string {
	if h.opts.BaseURL != "" {
		return h.opts.BaseURL
	}
	scheme, host, prefix := "http", r.Host, ""
	if r.TLS != nil {
		scheme = "https"
	}
	uri := r.RequestURI
	if i := strings.IndexByte(uri, '?'); i >= 0 {
		uri = uri[:i]
	}
	if i := strings.Index(uri, "://"); i >= 0 { // a proxy's absolute form
		if j := strings.IndexByte(uri[i+3:], '/'); j >= 0 {
			uri = uri[i+3+j:]
		}
	}
	if p, ok := strings.CutSuffix(uri, r.URL.EscapedPath()); ok {
		prefix = p
	}
	if h.opts.TrustForwarded {
		scheme = forwarded(r, "X-Forwarded-Proto", scheme)
		host = forwarded(r, "X-Forwarded-Host", host)
		prefix = strings.TrimRight(forwarded(r, "X-Forwarded-Prefix", ""), "/") + prefix
	}
	return scheme + "://" + host + prefix
}

// forwarded is the first (outermost) value of a forwarding header.
func forwarded(r *http.Request, header, otherwise string) string {
	v, _, _ := strings.Cut(r.Header.Get(header), ",")
	if v = strings.TrimSpace(v); v != "" {
		return v
	}
	return otherwise
}
