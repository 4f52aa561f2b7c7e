package scim

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/internal/patch"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// caller says for whom an operation is done, and how its input is read. Its methods are the operations: they take a parsed body, have
// it decided, and return what the answer shows. The HTTP handlers and the implementation of elimity's interface both use them.
type caller struct {
	h       *Handler
	ctx     context.Context
	who     Principal
	mode    schema.Mode
	request lifecycle.Request

	comparisons int               // how many a PATCH may need; 0: Limits.Comparisons
	preset      *Principal        // of a dry run: nobody authenticates
	outcome     lifecycle.Outcome // of the last decision
	explained   string            // what the journal says of a refusal beside what the client is told
}

// authenticate finds out who is calling.
func (c *caller) authenticate(r *http.Request) error {
	who, err := c.h.opts.Auth.Authenticate(r)
	if err == nil && who.Tenant == "" {
		err = errors.New("the authenticator returned a principal without a tenant")
	}
	c.become(r, who)
	return err
}

// become makes the principal the one on whose behalf everything is done.
func (c *caller) become(r *http.Request, who Principal) {
	c.who, c.mode.Refused, c.mode.Interop = who, who.Dialect.refused, who.Dialect.interop
	c.ctx = context.WithValue(r.Context(), principalKey{}, &who)
	c.request = lifecycle.Request{ID: c.request.ID, Tenant: who.Tenant, By: lifecycle.SourceSCIM, Who: who.Credential, Status: statusOf,
		Connection: lifecycle.Connection{ID: who.Connection, State: who.State, TakesOver: who.TakesOver}}
}

// identify gives the request an id, if it has none. Its beginning is the time, so that a store's index of them grows at its end.
func (c *caller) identify() string {
	if c.request.ID == "" {
		c.request.ID = uuid.Must(uuid.NewV7()).String()
	}
	return c.request.ID
}

// requestID is the id that the client or a proxy gave the request, if it is one that can stand in logs and headers: up to 128
// letters, digits and marks. "" if there is none.
func requestID(h http.Header) string {
	values := h["X-Request-Id"]
	if len(values) != 1 || len(values[0]) > 128 {
		return ""
	}
	for i := range len(values[0]) {
		switch c := values[0][i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-._~:+/=@", c) >= 0:
		default:
			return ""
		}
	}
	return values[0]
}

// permit says whether the credential may do it. Whether the tenant's settings let its identity provider in is asked here only for
// reads: what writes is admitted, and its refusal journalled, by lifecycle.Service.Do.
func (c *caller) permit(scope string) error {
	if !c.who.may(scope) {
		return &Error{Status: http.StatusForbidden, Detail: "this credential has no permission to " + scope}
	}
	if scope == ScopeWrite {
		return nil
	}
	return c.h.lifecycle.Admit(c.ctx, &c.request)
}

// store is what the caller sees: for a connection in the state shadow what would be.
func (c *caller) store() store.Store { return c.h.lifecycle.View(&c.request) }

// saw notes whom the identity provider of a connection in the state shadow has looked up. Nothing is refused because it can't be noted.
func (c *caller) saw(found ...*store.Resource) {
	if c.who.State != lifecycle.ConnectionShadow {
		return
	}
	if err := c.h.lifecycle.Saw(c.ctx, &c.request, found...); err != nil {
		c.h.opts.Logger.WarnContext(c.ctx, "whom a connection in the state shadow has looked up could not be noted", slog.String("tenant", c.who.Tenant), slog.String("error", err.Error()))
	}
}

func (c *caller) key(ep *endpoint, id string) store.Key {
	return store.Key{Tenant: c.who.Tenant, Type: ep.Name, ID: id}
}

// do has a draft decided and committed. An error in the request itself is made a refusal, so that the journal has an entry of it.
func (c *caller) do(action string, ep *endpoint, on conditions, draft func() (lifecycle.Draft, error)) (*lifecycle.Decision, error) {
	if ep.grants != nil {
		return nil, errGrant
	}
	if !c.who.reaches(ep.Name) {
		return nil, outOfScope(ep)
	}
	c.identify()
	c.request.Action = ep.actions[action]
	c.request.Once = on.match.given // a client that named a version wants to be told of a lost race
	d, err := c.h.lifecycle.Do(c.ctx, &c.request, func(context.Context) (lifecycle.Draft, error) {
		d, err := draft()
		c.noteQuirks()
		return d, refusal(err)
	})
	c.noteDecision(d, err)
	return d, err
}

// outOfScope refuses a request about a type that the credential is not for.
func outOfScope(ep *endpoint) error {
	return &Error{Status: http.StatusForbidden, Detail: "this credential is not for resources of the type " + ep.Name}
}

// noteQuirks notes the tolerated deviations that the request used.
func (c *caller) noteQuirks() {
	c.request.Quirks = c.request.Quirks[:0]
	for q := range c.mode.Quirks.All() {
		c.request.Quirks = append(c.request.Quirks, q.String())
	}
}

// refusal makes what is wrong with a request a refusal. The answer still comes from the error itself; see describe.
func refusal(err error) error {
	if err == nil || errors.As(err, new(*lifecycle.Refusal)) {
		return err
	}
	if e := describe(err); e != nil && e.Status < http.StatusInternalServerError {
		return &lifecycle.Refusal{Detail: e.Detail, Err: err}
	}
	return err
}

// found is the resource that an operation has read or made, for the answer.
type found struct {
	resource *store.Resource // nil where only members of a group were changed, which has not been read
	version  string
	outcome  lifecycle.Outcome // of a creation
	related
}

// related are membership rows that were read together with resources: those of the first resources of an answer.
type related struct {
	rows     []store.Member
	complete int                            // of how many resources the rows are
	rest     iter.Seq2[store.Member, error] // the rows of the others, where somebody has begun to read them
	indirect bool                           // the rows have the groups that they are in indirectly, if those are shown
}

// read reads a resource, with its groups if the answer is to show them, or says in the client's words that there is none.
func (c *caller) read(ep *endpoint, id string, shows filter.Relation) (f found, err error) {
	if ep.grants != nil {
		f.resource, err = ep.grants.find(id)
	} else if s, ok := c.store().(store.RelatedReader); ok && shows == filter.Groups {
		if f.resource, f.rows, err = s.GetRelated(c.ctx, c.key(ep, id)); err == nil {
			f.complete = 1
		}
	} else {
		f.resource, err = c.store().Get(c.ctx, c.key(ep, id))
	}
	if errors.Is(err, store.ErrNotFound) {
		err = notFound(ep, id)
	}
	if err == nil {
		f.version = f.resource.Version
	}
	return f, err
}

// withMembers begins to read the members of a group, and makes sure that the group and its members are of the same moment: a store
// reads all rows of a group when it is asked for the first one, so the group is read once more after that. The caller must call
// stop in the end.
func (c *caller) withMembers(ep *endpoint, f *found) (stop func(), err error) {
	const tries = 5 // a group that changes all the time is answered all the same
	for try := 1; ; try++ {
		next, stop := iter.Pull2(c.store().Members(c.ctx, store.MemberQuery{Tenant: c.who.Tenant, Groups: []string{f.resource.ID}}))
		first, failed, any := next()
		again, err := c.read(ep, f.resource.ID, filter.Members)
		if err != nil {
			stop()
			return nil, err
		}
		if again.version != f.version && try < tries {
			stop()
			*f = again
			continue
		}
		f.rest = func(yield func(store.Member, error) bool) {
			for row, err, ok := first, failed, any; ok; row, err, ok = next() {
				if !yield(row, err) {
					return
				}
			}
		}
		return stop, nil
	}
}

func notFound(ep *endpoint, id string) error {
	return &Error{Status: http.StatusNotFound, Detail: fmt.Sprintf("there is no %s with the id %s", ep.Name, quoted(id))}
}

// create makes a resource of a POST's body (RFC 7644 section 3.3).
func (c *caller) create(ep *endpoint, body document.Value) (f found, err error) {
	v, members, wrong := c.decode(ep, body)
	if wrong == nil {
		v, wrong = ep.withActive(v, document.Bool(true))
	}
	password := c.password(ep, http.MethodPost, body)
	d, err := c.do(http.MethodPost, ep, conditions{}, func() (lifecycle.Draft, error) {
		d := lifecycle.Draft{Key: c.key(ep, ""), After: v, Members: members}
		if wrong != nil {
			return d, wrong
		}
		return d, c.checkPassword("", password)
	})
	if err == nil {
		err = c.setPassword(d.Resource.ID, password)
	}
	if err != nil {
		return f, err
	}
	f.resource, f.version, f.outcome = d.Resource, d.Version, d.Outcome
	if d.Outcome == lifecycle.Created && members == nil {
		f.complete = 1 // who is new has no groups, and no members but those that were sent; who is linked may have
	}
	return f, nil
}

// decode makes a body attributes and the members that it lists, nil if it lists none.
func (c *caller) decode(ep *endpoint, body document.Value) (document.Value, *lifecycle.Members, error) {
	v, err := ep.Decode(body, &c.mode)
	if err != nil {
		return v, nil, err
	}
	refs, _, err := ep.TakeMembers(&v)
	if err != nil || len(refs) == 0 {
		return v, nil, err
	}
	members := &lifecycle.Members{Add: refs}
	return v, members, c.h.checkMembers(members)
}

func (h *Handler) checkMembers(m *lifecycle.Members) error {
	if m == nil {
		return nil
	}
	n, limit := len(m.Add)+len(m.Remove), h.opts.Limits.Members
	if n > limit {
		return &Error{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("members: %d in one request; the limit is %d", n, limit)}
	}
	return nil
}

// replace replaces a resource by a PUT's body (RFC 7644 section 3.5.1). Members that the body doesn't list are removed: a PUT is
// the whole resource, and a client that leaves the list out means an empty one.
func (c *caller) replace(ep *endpoint, id string, on conditions, body document.Value, shows filter.Relation) (found, error) {
	decoded, members, wrong := c.decode(ep, body)
	if ep.HasMembers() {
		if members == nil {
			members = &lifecycle.Members{}
		}
		members.Replace = true
		if wrong == nil && isNull(body, "members") { // as in a PATCH: a client writes null for a list that it hasn't loaded (I11)
			wrong = badRequest("invalidValue", "members: null doesn't say whether all members are to be removed; for that send []")
		}
	}
	password := c.password(ep, http.MethodPut, body)
	f, err := c.update(ep, http.MethodPut, id, on, shows, func(old document.Value) (document.Value, *lifecycle.Members, error) {
		if wrong != nil { // PUT never creates: if the resource isn't there either, that is what the client must hear
			return decoded, nil, wrong
		}
		v, err := ep.Replaces(old, decoded)
		if err == nil {
			v, err = ep.withActive(v, old.Get("active"))
		}
		if err == nil {
			err = c.checkPassword(id, password)
		}
		return v, members, err
	})
	if err == nil {
		err = c.setPassword(id, password)
	}
	return f, err
}

// isNull says whether an object has a member of that name, and null in it.
func isNull(body document.Value, name string) bool {
	return slices.ContainsFunc(body.Items(), func(m document.Field) bool {
		return m.Value.IsNull() && document.FoldName(m.Name) == name
	})
}

// patch applies a PATCH's operations (RFC 7644 section 3.5.2). If only members are touched the group is not read.
func (c *caller) patch(ep *endpoint, id string, on conditions, body document.Value, shows filter.Relation) (found, error) {
	limits := patch.Limits{Operations: c.h.opts.Limits.Operations, Comparisons: c.h.opts.Limits.Comparisons}
	if c.comparisons > 0 {
		limits.Comparisons = c.comparisons
	}
	ops, wrong := patch.Parse(ep.Type, body, &c.mode, limits)
	if version, plain := on.onlyVersion(); plain && wrong == nil && ep.HasMembers() && !patch.TouchesAttributes(ep.Type, ops) {
		d, err := c.do(http.MethodPatch, ep, on, func() (lifecycle.Draft, error) {
			d := lifecycle.Draft{Key: c.key(ep, id), IfVersion: version}
			_, members, err := patch.Apply(ep.Type, document.Object(), ops, &c.mode)
			if d.Members = members; members == nil {
				d.Members = &lifecycle.Members{} // nothing is asked, but that the group is there
			}
			if err == nil {
				err = c.h.checkMembers(d.Members)
			}
			return d, err
		})
		if err != nil {
			return found{}, err
		}
		return found{resource: d.Resource, version: d.Version}, nil
	}
	password := c.password(ep, http.MethodPatch, body)
	f, err := c.update(ep, http.MethodPatch, id, on, shows, func(old document.Value) (document.Value, *lifecycle.Members, error) {
		if wrong != nil {
			return old, nil, wrong
		}
		v, members, err := patch.Apply(ep.Type, old, ops, &c.mode)
		if err == nil {
			v, err = ep.withActive(v, old.Get("active"))
		}
		if err == nil {
			err = c.h.checkMembers(members)
		}
		if err == nil {
			err = c.checkPassword(id, password)
		}
		return v, members, err
	})
	if err == nil {
		err = c.setPassword(id, password)
	}
	return f, err
}

// update reads a resource and lets next say what shall become of it.
func (c *caller) update(ep *endpoint, action, id string, on conditions, shows filter.Relation,
	next func(old document.Value) (document.Value, *lifecycle.Members, error)) (f found, err error) {
	d, err := c.do(action, ep, on, func() (d lifecycle.Draft, err error) {
		if d, f, err = c.existing(ep, id, on, shows); err != nil {
			return d, err
		}
		if d.Was, err = d.Before.Attributes.Tree(); err != nil {
			return d, fmt.Errorf("%w: attributes of %s %s", store.ErrCorrupt, ep.Name, id)
		}
		d.After, d.Members, err = next(d.Was)
		return d, err
	})
	if err != nil {
		return f, err
	}
	f.resource, f.version = d.Resource, d.Resource.Version // of somebody who is removed by active=false, too
	return f, nil
}

// existing drafts something about a resource that is there, and in a version that the client wants to change.
func (c *caller) existing(ep *endpoint, id string, on conditions, shows filter.Relation) (lifecycle.Draft, found, error) {
	d := lifecycle.Draft{Key: c.key(ep, id)}
	f, err := c.read(ep, id, shows)
	if err != nil {
		return d, f, err
	}
	d.Before = f.resource
	d.Groups, d.HasGroups = f.rows, f.complete > 0
	return d, f, on.allow(f.version)
}

// remove deletes a resource (RFC 7644 section 3.6).
func (c *caller) remove(ep *endpoint, id string, on conditions) error {
	_, err := c.do(http.MethodDelete, ep, on, func() (lifecycle.Draft, error) {
		d, _, err := c.existing(ep, id, on, 0)
		return d, err
	})
	return err
}
