// Package overlay keeps what a connection in the state shadow writes beside what is true. A [Store] shows the store below as it
// would be if all that had been written to it, and changes nothing of it: its writes are records of internal types in the same
// tenant, so that they hold in every process, survive a restart, and go with the tenant (I13).
//
// There are five kinds of records, each in types of its own:
//
//	is      a resource as it would be
//	not     a resource of the store below that would be gone
//	was     a resource of the store below as it was when it was touched first
//	cut     a group of the store below whose members there don't count, because it would have been deleted
//	member  a membership that would begin, or end
package overlay

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Options are those of a Store.
type Options struct {
	Name  string   // of the overlay: one tenant may have several
	Types []string // of resources that may be members
	Most  int      // bytes that the overlay takes at most; beyond it Commit is ErrFull
	// Closed is a resource of the store below, which Close writes. Once it is there, Commit returns store.ErrVersionMismatch. The zero value
	// is none.
	Closed store.Absent
}

// ErrFull says that the overlay has reached its size.
var ErrFull = errors.New("overlay: it is full")

// Store is a store over another one. It is safe for concurrent use, and any number of processes may work on one overlay. It has
// store.CounterReader if the store below does, and no other optional interface: of what it writes nobody is told.
type Store struct {
	base store.Store
	o    Options
}

var (
	_ store.Store         = (*Store)(nil)
	_ store.CounterReader = (*Store)(nil)
)

// New makes an overlay of a store. All its state is in the store.
func New(base store.Store, o Options) *Store {
	return &Store{base, o}
}

const groupType = "Group" // whose members membership rows are (RFC 7643 section 4.2)

// The kinds of records.
const (
	is  = "is"
	not = "not"
	was = "was"
	cut = "cut"
)

var kinds = [...]string{is, not, was, cut}

// Prefix begins the types of all records of overlays.
const Prefix = "rollcall.Shadow."

func (s *Store) record(kind, typ string) string { return Prefix + s.o.Name + "." + kind + "." + typ }

func (s *Store) member() string { return Prefix + s.o.Name + ".member" }

// split is the reverse of record.
func (s *Store) split(record string) (kind, typ string) {
	kind, typ, _ = strings.Cut(strings.TrimPrefix(record, Prefix+s.o.Name+"."), ".")
	return kind, typ
}

// name tells resources of a tenant apart.
type name struct{ typ, id string }

// place is what the overlay has of one resource.
type place struct{ is, not, was, cut *store.Resource }

// some is how many ids one look-up names.
const some = 500

// look reads what the overlay has of resources. Each has a place in the result.
func (s *Store) look(ctx context.Context, tenant string, names []name, kinds ...string) (map[name]*place, error) {
	found := make(map[name]*place, len(names))
	for chunk := range slices.Chunk(names, some) {
		var types []string
		var ids filter.Or
		for _, n := range chunk {
			if found[n] != nil {
				continue
			}
			found[n] = &place{}
			ids = append(ids, IDFilter(n.id))
			for _, kind := range kinds {
				if t := s.record(kind, n.typ); !slices.Contains(types, t) {
					types = append(types, t)
				}
			}
		}
		err := each(ctx, s.base, tenant, types, ids, func(r *store.Resource) error {
			kind, typ := s.split(r.Type)
			p := found[name{typ, r.ID}]
			if p == nil {
				return nil // another type has a resource with that id
			}
			*p.of(kind) = r
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (p *place) of(kind string) **store.Resource {
	switch kind {
	case is:
		return &p.is
	case not:
		return &p.not
	case was:
		return &p.was
	}
	return &p.cut
}

// touched says whether the overlay decides about the resource.
func (p *place) touched() bool { return p.is != nil || p.not != nil }

// version tells two states of what the overlay decides about a resource apart.
func (p *place) version() string {
	switch {
	case p.is != nil:
		return p.is.Version
	case p.not != nil:
		return p.not.Version
	}
	return ""
}

// IDFilter is the filter on the resource with an id.
func IDFilter(id string) filter.Expr {
	return filter.Compare{Attr: filter.Attr{Path: filter.Path{Name: "id"}, Type: filter.String, CaseExact: true}, Op: filter.Eq, Value: document.String(id)}
}

// each reads all resources of the types for which the filter holds, or all if it is nil.
func each(ctx context.Context, s store.Store, tenant string, types []string, where filter.Expr, do func(*store.Resource) error) error {
	if any, ok := where.(filter.Or); ok {
		switch len(any) {
		case 0:
			return nil
		case 1:
			where = any[0]
		}
	}
	if len(types) == 0 {
		return nil
	}
	q := store.Query{Tenant: tenant, Types: types, Filter: where, Count: 1_000, NoTotal: true}
	for {
		page, err := s.List(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range page.Resources {
			if err := do(r); err != nil {
				return err
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}

// as is a record as the resource that it is of, or the other way round.
func as(r *store.Resource, typ string) *store.Resource {
	c := *r
	c.Type = typ
	return &c
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, k store.Key) (*store.Resource, error) {
	n := name{k.Type, k.ID}
	found, err := s.look(ctx, k.Tenant, []name{n}, is, not)
	if err != nil {
		return nil, err
	}
	switch p := found[n]; {
	case p.is != nil:
		return as(p.is, k.Type), nil
	case p.not != nil:
		return nil, store.ErrNotFound
	}
	return s.base.Get(ctx, k)
}

// KeyFilter is the filter on those who have an index key. A value that isn't folded is that of a caseExact attribute; for the others the
// key itself decides.
func KeyFilter(k store.IndexKey) (filter.Expr, error) {
	p, _, err := filter.ParsePath(k.Attribute, filter.Options{Strict: true})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.Attribute, err)
	}
	if p.Where != nil { // a store finds those with the value in any element
		p.Path.Sub = p.Sub
	}
	return filter.Compare{
		Attr: filter.Attr{Path: p.Path, Type: filter.String, CaseExact: document.Fold(k.Value) != k.Value},
		Op:   filter.Eq, Value: document.String(k.Value),
	}, nil
}

// The counters of an overlay begin so. What is taken and what is given back are two counters, as none falls below 0 and what is
// given back may have been taken below.
func (s *Store) counter(kind, name string) string {
	return "rollcall.shadow." + s.o.Name + "." + kind + name
}

const (
	taken    = "+"
	given    = "-"
	windowed = "~"
	size     = "size"
)

// Counters implements [store.CounterReader]. A counter with a window is the overlay's own.
func (s *Store) Counters(ctx context.Context, tenant string, names ...string) ([]store.Counter, error) {
	reader, ok := store.As[store.CounterReader](s.base)
	if !ok {
		return nil, errors.New("overlay: the store below can't tell its counters")
	}
	all := make([]string, 0, 4*len(names))
	for _, n := range names {
		all = append(all, n, s.counter(taken, n), s.counter(given, n), s.counter(windowed, n))
	}
	found, err := reader.Counters(ctx, tenant, all...)
	if err != nil {
		return nil, err
	}
	list := make([]store.Counter, len(names))
	for i, n := range names {
		below, up, down, window := found[4*i], found[4*i+1], found[4*i+2], found[4*i+3]
		if list[i] = (store.Counter{Name: n, Count: max(0, below.Count+up.Count-down.Count)}); !window.Began.IsZero() {
			list[i].Count, list[i].Began = window.Count, window.Began
		}
	}
	return list, nil
}

// Touched is a resource that the overlay decides about.
type Touched struct {
	Is  *store.Resource // as it would be; nil: it would be gone
	Was *store.Resource // as it was in the store below when it was touched first; nil: it wasn't there
	// Done is what a change that makes this true must delete, so that it is done once: the records, of which one is in the version that
	// was read.
	Done  []store.Delete
	Frees store.Claim // by which the change says that the overlay has less
}

// Key is the key of the resource.
func (t *Touched) Key() store.Key {
	if t.Is != nil {
		return t.Is.Key
	}
	return t.Was.Key
}

// Returns are the claims of a change that makes true what has taken n of a counter in the overlay, or has given -n back.
func (s *Store) Returns(counter string, n int) []store.Claim {
	switch {
	case n > 0:
		return []store.Claim{{Counter: s.counter(taken, counter), Take: -n}}
	case n < 0:
		return []store.Claim{{Counter: s.counter(given, counter), Take: n}}
	}
	return nil
}

// Touched reads a page of the resources of a type that would be, or that would be gone.
func (s *Store) Touched(ctx context.Context, tenant, typ string, gone bool, cursor string, count int) (list []Touched, next string, err error) {
	kind := is
	if gone {
		kind = not
	}
	page, err := s.base.List(ctx, store.Query{Tenant: tenant, Types: []string{s.record(kind, typ)}, Cursor: cursor, Count: count, NoTotal: true})
	if err != nil {
		return nil, "", err
	}
	names := make([]name, len(page.Resources))
	for i, r := range page.Resources {
		names[i] = name{typ, r.ID}
	}
	found, err := s.look(ctx, tenant, names, kinds[:]...)
	if err != nil {
		return nil, "", err
	}
	for _, n := range names {
		if t := s.touchedAt(n, found[n]); t != nil && (t.Is == nil) == gone {
			list = append(list, *t)
		}
	}
	return list, page.Next, nil
}

// One is what the overlay decides about one resource; nil: nothing.
func (s *Store) One(ctx context.Context, k store.Key) (*Touched, error) {
	n := name{k.Type, k.ID}
	found, err := s.look(ctx, k.Tenant, []name{n}, kinds[:]...)
	if err != nil {
		return nil, err
	}
	return s.touchedAt(n, found[n]), nil
}

func (s *Store) touchedAt(n name, p *place) *Touched {
	if !p.touched() {
		return nil
	}
	t := &Touched{}
	if p.is != nil {
		t.Is = as(p.is, n.typ)
	}
	if p.was != nil {
		t.Was = as(p.was, n.typ)
	}
	if t.Is == nil && t.Was == nil {
		return nil // it can't be: both are written in one change
	}
	for _, r := range [...]*store.Resource{p.is, p.not, p.was, p.cut} {
		if r != nil {
			t.Done = append(t.Done, store.Delete{Type: r.Type, ID: r.ID, IfVersion: r.Version})
			t.Frees.Take -= weight(r)
		}
	}
	t.Frees.Counter = s.counter(size, "")
	return t
}

// Has says of which of the ids of a type the overlay decides.
func (s *Store) Has(ctx context.Context, tenant, typ string, ids []string) (map[string]bool, error) {
	names := make([]name, len(ids))
	for i, id := range ids {
		names[i] = name{typ, id}
	}
	found, err := s.look(ctx, tenant, names, is, not)
	has := make(map[string]bool, len(ids))
	for n, p := range found {
		has[n.id] = p.touched()
	}
	return has, err
}

// Delta is a membership that would begin or end.
type Delta struct {
	Group  string
	Member store.MemberRef
	Begins bool
	Done   store.Delete // what a change that makes it true must delete
	Frees  store.Claim  // by which the change says that the overlay has less
}

// Deltas reads a page of the memberships of a group that would begin or end, or of all groups if it is empty, in the order of the groups' and then
// the members' ids.
func (s *Store) Deltas(ctx context.Context, tenant, group, cursor string, count int) (list []Delta, next string, err error) {
	q := store.Query{Tenant: tenant, Types: []string{s.member()}, Cursor: cursor, Count: count, NoTotal: true}
	if group != "" {
		q.Filter = ofEnd("group", group)
	}
	page, err := s.base.List(ctx, q)
	if err != nil {
		return nil, "", err
	}
	for _, r := range page.Resources {
		d := deltaOf(r)
		list = append(list, Delta{d.group, store.MemberRef{Type: d.typ, ID: d.member}, d.begins, store.Delete{Type: r.Type, ID: r.ID, IfVersion: r.Version},
			store.Claim{Counter: s.counter(size, ""), Take: -weight(r)}})
	}
	return list, page.Next, nil
}

// Size is how many resources of the types, and how many memberships, the overlay decides about.
func (s *Store) Size(ctx context.Context, tenant string, types []string) (int, error) {
	all := []string{s.member()}
	for _, t := range types {
		all = append(all, s.record(is, t), s.record(not, t))
	}
	page, err := s.base.List(ctx, store.Query{Tenant: tenant, Types: all})
	if err != nil {
		return 0, err
	}
	return page.Total, nil
}

// Clear removes all that the overlay has, in batches. types are those of the resources that may have been written. It may be called
// again if it was interrupted.
func (s *Store) Clear(ctx context.Context, tenant string, types []string) error {
	all := []string{s.member()}
	for _, t := range types {
		for _, kind := range kinds {
			all = append(all, s.record(kind, t))
		}
	}
	for {
		page, err := s.base.List(ctx, store.Query{Tenant: tenant, Types: all, Count: some, NoTotal: true})
		if err != nil {
			return err
		}
		if len(page.Resources) == 0 {
			break
		}
		c := store.Change{Tenant: tenant}
		for _, r := range page.Resources {
			c.Delete = append(c.Delete, store.Delete{Type: r.Type, ID: r.ID})
		}
		if err := s.base.Commit(ctx, &c); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return s.reset(ctx, tenant)
}

// reset sets the overlay's counters to 0.
func (s *Store) reset(ctx context.Context, tenant string) error {
	reader, ok := store.As[store.CounterReader](s.base)
	if !ok {
		return s.base.Commit(ctx, &store.Change{Tenant: tenant, Claims: []store.Claim{{Counter: s.counter(size, ""), Take: -math.MaxInt}}})
	}
	const seats = "seats"
	names := []string{s.counter(size, ""), s.counter(taken, seats), s.counter(given, seats)}
	counters, err := reader.Counters(ctx, tenant, names...)
	if err != nil {
		return err
	}
	c := store.Change{Tenant: tenant}
	for _, n := range counters {
		if n.Count > 0 {
			c.Claims = append(c.Claims, store.Claim{Counter: n.Name, Take: -n.Count})
		}
	}
	if len(c.Claims) == 0 {
		return nil
	}
	return s.base.Commit(ctx, &c)
}

// Forget removes all that the overlay has of one resource, and of its memberships.
func (s *Store) Forget(ctx context.Context, k store.Key) error {
	c := store.Change{Tenant: k.Tenant}
	frees := store.Claim{Counter: s.counter(size, "")}
	remove := func(r *store.Resource) error {
		c.Delete = append(c.Delete, store.Delete{Type: r.Type, ID: r.ID, IfVersion: r.Version})
		frees.Take -= weight(r)
		return nil
	}
	n := name{k.Type, k.ID}
	found, err := s.look(ctx, k.Tenant, []name{n}, kinds[:]...)
	if err != nil {
		return err
	}
	for _, kind := range kinds {
		if r := *found[n].of(kind); r != nil {
			_ = remove(r)
		}
	}
	err = each(ctx, s.base, k.Tenant, []string{s.member()}, filter.Or{ofEnd("member", k.ID), ofEnd("group", k.ID)}, remove)
	if err != nil || len(c.Delete) == 0 {
		return err
	}
	c.Claims = []store.Claim{frees}
	if err = s.base.Commit(ctx, &c); errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrVersionMismatch) {
		return s.Forget(ctx, k) // somebody else has removed or changed one of them
	}
	return err
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// rows is an iterator over rows that are there.
func rows(list []store.Member) iter.Seq2[store.Member, error] {
	return func(yield func(store.Member, error) bool) {
		for _, m := range list {
			if !yield(m, nil) {
				return
			}
		}
	}
}
