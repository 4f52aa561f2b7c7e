package memstore

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// sizes are the numbers of users of the tenants that the benchmarks compare.
var sizes = []int{1_000, 100_000}

const tenantName = "acme"

func userID(n int) string {
	return fmt.Sprintf("0195514a-%04x-7%03x-8000-%012x", n>>12&0xffff, n&0xfff, n*7919)
}

// person returns a user of twelve attributes, as an identity provider sends one, with the index keys that package scim makes.
func person(n int) *store.Resource {
	userName := fmt.Sprintf("Anna.Schmidt%d@contoso.example", n)
	externalID := fmt.Sprintf("5f3c1c2e-0000-4000-9000-%012x", n)
	display := fmt.Sprintf("Anna Schmidt %d", n)
	v := document.Object()
	text := func(name, value string) { v.Set(name, document.String(value)) }
	object := func(members ...string) document.Value {
		o := document.Object()
		for i := 0; i < len(members); i += 2 {
			o.Set(members[i], document.String(members[i+1]))
		}
		return o
	}
	text("externalId", externalID)
	text("userName", userName)
	v.Set("name", object("formatted", display, "familyName", fmt.Sprintf("Schmidt %d", n), "givenName", "Anna"))
	text("displayName", display)
	text("title", "Senior Engineer")
	text("preferredLanguage", "de-DE")
	text("timezone", "Europe/Berlin")
	v.Set("active", document.Bool(true))
	v.Set("emails", document.Array(object("value", userName, "type", "work")))
	v.Set("phoneNumbers", document.Array(object("value", fmt.Sprintf("+49 30 %08d", n), "type", "mobile")))
	v.Set("addresses", document.Array(object("streetAddress", "Musterstraße 1", "locality", "Berlin", "postalCode", "10115", "country", "DE", "type", "work")))
	v.Set("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
		object("employeeNumber", fmt.Sprint(n), "department", "Research and Development"))
	at := time.Date(2026, 1, 1, 0, 0, 0, n%1_000_000*1000, time.UTC)
	return &store.Resource{
		Key: store.Key{Type: "User", ID: userID(n)}, Version: userID(n), Created: at, LastModified: at, Label: display,
		Attributes: v.Document(),
		Internal:   object("state", "provisioned", "by", fmt.Sprint("scim", n)).Document(),
		Index: []store.IndexKey{
			{Attribute: "userName", Value: document.Fold(userName), Unique: true},
			{Attribute: "externalId", Value: externalID},
			{Attribute: "emails.value", Value: document.Fold(userName)},
			{Attribute: "displayName", Value: document.Fold(display)},
		},
	}
}

// filled makes a store with n users.
func filled(b *testing.B, n int) *Store {
	b.Helper()
	s := New()
	const batch = 1000
	for from := 0; from < n; from += batch {
		c := store.Change{Tenant: tenantName}
		for i := from; i < min(from+batch, n); i++ {
			c.Put = append(c.Put, store.Put{Resource: person(i)})
		}
		must(b, s, &c)
	}
	return s
}

func must(b *testing.B, s *Store, c *store.Change) {
	b.Helper()
	if err := s.Commit(b.Context(), c); err != nil {
		b.Fatal(err)
	}
}

// bySize runs a benchmark on tenants of different sizes. The times should be the same for all.
func bySize(b *testing.B, run func(b *testing.B, s *Store, n int)) {
	for _, n := range sizes {
		s := filled(b, n)
		runtime.GC()
		b.Run(fmt.Sprintf("users=%d", n), func(b *testing.B) { run(b, s, n) })
	}
}

func BenchmarkReads(b *testing.B) {
	userName := filter.Attr{Path: filter.Path{Name: "userName"}, Type: filter.String}
	equal := func(n int) filter.Expr {
		return filter.Compare{Attr: userName, Op: filter.Eq, Value: document.String(person(n).Index[0].Value)}
	}
	for _, size := range sizes {
		s := filled(b, size)
		runtime.GC()
		// The keys are made before the measurement, and are those of many records, so that it isn't always the same one in the processor's
		// cache.
		var keys []store.Key
		var filters []filter.Expr
		for i := range 1000 {
			n := i * (size / 1000)
			keys = append(keys, store.Key{Tenant: tenantName, Type: "User", ID: userID(n)})
			filters = append(filters, equal(n))
		}
		list := func(name string, query func(i int) store.Query, want int) {
			b.Run(fmt.Sprintf("%s/users=%d", name, size), func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					q := query(i)
					q.Tenant, q.Types = tenantName, []string{"User"}
					p, err := s.List(b.Context(), q)
					if err != nil || len(p.Resources) != want {
						b.Fatalf("got %d resources, error %v", len(p.Resources), err)
					}
				}
			})
		}
		b.Run(fmt.Sprintf("Get/users=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := s.Get(b.Context(), keys[i%1000]); err != nil {
					b.Fatal(err)
				}
			}
		})
		list("Equal", func(i int) store.Query { return store.Query{Filter: filters[i%1000], Count: 10} }, 1)
		list("EqualNone", func(i int) store.Query {
			return store.Query{Filter: filter.Compare{Attr: userName, Op: filter.Eq, Value: document.String("nobody")}, Count: 10}
		}, 0)
		list("FirstPage", func(int) store.Query { return store.Query{Count: 100} }, 100)
		list("LastPage", func(int) store.Query { return store.Query{Start: size - 100, Count: 100} }, 100)
		middle, err := s.List(b.Context(), store.Query{Tenant: tenantName, Types: []string{"User"}, Start: size / 2, Count: 1})
		if err != nil {
			b.Fatal(err)
		}
		list("CursorPage", func(int) store.Query { return store.Query{Cursor: middle.Next, Count: 100} }, 100)
	}
}

func BenchmarkCreate(b *testing.B) {
	bySize(b, func(b *testing.B, s *Store, n int) {
		b.ReportAllocs()
		r := *person(n)
		r.Index = append([]store.IndexKey(nil), r.Index...)
		for b.Loop() {
			n++ // a new user, which differs only in what the store looks at
			r.ID = userID(n)
			r.Index[0].Value, r.Index[2].Value = r.ID, r.ID
			must(b, s, &store.Change{Tenant: tenantName, Put: []store.Put{{Resource: &r}}})
		}
	})
}

// BenchmarkMember adds and removes one member of groups of different sizes.
func BenchmarkMember(b *testing.B) {
	const n = 100_010
	s := filled(b, n)
	for _, size := range []int{10, 100_000} {
		group := fmt.Sprintf("group-%d", size)
		d := store.MemberDelta{Group: group, Version: "v1"}
		for i := range size {
			d.Add = append(d.Add, store.MemberRef{Type: "User", ID: userID(i)})
		}
		must(b, s, &store.Change{
			Tenant: tenantName, Put: []store.Put{{Resource: &store.Resource{Key: store.Key{Type: "Group", ID: group}, Version: "v0"}}},
			Members: []store.MemberDelta{d},
		})
		b.Run(fmt.Sprintf("members=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				id := userID(size - 1 - i/2*7%min(size, 1000))
				d := store.MemberDelta{Group: group, Version: "v2", Remove: []string{id}}
				if i%2 == 1 {
					d.Remove, d.Add = nil, []store.MemberRef{{Type: "User", ID: id}}
				}
				must(b, s, &store.Change{Tenant: tenantName, Members: []store.MemberDelta{d}})
			}
		})
		b.Run(fmt.Sprintf("is one/members=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			q := store.MemberQuery{Tenant: tenantName, Groups: []string{group}, IDs: []string{userID(size / 2)}}
			for b.Loop() {
				rows := 0
				for _, err := range s.Members(b.Context(), q) {
					if err != nil {
						b.Fatal(err)
					}
					rows++
				}
				if rows != 1 {
					b.Fatal("no member")
				}
			}
		})
		b.Run(fmt.Sprintf("all/members=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, err := range s.Members(b.Context(), store.MemberQuery{Tenant: tenantName, Groups: []string{group}}) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/row")
		})
	}
}

// BenchmarkMemory reports how much memory a user takes, with all indexes.
func BenchmarkMemory(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("users=%d", n), func(b *testing.B) {
			for b.Loop() {
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				s := filled(b, n)
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "B/user")
				b.ReportMetric(float64(len(person(n).Attributes)), "document-B/user")
				b.ReportMetric(float64(after.HeapAlloc)/(1<<20), "MiB")
				b.ReportMetric(float64(after.HeapSys-before.HeapSys)/(1<<20), "peak-MiB")
				runtime.KeepAlive(s)
			}
		})
	}
}
