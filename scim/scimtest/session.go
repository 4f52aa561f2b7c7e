package scimtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/scim/scimtest/replay"
)

// session is one run of the kit against one target.
type session struct {
	client
	target    Target
	profile   Profile
	clauses   []clause
	scenarios []*replay.Scenario // what is run for a profile of conversations
	config    map[string]any     // ServiceProviderConfig
	kinds     []*kind
	mark      string // a text that is in the names of everything that this run makes
	counter   int
	made      []string // the paths of the resources that were made and not deleted yet
	left      []string
	toured    []*answer
	tourDone  bool
}

func newSession(ctx context.Context, target Target) (*session, error) {
	profile, err := findProfile(target.Profile)
	if err != nil {
		return nil, err
	}
	s := &session{target: target, profile: profile, mark: strings.ToLower(rand.Text()[:8])}
	if s.scenarios, err = scenariosOf(profile.Name, target.Only); err != nil {
		return nil, err
	}
	if s.scenarios == nil {
		if s.clauses, err = clausesOf(profile.Name, target.Only); err != nil {
			return nil, err
		}
	}
	if s.client, err = newClient(ctx, target); err != nil {
		return nil, err
	}
	return s, s.discover()
}

// discover reads the documents by which the service describes itself.
func (s *session) discover() error {
	read := func(path string) (map[string]any, error) {
		a := s.get(path)
		if a.err != nil {
			return nil, fmt.Errorf("%s: %w", a.request(), a.err)
		}
		if a.status != http.StatusOK || a.body == nil {
			return nil, fmt.Errorf("the service doesn't describe itself: GET %s is answered with %d: %s", path, a.status, a.excerpt())
		}
		return a.body, nil
	}
	var err error
	if s.config, err = read("/ServiceProviderConfig"); err != nil {
		return err
	}
	types, err := read("/ResourceTypes")
	if err != nil {
		return err
	}
	schemas, err := read("/Schemas")
	if err != nil {
		return err
	}
	s.kinds, err = kindsOf(objects(types["Resources"]), objects(schemas["Resources"]))
	return err
}

// claims says whether ServiceProviderConfig claims a feature.
func (s *session) claims(feature string) bool {
	if feature == needsCursor {
		return at(s.config, "pagination", "cursor") == true
	}
	return at(s.config, feature, "supported") == true
}

// check is the run of one clause's case.
type check struct {
	*session
	clause   *clause
	kind     *kind
	failures []Failure
	last     *answer
	skipped  string
}

// stop is the value of the panic that ends a case early, after a failure or because the service doesn't claim the feature.
type stop struct{}

// run runs the case of a clause, once or for each resource type.
func (s *session) run(cl *clause) Result {
	began := time.Now()
	r := Result{ID: cl.id, Document: cl.document, Section: cl.section, Level: cl.level, Text: cl.text, Result: Passed}
	finish := func() Result {
		r.Millis = float64(time.Since(began).Microseconds()) / 1000
		if reason, ok := s.target.Accept[cl.id]; ok && r.Result == Failed {
			r.Result, r.Reason = Accepted, reason
		}
		return r
	}
	if cl.needs != "" && !s.claims(cl.needs) {
		r.Result, r.Reason = NotClaimed, "ServiceProviderConfig doesn't claim "+cl.needs
		return finish()
	}
	var on []string
	var reasons []string
	each := func(k *kind, name string, do func(*check)) {
		c := &check{session: s, clause: cl, kind: k}
		c.do(do)
		r.Failures = append(r.Failures, c.failures...)
		if c.skipped == "" || len(c.failures) > 0 {
			on = append(on, name)
		} else if !slices.Contains(reasons, c.skipped) {
			reasons = append(reasons, c.skipped)
		}
		s.cleanNew()
	}
	if cl.once != nil {
		each(nil, "service", cl.once)
	} else {
		for _, k := range s.kinds {
			each(k, k.name, func(c *check) { cl.each(c, k) })
		}
	}
	r.Case = strings.Join(on, ", ")
	switch {
	case len(r.Failures) > 0:
		r.Result = Failed
	case len(on) == 0:
		r.Result, r.Reason = NotClaimed, strings.Join(reasons, "; ")
	}
	return finish()
}

func (c *check) do(f func(*check)) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(stop); !ok {
				panic(p)
			}
		}
	}()
	f(c)
}

// fail notes that the last answer breaks the clause.
func (c *check) fail(attribute, format string, args ...any) {
	f := Failure{Attribute: attribute, Text: fmt.Sprintf(format, args...)}
	if c.kind != nil {
		f.Type = c.kind.name
	}
	if c.last != nil {
		f.Request, f.Status = c.last.request(), c.last.status
	}
	c.failures = append(c.failures, f)
}

// fatal does what fail does, and ends the case.
func (c *check) fatal(attribute, format string, args ...any) {
	c.fail(attribute, format, args...)
	panic(stop{})
}

// skip ends the case because the service doesn't claim what it is about.
func (c *check) skip(reason string) {
	c.skipped = reason
	panic(stop{})
}

// unique returns a text of letters and digits that was not used before.
func (s *session) unique() string {
	s.counter++
	return fmt.Sprintf("kit%s%04d", s.mark, s.counter)
}

// cleanNew deletes what the last case has made, the newest first. The resources of the tour stay until the end of the run.
func (s *session) cleanNew() {
	var kept []string
	for _, path := range slices.Backward(s.made) {
		if !s.remove(path) {
			kept = append(kept, path)
		}
	}
	slices.Reverse(kept)
	s.made = kept
}

// clean deletes all that is left.
func (s *session) clean() {
	s.cleanNew()
	s.left = s.made
}

func (s *session) remove(path string) bool {
	a := s.send(http.MethodDelete, path, nil, nil)
	return a.err == nil && (a.status == http.StatusNoContent || a.status == http.StatusNotFound)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
