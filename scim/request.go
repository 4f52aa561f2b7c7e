package scim

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/store/document"
)

// body reads, bounds and parses the request's JSON object.
func (x *exchange) body() (document.Value, error) {
	if err := x.checkContentType(); err != nil {
		return document.Value{}, err
	}
	limit, limitName := x.bodyLimit, x.limitName
	if own := x.who.Limits.Body; own > 0 && own < limit {
		limit, limitName = own, "of this connection "
	}
	if x.r.ContentLength > limit {
		x.skipBody()
		return document.Value{}, tooLarge(limit, limitName)
	}
	body, err := x.bodyReader()
	if err != nil {
		return document.Value{}, err
	}
	var text strings.Builder
	if n := x.r.ContentLength; n > 0 {
		text.Grow(int(min(n, mostExpected)))
	}
	buf := x.buf[:cap(x.buf)]
	for {
		n, err := body.Read(buf)
		text.Write(buf[:n])
		if int64(text.Len()) > limit {
			x.skipBody()
			return document.Value{}, tooLarge(limit, limitName)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			var max *http.MaxBytesError
			if errors.As(err, &max) || errors.Is(err, errTooLong) {
				return document.Value{}, tooLarge(limit, limitName)
			}
			return document.Value{}, badRequest("invalidSyntax", "the body broke off before its end")
		}
	}
	if strings.TrimLeft(text.String(), " \t\r\n") == "" {
		return document.Value{}, badRequest("invalidSyntax", "the body is empty; want a JSON object")
	}
	x.request.Body.Text = text.String()
	x.request.Body.Method, x.request.Body.Path, x.request.Body.Query = x.r.Method, x.r.URL.Path, x.r.URL.RawQuery
	x.request.Body.Match, x.request.Body.NoneMatch = x.r.Header.Get("If-Match"), x.r.Header.Get("If-None-Match")
	const mark = "\ufeff"
	read := text.String()
	if strings.HasPrefix(read, mark) && x.mode.Tolerate(quirk.ByteOrderMark) {
		read = read[len(mark):]
	}
	v, err := document.Parse(read, 0)
	if err != nil {
		return document.Value{}, err
	}
	if v.Kind() != document.KindObject {
		return document.Value{}, badRequest("invalidSyntax", "the body is a JSON %s; want an object", v.Kind())
	}
	return v, nil
}

// tooLarge is the refusal of a body beyond the limit; name is what the limit is called, with a blank behind it, or "".
func tooLarge(limit int64, name string) error {
	return &Error{Status: http.StatusRequestEntityTooLarge, Detail: "the body is too large: the limit " + name + "is " + bytesText(limit)}
}

// mostExpected is how much memory a body gets before it comes, because of what its length is said to be.
const mostExpected = 1 << 20

// mostSkipped is how much of a body that is too large is read, and thrown away.
const mostSkipped = 16 << 20

// skipBody reads what a client is still sending, so that it comes to an end: a client that doesn't read meanwhile would find the
// connection broken, and not the answer.
func (x *exchange) skipBody() {
	if x.r.ContentLength <= mostSkipped && x.r.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, x.r.Body, mostSkipped)
	}
}

func bytesText(n int64) string {
	if n%(1<<20) == 0 {
		return itoa(n>>20) + " MiB"
	}
	return itoa(n) + " bytes"
}

// versions is an If-Match or If-None-Match condition: entity tags, compared weakly (RFC 7644 section 3.14, RFC 9110
// section 13.1).
type versions struct {
	given bool
	any   bool
	tags  []string
}

func condition(h http.Header, name string) versions {
	values := h.Values(name)
	if len(values) == 0 {
		return versions{}
	}
	c := versions{given: true}
	for tag := range strings.SplitSeq(strings.Join(values, ","), ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == "*" {
			c.any = true
		} else if tag != "" {
			c.tags = append(c.tags, strings.Trim(tag, `"`))
		}
	}
	return c
}

// has says whether an existing resource in this version meets the condition's list.
func (c versions) has(version string) bool {
	if c.any {
		return true
	}
	for _, t := range c.tags {
		if t == version {
			return true
		}
	}
	return false
}

// hasOwn says the same where only the resource's own version counts.
func (c versions) hasOwn(version string) bool {
	if c.any {
		return true
	}
	for _, t := range c.tags {
		if ownVersion(t) == version {
			return true
		}
	}
	return false
}

// conditions are those of one request on the version of its resource.
type conditions struct{ match, noneMatch versions }

func conditionsOf(h http.Header) conditions {
	return conditions{condition(h, "If-Match"), condition(h, "If-None-Match")}
}

// onlyVersion says whether the conditions are none, or no more than one version, so that a store can check them by itself.
func (c conditions) onlyVersion() (version string, ok bool) {
	switch {
	case c.noneMatch.given || c.match.any:
		return "", false
	case !c.match.given:
		return "", true
	case len(c.match.tags) == 1:
		version = ownVersion(c.match.tags[0])
	}
	return version, version != ""
}

// allow says whether a write may change an existing resource in this version.
func (c conditions) allow(version string) error {
	if c.match.given && !c.match.hasOwn(version) {
		return &Error{Status: http.StatusPreconditionFailed, Detail: "If-Match: the resource has changed since that version; read it again"}
	}
	if c.noneMatch.given && c.noneMatch.hasOwn(version) {
		return &Error{Status: http.StatusPreconditionFailed, Detail: "If-None-Match: the resource exists, in that version"}
	}
	return nil
}
