package overlay

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Commit implements [store.Store]. The journal's entries are written as they are. Events are dropped. ErrFull says that the change is more
// than the overlay takes.
//
// What the change is decided by is read before. Writers of the same overlay are told from each other by its records: whose records have
// changed since they were read is decided anew, so that it hears what is true now. What others change below meanwhile counts once the overlay
// is made true.
func (s *Store) Commit(ctx context.Context, c *store.Change) error {
	for try := 1; ; try++ {
		w := &write{s: s, ctx: ctx, c: c, below: map[name]*store.Resource{}, puts: map[name]*store.Resource{}, deltas: map[string]*store.Resource{}, undone: map[string]bool{}}
		w.out = store.Change{Tenant: c.Tenant, Journal: c.Journal}
		if s.o.Closed.Type != "" {
			w.out.Absent = append(w.out.Absent, s.o.Closed)
		}
		for _, step := range [...]func() error{w.look, w.absent, w.put, w.members, w.delete, w.claim} {
			if err := step(); err != nil {
				return err
			}
		}
		err := w.commit()
		if try == tries || !errors.Is(err, store.ErrVersionMismatch) || s.isClosed(ctx, c.Tenant) {
			return err
		}
	}
}

// tries is how often a write, or a read of a group's members, begins anew because others write. At each of them another one was done.
const tries = 100

// isClosed says whether nothing can be written any more.
func (s *Store) isClosed(ctx context.Context, tenant string) bool {
	if s.o.Closed.Type == "" {
		return false
	}
	_, err := s.base.Get(ctx, store.Key{Tenant: tenant, Type: s.o.Closed.Type, ID: s.o.Closed.ID})
	return !errors.Is(err, store.ErrNotFound)
}

// closed is the size of an overlay that is closed.
const closed = math.MaxInt / 2

// Close writes the resource of Options.Closed. After that nothing is written to the overlay any more, neither by a change that begins later
// nor by one that is under way. For the latter the resource alone isn't enough: a store may find it absent, and commit behind the change that
// creates it. So Close also fills the counter of the size, from which every change claims, and claims with a limit wait for each other.
func (s *Store) Close(ctx context.Context, r *store.Resource) error {
	return s.base.Commit(ctx, &store.Change{Tenant: r.Tenant, Put: []store.Put{{Resource: r}},
		Claims: []store.Claim{{Counter: s.counter(size, ""), Take: closed, Limit: math.MaxInt}}}) // without a limit it wouldn't wait for others
}

// write is a change on its way into the overlay.
type write struct {
	s      *Store
	ctx    context.Context
	c      *store.Change
	out    store.Change
	places map[name]*place
	below  map[name]*store.Resource   // what was read below; nil: it isn't there
	puts   map[name]*store.Resource   // records that the change writes
	deltas map[string]*store.Resource // those of memberships, by their ids
	undone map[string]bool            // those that it deletes
	bytes  int                        // that the overlay grows by
	counts bool                       // the store below tells its counters
	first  bool                       // it touches something that somebody else may touch at the same time
}

func (w *write) look() (err error) {
	var names []name
	for _, a := range w.c.Absent {
		names = append(names, name{a.Type, a.ID})
	}
	for _, p := range w.c.Put {
		names = append(names, name{p.Resource.Type, p.Resource.ID})
	}
	for _, d := range w.c.Members {
		names = append(names, name{groupType, d.Group})
	}
	for _, d := range w.c.Delete {
		names = append(names, name{d.Type, d.ID})
	}
	w.places, err = w.s.look(w.ctx, w.c.Tenant, names, kinds[:]...)
	return err
}

// now is a resource as it is in the middle of the change; nil: it isn't there.
func (w *write) now(n name) (*store.Resource, error) {
	p := w.places[n]
	switch {
	case w.puts[n] != nil:
		return w.puts[n], nil
	case p.is != nil:
		return p.is, nil
	case p.not != nil:
		return nil, nil
	}
	return w.under(n)
}

// under is a resource of the store below; nil: it isn't there.
func (w *write) under(n name) (*store.Resource, error) {
	if r, ok := w.below[n]; ok {
		return r, nil
	}
	r, err := w.s.base.Get(w.ctx, store.Key{Tenant: w.c.Tenant, Type: n.typ, ID: n.id})
	if errors.Is(err, store.ErrNotFound) {
		r, err = nil, nil
	}
	if err == nil {
		w.below[n] = r
	}
	return r, err
}

// weight is how many bytes a record counts for.
func weight(r *store.Resource) int {
	const each = 200 // keys, times and versions, about
	n := each + len(r.Attributes) + len(r.Internal)
	for _, k := range r.Index {
		n += len(k.Value)
	}
	return n
}

func (w *write) add(put store.Put) {
	w.out.Put = append(w.out.Put, put)
	w.bytes += weight(put.Resource)
}

func (w *write) remove(r *store.Resource) {
	w.out.Delete = append(w.out.Delete, store.Delete{Type: r.Type, ID: r.ID, IfVersion: r.Version})
	w.bytes -= weight(r)
}

func (w *write) absent() error {
	for _, a := range w.c.Absent {
		n := name{a.Type, a.ID}
		cur, err := w.now(n)
		if err != nil {
			return err
		}
		if cur != nil {
			return store.ErrVersionMismatch
		}
		w.out.Absent = append(w.out.Absent, store.Absent{Type: w.s.record(is, a.Type), ID: a.ID})
	}
	return nil
}

func (w *write) put() error {
	for _, p := range w.c.Put {
		r := p.Resource
		n := name{r.Type, r.ID}
		cur, err := w.now(n)
		switch {
		case err != nil:
			return err
		case p.IfVersion == "" && cur != nil:
			return &store.ConflictError{Attribute: "id"}
		case p.IfVersion != "" && (cur == nil || cur.Version != p.IfVersion):
			return store.ErrVersionMismatch
		}
		if err := w.unique(r, cur); err != nil {
			return err
		}
		if cur == nil && !store.IsInternal(r.Type) {
			if err := w.arrives(n); err != nil {
				return err
			}
		}
		if err := w.writes(n, r); err != nil {
			return err
		}
	}
	return nil
}

// arrives plans that who comes, or comes back, is in no group yet: a membership that began at the moment at which its member was deleted has
// outlived the member.
func (w *write) arrives(n name) error {
	all, err := w.s.deltas(w.ctx, w.c.Tenant, "member", []string{n.id})
	if err != nil {
		return err
	}
	for _, d := range all {
		if d.begins && d.typ == n.typ {
			w.undone[d.record.ID] = true
			w.remove(d.record)
		}
	}
	return nil
}

// unique says whether somebody else has a unique key. Of two who come at once the overlay's own index takes one.
func (w *write) unique(r, cur *store.Resource) error {
	for _, k := range r.Index {
		if !k.Unique || cur != nil && slices.Contains(cur.Index, k) {
			continue
		}
		where, err := KeyFilter(k)
		if err != nil {
			return err
		}
		var others []name
		err = each(w.ctx, w.s.base, w.c.Tenant, []string{w.s.record(is, r.Type), r.Type}, where, func(o *store.Resource) error {
			switch {
			case o.ID == r.ID || !slices.Contains(o.Index, k) || w.puts[name{r.Type, o.ID}] != nil:
			case o.Type != r.Type:
				return &store.ConflictError{Attribute: k.Attribute}
			default:
				others = append(others, name{o.Type, o.ID})
			}
			return nil
		})
		if err != nil {
			return err
		}
		found, err := w.s.look(w.ctx, w.c.Tenant, others, is, not)
		if err != nil {
			return err
		}
		for _, p := range found {
			if !p.touched() {
				return &store.ConflictError{Attribute: k.Attribute}
			}
		}
	}
	return nil
}

// writes plans the record of a resource as it would be.
func (w *write) writes(n name, r *store.Resource) error {
	p := w.places[n]
	rec := as(r, w.s.record(is, n.typ))
	rec.Tenant = w.c.Tenant
	if had := w.puts[n]; had != nil { // it is written twice: the last holds
		w.bytes += weight(rec) - weight(had)
		*had = *rec
		return nil
	}
	put := store.Put{Resource: rec}
	w.puts[n] = rec
	switch {
	case p.is != nil:
		put.IfVersion, put.Was = p.is.Version, p.is
		w.bytes -= weight(p.is)
	case p.not != nil:
		w.remove(p.not)
	default:
		if err := w.touches(n); err != nil {
			return err
		}
	}
	w.add(put)
	return nil
}

// touches plans to keep a resource of the store below as it is now.
func (w *write) touches(n name) error {
	below, err := w.under(n)
	if err != nil || below == nil {
		return err
	}
	w.first = true
	if w.places[n].was != nil {
		return nil
	}
	rec := as(below, w.s.record(was, n.typ))
	rec.Tenant, rec.Index = w.c.Tenant, nil
	w.add(store.Put{Resource: rec})
	w.places[n].was = rec
	return nil
}

func (w *write) members() error {
	for _, d := range w.c.Members {
		n := name{groupType, d.Group}
		cur, err := w.now(n)
		if err != nil {
			return err
		}
		if cur == nil {
			return store.ErrNotFound
		}
		isPut := slices.ContainsFunc(w.c.Put, func(p store.Put) bool { return p.Resource.Type == groupType && p.Resource.ID == d.Group })
		if !isPut {
			if d.IfVersion != "" && d.IfVersion != cur.Version {
				return store.ErrVersionMismatch
			}
			next := as(cur, groupType)
			next.Version, next.LastModified = d.Version, d.LastModified
			if err := w.writes(n, next); err != nil {
				return err
			}
		}
		if err := w.changeMembers(d); err != nil {
			return err
		}
	}
	return nil
}

func (w *write) changeMembers(d store.MemberDelta) error {
	ids := slices.Clone(d.Remove)
	for _, ref := range d.Add {
		ids = append(ids, ref.ID)
	}
	if len(ids) == 0 {
		return nil
	}
	is, err := w.memberTypes(d.Group, ids)
	if err != nil {
		return err
	}
	own := map[string]*store.Resource{}
	for part := range slices.Chunk(ids, some) {
		list, err := w.s.deltasOf(w.ctx, w.c.Tenant, d.Group, part)
		if err != nil {
			return err
		}
		for _, o := range list {
			own[o.record.ID] = o.record
		}
	}
	for _, id := range d.Remove {
		typ, isMember := is[id]
		if !isMember {
			return store.ErrVersionMismatch
		}
		delete(is, id)
		w.turn(own, delta{group: d.Group, member: id, typ: typ})
	}
	types, err := w.typesOf(d.Add)
	if err != nil {
		return err
	}
	for _, ref := range d.Add {
		typ := types[ref]
		if typ == "" {
			return &store.UnknownMemberError{ID: ref.ID}
		}
		if _, isMember := is[ref.ID]; isMember {
			return store.ErrVersionMismatch
		}
		is[ref.ID] = typ
		w.turn(own, delta{group: d.Group, member: ref.ID, typ: typ, begins: true})
	}
	return nil
}

// memberTypes are the types of those who are members of a group now, by their ids.
func (w *write) memberTypes(group string, ids []string) (map[string]string, error) {
	found := make(map[string]string, len(ids))
	for part := range slices.Chunk(ids, some) {
		for m, err := range w.s.Members(w.ctx, store.MemberQuery{Tenant: w.c.Tenant, Groups: []string{group}, IDs: part}) {
			if err != nil {
				return nil, err
			}
			found[m.ID] = m.Type
		}
	}
	for _, id := range ids { // as the change has left it so far
		rec := w.deltas[deltaID(group, id)]
		switch {
		case rec == nil:
		case rec.Attributes.Get("begins").True():
			found[id] = rec.Attributes.Get("type").Text()
		default:
			delete(found, id)
		}
	}
	return found, nil
}

// turn plans that a membership begins or ends. There is a record where that differs from the store below, so it comes or goes at each turn.
func (w *write) turn(own map[string]*store.Resource, d delta) {
	id := deltaID(d.group, d.member)
	old, planned := own[id], w.deltas[id]
	w.deltas[id] = w.s.deltaRecord(w.c.Tenant, d)
	switch {
	case old != nil && !w.undone[id]:
		w.undone[id] = true
		w.remove(old)
	case old != nil:
		delete(w.undone, id)
		w.out.Delete = slices.DeleteFunc(w.out.Delete, func(x store.Delete) bool { return x.Type == old.Type && x.ID == id })
		w.bytes += weight(old)
	case planned != nil && slices.ContainsFunc(w.out.Put, func(p store.Put) bool { return p.Resource == planned }):
		w.out.Put = slices.DeleteFunc(w.out.Put, func(p store.Put) bool { return p.Resource == planned })
		w.bytes -= weight(planned)
	default:
		w.first = true
		w.add(store.Put{Resource: w.deltas[id]})
	}
}

// typesOf finds the types of members to be: those that they say, or else the first by name that has the id. Who isn't there has none.
func (w *write) typesOf(refs []store.MemberRef) (map[store.MemberRef]string, error) {
	types := slices.Sorted(slices.Values(w.s.o.Types))
	var names []name
	of := func(ref store.MemberRef) []string {
		if ref.Type != "" {
			return []string{ref.Type}
		}
		return types
	}
	for _, ref := range refs {
		for _, typ := range of(ref) {
			names = append(names, name{typ, ref.ID})
		}
	}
	there := make(map[name]bool, len(names))
	places, err := w.s.look(w.ctx, w.c.Tenant, names, is, not)
	if err != nil {
		return nil, err
	}
	ids := map[string]filter.Or{}
	for n, p := range places {
		if there[n] = p.is != nil || w.puts[n] != nil; !there[n] && p.not == nil {
			ids[n.typ] = append(ids[n.typ], IDFilter(n.id))
		}
	}
	for typ, any := range ids {
		for part := range slices.Chunk(any, some) {
			err := each(w.ctx, w.s.base, w.c.Tenant, []string{typ}, part, func(r *store.Resource) error {
				there[name{typ, r.ID}] = true
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	found := make(map[store.MemberRef]string, len(refs))
	for _, ref := range refs {
		for _, typ := range of(ref) {
			if there[name{typ, ref.ID}] {
				found[ref] = typ
				break
			}
		}
	}
	return found, nil
}

func (w *write) delete() error {
	for _, d := range w.c.Delete {
		n := name{d.Type, d.ID}
		cur, err := w.now(n)
		switch {
		case err != nil:
			return err
		case cur == nil:
			return store.ErrNotFound
		case d.IfVersion != "" && cur.Version != d.IfVersion:
			return store.ErrVersionMismatch
		}
		if !store.IsInternal(d.Type) {
			if err := w.mustHaveLeft(n); err != nil {
				return err
			}
		}
		if d.Type == groupType {
			if err := w.endMembers(d.ID); err != nil {
				return err
			}
		}
		if err := w.deletes(n); err != nil {
			return err
		}
	}
	return nil
}

// mustHaveLeft refuses to delete who is a member of a group behind the members of the change.
func (w *write) mustHaveLeft(n name) error {
	for m, err := range w.s.Members(w.ctx, store.MemberQuery{Tenant: w.c.Tenant, Of: []string{n.id}}) {
		if err != nil {
			return err
		}
		if m.Type == n.typ && w.deltas[deltaID(m.Group, m.ID)] == nil && !(m.Group == n.id && n.typ == groupType) {
			return store.ErrVersionMismatch
		}
	}
	for _, rec := range w.deltas {
		if d := deltaOf(rec); d.member == n.id && d.typ == n.typ && d.begins {
			return store.ErrVersionMismatch
		}
	}
	return nil
}

// endMembers plans that what the overlay has of a group's members goes with the group.
func (w *write) endMembers(group string) error {
	all, err := w.s.deltas(w.ctx, w.c.Tenant, "group", []string{group})
	if err != nil {
		return err
	}
	for _, d := range all {
		if !w.undone[d.record.ID] {
			w.undone[d.record.ID] = true
			w.remove(d.record)
		}
	}
	w.out.Put = slices.DeleteFunc(w.out.Put, func(p store.Put) bool {
		return p.Resource.Type == w.s.member() && strings.HasPrefix(p.Resource.ID, group+"/")
	})
	return nil
}

// deletes plans the record of a resource that would be gone.
func (w *write) deletes(n name) error {
	p := w.places[n]
	if rec := w.puts[n]; rec != nil {
		w.out.Put = slices.DeleteFunc(w.out.Put, func(put store.Put) bool { return put.Resource == rec })
		w.bytes -= weight(rec)
		delete(w.puts, n)
		if p.not != nil { // it was gone before, and is again
			w.out.Delete = slices.DeleteFunc(w.out.Delete, func(d store.Delete) bool { return d.Type == p.not.Type && d.ID == p.not.ID })
			w.bytes += weight(p.not)
			return nil
		}
		if p.is != nil {
			w.bytes += weight(p.is)
		}
	}
	if p.is != nil {
		w.remove(p.is)
	} else if err := w.touches(n); err != nil {
		return err
	}
	below, err := w.under(n)
	if err != nil || below == nil {
		return err
	}
	marker := func(kind string) *store.Resource {
		return &store.Resource{Key: store.Key{Tenant: w.c.Tenant, Type: w.s.record(kind, n.typ), ID: n.id}, Version: newID()}
	}
	w.first = true
	w.add(store.Put{Resource: marker(not)})
	if n.typ == groupType && p.cut == nil {
		w.add(store.Put{Resource: marker(cut)})
	}
	return nil
}

func (w *write) claim() error {
	names := make([]string, 0, 3*len(w.c.Claims))
	for _, c := range w.c.Claims {
		names = append(names, c.Counter, w.s.counter(taken, c.Counter), w.s.counter(given, c.Counter))
	}
	count := make(map[string]int, len(names))
	reader, counts := store.As[store.CounterReader](w.s.base)
	if w.counts = counts; counts && len(names) > 0 {
		found, err := reader.Counters(w.ctx, w.c.Tenant, names...)
		if err != nil {
			return err
		}
		for _, c := range found {
			count[c.Name] = c.Count
		}
	}
	for _, c := range w.c.Claims {
		own := c
		if c.Window > 0 {
			own.Counter = w.s.counter(windowed, c.Counter)
			w.out.Claims = append(w.out.Claims, own)
			continue
		}
		up, down := w.s.counter(taken, c.Counter), w.s.counter(given, c.Counter)
		stands := max(0, count[c.Counter]+count[up]-count[down])
		switch {
		case c.Take > 0:
			if c.Limit >= 0 && stands+c.Take > c.Limit {
				return &store.ClaimError{Counter: c.Counter}
			}
			if own.Counter = up; c.Limit >= 0 {
				own.Limit = c.Limit - count[c.Counter] + count[down]
			}
		case c.Take < 0:
			own.Counter, own.Take, own.Limit = down, min(-c.Take, stands), count[down]+stands // not more than what is taken
		}
		if count[own.Counter] += own.Take; own.Take != 0 {
			w.out.Claims = append(w.out.Claims, own)
		}
	}
	own := w.s.counter(size, "")
	switch {
	case w.bytes > 0:
		w.out.Claims = append(w.out.Claims, store.Claim{Counter: own, Take: w.bytes, Limit: w.s.o.Most})
	case len(w.out.Put)+len(w.out.Delete) > 0: // what takes nothing finds out all the same whether the overlay is closed
		w.out.Claims = append(w.out.Claims, store.Claim{Counter: own, Take: 1, Limit: closed - 1}, store.Claim{Counter: own, Take: w.bytes - 1})
	}
	return nil
}

// commit writes the records, and says why not in the words of the change.
func (w *write) commit() error {
	o := &w.out
	if len(o.Absent)+len(o.Put)+len(o.Delete)+len(o.Claims)+len(o.Journal) == 0 {
		return nil
	}
	err := w.s.base.Commit(w.ctx, o)
	var conflict *store.ConflictError
	var claim *store.ClaimError
	switch {
	case errors.Is(err, store.ErrNotFound): // a record is gone that was there
		return store.ErrVersionMismatch
	case errors.As(err, &conflict) && conflict.Attribute == "id" && w.first:
		return store.ErrVersionMismatch
	case errors.As(err, &claim):
		for _, c := range w.c.Claims {
			switch claim.Counter {
			case w.s.counter(taken, c.Counter), w.s.counter(given, c.Counter):
				if w.counts { // others have claimed since the counters were read
					return store.ErrVersionMismatch
				}
				return &store.ClaimError{Counter: c.Counter}
			case w.s.counter(windowed, c.Counter):
				return &store.ClaimError{Counter: c.Counter}
			}
		}
		switch {
		case claim.Counter != w.s.counter(size, ""):
		case w.s.isClosed(w.ctx, w.c.Tenant):
			return store.ErrVersionMismatch
		default:
			return ErrFull
		}
	}
	return err
}
