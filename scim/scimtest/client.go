package scimtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/scim/scimtest/replay"
)

// client sends requests to a URL, or calls a handler in this process.
type client struct {
	ctx      context.Context
	base     string
	http     *http.Client
	header   http.Header
	requests int
}

func newClient(ctx context.Context, target Target) (client, error) {
	c := client{ctx: ctx, base: strings.TrimRight(target.URL, "/"), http: target.Client, header: http.Header{}}
	switch {
	case target.Handler != nil && target.URL != "":
		return c, errors.New("both URL and Handler are set; want one of them")
	case target.Handler != nil:
		c.base, c.http = "http://scim.example.com", &http.Client{Transport: replay.InProcess(target.Handler)}
	case target.URL == "":
		return c, errors.New("neither URL nor Handler is set")
	case c.http == nil:
		c.http = &http.Client{Timeout: 30 * time.Second}
	}
	for name, values := range target.Header {
		c.header[http.CanonicalHeaderKey(name)] = values
	}
	if target.Token != "" {
		c.header.Set("Authorization", "Bearer "+target.Token)
	}
	return c, nil
}

// answer is the answer to a request.
type answer struct {
	method, target string // those of the request
	sent           string
	status         int
	header         http.Header
	text           []byte
	body           map[string]any // nil if the body is no JSON object
	err            error          // why there is no answer, or why it can't be read
}

func (a *answer) request() string { return a.method + " " + a.target }

// excerpt returns the beginning of the body, for an error message.
func (a *answer) excerpt() string {
	const most = 200
	if len(a.text) > most {
		return strings.ToValidUTF8(string(a.text[:most]), "") + "..."
	}
	return string(a.text)
}

// send sends a request. The body may be nil, a string, which is sent as it is, or any other value, which is sent as JSON.
func (c *client) send(method, target string, body any, header http.Header) *answer {
	a := &answer{method: method, target: target}
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		a.sent = b
		reader = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			a.err = err
			return a
		}
		a.sent = string(text)
		reader = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(c.ctx, method, c.base+target, reader)
	if err != nil {
		a.err = err
		return a
	}
	for name, values := range c.header {
		r.Header[name] = values
	}
	r.Header.Set("Accept", contentType)
	if body != nil {
		r.Header.Set("Content-Type", contentType)
	}
	for name, values := range header {
		if values == nil {
			r.Header.Del(name)
		} else {
			r.Header[name] = values
		}
	}
	c.requests++
	answered, err := c.http.Do(r)
	if err != nil {
		a.err = err
		return a
	}
	defer answered.Body.Close()
	a.status, a.header = answered.StatusCode, answered.Header
	if a.text, a.err = io.ReadAll(io.LimitReader(answered.Body, mostAnswer)); a.err == nil && len(a.text) > 0 {
		if err := json.Unmarshal(a.text, &a.body); err != nil {
			a.body = nil
		}
	}
	return a
}

// mostAnswer is how many bytes of an answer are read at most.
const mostAnswer = 64 << 20

const contentType = "application/scim+json"

func (c *client) get(target string) *answer { return c.send(http.MethodGet, target, nil, nil) }

// query returns a path with query parameters. These are given as name, value, name, value.
func query(path string, params ...string) string {
	var b strings.Builder
	b.WriteString(path)
	for i := 0; i+1 < len(params); i += 2 {
		sep := "&"
		if i == 0 {
			sep = "?"
		}
		fmt.Fprintf(&b, "%s%s=%s", sep, params[i], strings.ReplaceAll(url.QueryEscape(params[i+1]), "+", "%20"))
	}
	return b.String()
}
