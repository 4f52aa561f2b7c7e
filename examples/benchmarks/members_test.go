package benchmarks_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
)

// BenchmarkMemberPatch adds a member to a group and removes it again, by two PATCH requests. It must cost the same
// whatever the size of the group.
func BenchmarkMemberPatch(b *testing.B) {
	for _, size := range []int{10, 100_000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			s := memstore.New()
			h, err := scim.NewHandler(s, &scim.Options{Auth: scim.BearerTokens{"benchmark-token": "acme"}})
			require.NoError(b, err)
			group := bigGroup(b, s, size)
			member := fill(b, h, 1)[0]
			add := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"` + member + `"}]}]}`
			remove := strings.Replace(add, `"add"`, `"remove"`, 1)
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				for _, body := range []string{add, remove} {
					w := &discard{header: http.Header{}}
					h.ServeHTTP(w, request(http.MethodPatch, "/Groups/"+group, body))
					if w.status != http.StatusNoContent {
						b.Fatalf("status %d", w.status)
					}
				}
			}
		})
	}
}

// bigGroup puts a group with many members into the store, without requests.
func bigGroup(tb testing.TB, s store.Store, size int) string {
	const part = 10_000
	put := func(r *store.Resource) store.Put { r.Tenant, r.Version = "acme", "1"; return store.Put{Resource: r} }
	require.NoError(tb, s.Commit(tb.Context(), &store.Change{Tenant: "acme", Put: []store.Put{put(&store.Resource{Key: store.Key{Type: "Group", ID: "group"}})}}))
	for from := 0; from < size; from += part {
		c := &store.Change{Tenant: "acme", Members: []store.MemberDelta{{Group: "group", Version: "1"}}}
		for i := from; i < min(from+part, size); i++ {
			id := "member" + strconv.Itoa(i)
			c.Put = append(c.Put, put(&store.Resource{Key: store.Key{Type: "User", ID: id}}))
			c.Members[0].Add = append(c.Members[0].Add, store.MemberRef{Type: "User", ID: id})
		}
		require.NoError(tb, s.Commit(tb.Context(), c))
	}
	return "group"
}
