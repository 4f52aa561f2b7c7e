package idp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// client sends requests as an identity provider does, and repeats those that were answered with 429 or 503.
type client struct {
	base  string
	token string
	http  *http.Client
	style *style

	mu       sync.Mutex
	requests int
	statuses map[int]int
	failures []string // the messages of the first failures
	wrong    int
}

// answer is the answer to a request.
type answer struct {
	status int
	body   map[string]any
}

func (a answer) id() string { return str(a.body["id"]) }

func str(v any) string {
	s, _ := v.(string)
	return s
}

// errRefused is the error for an answer that is no success.
var errRefused = errors.New("refused")

// tries is how often a request is sent at most if it is answered with 429 or 503. Okta documents ten.
const tries = 10

// send sends a request. An answer with one of the statuses is a success; if none is given, every 2xx is.
func (c *client) send(ctx context.Context, method, target string, body any, statuses ...int) (answer, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return answer{}, err
		}
	}
	for try := 1; ; try++ {
		a, header, err := c.once(ctx, method, target, text)
		if err != nil {
			return a, c.fail("%s %s: %w", method, target, err)
		}
		ok := a.status >= 200 && a.status < 300
		for _, s := range statuses {
			ok = ok || a.status == s
		}
		switch {
		case ok:
			return a, nil
		case (a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable) && try < tries:
			wait := time.Minute
			if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil {
				wait = time.Duration(seconds) * time.Second
			}
			select {
			case <-ctx.Done():
				return a, ctx.Err()
			case <-time.After(wait):
			}
		default:
			return a, c.fail("%w: %s %s %s -> %d %s", errRefused, method, target, text, a.status, str(a.body["detail"]))
		}
	}
}

func (c *client) once(ctx context.Context, method, target string, text []byte) (answer, http.Header, error) {
	var reader io.Reader
	if text != nil {
		reader = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+target, reader)
	if err != nil {
		return answer{}, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Accept", c.style.accept)
	if c.style.agent != "" {
		r.Header.Set("User-Agent", c.style.agent)
	}
	if text != nil {
		r.Header.Set("Content-Type", c.style.content)
	}
	res, err := c.http.Do(r)
	if err != nil {
		return answer{}, nil, err
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode}
	got, err := io.ReadAll(res.Body)
	if err == nil && len(got) > 0 && json.Unmarshal(got, &a.body) != nil && a.status < 300 {
		err = fmt.Errorf("the answer %d is no JSON: %.100s", a.status, got)
	}
	c.mu.Lock()
	c.requests++
	c.statuses[a.status]++
	c.mu.Unlock()
	return a, res.Header, err
}

// fail makes an error, and notes its message.
func (c *client) fail(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong++
	const most = 20
	if len(c.failures) < most {
		c.failures = append(c.failures, err.Error())
	}
	return err
}

// list reads all pages of a list, and calls each for each resource.
func (c *client) list(ctx context.Context, path string, each func(map[string]any)) error {
	const page = 100
	for start := 1; ; start += page {
		a, err := c.send(ctx, http.MethodGet, fmt.Sprintf("%s?startIndex=%d&count=%d", path, start, page), nil)
		if err != nil {
			return err
		}
		resources, _ := a.body["Resources"].([]any)
		for _, r := range resources {
			if o, ok := r.(map[string]any); ok {
				each(o)
			}
		}
		total, _ := a.body["totalResults"].(float64)
		if len(resources) == 0 || start+page > int(total) {
			return nil
		}
	}
}

// find asks for a resource by a filter. It returns nil if there is none.
func (c *client) find(ctx context.Context, path, filter, params string) (map[string]any, error) {
	a, err := c.send(ctx, http.MethodGet, path+"?filter="+strings.ReplaceAll(url.QueryEscape(filter), "+", "%20")+params, nil)
	if err != nil {
		return nil, err
	}
	resources, _ := a.body["Resources"].([]any)
	if len(resources) == 0 {
		return nil, nil
	}
	found, _ := resources[0].(map[string]any)
	return found, nil
}

func quote(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }
