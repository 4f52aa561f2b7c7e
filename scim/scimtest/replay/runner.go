package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Runner sends scenarios to a service. Its fields must not be changed while it runs; then it is safe for concurrent use.
type Runner struct {
	BaseURL  string       // the address of the SCIM service, such as http://127.0.0.1:8080/scim/v2
	Token    string       // the credential that replaces the placeholder {{token}}
	BadToken string       // the credential that replaces {{bad_token}}; the default is one that no service accepts
	Client   *http.Client // the default is http.DefaultClient
	Optional bool         // whether to run the steps of the kind optional, too
	// Conventions also checks what is true of every SCIM answer, so that no scenario needs to say it: the media type, the form of
	// errors, of lists and of a 201, and that there is no password in the answer.
	Conventions bool
	// Each, if set, is called with every result as soon as it is known, in the goroutine that called [Runner.Run].
	Each func(Result)
}

// Result is the result of one step.
type Result struct {
	Scenario *Scenario
	Index    int // the index of the step, from 0
	Step     *Step
	Target   string // the path and query that were sent
	Sent     []byte // the body that was sent
	Status   int    // the answer's status; 0 if there was no answer
	Header   http.Header
	Body     []byte
	Took     time.Duration
	Skipped  bool     // whether the step was left out because it is optional
	Failures []string // what is wrong with the answer; empty if it is as expected
}

// OK says whether the answer was as expected. It is true for a step that was skipped.
func (r Result) OK() bool { return len(r.Failures) == 0 }

// String returns one line for the step, and one more for each failure.
func (r Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, step %d (%s): %s %s -> %d", r.Scenario.File, r.Index+1, r.Step.Kind, r.Step.Request.Method, r.Target, r.Status)
	for _, f := range r.Failures {
		b.WriteString("\n    " + f)
	}
	return b.String()
}

// OK says whether all results are OK.
func OK(results []Result) bool {
	return !slices.ContainsFunc(results, func(r Result) bool { return !r.OK() })
}

// Run sends the steps in their order, and returns a result for each. A step that fails doesn't end the run, but later steps that need what it
// should have captured fail, too. The requests are sent with ctx.
func (r *Runner) Run(ctx context.Context, s *Scenario) []Result {
	known := map[string]string{"token": r.Token, "bad_token": r.BadToken}
	if r.BadToken == "" {
		known["bad_token"] = "not-a-token"
	}
	results := make([]Result, 0, len(s.Steps))
	for i := range s.Steps {
		result := Result{Scenario: s, Index: i, Step: &s.Steps[i], Target: s.Steps[i].Request.Path}
		if result.Step.Kind == KindOptional && !r.Optional {
			result.Skipped = true
		} else {
			r.step(ctx, &result, known)
		}
		if r.Each != nil {
			r.Each(result)
		}
		results = append(results, result)
	}
	return results
}

func (r *Runner) step(ctx context.Context, result *Result, known map[string]string) {
	fail := func(format string, args ...any) {
		result.Failures = append(result.Failures, fmt.Sprintf(format, args...))
	}
	request, err := r.request(ctx, result, known)
	if err != nil {
		fail("%v", err)
		return
	}
	client := r.Client
	if client == nil {
		client = http.DefaultClient
	}
	began := time.Now()
	answer, err := client.Do(request)
	if err != nil {
		fail("no answer: %v", err)
		return
	}
	defer answer.Body.Close()
	result.Body, err = io.ReadAll(answer.Body)
	result.Took = time.Since(began)
	result.Status, result.Header = answer.StatusCode, answer.Header
	if err != nil {
		fail("the answer broke off: %v", err)
		return
	}
	body, err := decodeBody(result.Body)
	if err != nil {
		fail("the answer's body is not JSON: %v", err)
		return
	}
	result.Failures = append(result.Failures, result.compare(body, known)...)
	if r.Conventions {
		result.Failures = append(result.Failures, conventions(request, result, body)...)
	}
	for _, name := range slices.Sorted(maps.Keys(result.Step.Capture)) {
		value, err := capture(body, result.Step.Capture[name])
		switch {
		case err == nil:
			known[name] = value
		case result.OK(): // otherwise another failure already says why the value is missing
			fail("{{%s}}: %v", name, err)
		}
	}
}

// decodeBody decodes a JSON body. It returns missing if there is none.
func decodeBody(text []byte) (any, error) {
	if len(text) == 0 {
		return missing{}, nil
	}
	return decode(text)
}

// compare compares the answer with the step's expectation, and returns the failures.
func (r *Result) compare(body any, known map[string]string) (failures []string) {
	e := &r.Step.Expect
	if !slices.Contains(e.Status, r.Status) {
		// The rest of the expectation is about an answer with another status.
		return []string{fmt.Sprintf("want the status %v, got %d %s", e.Status, r.Status, r.Body)}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		want, err := expectation(e.Headers[name], known)
		if err != nil {
			return append(failures, err.Error())
		}
		var got any = missing{}
		if v := r.Header.Values(name); len(v) > 0 {
			got = v[0]
		}
		failures = append(failures, match(want, got, "header "+name)...)
	}
	if len(e.Body) == 0 || r.Status == http.StatusNoContent {
		return failures
	}
	want, err := expectation(e.Body, known)
	if err != nil {
		return append(failures, err.Error())
	}
	return append(failures, match(want, body, "$")...)
}

func expectation(raw json.RawMessage, known map[string]string) (any, error) {
	text, err := fill(string(raw), known, jsonText)
	if err != nil {
		return nil, err
	}
	return decode([]byte(text))
}

func (r *Runner) request(ctx context.Context, result *Result, known map[string]string) (*http.Request, error) {
	q := &result.Step.Request
	target, err := fill(q.Path, known, url.PathEscape)
	if err != nil {
		return nil, err
	}
	query, err := fill(q.RawQuery, known, escapeQuery)
	if err != nil {
		return nil, err
	}
	if query == "" {
		parts := make([]string, len(q.Query))
		for i, p := range q.Query {
			value, err := fill(p.Value, known, asItIs)
			if err != nil {
				return nil, err
			}
			parts[i] = escapeQuery(p.Name) + "=" + escapeQuery(value)
		}
		query = strings.Join(parts, "&")
	}
	if query != "" {
		target += "?" + query
	}
	result.Target = target

	var body io.Reader
	if len(q.Body) > 0 && string(q.Body) != "null" {
		text, err := fill(string(q.Body), known, jsonText)
		if err != nil {
			return nil, err
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, []byte(text)); err != nil {
			return nil, fmt.Errorf("the request's body: %w", err)
		}
		result.Sent = compact.Bytes()
		body = bytes.NewReader(result.Sent)
	}
	request, err := http.NewRequestWithContext(ctx, q.Method, strings.TrimSuffix(r.BaseURL, "/")+target, body)
	if err != nil {
		return nil, err
	}
	for name, value := range q.Headers {
		if value, err = fill(value, known, asItIs); err != nil {
			return nil, err
		}
		// The transport decompresses an answer only if it has set Accept-Encoding by itself.
		if !strings.EqualFold(name, "Accept-Encoding") {
			request.Header.Set(name, value)
		}
	}
	return request, nil
}

// fill replaces placeholders by the known values. fit escapes a value for the text around it.
func fill(text string, known map[string]string, fit func(string) string) (string, error) {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(text, "{{")
		b.WriteString(before)
		if !ok {
			return b.String(), nil
		}
		name, rest, ok := strings.Cut(after, "}}")
		if !ok {
			b.WriteString("{{" + after)
			return b.String(), nil
		}
		value, ok := known[name]
		if !ok {
			return "", fmt.Errorf("{{%s}} is not known: the step that captures it failed", name)
		}
		b.WriteString(fit(value))
		text = rest
	}
}

func asItIs(s string) string { return s }

func escapeQuery(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// jsonText returns s as it is written between the quotes of a JSON string.
func jsonText(s string) string {
	b, _ := json.Marshal(s)
	return string(b[1 : len(b)-1])
}
