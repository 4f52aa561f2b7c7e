package table_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/mapping/table"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// TestDamagedRecord shows that a record that was cut off at any place is damaged. It is never read as a person with fewer attributes,
// without an account, or without groups (I12).
func TestDamagedRecord(t *testing.T) {
	ctx := t.Context()
	s, users, groups := newStore(t)
	ada := user("1", `{"userName":"ada","title":"Dr \"A\""}`, store.IndexKey{Attribute: "userName", Value: "ada", Unique: true})
	ada.Internal, ada.Label = `{"state":"suspended","n":[1,2]}`, "Ada"
	team := &store.Resource{Key: store.Key{Type: "Group", ID: "9"}, Version: "v1", Attributes: `{"displayName":"Team"}`}
	require.NoError(t, s.Commit(ctx, &store.Change{
		Tenant: "acme", Put: []store.Put{{Resource: ada}, {Resource: team}},
		Members: []store.MemberDelta{{Group: "9", Version: "v1", Add: []store.MemberRef{{ID: "1"}}}},
	}))
	list := func(typ string, x filter.Expr) error {
		_, err := s.List(ctx, store.Query{Tenant: "acme", Types: []string{typ}, Count: 10, Filter: x})
		return err
	}
	equal := func(name, value string) filter.Expr {
		return filter.Compare{Attr: filter.Attr{Path: filter.Path{Name: name}, Type: filter.String}, Op: filter.Eq, Value: document.String(value)}
	}
	members := func(q store.MemberQuery) (last error) {
		q.Tenant = "acme"
		for _, err := range s.Members(ctx, q) {
			last = err
		}
		return last
	}
	commit := func(c store.Change) error {
		c.Tenant = "acme"
		return s.Commit(ctx, &c)
	}

	was, err := users.Get(ctx, "acme", "1")
	require.NoError(t, err)
	for n := 1; n < len(was.Rest); n++ {
		cut := *was
		cut.Rest = was.Rest[:n]
		require.NoError(t, users.Update(ctx, "acme", &cut))
		for what, err := range map[string]error{
			"Get":                    func() error { _, err := s.Get(ctx, store.Key{Tenant: "acme", Type: "User", ID: "1"}); return err }(),
			"List":                   list("User", nil),
			"List by userName":       list("User", equal("userName", "ada")),
			"List by title":          list("User", equal("title", "none")),
			"Members":                members(store.MemberQuery{Groups: []string{"9"}}),
			"a put":                  commit(store.Change{Put: []store.Put{{Resource: ada, IfVersion: "v1"}}}),
			"a delete":               commit(store.Change{Delete: []store.Delete{{Type: "User", ID: "1"}}}),
			"an addition to a group": commit(store.Change{Members: []store.MemberDelta{{Group: "9", Version: "v2", Add: []store.MemberRef{{ID: "1"}}}}}),
			"Sent":                   func() error { _, err := cut.Sent(); return err }(),
		} {
			require.ErrorIs(t, err, store.ErrCorrupt, "%s of %s", what, cut.Rest)
		}
	}
	require.NoError(t, users.Update(ctx, "acme", was))

	wasTeam, err := groups.Get(ctx, "acme", "9")
	require.NoError(t, err)
	damaged := []string{
		`{"version":"v1","members":[["User"]]}`, `{"version":"v1","members":[["User",7]]}`, `{"version":"v1","members":{}}`,
	}
	for n := 1; n < len(wasTeam.Rest); n++ {
		damaged = append(damaged, wasTeam.Rest[:n])
	}
	for _, rest := range damaged {
		cut := *wasTeam
		cut.Rest = rest
		require.NoError(t, groups.Update(ctx, "acme", &cut))
		for what, err := range map[string]error{
			"Members":                    members(store.MemberQuery{Groups: []string{"9"}}),
			"the groups of a member":     members(store.MemberQuery{Of: []string{"1"}}),
			"a list by group":            list("User", filter.Related{Relation: filter.Groups, Where: filter.And{}}),
			"a removal":                  commit(store.Change{Members: []store.MemberDelta{{Group: "9", Version: "v2", Remove: []string{"1"}}}}),
			"a delete of a member of it": commit(store.Change{Delete: []store.Delete{{Type: "User", ID: "1"}}}),
		} {
			require.ErrorIs(t, err, store.ErrCorrupt, "%s of %s", what, rest)
		}
	}
}

func TestDamagedFields(t *testing.T) {
	for _, rest := range []string{
		`{"version":7}`, `{"created":"yesterday"}`, `{"lastModified":null}`, `{"label":[]}`, `{"index":{}}`, `{"index":[["userName","a"]]}`,
		`{"attributes":"x"}`, `{"internal":[]}`,
	} {
		s, users, _ := newStore(t)
		require.NoError(t, users.Create(t.Context(), "acme", &table.Record[employee]{ID: "1", Rest: rest}))
		_, err := s.Get(t.Context(), store.Key{Tenant: "acme", Type: "User", ID: "1"})
		require.ErrorIs(t, err, store.ErrCorrupt, rest)
	}
}

func TestDamagedCounters(t *testing.T) {
	for _, rest := range []string{`{"seats":{"count":"3"`, `{"seats":{"count":"x"}}`, `{"seats":{}}`, `{"seats":7}`, `{"seats":{"count":"3","began":"x"}}`} {
		others := table.NewMemory[table.Other]()
		s, err := table.New(table.Table{}, table.Table{}, &table.Options{Others: others})
		require.NoError(t, err)
		require.NoError(t, others.Create(t.Context(), "acme", &table.Record[table.Other]{ID: "counters", Rest: rest}))
		_, err = s.Counters(t.Context(), "acme", "seats")
		require.ErrorIs(t, err, store.ErrCorrupt, rest)
		err = s.Commit(t.Context(), &store.Change{Tenant: "acme", Claims: []store.Claim{{Counter: "seats", Take: 1, Limit: 10}}})
		require.ErrorIs(t, err, store.ErrCorrupt, rest)
	}
}
