package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/rollcall-dev/rollcall/store"
)

// The mutants of this file read and change members wrongly.

type skipsUnknown struct{ *Fake }

func (m skipsUnknown) Commit(ctx context.Context, c *store.Change) error {
	for {
		err := m.Fake.Commit(ctx, c)
		var unknown *store.UnknownMemberError
		if !errors.As(err, &unknown) {
			return err
		}
		c = cloneChange(c)
		for i := range c.Members {
			add := slices.Clone(c.Members[i].Add)
			c.Members[i].Add = slices.DeleteFunc(add, func(r store.MemberRef) bool { return r.ID == unknown.ID })
		}
	}
}

type sameVersion struct{ *Fake }

func (m sameVersion) Commit(ctx context.Context, c *store.Change) error {
	c = cloneChange(c)
	for i := range c.Members {
		d := &c.Members[i]
		if g, err := m.Fake.Get(ctx, store.Key{Tenant: c.Tenant, Type: groupType, ID: d.Group}); err == nil {
			d.Version, d.LastModified = g.Version, g.LastModified
		}
	}
	return m.Fake.Commit(ctx, c)
}

// inexact ignores what a delta adds or removes if it is so already.
type inexact struct{ *Fake }

func (m inexact) Commit(ctx context.Context, c *store.Change) (err error) {
	for range 100 { // somebody else may change the group meanwhile
		c = cloneChange(c)
		for i := range c.Members {
			d, is := &c.Members[i], m.rowsOf(c.Tenant, c.Members[i].Group)
			d.Add = slices.DeleteFunc(slices.Clone(d.Add), func(r store.MemberRef) bool { return is[r.ID] != "" })
			d.Remove = slices.DeleteFunc(slices.Clone(d.Remove), func(id string) bool { return is[id] == "" })
		}
		if err = m.Fake.Commit(ctx, c); !errors.Is(err, store.ErrVersionMismatch) {
			return err
		}
	}
	return err
}

// setMembers gives a group other members without any check.
func (f *Fake) setMembers(tenant, group string, rows map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if old, ok := f.tenants[tenant]; ok {
		t := old.clone()
		t.members[group] = rows
		f.tenants[tenant] = t
	}
}

func (f *Fake) rowsOf(tenant, group string) map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t, ok := f.tenants[tenant]; ok {
		return maps.Clone(t.members[group])
	}
	return nil
}

// leavesRows keeps the members of a deleted group, and gives them to the next group with its id.
type leavesRows struct {
	*Fake
	mu   sync.Mutex
	left map[store.Key][]store.MemberRef
}

func (m *leavesRows) Commit(ctx context.Context, c *store.Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	left := map[store.Key][]store.MemberRef{}
	for _, d := range c.Delete {
		for id, typ := range m.rowsOf(c.Tenant, d.ID) {
			if d.Type == groupType {
				k := store.Key{Tenant: c.Tenant, Type: d.Type, ID: d.ID}
				left[k] = append(left[k], store.MemberRef{Type: typ, ID: id})
			}
		}
	}
	if err := m.Fake.Commit(ctx, c); err != nil {
		return err
	}
	maps.Copy(m.left, left)
	for _, p := range c.Put {
		k := store.Key{Tenant: c.Tenant, Type: p.Resource.Type, ID: p.Resource.ID}
		rows := m.rowsOf(c.Tenant, p.Resource.ID)
		for _, ref := range m.left[k] {
			if _, err := m.Get(ctx, store.Key{Tenant: c.Tenant, Type: ref.Type, ID: ref.ID}); err == nil {
				if rows == nil {
					rows = map[string]string{}
				}
				rows[ref.ID] = ref.Type
			}
		}
		if len(m.left[k]) > 0 {
			m.setMembers(c.Tenant, p.Resource.ID, rows)
		}
		delete(m.left, k)
	}
	return nil
}

// leavesForYou removes a deleted resource from its groups by itself, instead of refusing the delete.
type leavesForYou struct{ *Fake }

func (m leavesForYou) Commit(ctx context.Context, c *store.Change) error {
	c = cloneChange(c)
	for _, d := range c.Delete {
		for row, err := range m.Fake.Members(ctx, store.MemberQuery{Tenant: c.Tenant, Of: []string{d.ID}}) {
			if err != nil {
				return err
			}
			leaves := slices.ContainsFunc(c.Members, func(x store.MemberDelta) bool { return x.Group == row.Group && slices.Contains(x.Remove, d.ID) })
			if group, err := m.Fake.Get(ctx, store.Key{Tenant: c.Tenant, Type: groupType, ID: row.Group}); err == nil && row.Type == d.Type && !leaves {
				c.Members = append(c.Members, store.MemberDelta{Group: row.Group, Version: group.Version, LastModified: group.LastModified, Remove: []string{d.ID}})
			}
		}
	}
	return m.Fake.Commit(ctx, c)
}

// losesMembers writes the whole membership that it read earlier, so that it loses what was changed since then.
type losesMembers struct {
	*Fake
	waiting atomic.Int64
}

func (m *losesMembers) Commit(ctx context.Context, c *store.Change) error {
	if len(c.Members) != 1 || len(c.Put) > 0 {
		return m.Fake.Commit(ctx, c)
	}
	d := c.Members[0]
	rows := m.rowsOf(c.Tenant, d.Group)
	for _, id := range d.Remove {
		delete(rows, id)
	}
	for _, ref := range d.Add {
		rows[ref.ID] = ref.Type
	}
	gate(&m.waiting)
	m.setMembers(c.Tenant, d.Group, rows)
	return nil
}

// twoMoments reads rows in two halves, and a commit may come between them.
type twoMoments struct {
	*Fake
	commits atomic.Int64
}

func (m *twoMoments) Commit(ctx context.Context, c *store.Change) error {
	defer m.commits.Add(1)
	return m.Fake.Commit(ctx, c)
}

func (m *twoMoments) Members(ctx context.Context, q store.MemberQuery) iter.Seq2[store.Member, error] {
	return func(yield func(store.Member, error) bool) {
		var half []store.Member
		for row, err := range m.Fake.Members(ctx, q) {
			if err != nil {
				yield(row, err)
				return
			}
			half = append(half, row)
		}
		half = half[:len(half)/2]
		before := m.commits.Load()
		for i := 0; i < 10_000 && m.commits.Load() == before; i++ {
			runtime.Gosched()
		}
		for _, row := range half {
			if !yield(row, nil) {
				return
			}
		}
		for row, err := range m.Fake.Members(ctx, q) {
			if len(half) > 0 && err == nil && row.ID <= half[len(half)-1].ID {
				continue
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// holdsConnections has ten connections, and keeps one for each reader of rows.
type holdsConnections struct {
	*Fake
	used atomic.Int64
}

func (m *holdsConnections) connect() (release func(), err error) {
	if m.used.Add(1) > 10 {
		m.used.Add(-1)
		return nil, store.ErrUnavailable
	}
	return func() { m.used.Add(-1) }, nil
}

func (m *holdsConnections) Members(ctx context.Context, q store.MemberQuery) iter.Seq2[store.Member, error] {
	return func(yield func(store.Member, error) bool) {
		release, err := m.connect()
		if err != nil {
			yield(store.Member{}, err)
			return
		}
		defer release()
		m.Fake.Members(ctx, q)(yield)
	}
}

// firstGroup reads only one group of each resource.
type firstGroup struct{ *Fake }

func (s firstGroup) GetRelated(ctx context.Context, k store.Key) (*store.Resource, []store.Member, error) {
	r, err := s.Get(ctx, k)
	if err != nil {
		return nil, nil, err
	}
	for m, err := range s.Members(ctx, store.MemberQuery{Tenant: k.Tenant, Of: []string{k.ID}}) {
		return r, []store.Member{m}, err
	}
	return r, nil, nil
}

func (s firstGroup) ListRelated(ctx context.Context, q store.Query, most int) (*store.Page, []store.Member, int, error) {
	p, rows, complete, err := listRelated(ctx, s.Fake, q)
	return p, slices.CompactFunc(rows, func(a, b store.Member) bool { return a.ID == b.ID }), complete, err
}

// moreThanComplete stops reading rows early, and says that it has read all.
type moreThanComplete struct{ *Fake }

func (s moreThanComplete) GetRelated(ctx context.Context, k store.Key) (*store.Resource, []store.Member, error) {
	r, err := s.Get(ctx, k)
	if err != nil {
		return nil, nil, err
	}
	var rows []store.Member
	for m, err := range s.Members(ctx, store.MemberQuery{Tenant: k.Tenant, Of: []string{k.ID}}) {
		if err != nil {
			return nil, nil, err
		}
		rows = append(rows, m)
	}
	return r, rows, nil
}

func (s moreThanComplete) ListRelated(ctx context.Context, q store.Query, most int) (*store.Page, []store.Member, int, error) {
	p, rows, complete, err := listRelated(ctx, s.Fake, q)
	return p, rows[:min(len(rows), most)], complete, err
}

// listRelated reads a page, and all groups of what is on it.
func listRelated(ctx context.Context, s store.Store, q store.Query) (p *store.Page, rows []store.Member, complete int, err error) {
	if p, err = s.List(ctx, q); err != nil || len(p.Resources) == 0 {
		return p, nil, 0, err
	}
	for m, err := range s.Members(ctx, store.MemberQuery{Tenant: q.Tenant, Of: idsOf(p)}) {
		if err != nil {
			return nil, nil, 0, err
		}
		rows = append(rows, m)
	}
	return p, rows, len(p.Resources), nil
}

type firstLabel struct {
	*Fake
	mu     sync.Mutex
	labels map[string]string
}

func (m *firstLabel) Members(ctx context.Context, q store.MemberQuery) iter.Seq2[store.Member, error] {
	return func(yield func(store.Member, error) bool) {
		for row, err := range m.Fake.Members(ctx, q) {
			k := q.Tenant + row.Group + row.ID + fmt.Sprint(len(q.Of))
			m.mu.Lock()
			if _, ok := m.labels[k]; !ok {
				m.labels[k] = row.Label
			}
			row.Label = m.labels[k]
			m.mu.Unlock()
			if !yield(row, err) {
				return
			}
		}
	}
}

func (m *firstLabel) Commit(ctx context.Context, c *store.Change) error {
	err := m.Fake.Commit(ctx, c)
	for _, d := range c.Members {
		for range m.Members(ctx, store.MemberQuery{Tenant: c.Tenant, Groups: []string{d.Group}}) {
			continue
		}
	}
	return err
}

type rowsBackwards struct{ *Fake }

func (m rowsBackwards) Members(ctx context.Context, q store.MemberQuery) iter.Seq2[store.Member, error] {
	return func(yield func(store.Member, error) bool) {
		var rows []store.Member
		for row, err := range m.Fake.Members(ctx, q) {
			if err != nil {
				yield(row, err)
				return
			}
			rows = append(rows, row)
		}
		slices.SortFunc(rows, func(a, b store.Member) int { return cmp.Compare(b.ID, a.ID) })
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}
