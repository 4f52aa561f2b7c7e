package scim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/patch"
	"github.com/rollcall-dev/rollcall/scim/schema"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// caller is on whose behalf an operation is done, and how its input is to be read. The operations on it are the
// middle of the flow: a parsed body in, a committed resource out; HTTP and elimity's interface are two ways to them.
type caller struct {
	h    *Handler
	ctx  context.Context
	who  Principal
	mode schema.Mode

	shows filter.Relation // whose rows the answer will have
	known bool            // rows are those of the resource, so that the answer needn't read them
	rows  []store.Member
}

// authenticate finds out who is calling.
func (c *caller) authenticate(r *http.Request) error {
	who, err := c.h.opts.Auth.Authenticate(r)
	if err != nil {
		return err
	}
	if who.Tenant == "" {
		return errors.New("the authenticator returned a principal without a tenant")
	}
	c.who, c.mode.Strict = who, who.Strict
	c.ctx = context.WithValue(r.Context(), principalKey{}, &who)
	return nil
}

// permit says whether the credential may do it, and the tenant's settings let its identity provider in at all.
func (c *caller) permit(scope string) error {
	if !c.who.may(scope) {
		return &Error{Status: http.StatusForbidden, Detail: "this credential has no permission to " + scope}
	}
	return c.h.lifecycle.AllowSCIM(c.ctx, c.who.Tenant)
}

func (c *caller) key(ep *endpoint, id string) store.Key {
	return store.Key{Tenant: c.who.Tenant, Type: ep.Name, ID: id}
}

func (c *caller) actor(action string, ep *endpoint) lifecycle.Actor {
	a := lifecycle.Actor{Tenant: c.who.Tenant, By: lifecycle.SourceSCIM, Connection: c.who.Connection, Action: action + " " + ep.Endpoint}
	for q := range c.mode.Quirks.All() {
		a.Quirks = append(a.Quirks, q.String())
	}
	return a
}

// read returns a resource, or says in the client's words that there's none.
func (c *caller) read(ep *endpoint, id string) (*store.Resource, error) {
	r, err := c.get(ep, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, notFound(ep, id)
	}
	return r, err
}

func (c *caller) get(ep *endpoint, id string) (r *store.Resource, err error) {
	if s, ok := c.h.store.(store.RelatedReader); ok && c.shows == filter.Groups {
		r, c.rows, err = s.GetRelated(c.ctx, c.key(ep, id))
		c.known = err == nil
		return r, err
	}
	return c.h.store.Get(c.ctx, c.key(ep, id))
}

func notFound(ep *endpoint, id string) error {
	return &Error{Status: http.StatusNotFound, Detail: fmt.Sprintf("there is no %s with the id %s", ep.Name, quoted(id))}
}

// create makes a resource of a POST's body (RFC 7644 section 3.3).
func (c *caller) create(ep *endpoint, body document.Value) (*store.Resource, error) {
	v, members, err := c.decode(ep, body)
	if err != nil {
		return nil, err
	}
	if v, err = ep.withActive(v, document.Bool(true)); err != nil {
		return nil, err
	}
	r := &store.Resource{Key: c.key(ep, "")}
	ep.setAttributes(r, v)
	began := time.Now().Truncate(time.Microsecond)
	err = c.h.lifecycle.Create(c.ctx, c.actor(http.MethodPost, ep), r, members)
	// Who was there before and is linked may have groups and members; who is new has none but those that were sent.
	c.known = len(members) == 0 && !r.Created.Before(began)
	return r, err
}

// decode makes a body attributes and the members that it lists.
func (c *caller) decode(ep *endpoint, body document.Value) (document.Value, []store.MemberRef, error) {
	v, err := ep.Decode(body, &c.mode)
	if err != nil {
		return v, nil, err
	}
	members, _, err := ep.TakeMembers(&v)
	if err != nil {
		return v, nil, err
	}
	return v, members, c.h.checkMembers(len(members))
}

func (h *Handler) checkMembers(n int) error {
	if limit := h.opts.Limits.Members; n > limit {
		return &Error{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("members: %d in one request; the limit is %d", n, limit)}
	}
	return nil
}

// replace replaces a resource by a PUT's body (RFC 7644 section 3.5.1). Members that the body doesn't list are
// removed: a PUT is the whole resource, and clients that leave an empty list out mean just that.
func (c *caller) replace(ep *endpoint, id string, on conditions, body document.Value) (*store.Resource, error) {
	decoded, members, err := c.decode(ep, body)
	if err != nil {
		if _, missing := c.read(ep, id); missing != nil {
			err = missing // PUT never creates, so a resource that isn't there is the greater fault
		}
		return nil, err
	}
	var change *lifecycle.MemberChange
	if ep.HasMembers() {
		change = &lifecycle.MemberChange{Replace: true, Add: members}
	}
	return c.update(ep, http.MethodPut, id, on, func(cur *store.Resource) (document.Value, *lifecycle.MemberChange, error) {
		old := cur.Attributes.Value()
		v, err := ep.Replaces(old, decoded)
		if err == nil {
			v, err = ep.withActive(v, old.Get("active"))
		}
		return v, change, err
	})
}

// patch applies a PATCH's operations (RFC 7644 section 3.5.2). It returns nil if only members were touched: then the
// resource has not been read.
func (c *caller) patch(ep *endpoint, id string, on conditions, body document.Value) (*store.Resource, error) {
	ops, err := patch.Parse(ep.Type, body, &c.mode, patch.Limits{Operations: c.h.opts.Limits.Operations})
	if err != nil {
		return nil, err
	}
	if version, plain := on.onlyVersion(); plain && ep.HasMembers() && !patch.TouchesAttributes(ep.Type, ops) {
		return nil, c.patchMembers(ep, id, on, version, ops)
	}
	return c.update(ep, http.MethodPatch, id, on, func(cur *store.Resource) (document.Value, *lifecycle.MemberChange, error) {
		old := cur.Attributes.Value()
		v, members, err := patch.Apply(ep.Type, old, ops, &c.mode)
		if err == nil {
			v, err = ep.withActive(v, old.Get("active"))
		}
		if err != nil {
			return v, nil, err
		}
		change, err := c.memberChange(id, members)
		return v, change, err
	})
}

// patchMembers changes the members of a group, which must have the version unless that is "", without reading the group.
func (c *caller) patchMembers(ep *endpoint, id string, on conditions, version string, ops []patch.Operation) error {
	_, members, err := patch.Apply(ep.Type, document.Object(), ops, &c.mode)
	if err != nil {
		return err
	}
	change, err := c.memberChange(id, members)
	if err != nil {
		return err
	}
	if change == nil {
		change = &lifecycle.MemberChange{}
	}
	return c.race(on, func() error {
		_, err := c.h.lifecycle.ChangeMembers(c.ctx, c.actor(http.MethodPatch, ep), c.key(ep, id), version, *change)
		if errors.Is(err, store.ErrNotFound) {
			return notFound(ep, id)
		}
		return err
	})
}

// memberChange resolves what a PATCH says of members to ids; nil if it says nothing.
func (c *caller) memberChange(group string, m *patch.Members) (*lifecycle.MemberChange, error) {
	if m == nil || m.Empty() {
		return nil, nil
	}
	change := &lifecycle.MemberChange{Replace: m.Replace, Add: m.Add, Remove: m.Remove}
	if len(m.RemoveWhere) > 0 {
		q := store.MemberQuery{Tenant: c.who.Tenant, Groups: []string{group}}
		for row, err := range c.h.store.Members(c.ctx, q) {
			if err != nil {
				return nil, err
			}
			value := row.Row()
			for _, where := range m.RemoveWhere {
				if filter.MatchElement(where, value) {
					change.Remove = append(change.Remove, row.ID)
					break
				}
			}
		}
	}
	return change, c.h.checkMembers(len(change.Add) + len(change.Remove))
}

// update reads a resource, lets next say what shall become of it, and commits that; again if it loses a race.
func (c *caller) update(ep *endpoint, action, id string, on conditions,
	next func(cur *store.Resource) (document.Value, *lifecycle.MemberChange, error)) (updated *store.Resource, err error) {
	err = c.race(on, func() error {
		cur, err := c.read(ep, id)
		if err != nil {
			return err
		}
		if err := on.allow(cur.Version); err != nil {
			return err
		}
		v, members, err := next(cur)
		if err != nil {
			return err
		}
		r := *cur
		ep.setAttributes(&r, v)
		updated = &r
		return c.h.lifecycle.Update(c.ctx, c.actor(action, ep), cur, updated, members)
	})
	return updated, err
}

// remove deletes a resource (RFC 7644 section 3.6).
func (c *caller) remove(ep *endpoint, id string, on conditions) error {
	return c.race(on, func() error {
		cur, err := c.read(ep, id)
		if err != nil {
			return err
		}
		if err := on.allow(cur.Version); err != nil {
			return err
		}
		err = c.h.lifecycle.Delete(c.ctx, c.actor(http.MethodDelete, ep), cur)
		if errors.Is(err, store.ErrNotFound) {
			return notFound(ep, id)
		}
		return err
	})
}

// race does try until it doesn't lose against another writer. A client that named a version has asked to be told.
func (c *caller) race(on conditions, try func() error) error {
	const attempts, patient = 300, 4
	for attempt := 1; ; attempt++ {
		err := try()
		if on.match.given || !errors.Is(err, store.ErrVersionMismatch) {
			return err
		}
		if attempt == attempts {
			return &Error{Status: http.StatusServiceUnavailable, RetryAfter: 1, Detail: "too many writers at once on this resource; try again"}
		}
		if attempt > patient {
			select {
			case <-c.ctx.Done():
				return c.ctx.Err()
			case <-time.After(rand.N(time.Duration(min(attempt, 20)) * time.Millisecond)):
			}
		}
	}
}
