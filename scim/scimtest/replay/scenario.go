// Package replay sends recorded conversations of identity providers to a SCIM service and checks its answers. The
// conversations are the JSON files under testdata; testdata/idp/README.md describes their format.
package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Scenario is one conversation. It is plain data, so a caller may change an expectation before it runs the scenario.
type Scenario struct {
	File       string `json:"-"` // the file that it was read from
	Name       string `json:"name"`
	IdP        string `json:"idp"`
	Source     string `json:"source"`
	Evidence   string `json:"evidence"`
	Confidence string `json:"confidence"`
	Mode       string `json:"mode"`
	Notes      string `json:"notes"`
	Steps      []Step `json:"steps"`
}

// These are the kinds of steps.
const (
	KindIdP      = "idp"      // a request that the identity provider sends
	KindSetup    = "setup"    // a request that makes what the conversation needs
	KindVerify   = "verify"   // a request that checks what the others have done
	KindOptional = "optional" // a request for what only some services offer
)

// Step is a request and the answer that it must get.
type Step struct {
	Kind    string  `json:"kind"`
	Request Request `json:"request"`
	Expect  Expect  `json:"expect"`
	// Capture has JSONPaths of values in the answer, by the names of the placeholders that they replace in later steps.
	Capture map[string]string `json:"capture"`
}

// Request is the request of a step. Placeholders such as {{name}} may be anywhere in it.
type Request struct {
	Method   string            `json:"method"`
	Path     string            `json:"path"` // relative to the base URL
	Query    Query             `json:"query"`
	RawQuery string            `json:"raw_query"` // an encoded query, instead of Query
	Headers  map[string]string `json:"headers"`
	Body     json.RawMessage   `json:"body"` // the body, which is sent exactly as it is here; null means none
}

// Expect says what the answer must be like.
type Expect struct {
	Status  []int                      `json:"status"` // any of these
	Headers map[string]json.RawMessage `json:"headers"`
	Body    json.RawMessage            `json:"body_subset"`
	Notes   string                     `json:"notes"`
}

// Query has the decoded parameters of a query, in the order in which they are sent.
type Query []Parameter

// Parameter is a name and a value of a query.
type Parameter struct{ Name, Value string }

// UnmarshalJSON reads an object of strings, and keeps the order of its fields.
func (q *Query) UnmarshalJSON(b []byte) error {
	*q = nil
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t == nil {
		return err
	} else if t != json.Delim('{') {
		return fmt.Errorf("query: want an object, got %v", t)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var value string
		if err := d.Decode(&value); err != nil {
			return fmt.Errorf("query %s: %w", name, err)
		}
		*q = append(*q, Parameter{name.(string), value})
	}
	return nil
}

// Load reads one scenario. A field that the format doesn't have is an error, so that a misspelt expectation isn't ignored. So are other
// mistakes, such as a placeholder that no step captures.
func Load(fsys fs.FS, name string) (*Scenario, error) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	s := &Scenario{File: name}
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// LoadAll reads the scenarios under the folder root, in the order of their names. It leaves out the folders whose names are in without.
func LoadAll(fsys fs.FS, root string, without ...string) ([]*Scenario, error) {
	var all []*Scenario
	err := fs.WalkDir(fsys, root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(without, d.Name()):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".json":
			return nil
		}
		s, err := Load(fsys, name)
		all = append(all, s)
		return err
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%s: no scenarios", root)
	}
	return all, err
}

// check finds mistakes in the scenario itself: in a kind, a matcher, a path or a placeholder that nothing fills.
func (s *Scenario) check() error {
	if len(s.Steps) == 0 {
		return fmt.Errorf("no steps")
	}
	known := map[string]bool{"token": true, "bad_token": true}
	for i := range s.Steps {
		step := &s.Steps[i]
		fail := func(err error) error { return fmt.Errorf("step %d: %w", i+1, err) }
		if !slices.Contains([]string{KindIdP, KindSetup, KindVerify, KindOptional}, step.Kind) {
			return fail(fmt.Errorf("unknown kind %q", step.Kind))
		}
		if len(step.Expect.Status) == 0 {
			return fail(fmt.Errorf("no expected status"))
		}
		for _, text := range step.texts() {
			if name, ok := firstPlaceholder(text, known); ok {
				return fail(fmt.Errorf("{{%s}} is captured by no earlier step", name))
			}
		}
		for _, raw := range append(values(step.Expect.Headers), step.Expect.Body) {
			if err := checkMatchers(raw); err != nil {
				return fail(err)
			}
		}
		for name, p := range step.Capture {
			if _, err := parsePath(p); err != nil {
				return fail(err)
			}
			known[name] = true
		}
	}
	return nil
}

// texts returns all texts of the step that may have placeholders.
func (s *Step) texts() []string {
	texts := []string{s.Request.Path, s.Request.RawQuery, string(s.Request.Body), string(s.Expect.Body)}
	for _, p := range s.Request.Query {
		texts = append(texts, p.Value)
	}
	for _, v := range s.Request.Headers {
		texts = append(texts, v)
	}
	for _, v := range s.Expect.Headers {
		texts = append(texts, string(v))
	}
	return texts
}

func values(m map[string]json.RawMessage) []json.RawMessage {
	list := make([]json.RawMessage, 0, len(m)+1)
	for _, v := range m {
		list = append(list, v)
	}
	return list
}

// firstPlaceholder returns the name of the first placeholder in text that isn't known.
func firstPlaceholder(text string, known map[string]bool) (string, bool) {
	for {
		name, rest, ok := nextPlaceholder(text)
		if !ok {
			return "", false
		}
		if !known[name] {
			return name, true
		}
		text = rest
	}
}

func nextPlaceholder(text string) (name, rest string, ok bool) {
	_, text, ok = strings.Cut(text, "{{")
	if !ok {
		return "", "", false
	}
	return strings.Cut(text, "}}")
}
