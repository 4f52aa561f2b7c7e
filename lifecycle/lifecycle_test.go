package lifecycle_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// house is a service over a Fake whose hooks write down what they are told.
type house struct {
	t     *testing.T
	s     *lifecycle.Service
	fake  *storetest.Fake
	told  []string
	fail  error
	hooks lifecycle.Hooks
	log   strings.Builder
}

func newHouse(t *testing.T, change ...func(*lifecycle.Options, *lifecycle.Settings)) *house {
	h := &house{t: t, fake: storetest.NewFake()}
	tell := func(_ context.Context, e *lifecycle.Event) error {
		line := string(e.Kind) + " " + e.UserName
		if e.Kind == lifecycle.KindMembersChanged {
			line = string(e.Kind) + " +" + strings.Join(e.Added, ",") + " -" + strings.Join(e.Removed, ",")
		}
		h.told = append(h.told, strings.TrimSpace(line))
		return h.fail
	}
	o := &lifecycle.Options{Logger: slog.New(slog.NewTextHandler(&h.log, nil)), Hooks: lifecycle.Hooks{Any: tell}}
	h.hooks = o.Hooks
	settings := lifecycle.DefaultSettings()
	for _, c := range change {
		c(o, &settings)
	}
	o.Settings = lifecycle.FixedSettings(settings)
	s, err := lifecycle.New(h.fake, o)
	require.NoError(t, err)
	h.s = s
	return h
}

// heard requires that since the last call the hooks were told just this.
func (h *house) heard(lines ...string) {
	h.t.Helper()
	assert.Equal(h.t, lines, h.told)
	h.told = nil
}

func (h *house) create(typ, attributes string) *store.Resource {
	h.t.Helper()
	r := h.resource(typ, attributes)
	require.NoError(h.t, h.post(r))
	return r
}

func (h *house) resource(typ, attributes string) *store.Resource {
	r := &store.Resource{Key: store.Key{Tenant: "acme", Type: typ}, Attributes: attrs(h.t, attributes)}
	r.Index, r.Label = h.s.Index(typ, r.Attributes.Value())
	return r
}

func (h *house) update(cur *store.Resource, attributes string) *store.Resource {
	h.t.Helper()
	next := *cur
	next.Attributes = attrs(h.t, attributes)
	require.NoError(h.t, h.put(cur, &next, nil))
	return &next
}

func attrs(t *testing.T, text string) document.Document {
	v, err := document.Parse(text, 0)
	require.NoError(t, err)
	return v.Document()
}

func TestPeople(t *testing.T) {
	h := newHouse(t)
	ada := h.create("User", `{"userName":"ada"}`)
	h.heard("provisioned ada")
	assert.NotEmpty(t, ada.ID)
	assert.Equal(t, ada.Created, ada.LastModified)

	same := h.update(ada, `{"userName":"ada"}`)
	h.heard()
	assert.Equal(t, ada.Version, same.Version, "no difference, no write")

	off := h.update(ada, `{"userName":"ada","active":false}`)
	h.heard("deactivated ada")
	assert.NotEqual(t, ada.Version, off.Version)
	off = h.update(off, `{"userName":"ada","active":false,"title":"T"}`)
	h.heard("updated ada")
	on := h.update(off, `{"userName":"ada","active":true,"title":"T"}`)
	h.heard("reactivated ada")

	stale := *ada
	require.ErrorIs(t, h.put(ada, &store.Resource{Key: stale.Key, Attributes: attrs(t, `{"userName":"x"}`)}, nil), store.ErrVersionMismatch)
	require.ErrorIs(t, h.del(ada), store.ErrVersionMismatch)
	h.heard()
	require.NoError(t, h.del(on))
	h.heard("deactivated ada", "deleted ada")

	entries, err := h.fake.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Max: 10})
	require.NoError(t, err)
	require.Len(t, entries, 6, "one for each write, the one that changes nothing included")
	assert.Equal(t, "entra", entries[0].Connection)
	assert.Equal(t, ada.Key, entries[0].Subject)
	assert.Contains(t, string(entries[0].Data), "string-boolean")
}

func TestGroups(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.create("User", `{"userName":"ada"}`), h.create("User", `{"userName":"bob"}`)
	crew := h.create("Group", `{"displayName":"Crew"}`)
	h.heard("provisioned ada", "provisioned bob", "group.created")

	change := func(m lifecycle.Members) string {
		t.Helper()
		version, err := h.members(crew.Key, "", m)
		require.NoError(t, err)
		return version
	}
	add := func(ids ...string) (refs []store.MemberRef) {
		for _, id := range ids {
			refs = append(refs, store.MemberRef{ID: id})
		}
		return refs
	}
	for _, c := range []struct {
		name   string
		change lifecycle.Members
		told   []string
	}{
		{"add, named twice", lifecycle.Members{Add: add(ada.ID, ada.ID)}, []string{"members.changed +" + ada.ID + " -"}},
		{"add again", lifecycle.Members{Add: add(ada.ID)}, nil},
		{"remove who isn't one", lifecycle.Members{Remove: []string{bob.ID}}, nil},
		{"nothing", lifecycle.Members{}, nil},
		{"swap", lifecycle.Members{Add: add(bob.ID), Remove: []string{ada.ID}}, []string{"members.changed +" + bob.ID + " -" + ada.ID}},
		{"add and remove the same", lifecycle.Members{Add: add(bob.ID), Remove: []string{bob.ID}}, nil},
		{"replace by the same", lifecycle.Members{Replace: true, Add: add(bob.ID)}, nil},
		{"replace", lifecycle.Members{Replace: true, Add: add(ada.ID)}, []string{"members.changed +" + ada.ID + " -" + bob.ID}},
		{"empty", lifecycle.Members{Replace: true}, []string{"members.changed + -" + ada.ID}},
	} {
		t.Run(c.name, func(t *testing.T) {
			version := change(c.change)
			assert.Equal(t, c.told, h.told)
			assert.Equal(t, c.told == nil, version == "", "a version for a difference only")
			h.told = nil
		})
	}

	cur, err := h.fake.Get(t.Context(), crew.Key)
	require.NoError(t, err)
	next := *cur
	next.Attributes = attrs(t, `{"displayName":"Crew 2"}`)
	require.NoError(t, h.put(cur, &next, &lifecycle.Members{Add: add(ada.ID)}))
	h.heard("group.updated", "members.changed +"+ada.ID+" -")

	nobody := store.Key{Tenant: "acme", Type: "Group", ID: "nobody"}
	for _, m := range []lifecycle.Members{{Add: add(ada.ID)}, {Remove: []string{ada.ID}}, {Replace: true}} {
		_, err := h.members(nobody, "", m)
		require.ErrorIs(t, err, store.ErrNotFound)
	}
	_, err = h.members(crew.Key, "old", lifecycle.Members{Remove: []string{bob.ID}})
	require.ErrorIs(t, err, store.ErrVersionMismatch, "even if there's nothing to do")
	require.NoError(t, h.del(&next))
	h.heard("group.deleted")
}

func TestHooksAreToldAfterTheCommitOnly(t *testing.T) {
	h := newHouse(t)
	h.fake.FailCommit(1, errors.New("disk"))
	require.ErrorContains(t, h.post(h.resource("User", `{"userName":"ada"}`)), "disk")
	h.heard()
	h.fail = errors.New("the product is down")
	h.create("Device", `{"serialNumber":"1"}`)
	h.heard("resource.created")
	assert.Contains(t, h.log.String(), "the product is down", "a hook's failure is not the request's")
}

func TestNobodyToTellKeepsNoEvents(t *testing.T) {
	fake := storetest.NewFake()
	s, err := lifecycle.New(fake, nil)
	require.NoError(t, err)
	r := &store.Resource{Key: store.Key{Tenant: "acme", Type: "User"}, Attributes: attrs(t, `{"userName":"ada"}`)}
	h := &house{t: t, s: s, fake: fake}
	require.NoError(t, h.post(r))
	leased, err := fake.Lease(t.Context(), store.Lease{Owner: "test", Consumer: "hooks", For: time.Hour, Max: 10})
	require.NoError(t, err)
	assert.Empty(t, leased)
	_, err = lifecycle.New(nil, nil)
	require.Error(t, err)
}
