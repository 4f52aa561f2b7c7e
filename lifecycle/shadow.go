package lifecycle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/rollcall-dev/rollcall/lifecycle/internal/overlay"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// This file has what a connection in the state shadow writes: an overlay of the tenant (package overlay), on which everything is
// decided as if it were true. Nobody is told, no seat is taken, and no account outside the organization is claimed.

const (
	shadowType  = "rollcall.Shadow"        // that a connection has written something; its id is the connection's
	closedType  = "rollcall.ShadowClosed"  // that nothing more is written, because the last of it is being made true; likewise
	refusedType = "rollcall.ShadowRefused" // in the overlay: what was refused last, under the id or the name of whom it was about
	seenType    = "rollcall.ShadowSeen"    // in the overlay: a user whom the identity provider has looked up
)

// inShadow says whether what is asked for is only to be as if.
func (r *Request) inShadow() bool {
	return r.By == SourceSCIM && r.Connection.State == ConnectionShadow
}

// shadow is the overlay of a connection.
func (s *Service) shadow(connection string) *overlay.Store {
	return overlay.New(s.base, overlay.Options{Name: shadowName(connection), Types: s.types(), Most: s.opts.ShadowSize,
		Closed: store.Absent{Type: closedType, ID: connection}})
}

// shadowName is the name of a connection's overlay. It is a part of the names of types.
func shadowName(connection string) string { return tombstoneID("connection", connection) }

// types are the resource types, users first and groups last: so everybody is there before they become members.
func (s *Service) types() []string {
	types := []string{userType}
	for _, t := range s.opts.Types {
		if t != userType && t != groupType {
			types = append(types, t)
		}
	}
	return append(types, groupType)
}

// shadowTypes are all types that an overlay may have.
func (s *Service) shadowTypes() []string {
	return append(s.types(), tombstoneType, retainedType, outsideType, refusedType, seenType)
}

// View returns the store as whoever makes the request sees it. A connection in the state shadow sees what would be true, with all that it
// has written. Callers must only read from it.
func (s *Service) View(r *Request) store.Store {
	if !r.inShadow() {
		return s.base
	}
	return s.shadow(r.Connection.ID)
}

// as returns the service on the store that whoever makes the request sees. A shadow that is closed has come to its end: then as makes
// true what is left of it, and the request goes on as that of a live connection.
func (s *Service) as(ctx context.Context, r *Request) (*Service, error) {
	if !r.inShadow() {
		return s, nil
	}
	if r.lost {
		closed, err := s.isClosed(ctx, r.Tenant, r.Connection.ID)
		if err != nil {
			return nil, err
		}
		if closed {
			r.Connection.State = ConnectionLive
			return s, s.drain(ctx, r.Tenant, r.Connection.ID)
		}
	}
	return &Service{s.engine, s.shadow(r.Connection.ID)}, nil
}

func (s *Service) isClosed(ctx context.Context, tenant, connection string) (bool, error) {
	_, err := s.base.Get(ctx, store.Key{Tenant: tenant, Type: closedType, ID: connection})
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// commitShadow writes a decision to the overlay. The service is on it.
func (s *Service) commitShadow(ctx context.Context, r *Request, d *Decision) (again bool, err error) {
	if d.empty() {
		return false, nil
	}
	c := d.Change
	c.Events = nil
	c.Claims = slices.DeleteFunc(slices.Clone(c.Claims), func(c store.Claim) bool { return c.Counter != seatCounter })
	err = s.beginShadow(ctx, r)
	if err == nil {
		if err := s.unnote(ctx, r, d, &c); err != nil {
			return false, err
		}
		err = s.store.Commit(ctx, &c)
	}
	if err == nil {
		r.journalled = true
		return false, nil
	}
	if errors.Is(err, store.ErrVersionMismatch) && r.Once { // the client's version may be right, and the shadow closed
		closed, err := s.isClosed(ctx, r.Tenant, r.Connection.ID)
		if closed || err != nil {
			r.lost = true
			return closed, err
		}
	}
	return tryAgain(r, err)
}

// beginShadow notes that a connection has an overlay, so that it is found by who must know all of them.
func (s *Service) beginShadow(ctx context.Context, r *Request) error {
	k := r.key(shadowType, r.Connection.ID)
	_, err := s.base.Get(ctx, k)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	mark := &store.Resource{Key: k, Version: newID(), Created: now(), LastModified: now(), Attributes: object("connection", r.Connection.ID)}
	err = s.base.Commit(ctx, &store.Change{Tenant: r.Tenant, Absent: []store.Absent{{Type: closedType, ID: r.Connection.ID}}, Put: []store.Put{{Resource: mark}}})
	if errors.As(err, new(*store.ConflictError)) {
		return nil
	}
	return err
}

// fullShadow refuses what is beyond the size of an overlay.
func (s *Service) fullShadow() error {
	return &Refusal{Reason: TooLarge, Detail: fmt.Sprintf(
		"this connection is in the state shadow, and has written as much as is kept of one, which is %d bytes; an administrator of the product can let it go live, or end the shadow", s.opts.ShadowSize)}
}

// noteKeys are the ids under which a refusal is noted, and looked for when the same succeeds.
func noteKeys(typ, id, name string) (keys []string) {
	if id != "" {
		keys = append(keys, tombstoneID("refused "+typ, id))
	}
	if name != "" {
		keys = append(keys, tombstoneID("refused name of "+typ, document.Fold(name)))
	}
	return keys
}

// noteRefusal keeps for the preview that something was refused. If it can't be kept, the refusal holds all the same.
func (s *Service) noteRefusal(ctx context.Context, r *Request, d *Decision) {
	refusal := (*Refusal)(nil)
	k := d.Entry.Subject
	if !errors.As(d.Err, &refusal) || refusal.Reason == NotFound || !slices.Contains(s.types(), k.Type) {
		return
	}
	name := d.named
	if d.before != nil {
		name = knownAs(d.before)
	}
	keys := noteKeys(k.Type, k.ID, name)
	if len(keys) == 0 {
		return
	}
	text := func(name, value string) document.Field {
		return document.Field{Name: name, Value: document.String(value)}
	}
	v := document.Object(text("type", k.Type), text("id", k.ID), text("name", name), text("detail", refusal.Detail), text("explanation", refusal.Explanation))
	err := s.beginShadow(ctx, r)
	if err == nil {
		err = s.replaceNote(ctx, &store.Resource{Key: r.key(refusedType, keys[0]), Version: newID(), Created: now(), LastModified: now(), Attributes: v.Document()})
	}
	if err != nil {
		s.opts.Logger.WarnContext(ctx, "what was refused in the state shadow could not be kept for the preview", slog.String("tenant", r.Tenant), slog.String("error", err.Error()))
	}
}

func (s *Service) replaceNote(ctx context.Context, note *store.Resource) error {
	put := store.Put{Resource: note}
	old, err := s.store.Get(ctx, note.Key)
	switch {
	case err == nil:
		put.IfVersion = old.Version
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	return s.store.Commit(ctx, &store.Change{Tenant: note.Tenant, Put: []store.Put{put}})
}

// unnote plans that what was refused is forgotten, because it has succeeded now.
func (s *Service) unnote(ctx context.Context, r *Request, d *Decision, c *store.Change) error {
	k, name := d.Entry.Subject, ""
	if d.Resource != nil {
		k, name = d.Resource.Key, knownAs(d.Resource)
	}
	for _, key := range noteKeys(k.Type, k.ID, name) {
		note, err := s.store.Get(ctx, r.key(refusedType, key))
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		c.Delete = append(slices.Clone(c.Delete), store.Delete{Type: refusedType, ID: key, IfVersion: note.Version})
	}
	return nil
}

// Saw notes that the identity provider of a connection in the state shadow has looked up users, so that it knows them, whether it changes them or
// not. Of other connections it notes nothing.
func (s *Service) Saw(ctx context.Context, r *Request, users ...*store.Resource) error {
	if !r.inShadow() {
		return nil
	}
	view := s.shadow(r.Connection.ID)
	for _, u := range users {
		if u.Type != userType || u.Internal.Get("manager").Text() == r.Connection.ID {
			continue
		}
		k := r.key(seenType, u.ID)
		_, err := view.Get(ctx, k)
		if err == nil {
			continue
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := s.beginShadow(ctx, r); errors.Is(err, store.ErrVersionMismatch) {
			return nil // it is closed: who is looked up needs no note any more
		} else if err != nil {
			return err
		}
		err = view.Commit(ctx, &store.Change{Tenant: r.Tenant, Put: []store.Put{{Resource: &store.Resource{Key: k, Version: newID(), Created: now(), LastModified: now()}}}})
		if err != nil && !errors.As(err, new(*store.ConflictError)) && !errors.Is(err, store.ErrVersionMismatch) && !errors.Is(err, overlay.ErrFull) {
			return err
		}
	}
	return nil
}

// EndShadow forgets all that a connection has written in the state shadow. The connection must not be in that state any more. It may be called
// again if it was interrupted.
func (s *Service) EndShadow(ctx context.Context, tenant, connection string) error {
	return s.forgetShadow(ctx, tenant, connection, shadowType, closedType)
}

// FinishShadow is EndShadow for a connection that has gone live. The shadow stays closed: a request that began in it, and is still under way,
// is made true when it comes to its end, instead of being written to what nobody looks at any more. EndShadow opens it for another shadow.
func (s *Service) FinishShadow(ctx context.Context, tenant, connection string) error {
	return s.forgetShadow(ctx, tenant, connection, shadowType)
}

func (s *Service) forgetShadow(ctx context.Context, tenant, connection string, marks ...string) error {
	if err := s.shadow(connection).Clear(ctx, tenant, s.shadowTypes()); err != nil {
		return err
	}
	for _, typ := range marks {
		err := s.base.Commit(ctx, &store.Change{Tenant: tenant, Delete: []store.Delete{{Type: typ, ID: connection}}})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}

// HasShadow says whether a connection has written anything in the state shadow that was neither made true nor forgotten.
func (s *Service) HasShadow(ctx context.Context, tenant, connection string) (bool, error) {
	_, err := s.base.Get(ctx, store.Key{Tenant: tenant, Type: shadowType, ID: connection})
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// shadows are the connections of a tenant that have written something.
func (s *Service) shadows(ctx context.Context, tenant string) (connections []string, err error) {
	q := store.Query{Tenant: tenant, Types: []string{shadowType}, Count: 100, NoTotal: true}
	for {
		page, err := s.base.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Resources {
			connections = append(connections, r.ID)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return connections, nil
		}
	}
}

// learnShadow learns what somebody is called in a shadow, and says whether it has anything of such a user.
func (s *Service) learnShadow(ctx context.Context, r *Request, connection, id string, who *personal) (known bool, err error) {
	for _, typ := range [...]string{userType, retainedType} {
		t, err := s.shadow(connection).One(ctx, r.key(typ, id))
		if err != nil {
			return known, err
		}
		if t == nil {
			continue
		}
		known = true
		for _, u := range [...]*store.Resource{t.Is, t.Was} {
			if u != nil {
				who.learn(u.Attributes)
			}
		}
	}
	return known, nil
}

// exportShadows are the attributes that a user would have, by the connections in the state shadow.
func (s *Service) exportShadows(ctx context.Context, k store.Key) (map[string]json.RawMessage, error) {
	connections, err := s.shadows(ctx, k.Tenant)
	if err != nil {
		return nil, err
	}
	found := map[string]json.RawMessage{}
	for _, connection := range connections {
		t, err := s.shadow(connection).One(ctx, k)
		if err != nil {
			return nil, err
		}
		if t != nil && t.Is != nil {
			found[connection] = json.RawMessage(t.Is.Attributes)
		}
	}
	return found, nil
}

// eraseShadow takes somebody out of a shadow.
func (s *Service) eraseShadow(ctx context.Context, r *Request, connection, id string, who *personal) error {
	keys := []store.Key{r.key(userType, id), r.key(retainedType, id), r.key(seenType, id)}
	for external := range who.people {
		keys = append(keys, r.key(tombstoneType, tombstoneID("externalId", external)))
	}
	for word := range who.words {
		keys = append(keys, r.key(tombstoneType, nameKey(word)))
		for _, note := range noteKeys(userType, "", word) {
			keys = append(keys, r.key(refusedType, note))
		}
	}
	for _, note := range noteKeys(userType, id, "") {
		keys = append(keys, r.key(refusedType, note))
	}
	for _, k := range keys {
		if err := s.shadow(connection).Forget(ctx, k); err != nil {
			return err
		}
	}
	return nil
}
