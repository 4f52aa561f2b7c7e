package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// The mutants of this file read and commit resources wrongly.

type returnsItsOwn struct {
	*Fake
	mu  sync.Mutex
	got map[store.Key]*store.Resource
}

func (m *returnsItsOwn) Get(ctx context.Context, k store.Key) (*store.Resource, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.got[k]; r != nil {
		return r, nil
	}
	r, err := m.Fake.Get(ctx, k)
	if err == nil {
		m.got[k] = r
	}
	return r, err
}

func (m *returnsItsOwn) Commit(ctx context.Context, c *store.Change) error {
	m.mu.Lock()
	clear(m.got)
	m.mu.Unlock()
	return m.Fake.Commit(ctx, c)
}

type keepsTheCallers struct {
	*Fake
	mu  sync.Mutex
	put map[store.Key]*store.Resource
}

func (m *keepsTheCallers) Get(ctx context.Context, k store.Key) (*store.Resource, error) {
	r, err := m.Fake.Get(ctx, k)
	m.mu.Lock()
	defer m.mu.Unlock()
	if kept := m.put[k]; err == nil && kept != nil {
		r.Index = slices.Clone(kept.Index)
	}
	return r, err
}

func (m *keepsTheCallers) List(ctx context.Context, q store.Query) (*store.Page, error) {
	p, err := m.Fake.List(ctx, q)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		for _, r := range p.Resources {
			if kept := m.put[r.Key]; kept != nil {
				r.Index = kept.Index
			}
		}
	}
	return p, err
}

func (m *keepsTheCallers) Commit(ctx context.Context, c *store.Change) error {
	err := m.Fake.Commit(ctx, c)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range c.Put {
		if err == nil {
			m.put[store.Key{Tenant: c.Tenant, Type: p.Resource.Type, ID: p.Resource.ID}] = p.Resource
		}
	}
	return err
}

// edits edits each change before it commits it. It edits the caller's own change; what edited makes edits a copy.
type edits struct {
	*Fake
	edit func(c *store.Change)
}

func (m edits) Commit(ctx context.Context, c *store.Change) error {
	m.edit(c)
	return m.Fake.Commit(ctx, c)
}

func edited(f *Fake, edit func(c *store.Change)) store.Store { return copies{edits{f, edit}} }

type copies struct{ edits }

func (m copies) Commit(ctx context.Context, c *store.Change) error {
	return m.edits.Commit(ctx, cloneChange(c))
}

func eachKey(c *store.Change, edit func(k *store.IndexKey)) {
	for _, p := range c.Put {
		for i := range p.Resource.Index {
			edit(&p.Resource.Index[i])
		}
	}
}

type partByPart struct{ *Fake }

func (m partByPart) Commit(ctx context.Context, c *store.Change) error {
	var parts []store.Change
	for _, p := range c.Put {
		parts = append(parts, store.Change{Put: []store.Put{p}})
	}
	for _, d := range c.Members {
		parts = append(parts, store.Change{Members: []store.MemberDelta{d}})
	}
	for _, d := range c.Delete {
		parts = append(parts, store.Change{Delete: []store.Delete{d}})
	}
	parts = append(parts, store.Change{Claims: c.Claims}, store.Change{Events: c.Events, Journal: c.Journal})
	for _, part := range parts {
		part.Tenant = c.Tenant
		if err := m.Fake.Commit(ctx, &part); err != nil {
			return err
		}
	}
	return nil
}

type eventsRegardless struct{ *Fake }

func (m eventsRegardless) Commit(ctx context.Context, c *store.Change) error {
	err := m.Fake.Commit(ctx, c)
	if err != nil {
		m.Fake.Commit(ctx, &store.Change{Tenant: c.Tenant, Events: c.Events})
	}
	return err
}

type seesOthers struct{ *Fake }

func (m seesOthers) Get(ctx context.Context, k store.Key) (*store.Resource, error) {
	r, err := m.Fake.Get(ctx, k)
	if !errors.Is(err, store.ErrNotFound) {
		return r, err
	}
	for _, k.Tenant = range m.names() {
		if r, err := m.Fake.Get(ctx, k); err == nil {
			return r, nil
		}
	}
	return nil, err
}

func (f *Fake) names() (names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range f.tenants {
		names = append(names, name)
	}
	return names
}

type listsOthers struct{ *Fake }

func (m listsOthers) List(ctx context.Context, q store.Query) (*store.Page, error) {
	p, err := m.Fake.List(ctx, q)
	if err == nil && p.Total == 0 {
		q.Tenant = strings.TrimSuffix(q.Tenant, "-stranger")
		return m.Fake.List(ctx, q)
	}
	return p, err
}

type deletesOthers struct{ *Fake }

func (m deletesOthers) Commit(ctx context.Context, c *store.Change) error {
	err := m.Fake.Commit(ctx, c)
	for _, d := range c.Delete {
		for _, tenant := range m.names() {
			if err == nil && tenant != c.Tenant {
				m.Fake.Commit(ctx, &store.Change{Tenant: tenant, Delete: []store.Delete{{Type: d.Type, ID: d.ID}}})
			}
		}
	}
	return err
}

func (m copies) Get(ctx context.Context, k store.Key) (*store.Resource, error) {
	c := store.Change{Tenant: k.Tenant}
	m.edit(&c)
	k.Tenant = c.Tenant
	return m.Fake.Get(ctx, k)
}

type anyVersion struct{ *Fake }

func (m anyVersion) Commit(ctx context.Context, c *store.Change) error {
	c = cloneChange(c)
	for i := range c.Put {
		p := &c.Put[i]
		if old, err := m.Fake.Get(ctx, store.Key{Tenant: c.Tenant, Type: p.Resource.Type, ID: p.Resource.ID}); err == nil && p.IfVersion != "" {
			p.IfVersion = old.Version
		}
	}
	return m.Fake.Commit(ctx, c)
}

type refusesQuotes struct{ *Fake }

func (m refusesQuotes) Commit(ctx context.Context, c *store.Change) error {
	for _, p := range c.Put {
		if strings.Contains(p.Resource.ID, "'") {
			return errors.New("syntax error at or near '")
		}
	}
	return m.Fake.Commit(ctx, c)
}

type deletesNothing struct{ *Fake }

func (m deletesNothing) Commit(ctx context.Context, c *store.Change) error {
	if err := m.Fake.Commit(ctx, c); len(c.Delete) == 0 || !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return nil
}

type lags struct{ *Fake }

func (m lags) Commit(ctx context.Context, c *store.Change) error {
	m.Freeze()
	return m.Fake.Commit(ctx, c)
}

type neverEnds struct{ *Fake }

func (m neverEnds) Commit(ctx context.Context, c *store.Change) error {
	return m.Fake.Commit(context.WithoutCancel(ctx), c)
}

func eachDocument(c *store.Change, edit func(d document.Document) document.Document) {
	for _, p := range c.Put {
		p.Resource.Attributes, p.Resource.Internal = edit(p.Resource.Attributes), edit(p.Resource.Internal)
	}
}

// whatIsLeft makes an object of the fields of a document that come before the damage.
func whatIsLeft(d document.Document) document.Document {
	v := document.Object()
	for name := range d.Fields() {
		v.Set(name, d.Get(name))
	}
	return v.Document()
}

// deletesFirst applies the deletes of a change before its changes of members.
type deletesFirst struct{ *Fake }

func (m deletesFirst) Commit(ctx context.Context, c *store.Change) error {
	for _, d := range c.Delete {
		if r, err := m.Fake.Get(ctx, store.Key{Tenant: c.Tenant, Type: d.Type, ID: d.ID}); err == nil && (d.IfVersion == "" || d.IfVersion == r.Version) {
			if slices.ContainsFunc(c.Members, func(x store.MemberDelta) bool { return x.Group == d.ID && d.Type == groupType }) {
				return store.ErrNotFound
			}
		}
	}
	return m.Fake.Commit(ctx, c)
}
