// Package lifecycle decides what a change means for the product: who gets in, who is billed, who is told, what
// happens on the way out. It plans each [store.Change] with its events, commits it, and delivers the events to hooks.
// It knows nothing of HTTP and is usable without it.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Options configure a Service. The zero Options provision everybody and tell nobody.
type Options struct {
	// Hooks are told what has happened, after the commit.
	Hooks Hooks
	// Index computes the index keys and the label of a resource that the lifecycle makes itself.
	Index func(typ string, attributes document.Value) ([]store.IndexKey, string)
	// Logger gets the failures of hooks. The default discards them.
	Logger *slog.Logger
}

// Service is the lifecycle of all tenants' people. It is safe for concurrent use.
type Service struct {
	store store.Store
	opts  Options
}

// New makes a service on a store.
func New(s store.Store, o *Options) (*Service, error) {
	if s == nil {
		return nil, errors.New("lifecycle: New needs a store")
	}
	l := &Service{store: s}
	if o != nil {
		l.opts = *o
	}
	if l.opts.Logger == nil {
		l.opts.Logger = slog.New(slog.DiscardHandler)
	}
	return l, nil
}

// Actor is who asks for a change, and through what; it goes into the journal.
type Actor struct {
	Tenant     string
	Connection string
	Action     string   // e.g. "PATCH /Users"
	Quirks     []string // names of the tolerated deviations that the request used
}

// MemberChange is what is to happen to a group's members.
type MemberChange struct {
	Replace bool // Add is the whole membership
	Add     []store.MemberRef
	Remove  []string
}

// Create commits a new resource. It sets the ID, Version, Created, LastModified and Internal of r.
func (s *Service) Create(ctx context.Context, a Actor, r *store.Resource, members []store.MemberRef) error {
	r.ID, r.Created = newID(), now()
	r.Version, r.LastModified = r.ID, r.Created // any fresh version will do, and this one is
	p := plan{hooks: &s.opts.Hooks, change: store.Change{Tenant: a.Tenant, Put: []store.Put{{Resource: r}}}}
	if len(members) > 0 {
		p.change.Members = []store.MemberDelta{{Group: r.ID, Version: r.Version, LastModified: r.LastModified, Add: members}}
	}
	p.create(r)
	return s.commit(ctx, a, r.Key, &p)
}

// Update commits next in the place of cur (the same key), with a change of members if m is not nil. If nothing differs
// it writes nothing, tells nobody and leaves next in cur's version; otherwise it sets next's Version and LastModified.
// A lost race is store.ErrVersionMismatch: read again and try again.
func (s *Service) Update(ctx context.Context, a Actor, cur, next *store.Resource, m *MemberChange) error {
	p := plan{hooks: &s.opts.Hooks, change: store.Change{Tenant: a.Tenant}}
	if m != nil {
		delta, err := s.delta(ctx, cur.Key, *m)
		if err != nil {
			return err
		}
		if len(delta.Add)+len(delta.Remove) > 0 {
			p.change.Members = []store.MemberDelta{delta}
		}
	}
	if next.Attributes == cur.Attributes && p.change.Members == nil {
		return nil
	}
	next.Version, next.LastModified = newID(), now()
	p.change.Put = []store.Put{{Resource: next, IfVersion: cur.Version}}
	if next.Attributes != cur.Attributes {
		p.update(cur, next)
	}
	for i := range p.change.Members {
		d := &p.change.Members[i]
		d.Version, d.LastModified = next.Version, next.LastModified
		p.tellMembers(cur.Key, *d)
	}
	return s.commit(ctx, a, cur.Key, &p)
}

// ChangeMembers changes the members of a group without reading the group. ifVersion may be "". It returns the group's
// new version, "" if nothing changed.
func (s *Service) ChangeMembers(ctx context.Context, a Actor, group store.Key, ifVersion string, m MemberChange) (version string, err error) {
	d, err := s.delta(ctx, group, m)
	if err != nil {
		return "", err
	}
	if len(d.Add)+len(d.Remove) == 0 {
		cur, err := s.store.Get(ctx, group)
		if err == nil && ifVersion != "" && cur.Version != ifVersion {
			err = store.ErrVersionMismatch
		}
		return "", err
	}
	d.IfVersion, d.Version, d.LastModified = ifVersion, newID(), now()
	p := plan{hooks: &s.opts.Hooks, change: store.Change{Tenant: a.Tenant, Members: []store.MemberDelta{d}}}
	p.tellMembers(group, d)
	return d.Version, s.commit(ctx, a, group, &p)
}

// delta is what really differs: only the members that the change names are read, all only if it replaces all.
func (s *Service) delta(ctx context.Context, group store.Key, m MemberChange) (store.MemberDelta, error) {
	d := store.MemberDelta{Group: group.ID}
	q := store.MemberQuery{Tenant: group.Tenant, Groups: []string{group.ID}}
	wanted := make(map[string]bool, len(m.Add))
	for _, ref := range m.Add {
		wanted[ref.ID] = true
	}
	if !m.Replace {
		for _, ref := range m.Add {
			q.IDs = append(q.IDs, ref.ID)
		}
		q.IDs = append(q.IDs, m.Remove...)
		if len(q.IDs) == 0 {
			return d, nil
		}
	}
	removed := make(map[string]bool, len(m.Remove))
	for _, id := range m.Remove {
		removed[id] = true
	}
	is := make(map[string]bool)
	for row, err := range s.store.Members(ctx, q) {
		if err != nil {
			return d, err
		}
		is[row.ID] = true
		if !wanted[row.ID] && (m.Replace || removed[row.ID]) {
			d.Remove = append(d.Remove, row.ID)
		}
	}
	for _, ref := range m.Add {
		if !is[ref.ID] {
			d.Add = append(d.Add, ref)
			is[ref.ID] = true
		}
	}
	return d, nil
}

// Delete removes cur and its memberships.
func (s *Service) Delete(ctx context.Context, a Actor, cur *store.Resource, ifVersion string) error {
	p := plan{hooks: &s.opts.Hooks, change: store.Change{Tenant: a.Tenant, Delete: []store.Delete{{Type: cur.Type, ID: cur.ID, IfVersion: ifVersion}}}}
	p.delete(cur)
	return s.commit(ctx, a, cur.Key, &p)
}

// commit commits a plan and tells the hooks.
func (s *Service) commit(ctx context.Context, a Actor, subject store.Key, p *plan) error {
	p.entry(a, subject)
	if err := s.store.Commit(ctx, &p.change); err != nil {
		return err
	}
	for _, e := range p.events {
		s.deliver(ctx, e)
	}
	return nil
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// now is the time as stores keep it: UTC, whole microseconds.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Refusal is why a change may not be, in words for the administrator of the identity provider.
type Refusal struct {
	Reason    Reason
	Attribute string // with Invalid and Taken: which
	Detail    string // what to do about it
}

func (r *Refusal) Error() string { return r.Detail }

// Reason is the kind of a refusal.
type Reason uint8

// The reasons.
const (
	Forbidden Reason = iota + 1 // the tenant's policy, plan or seats don't allow it
	Invalid                     // the attribute's value can't be used
	Taken                       // the identity belongs to somebody already
)

// plan is a change in the making, with what is to be told of it.
type plan struct {
	hooks  *Hooks
	change store.Change
	events []*Event
}

// Kind is what an event tells.
type Kind string

// The kinds of events.
const (
	Provisioned    Kind = "provisioned"
	Activated      Kind = "activated" // signed in for the first time since access began
	Deactivated    Kind = "deactivated"
	Reactivated    Kind = "reactivated" // after a suspension or deactivation
	Suspended      Kind = "suspended"
	Approved       Kind = "approved"
	Billed         Kind = "billed" // from now on; alternates with unbilled
	Unbilled       Kind = "unbilled"
	Updated        Kind = "updated"
	Deleted        Kind = "deleted"
	GroupCreated   Kind = "group created"
	GroupUpdated   Kind = "group updated"
	GroupDeleted   Kind = "group deleted"
	MembersChanged Kind = "members changed"
	Created        Kind = "created" // of other types than users and groups
)

// Event is what a hook is told.
type Event struct {
	ID       string // unique: to deduplicate by
	Kind     Kind
	Tenant   string
	Subject  store.Key
	UserName string
	Time     time.Time
	Resource *store.Resource // as it is after the change, or was before a deletion; nil if only members changed
	Added    []string        // with MembersChanged
	Removed  []string        // with MembersChanged
}

// Hooks are functions that are told what has happened. Each may be nil.
type Hooks struct {
	Provisioned, Activated, Deactivated, Updated, Deleted    func(context.Context, *Event) error
	Reactivated, Suspended, Approved, Billed, Unbilled       func(context.Context, *Event) error
	GroupCreated, GroupUpdated, GroupDeleted, MembersChanged func(context.Context, *Event) error
	Other                                                    func(context.Context, *Event) error // of custom types
}

func (h *Hooks) of(e *Event) func(context.Context, *Event) error {
	if t := e.Subject.Type; t != "User" && t != "Group" {
		return h.Other
	}
	switch e.Kind {
	case Provisioned:
		return h.Provisioned
	case Activated:
		return h.Activated
	case Deactivated:
		return h.Deactivated
	case Reactivated:
		return h.Reactivated
	case Suspended:
		return h.Suspended
	case Approved:
		return h.Approved
	case Billed:
		return h.Billed
	case Unbilled:
		return h.Unbilled
	case Updated:
		return h.Updated
	case Deleted:
		return h.Deleted
	case GroupCreated:
		return h.GroupCreated
	case GroupUpdated:
		return h.GroupUpdated
	case GroupDeleted:
		return h.GroupDeleted
	}
	return h.MembersChanged
}

// deliver calls a hook. Its failure is not the request's.
func (s *Service) deliver(ctx context.Context, e *Event) {
	hook := s.opts.Hooks.of(e)
	if hook == nil {
		return
	}
	if err := call(context.WithoutCancel(ctx), hook, e); err != nil {
		s.opts.Logger.LogAttrs(ctx, slog.LevelError, "hook failed", slog.String("kind", string(e.Kind)), slog.String("event", e.ID), slog.String("error", err.Error()))
	}
}

// call calls a hook; a panic in it is a failure like any other, as what it was told of is committed already.
func call(ctx context.Context, hook func(context.Context, *Event) error, e *Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return hook(ctx, e)
}

func (p *plan) add(e *Event, data document.Value) {
	e.ID, e.Time, e.Tenant = newID(), now(), p.change.Tenant
	p.events = append(p.events, e)
	p.change.Events = append(p.change.Events, store.Event{ID: e.ID, Kind: string(e.Kind), Subject: e.Subject, Time: e.Time, Data: data.Document()})
}

// tell plans an event, if there's a hook that wants to hear of it: what nobody is told is not kept.
func (p *plan) tell(k Kind, r *store.Resource) {
	e := &Event{Kind: k, Subject: r.Key, Resource: r}
	if p.hooks.of(e) == nil {
		return
	}
	if r.Type == "User" {
		e.UserName = r.Attributes.Get("userName").Text()
	}
	p.add(e, document.Object(document.Member{Name: "userName", Value: document.String(e.UserName)}))
}

func (p *plan) tellMembers(group store.Key, d store.MemberDelta) {
	e := &Event{Kind: MembersChanged, Subject: group, Removed: d.Remove}
	if p.hooks.of(e) == nil {
		return
	}
	var added, removed []document.Value
	for _, ref := range d.Add {
		e.Added = append(e.Added, ref.ID)
		added = append(added, document.String(ref.ID))
	}
	for _, id := range d.Remove {
		removed = append(removed, document.String(id))
	}
	p.add(e, document.Object(document.Member{Name: "added", Value: document.Array(added...)}, document.Member{Name: "removed", Value: document.Array(removed...)}))
}

func (p *plan) entry(a Actor, subject store.Key) {
	p.change.Journal = &store.Entry{ID: newID(), Time: now(), Connection: a.Connection, Subject: subject, Action: a.Action, Outcome: "done"}
	if len(a.Quirks) > 0 {
		quirks := make([]document.Value, len(a.Quirks))
		for i, q := range a.Quirks {
			quirks[i] = document.String(q)
		}
		p.change.Journal.Data = document.Object(document.Member{Name: "quirks", Value: document.Array(quirks...)}).Document()
	}
}

// create plans what follows from a new resource: a user begins its account.
func (p *plan) create(r *store.Resource) {
	switch r.Type {
	case "User":
		cause := CauseCreate
		if !active(r) {
			cause = CauseCreateInactive
		}
		p.account(account{}, cause, r)
	case "Group":
		p.tell(GroupCreated, r)
	default:
		p.tell(Created, r)
	}
}

// update plans what follows from other attributes. If active is another, the account moves by the table.
func (p *plan) update(cur, next *store.Resource) {
	switch was, is := active(cur), active(next); {
	case cur.Type == "Group":
		p.tell(GroupUpdated, next)
	case cur.Type != "User" || was == is:
		p.tell(Updated, next)
	default:
		cause := CauseOff
		if is {
			cause = CauseOn
		}
		if !p.account(accountOf(cur), cause, next) {
			p.tell(Updated, next)
		}
	}
}

// delete plans what follows from a resource's end.
func (p *plan) delete(cur *store.Resource) {
	switch cur.Type {
	case "User":
		_, kinds, _ := accountOf(cur).next(CauseDelete)
		p.tellAll(kinds, cur)
	case "Group":
		p.tell(GroupDeleted, cur)
	default:
		p.tell(Deleted, cur)
	}
}

// account moves the account of r, and says whether it moved.
func (p *plan) account(from account, c Cause, r *store.Resource) bool {
	to, kinds, ok := from.next(c)
	if ok {
		r.Internal = to.document()
		p.tellAll(kinds, r)
	}
	return ok
}

func (p *plan) tellAll(kinds []Kind, r *store.Resource) {
	for _, k := range kinds {
		p.tell(k, r)
	}
}

// active is what the identity provider said last; who says nothing is active.
func active(r *store.Resource) bool {
	v := r.Attributes.Get("active")
	return v.IsNull() || v.True()
}
