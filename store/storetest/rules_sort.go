package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/filter"
)

var sortRules = []rule{
	{"ByType", "A sort orders by the attribute's type: strings folded unless caseExact, numbers by value, instants, false before true; of a multi-valued attribute the primary value counts, else the first. Absent ones are last, and first if descending; ties are in the order of id.", sorts},
	{"Total", "Every order is total: pages of a sorted list, by index or by cursor, put together are the list.", sortedPages},
}

func sorts(k *kit) {
	commitPeople(k)
	for _, tt := range []struct{ by, up, down string }{
		{"userName", "abcdfe", "efdcba"}, // dörte < frank < kelvin
		{"title", "beadcf", "cfdaeb"},
		{"code", "dacbef", "befcad"},
		{"externalId", "acbdef", "bdefca"},
		{"active", "bacdef", "defacb"},
		{"age", "beacdf", "fdcaeb"},
		{"score", "cadbef", "efbadc"},
		{"hired", "abdcef", "efcdab"},
		{"name.familyName", "abcdef", "cdefab"},
		{"emails.value", "abcdef", "cdefba"},
		{"tags", "ebacdf", "dfacbe"},
		{"id", "abcdef", "fedcba"},
		{"meta.created", "abcdef", "abcdef"},
		{"meta.lastModified", "abcdef", "fedcba"},
		{badge + ":level", "acbdef", "bdefca"},
	} {
		for _, descending := range []bool{false, true} {
			want := tt.up
			if descending {
				want = tt.down
			}
			q := store.Query{Sort: &store.Sort{By: attribute(tt.by), Descending: descending}, Count: 10}
			var got strings.Builder
			for _, r := range k.list(q).Resources {
				got.WriteByte(r.ID[len(r.ID)-1] - '1' + 'a')
			}
			if got.String() != want {
				k.broken("by %s (descending: %t): got %s, want %s", tt.by, descending, got.String(), want)
			}
			q.Count = 2
			k.want(fmt.Sprintf("by %s (descending: %t): a walk by cursor", tt.by, descending), len(k.walk(q)), 6)
		}
	}
	// The primary value counts, wherever it stands.
	own := *k
	own.tenant += "-primary"
	own.commit(creates(
		resource("User", id(1), `{"emails":[{"value":"a@x.org"},{"value":"z@x.org","primary":true}]}`),
		resource("User", id(2), `{"emails":[{"value":"m@x.org"},{"value":"b@x.org","primary":false}]}`),
	))
	q := store.Query{Sort: &store.Sort{By: attribute("emails.value")}, Count: 10}
	own.want("by emails.value", idsOf(own.list(q)), []string{id(2), id(1)})
	q.Filter = where(`emails.value co "a@"`)
	own.want("by emails.value, with a filter", idsOf(own.list(q)), []string{id(1)})
}

func sortedPages(k *kit) {
	for _, n := range shuffled(40) {
		k.commit(creates(resource("User", id(n), fmt.Sprintf(`{"title":"%c","age":%d,"active":%t}`, "aBbAc"[n%5], n%7-3, n%3 == 0))))
	}
	for n := 40; n < 44; n++ {
		k.commit(creates(plain("User", n)))
	}
	for _, by := range []string{"title", "age", "active", "meta.created", "id"} {
		for _, descending := range []bool{false, true} {
			for _, x := range []filter.Expr{nil, where(`age ge 0 or not (title pr)`)} {
				q := store.Query{Sort: &store.Sort{By: attribute(by), Descending: descending}, Filter: x, Count: 1000}
				all := idsOf(k.list(q))
				what := describeQuery(q)
				if len(slices.Compact(slices.Sorted(slices.Values(all)))) != len(all) {
					k.broken("%s: a resource is there twice: %v", what, all)
				}
				q.Count = 7
				k.want(what+": by cursor", k.walk(q), all)
				var pages []string
				for q.Start = 0; q.Start < len(all); q.Start += 7 {
					pages = append(pages, idsOf(k.list(q))...)
				}
				k.want(what+": by index", pages, all)
			}
		}
	}
}
