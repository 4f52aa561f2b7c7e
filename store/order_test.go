package store_test

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

var (
	ascending  = &store.Sort{By: filter.Attr{Path: filter.Path{Name: "userName"}, Type: filter.String}}
	descending = &store.Sort{By: ascending.By, Descending: true}
)

func TestCompare(t *testing.T) {
	none := func(id string) store.Position { return store.Position{ID: id, Type: "User"} }
	with := func(key, id string) store.Position { return store.Position{Key: key, Has: true, ID: id, Type: "User"} }
	group := func(p store.Position) store.Position { p.Type = "Group"; return p }
	for name, tt := range map[string]struct {
		by   *store.Sort
		want []store.Position // in order
	}{
		"by id":        {nil, []store.Position{none("1"), group(none("2")), none("2"), none("3")}},
		"no value":     {ascending, []store.Position{none("1"), group(none("2")), none("2"), none("3")}},
		"with a value": {ascending, []store.Position{with("", "7"), with("a", "1"), with("a", "5"), with("b", "0"), none("0"), none("4")}},
		"descending":   {descending, []store.Position{none("0"), none("4"), with("b", "0"), with("a", "1"), group(with("a", "5")), with("a", "5"), with("", "7")}},
		"of bytes":     {ascending, []store.Position{with("Z", "1"), with("a", "1"), with("é", "1"), with("日", "1")}},
	} {
		for i, a := range tt.want {
			for k, b := range tt.want {
				want := 0
				if i < k {
					want = -1
				} else if i > k {
					want = 1
				}
				assert.Equal(t, want, tt.by.Compare(a, b), "%s: %v and %v", name, a, b)
			}
		}
	}
}

func TestPosition(t *testing.T) {
	ann := document.Object(document.Field{Name: "userName", Value: document.String("Ann")})
	src := source{&store.Resource{Attributes: ann.Document()}}
	assert.Equal(t, store.Position{Key: "ann", Has: true, ID: "1", Type: "User"}, ascending.Position("User", "1", src))
	assert.Equal(t, store.Position{ID: "1", Type: "User"}, (*store.Sort)(nil).Position("User", "1", nil))
	assert.Equal(t, store.Position{ID: "1", Type: "User"}, ascending.Position("User", "1", source{&store.Resource{}}))
}

// source is a resource without memberships.
type source struct{ *store.Resource }

func (source) Related(filter.Relation, func(document.Value) bool) bool { return false }

func TestCursor(t *testing.T) {
	at := store.Position{Key: "a\x00\"\u2028é", Has: true, ID: "1/2", Type: "User"}
	q := store.Query{Types: []string{"User", "Group"}, Sort: ascending}
	after, err := q.After()
	assert.NoError(t, err)
	assert.Nil(t, after, "the first page")

	cursor := q.CursorAt(at)
	next := q
	next.Cursor, next.Tenant, next.Count, next.NoTotal = cursor, "acme", 7, true
	next.Filter = filter.Present{Attr: ascending.By}
	after, err = next.After()
	assert.NoError(t, err)
	assert.Equal(t, &at, after, "what isn't the order may change")

	email := &store.Sort{By: filter.Attr{Path: filter.Path{Name: "emails", Sub: "value"}}}
	for name, q := range map[string]store.Query{
		"no sort":             {Types: q.Types},
		"another direction":   {Types: q.Types, Sort: descending},
		"another attribute":   {Types: q.Types, Sort: email},
		"other types":         {Types: []string{"User"}, Sort: ascending},
		"an extension's name": {Types: q.Types, Sort: &store.Sort{By: filter.Attr{Path: filter.Path{URI: "urn:x", Name: "userName"}}}},
	} {
		q.Cursor = cursor
		_, err := q.After()
		assert.ErrorIs(t, err, store.ErrCursor, name)
	}
	for _, bad := range []string{"!", cursor + "=", cursor[:len(cursor)/2], " " + cursor, base64.RawURLEncoding.EncodeToString([]byte(`null`)),
		base64.RawURLEncoding.EncodeToString([]byte(`{"i":1,"o":"User,Group by userName"}`))} {
		q.Cursor = bad
		_, err := q.After()
		assert.ErrorIs(t, err, store.ErrCursor, bad)
	}
}

func FuzzCursor(f *testing.F) {
	q := store.Query{Types: []string{"User"}}
	f.Add(q.CursorAt(store.Position{ID: "1", Type: "User"}))
	f.Add(q.CursorAt(store.Position{Key: "\x00", Has: true}))
	f.Add("bnVsbA")
	f.Fuzz(func(t *testing.T, cursor string) {
		q.Cursor = cursor
		at, err := q.After()
		switch {
		case cursor == "":
			assert.Nil(t, at)
		case err != nil:
			assert.ErrorIs(t, err, store.ErrCursor)
		default:
			q.Cursor = q.CursorAt(*at)
			again, err := q.After()
			assert.NoError(t, err)
			assert.Equal(t, at, again)
		}
	})
}
