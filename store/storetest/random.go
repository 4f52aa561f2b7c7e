package storetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// Random runs random operations on two empty stores, the same ones on both, and ends the test at the first one whose outcome differs: that
// of a change, a page of a list with a random filter and sort, rows of members, counters, leased events or entries of the journal. steps is
// the number of operations. It compares the optional interfaces that both stores have. A failure names the seed and the operations before
// it; the same seed gives the same operations again. Compare a new store with a [Fake].
func Random(t *testing.T, seed uint64, steps int, a, b store.Store) {
	t.Helper()
	r := &random{
		generator: generator{rand.New(rand.NewPCG(seed, seed))},
		T:         t, seed: seed, a: a, b: b,
	}
	operations := []struct {
		weight int
		run    func()
	}{
		{40, r.change}, {10, r.getOne}, {25, r.listPage}, {10, r.walkAll}, {10, r.readMembers},
		{10, r.deliver}, {2, r.replay}, {1, r.retell}, {2, r.readCounters}, {2, r.readJournal}, {1, r.forget},
	}
	total := 0
	for _, o := range operations {
		total += o.weight
	}
	for range steps {
		n := r.IntN(total)
		for _, o := range operations {
			if n -= o.weight; n < 0 {
				o.run()
				break
			}
		}
	}
	for _, tenant := range tenants {
		r.compare("all resources of "+tenant, func(s store.Store) string {
			return r.page(s, store.Query{Tenant: tenant, Types: []string{"User", "Group", "Device", "rollcall.test"}, Count: 1000}, true)
		})
	}
}

// random drives two stores.
type random struct {
	generator
	*testing.T
	seed    uint64
	a, b    store.Store
	clock   time.Duration // the time of the next claim, since the epoch
	serial  int           // the number of the last version, event or entry
	history []string      // the operations so far
}

// compare does an operation on both stores, and ends the test if the outcomes differ.
func (r *random) compare(what string, do func(s store.Store) string) {
	r.Helper()
	r.history = append(r.history, what)
	a, b := do(r.a), do(r.b)
	if a == b {
		return
	}
	last := r.history[max(0, len(r.history)-60):]
	r.Fatalf("the stores disagree (seed %d, operation %d):\n%s\n%T says\n    %s\n%T says\n    %s",
		r.seed, len(r.history), strings.Join(last, "\n"), r.a, a, r.b, b)
}

func (r *random) tenant() string { return pick(r.generator, tenants) }

// next makes a string that was not used before.
func (r *random) next(prefix string) string {
	r.serial++
	return fmt.Sprintf("%s%06d", prefix, r.serial)
}

func (r *random) getOne() {
	typ, id := r.key()
	k := store.Key{Tenant: r.tenant(), Type: typ, ID: id}
	r.compare(fmt.Sprintf("get %v", k), func(s store.Store) string {
		got, err := s.Get(r.Context(), k)
		if err != nil {
			return outcome(err, false)
		}
		return describeResource(got)
	})
}

func (r *random) query() (q store.Query, description string) {
	q = store.Query{Tenant: r.tenant(), Types: pick(r.generator, typeLists), NoTotal: r.IntN(3) == 0}
	text := "none"
	if r.IntN(5) > 0 {
		text = r.filter(3)
		q.Filter = where(text)
	}
	order := "id"
	if r.IntN(3) == 0 {
		order = pick(r.generator, sortable)
		q.Sort = &store.Sort{By: attribute(order), Descending: r.IntN(2) == 0}
		order += fmt.Sprint(" descending ", q.Sort.Descending)
	}
	return q, fmt.Sprintf("%s of %v with filter %s by %s", q.Tenant, q.Types, text, order)
}

func (r *random) listPage() {
	q, text := r.query()
	q.Start, q.Count = r.IntN(8), r.IntN(8)
	related := r.IntN(2) == 0
	r.compare(fmt.Sprintf("list %s from %d, %d", text, q.Start, q.Count), func(s store.Store) string { return r.page(s, q, related) })
}

// page prints a page, without its cursor, which is each store's own, and without a total that wasn't asked for.
func (r *random) page(s store.Store, q store.Query, related bool) string {
	p, rows, err := r.read(s, q, related)
	if err != nil {
		return outcome(err, false)
	}
	var b strings.Builder
	if !q.NoTotal {
		fmt.Fprintf(&b, "total %d, ", p.Total)
	}
	fmt.Fprintf(&b, "last %t", p.Next == "")
	for _, x := range p.Resources {
		fmt.Fprintf(&b, "\n    %s", describeResource(x))
	}
	for _, row := range rows {
		fmt.Fprintf(&b, "\n    %+v", row)
	}
	return b.String()
}

// read lists resources and, if related is set, reads their groups. It has a RelatedReader read as many of them as it does.
func (r *random) read(s store.Store, q store.Query, related bool) (p *store.Page, rows []store.Member, err error) {
	complete := 0
	if reader, ok := s.(store.RelatedReader); ok && related {
		p, rows, complete, err = reader.ListRelated(r.Context(), q, 3)
	} else {
		p, err = s.List(r.Context(), q)
	}
	if err != nil || !related || complete == len(p.Resources) {
		return p, rows, err
	}
	for m, err := range s.Members(r.Context(), store.MemberQuery{Tenant: q.Tenant, Of: idsOf(p)[complete:]}) {
		if err != nil {
			return p, rows, err
		}
		rows = append(rows, m)
	}
	return p, rows, nil
}

func (r *random) walkAll() {
	q, text := r.query()
	q.Count = 1 + r.IntN(7)
	r.compare(fmt.Sprintf("walk %s by %d", text, q.Count), func(s store.Store) string {
		q := q
		var pages []string
		for {
			p, err := s.List(r.Context(), q)
			if err != nil {
				return strings.Join(append(pages, outcome(err, false)), "\n")
			}
			pages = append(pages, fmt.Sprint(idsOf(p)))
			if q.Cursor = p.Next; q.Cursor == "" || len(pages) > 1000 {
				return strings.Join(pages, "\n")
			}
		}
	})
}

func (r *random) readMembers() {
	q := store.MemberQuery{Tenant: r.tenant()}
	if r.IntN(2) == 0 {
		q.Groups = r.some(groups)
		if r.IntN(3) == 0 {
			q.IDs = append(r.some(users), r.some(groups)...)
		}
	} else {
		q.Of = append(r.some(users), r.some(groups)...)
	}
	r.compare(fmt.Sprintf("members %+v", q), func(s store.Store) string {
		var rows []string
		for m, err := range s.Members(r.Context(), q) {
			if err != nil {
				return outcome(err, false)
			}
			rows = append(rows, fmt.Sprintf("%+v", m))
		}
		return strings.Join(rows, "\n    ")
	})
}
