package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// largeUser makes the nth of many users, some without each of the attributes.
func largeUser(n int) *store.Resource {
	id := fmt.Sprintf("%08x", uint32(n+1)*0x9e3779b1) // the ids are in another order than n
	text := fmt.Sprintf(`{"userName":"user%05d"`, n)
	r := &store.Resource{Key: store.Key{Tenant: "t", Type: "User", ID: id}, Version: "1", Created: epoch, LastModified: epoch.Add(time.Duration(n) * time.Second)}
	r.Index = append(r.Index, store.IndexKey{Attribute: "userName", Value: fmt.Sprintf("user%05d", n), Unique: true})
	if n%50 != 0 {
		name := fmt.Sprintf("Name %d", n%7)
		text += fmt.Sprintf(`,"displayName":%q`, name)
		r.Index = append(r.Index, store.IndexKey{Attribute: "displayName", Value: document.Fold(name)})
	}
	if n%3 != 0 {
		text += fmt.Sprintf(`,"externalId":"X%d"`, n)
		r.Index = append(r.Index, store.IndexKey{Attribute: "externalId", Value: fmt.Sprint("X", n)})
	}
	for i := range n % 3 {
		mail := fmt.Sprintf("mail%d.%d", i, n)
		r.Index = append(r.Index, store.IndexKey{Attribute: "emails.value", Value: mail})
		text += [...]string{`,"emails":[`, `,`}[i] + fmt.Sprintf(`{"value":%q}`, mail)
	}
	if n%3 > 0 {
		text += "]"
	}
	if n%10 != 0 {
		text += fmt.Sprintf(`,"active":%t`, n%4 != 0)
	}
	r.Attributes = document.Document(text + "}")
	if n%2 == 0 {
		r.Internal = document.Document(fmt.Sprintf(`{"state":%q}`, []string{"active", "suspended"}[n%5/4]))
	}
	return r
}

// TestLarge asks for lists that are read in another way if there are many resources, and compares them with those of the Fake. Between
// the rounds, resources are created, deleted, renamed, and get other marks, to show that nothing is remembered that isn't true any more.
func TestLarge(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("it needs many resources, and with -race many minutes; .ci/run runs it without")
	}
	const many = 6_000
	text := func(name string, caseExact bool) filter.Attr {
		return filter.Attr{Path: filter.Path{Name: name}, Type: filter.String, CaseExact: caseExact}
	}
	is := func(a filter.Attr, op filter.Op, v document.Value) filter.Expr {
		return filter.Compare{Attr: a, Op: op, Value: v}
	}
	userName, displayName, externalId := text("userName", false), text("displayName", false), text("externalId", true)
	mail := filter.Attr{Path: filter.Path{Name: "emails", Sub: "value"}, Type: filter.String, Multi: true}
	active := filter.Attr{Path: filter.Path{Name: "active"}, Type: filter.Boolean}
	state := filter.Attr{Path: filter.Path{URI: filter.InternalURI, Name: "state"}, Type: filter.String, CaseExact: true}
	begins := func(a filter.Attr, with string) filter.Expr { return is(a, filter.Sw, document.String(with)) }
	isActive, isSuspended := is(active, filter.Eq, document.Bool(true)), is(state, filter.Eq, document.String("suspended"))
	filters := []filter.Expr{
		nil, begins(userName, "user"), begins(userName, "user0001"), begins(userName, "zzz"), begins(displayName, "name 3"), begins(displayName, "name"),
		begins(mail, "mail"), begins(mail, "mail1.1"), begins(externalId, "X1"), begins(externalId, "x1"),
		isActive, filter.Not{X: isActive}, is(active, filter.Eq, document.Value{}), filter.Present{Attr: active}, isSuspended,
		filter.And{isActive, isSuspended}, filter.Or{isActive, isSuspended}, filter.And{isActive, begins(userName, "user00")},
		filter.And{begins(userName, "user"), isSuspended}, filter.And{is(displayName, filter.Eq, document.String("name 2")), isActive},
		is(displayName, filter.Eq, document.String("name 2")), filter.And{begins(userName, "user"), begins(mail, "mail1")},
		filter.Or{begins(userName, "user0"), begins(displayName, "name 1"), begins(mail, "mail0.9")},
		filter.And{is(userName, filter.Co, document.String("9")), isActive}, inGroup("g"), filter.And{inGroup("g"), isActive},
		meta("lastModified", filter.Gt, epoch), meta("lastModified", filter.Gt, epoch.Add(time.Hour)), meta("lastModified", filter.Le, epoch.Add(time.Hour)),
		meta("lastModified", filter.Ge, epoch.Add(5990*time.Second)), filter.And{meta("lastModified", filter.Gt, epoch), isActive},
	}
	sorts := []*store.Sort{nil}
	for _, by := range []filter.Attr{userName, displayName, externalId, {Path: filter.Path{Name: "meta", Sub: "lastModified"}, Type: filter.DateTime}} {
		sorts = append(sorts, &store.Sort{By: by}, &store.Sort{By: by, Descending: true})
	}
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		s, fake := open(t, nil), storetest.NewFake()
		change := func(c store.Change) {
			c.Tenant = "t"
			require.NoError(t, s.Commit(t.Context(), &c))
			require.NoError(t, fake.Commit(t.Context(), &c))
		}
		for n := 0; n < many; {
			var c store.Change
			for range 1000 {
				c.Put, n = append(c.Put, store.Put{Resource: largeUser(n)}), n+1
			}
			change(c)
		}
		change(store.Change{Put: []store.Put{{Resource: testGroup("g")}}})
		var refs []store.MemberRef
		for n := range 500 {
			refs = append(refs, store.MemberRef{Type: "User", ID: largeUser(n * 7).ID})
		}
		change(store.Change{Members: []store.MemberDelta{{Group: "g", Version: "2", Add: refs}}})
		compare := func(step int) {
			for f, x := range filters {
				for o, by := range sorts {
					if (f+o)%(4+min(step, 1)*4) != step%4 { // only some of the lists, because the Fake is slow
						continue
					}
					for _, start := range []int{0, 1_500, many - 130} {
						q := store.Query{Tenant: "t", Types: []string{"User"}, Filter: x, Sort: by, Start: start, Count: 5}
						want, err := fake.List(t.Context(), q)
						require.NoError(t, err)
						got, err := s.List(t.Context(), q)
						require.NoError(t, err)
						require.Equal(t, ids(want.Resources), ids(got.Resources), "%d %v by %v from %d", step, x, by, start)
						require.Equal(t, want.Total, got.Total, "%d %v by %v from %d", step, x, by, start)
						for q.Start = 0; got.Next != "" && start == 1_500; start++ { // by cursor
							q.Cursor = want.Next
							want, err = fake.List(t.Context(), q)
							require.NoError(t, err)
							q.Cursor = got.Next
							got, err = s.List(t.Context(), q)
							require.NoError(t, err)
							require.Equal(t, ids(want.Resources), ids(got.Resources), "%d %v by %v", step, x, by)
							require.Equal(t, want.Total, got.Total, "%d %v by %v", step, x, by)
						}
					}
				}
			}
		}
		compare(0)
		gone := largeUser(17)
		change(store.Change{Delete: []store.Delete{{Type: "User", ID: gone.ID}}})
		compare(1)
		last := largeUser(many)
		last.ID = "ffffffffff" // greater than all other ids
		change(store.Change{Put: []store.Put{{Resource: last}}})
		compare(2)
		first := largeUser(many + 1)
		first.ID = "0"
		change(store.Change{Put: []store.Put{{Resource: first}}})
		compare(3)
		was := largeUser(100)
		renamed := *largeUser(many + 2)
		renamed.ID, renamed.Version, renamed.LastModified, renamed.Internal = was.ID, "2", epoch.Add(-time.Hour), was.Internal
		change(store.Change{Put: []store.Put{{Resource: &renamed, IfVersion: "1", Was: was}}})
		compare(4)
		other := *largeUser(102)
		other.Version, other.Internal = "2", `{"state":"suspended"}`
		change(store.Change{Put: []store.Put{{Resource: &other, IfVersion: "1"}}})
		change(store.Change{Members: []store.MemberDelta{{Group: "g", Version: "3", Remove: []string{largeUser(7).ID}}}})
		compare(5)
		blank := largeUser(many + 3)
		blank.ID, blank.Attributes, blank.Index = "1", `{"userName":" ","displayName":" ","externalId":""}`, nil
		odd := largeUser(many + 4)
		odd.ID, odd.Attributes, odd.Internal = "2", `{"userName":"user`+document.Document(fmt.Sprint(many+4))+`","active":"yes"}`, `{"state":"so so"}`
		odd.Index = odd.Index[:1]
		odd.Index[0].Value = fmt.Sprint("user", many+4)
		change(store.Change{Put: []store.Put{{Resource: blank}, {Resource: odd}}})
		compare(6)

		// What is remembered of a tenant isn't used for a later one with the same name and as many people.
		q := store.Query{Tenant: "again", Types: []string{"User"}, Filter: begins(userName, "user0"), Start: 1_500, Count: 5}
		list := func(shift int) *store.Page {
			for n := 0; n < 3_000; {
				c := store.Change{Tenant: "again"}
				for range 1_000 {
					r := *largeUser(n + shift)
					r.Tenant = "again"
					c.Put, n = append(c.Put, store.Put{Resource: &r}), n+1
				}
				require.NoError(t, s.Commit(t.Context(), &c))
			}
			p, err := s.List(t.Context(), q)
			require.NoError(t, err)
			far, err := s.List(t.Context(), store.Query{Tenant: "again", Types: q.Types, Start: 2_500, Count: 5})
			require.NoError(t, err)
			return &store.Page{Total: p.Total, Resources: far.Resources}
		}
		once := list(0)
		require.Equal(t, 3_000, once.Total)
		require.NoError(t, s.Forget(t.Context(), "again"))
		again := list(8_000)
		require.Equal(t, 2_000, again.Total)
		require.NotEqual(t, ids(once.Resources), ids(again.Resources))
	})
}
