package scim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// torn is a store whose members break off after some rows.
type torn struct {
	store.Store
	rows int // 0: all
}

func (s *torn) Members(ctx context.Context, q store.MemberQuery) iter.Seq2[store.Member, error] {
	return func(yield func(store.Member, error) bool) {
		n := 0
		for row, err := range s.Store.Members(ctx, q) {
			if n++; s.rows > 0 && n > s.rows {
				yield(store.Member{}, errDatabase)
				return
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// crowd makes a service with a group of so many members.
func crowd(t *testing.T, n int) (s *service, members *torn, group string) {
	members = &torn{Store: storetest.NewFake()}
	change := &store.Change{Tenant: "acme"}
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("id-%06d", i)
		name := fmt.Sprintf("user%d", i)
		change.Put = append(change.Put, store.Put{Resource: &store.Resource{
			Key: store.Key{Tenant: "acme", Type: "User", ID: ids[i]}, Version: "1", Created: time.Unix(0, 0).UTC(), LastModified: time.Unix(0, 0).UTC(),
			Attributes: document.Object(document.Field{Name: "userName", Value: document.String(name)}).Document(), Label: name,
		}})
	}
	require.NoError(t, members.Commit(t.Context(), change))
	s = serveStore(t, members)
	return s, members, "/Groups/" + s.group("Crowd", ids...)
}

func TestLargeAnswers(t *testing.T) {
	const n = 3_000
	s, members, group := crowd(t, n)
	a := s.do("GET", group, "").is(200)
	assert.Len(t, a.at("members"), n)
	assert.Equal(t, "id-002999", a.at("members", n-1, "value"))
	assert.Equal(t, "user2999", a.at("members", n-1, "display"))
	assert.Equal(t, s.url+"/Users/id-002999", a.at("members", n-1, "$ref"))
	assert.Equal(t, s.url+group, a.at("meta", "location"), "what comes behind the members is there")
	assert.Greater(t, len(a.text), 4*64<<10, "it was sent in parts")
	assert.Empty(t, s.do("HEAD", group, "").is(200).text)

	list := s.do("GET", "/Users?count=1000", "").is(200)
	assert.Len(t, list.at("Resources"), 1_000)
	assert.Equal(t, "Crowd", list.at("Resources", 999, "groups", 0, "display"))
	assert.Len(t, s.do("GET", "/Groups", "").is(200).at("Resources", 0, "members"), n)
	assert.NotContains(t, s.do("GET", "/Groups?excludedAttributes=members", "").is(200).at("Resources", 0), "members")

	t.Run("that fail at once", func(t *testing.T) {
		members.rows = 1
		defer func() { members.rows = 0 }()
		s := &service{t: t, url: s.url}
		s.do("GET", group, "").fails(500, "", "request id")
	})
	t.Run("that fail halfway", func(t *testing.T) {
		members.rows = n - 1
		defer func() { members.rows = 0 }()
		r, err := http.NewRequest(http.MethodGet, s.url+group, nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer acme")
		res, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "the client sees it break off, so that nobody takes it for the whole group")
		assert.False(t, json.Valid(text))
		assert.NotContains(t, string(text), "pq:")
	})
	assert.Len(t, s.do("GET", group, "").is(200).at("members"), n, "and the service serves")
}
