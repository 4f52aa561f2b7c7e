package lifecycle_test

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

// meddled is a store in which others do something right after a read of one resource or of a list, or right before a commit.
type meddled struct {
	store.Store
	read   func()
	list   func()
	commit func(*store.Change)
}

func (m *meddled) Unwrap() store.Store { return m.Store }

func (m *meddled) Get(ctx context.Context, k store.Key) (*store.Resource, error) {
	r, err := m.Store.Get(ctx, k)
	if m.read != nil {
		m.read()
	}
	return r, err
}

func (m *meddled) List(ctx context.Context, q store.Query) (*store.Page, error) {
	page, err := m.Store.List(ctx, q)
	if m.list != nil {
		m.list()
	}
	return page, err
}

func (m *meddled) Commit(ctx context.Context, c *store.Change) error {
	if m.commit != nil {
		m.commit(c)
	}
	return m.Store.Commit(ctx, c)
}

// beside is a service over the store of a house in which others meddle.
func (h *house) beside(settings *lifecycle.Settings) (*lifecycle.Service, *meddled) {
	h.t.Helper()
	m := &meddled{Store: h.fake}
	s, err := lifecycle.New(m, &lifecycle.Options{Settings: lifecycle.FixedSettings(*settings)})
	require.NoError(h.t, err)
	return s, m
}

// Whoever is erased while others write is gone all the same. Who is created afterwards is a new person.
func TestErasedBesideWriters(t *testing.T) {
	restore := func(h *house, id string) { _, _ = h.s.Reactivate(h.t.Context(), admin, id) } // if the user isn't gone yet
	again := func(h *house, _ string) { h.create("User", `{"userName":"ada","externalId":"e1"}`) }
	remove := func(h *house, id string) {
		require.NoError(h.t, h.del(h.read(&store.Resource{Key: store.Key{Tenant: "acme", Type: "User", ID: id}})))
	}
	for name, c := range map[string]struct {
		policy lifecycle.DeletePolicy
		there  bool
		others func(h *house, id string)
	}{
		"let in again":            {"keep", false, restore},
		"comes back where kept":   {"keep", false, again},
		"comes back from nothing": {"remove", false, again},
		"deleted where kept":      {"keep", true, remove},
		"deleted":                 {"remove", true, remove},
	} {
		t.Run(name, func(t *testing.T) {
			for nth, reached := 1, true; reached; nth++ { // after each of the reads that the erasure makes
				settings := lifecycle.DefaultSettings()
				settings.Delete = c.policy
				h := newHouse(t, with(func(s *lifecycle.Settings) { *s = settings }))
				s, m := h.beside(&settings)
				ada := h.create("User", `{"userName":"ada","externalId":"e1"}`)
				if !c.there {
					require.NoError(t, h.del(ada))
				}
				reads := 0
				m.read = func() {
					_, err := h.fake.Get(t.Context(), ada.Key)
					if reads++; reads == nth && c.there == (err == nil) {
						c.others(h, ada.ID)
					}
				}
				_, err := s.Erase(t.Context(), admin, ada.ID)
				require.NoError(t, err)
				reached = reads >= nth
				_, err = h.s.ExportPerson(t.Context(), "acme", ada.ID)
				require.ErrorIs(t, err, store.ErrNotFound, "after read %d", nth)
				if h.id("ada") == "nobody" {
					again(h, "")
				}
				require.NotEqual(t, ada.ID, h.id("ada"), "after read %d", nth)
			}
		})
	}
}

// An erasure that finds somebody's tombstone leaves the one that another person, who is held, gets in its place.
func TestErasureLeavesTheTombstoneOfAnother(t *testing.T) {
	settings := lifecycle.DefaultSettings()
	h := newHouse(t)
	s, m := h.beside(&settings)
	ada := h.create("User", `{"userName":"ada","externalId":"e1"}`)
	_, err := h.s.Suspend(t.Context(), admin, ada.ID)
	require.NoError(t, err)
	require.NoError(t, h.del(h.read(ada)))
	tombstones := 0
	m.commit = func(c *store.Change) {
		if len(c.Delete) != 1 || c.Delete[0].Type != "rollcall.Tombstone" {
			return
		}
		if tombstones++; tombstones == 2 { // the one of the externalId is first, then comes the one of the name
			require.NoError(t, h.del(h.create("User", `{"userName":"ada","externalId":"e2"}`)))
		}
	}
	_, err = s.Erase(t.Context(), admin, ada.ID)
	require.NoError(t, err)
	require.Equal(t, 2, tombstones, "the other one came in between")
	h.create("User", `{"userName":"ada","externalId":"e3"}`)
	_, err = h.login("ada")
	require.ErrorAs(t, err, new(*lifecycle.Denied))
}

// What somebody was called last is taken out of entries about others, also if the name is from while the erasure went on.
func TestErasureLearnsTheLastName(t *testing.T) {
	settings := lifecycle.DefaultSettings()
	h := newHouse(t)
	s, m := h.beside(&settings)
	ada := h.create("User", `{"userName":"ada","externalId":"e1"}`)
	m.commit = func(c *store.Change) {
		m.commit = nil
		h.update(h.read(ada), `{"userName":"lovelace","externalId":"e1"}`)
		require.Error(t, h.post(h.resource("User", `{"userName":"lovelace","externalId":"e2"}`)))
	}
	_, err := s.Erase(t.Context(), admin, ada.ID)
	require.NoError(t, err)
	entries, err := h.fake.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Max: 100})
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	for _, e := range entries {
		assert.NotContains(t, e.Data, "lovelace")
	}
}

// Two imports at once make each group once, and a seat is taken once for each person.
func TestImportsAtOnce(t *testing.T) {
	h := newHouse(t, limited(10))
	settings := lifecycle.DefaultSettings()
	s, m := h.beside(&settings)
	people := func(yield func(lifecycle.Person, error) bool) {
		for _, name := range []string{"ada", "bob"} {
			if !yield(lifecycle.Person{Attributes: attrs(t, `{"userName":"`+name+`"}`).Value(), Groups: []string{"Crew"}}, nil) {
				return
			}
		}
	}
	others := func(yield func(lifecycle.Person, error) bool) {
		yield(lifecycle.Person{Attributes: attrs(t, `{"userName":"eve"}`).Value(), Groups: []string{"crew"}}, nil)
	}
	for name, c := range map[string]struct {
		first iter.Seq2[lifecycle.Person, error]
		users int
	}{"of the same people": {people, 2}, "of other people": {others, 3}} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, h.fake.Forget(t.Context(), "acme"))
			m.commit = func(*store.Change) {
				m.commit = nil
				_, err := h.s.Import(t.Context(), "acme", c.first, nil)
				require.NoError(t, err)
			}
			_, err := s.Import(t.Context(), "acme", people, nil)
			require.NoError(t, err)
			list := func(typ string) *store.Page {
				page, err := h.fake.List(t.Context(), store.Query{Tenant: "acme", Types: []string{typ}, Count: 10})
				require.NoError(t, err)
				return page
			}
			assert.Equal(t, c.users, list("User").Total)
			assert.Equal(t, c.users, h.used())
			groups := list("Group")
			require.Equal(t, 1, groups.Total)
			members := 0
			for _, err := range h.fake.Members(t.Context(), store.MemberQuery{Tenant: "acme", Groups: []string{groups.Resources[0].ID}}) {
				require.NoError(t, err)
				members++
			}
			assert.Equal(t, c.users, members)
		})
	}
}

// An import of more groups than it remembers finds those again that it has forgotten.
func TestImportOfManyGroups(t *testing.T) {
	h := newHouse(t)
	_, err := h.s.Import(t.Context(), "acme", func(yield func(lifecycle.Person, error) bool) {
		for i := range 52 {
			p := lifecycle.Person{Attributes: attrs(t, fmt.Sprintf(`{"userName":"u%d"}`, i)).Value()}
			for n := range 200 {
				p.Groups = append(p.Groups, fmt.Sprintf("g%d", i%51*200+n))
			}
			if !yield(p, nil) {
				return
			}
		}
	}, &lifecycle.ImportOptions{Batch: 51})
	require.NoError(t, err)
	groups, err := h.fake.List(t.Context(), store.Query{Tenant: "acme", Types: []string{"Group"}})
	require.NoError(t, err)
	assert.Equal(t, 51*200, groups.Total)
}
