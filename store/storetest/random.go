package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// Random does so many random operations on two empty stores, the same to both, and fails at the first one on which they
// disagree: in the outcome of a change, in a page of a list with a random filter and sort, in rows of members, in what
// is leased or journalled. It prints the seed, with which it does the same again, and the operations before. Compare a
// store with a [Fake].
func Random(t *testing.T, seed uint64, steps int, a, b store.Store) {
	t.Helper()
	r := &random{
		generator: generator{rand.New(rand.NewPCG(seed, seed))},
		T:         t, seed: seed, a: a, b: b, now: epoch,
	}
	operations := []struct {
		weight int
		run    func()
	}{
		{40, r.change}, {10, r.getOne}, {25, r.listPage}, {10, r.walkAll}, {10, r.readMembers}, {8, r.deliver}, {1, r.replay}, {2, r.readRest},
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
	now     time.Time
	serial  int      // of versions and events
	history []string // what was done
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

// next makes a string that was not there before.
func (r *random) next(prefix string) string {
	r.serial++
	return fmt.Sprintf("%s%06d", prefix, r.serial)
}

// version is mostly the one that a resource has.
func (r *random) version(tenant, typ, id string) string {
	current, err := r.a.Get(r.Context(), store.Key{Tenant: tenant, Type: typ, ID: id})
	switch n := r.IntN(10); {
	case n == 0:
		return "v-never"
	case err != nil:
		return ""
	}
	return current.Version
}

// change commits a change of one part, sometimes of several.
func (r *random) change() {
	c := store.Change{Tenant: r.tenant()}
	n := 1
	if r.IntN(4) == 0 {
		n += r.IntN(4)
	}
	for range n {
		switch k := r.IntN(20); {
		case k < 9:
			typ, id := r.key()
			p := store.Put{Resource: resource(typ, id, r.attributes()), IfVersion: r.version(c.Tenant, typ, id)}
			p.Resource.Version = r.next("v")
			p.Resource.LastModified = epoch.Add(time.Duration(r.IntN(50)) * time.Hour)
			if r.IntN(3) == 0 {
				p.Resource.Internal = `{"state":"active"}`
			}
			c.Put = append(c.Put, p)
		case k < 12:
			typ, id := r.key()
			d := store.Delete{Type: typ, ID: id}
			if r.IntN(2) == 0 {
				d.IfVersion = r.version(c.Tenant, typ, id)
			}
			c.Delete = append(c.Delete, d)
		case k < 18:
			c.Members = append(c.Members, r.delta(c.Tenant))
		default:
			c.Seats = &store.SeatClaim{Take: r.IntN(6) - 2, Limit: r.IntN(8) - 1}
		}
	}
	if typ, id := r.key(); r.IntN(8) == 0 && !concerns(&c, typ, id) {
		c.Absent = append(c.Absent, store.Absent{Type: typ, ID: id})
	}
	// Deltas on a group that is also put carry what the put does.
	for i := range c.Members {
		for _, p := range c.Put {
			if p.Resource.Type == groupType && p.Resource.ID == c.Members[i].Group {
				c.Members[i].Version, c.Members[i].LastModified = p.Resource.Version, p.Resource.LastModified
			}
		}
	}
	for range r.IntN(3) {
		typ, id := r.key()
		at := epoch.Add(time.Duration(r.serial) * time.Second)
		subject := store.Key{Tenant: c.Tenant, Type: typ, ID: id}
		c.Events = append(c.Events, store.Event{ID: r.next("e"), Kind: "updated", Subject: subject, Time: at, Data: `{"n":1}`})
	}
	if r.IntN(2) == 0 {
		c.Journal = &store.Entry{ID: r.next("j"), Time: r.now, Connection: fmt.Sprint("c", r.IntN(2)), Action: "x"}
	}
	was := r.IntN(2) == 0
	parts := len(c.Absent) + len(c.Put) + len(c.Delete) + len(c.Members)
	if c.Seats != nil {
		parts++
	}
	r.compare(describeChange(&c), func(s store.Store) string {
		c := cloneChange(&c)
		for i, p := range c.Put {
			cur, err := s.Get(r.Context(), store.Key{Tenant: c.Tenant, Type: p.Resource.Type, ID: p.Resource.ID})
			if err == nil && was && cur.Version == p.IfVersion {
				c.Put[i].Was = cur
			}
		}
		return outcome(s.Commit(r.Context(), c), parts > 1)
	})
}

// concerns says whether a change puts or deletes a resource, or changes its members.
func concerns(c *store.Change, typ, id string) bool {
	return slices.ContainsFunc(c.Put, func(p store.Put) bool { return p.Resource.Type == typ && p.Resource.ID == id }) ||
		slices.ContainsFunc(c.Delete, func(d store.Delete) bool { return d.Type == typ && d.ID == id }) ||
		slices.ContainsFunc(c.Members, func(d store.MemberDelta) bool { return typ == groupType && d.Group == id })
}

func (r *random) delta(tenant string) store.MemberDelta {
	d := store.MemberDelta{Group: pick(r.generator, groups), Version: r.next("v"), LastModified: epoch.Add(time.Duration(r.IntN(50)) * time.Hour)}
	if r.IntN(3) == 0 {
		d.IfVersion = r.version(tenant, groupType, d.Group)
	}
	d.Replace = r.IntN(6) == 0
	for range r.IntN(4) {
		typ, id := r.key()
		// Mostly one that is there, so that something happens.
		if _, err := r.a.Get(r.Context(), store.Key{Tenant: tenant, Type: typ, ID: id}); err != nil && r.IntN(10) > 0 || typ == "rollcall.test" {
			continue
		}
		if r.IntN(3) == 0 {
			typ = ""
		}
		d.Add = append(d.Add, store.MemberRef{Type: typ, ID: id})
	}
	for range r.IntN(3) {
		_, id := r.key()
		d.Remove = append(d.Remove, id)
	}
	return d
}

// outcome names an error. Of several parts any may be the one that is named; and one put may fail in two ways.
func outcome(err error, several bool) string {
	var conflict *store.ConflictError
	var unknown *store.UnknownMemberError
	switch {
	case err == nil:
		return "done"
	case several:
		return "refused"
	case errors.As(err, &conflict), errors.Is(err, store.ErrVersionMismatch):
		return "refused: conflict or version mismatch"
	case errors.As(err, &unknown):
		return "refused: unknown member"
	case errors.Is(err, store.ErrNotFound):
		return "refused: not found"
	case errors.Is(err, store.ErrNoSeat):
		return "refused: no seat"
	}
	return "failed: " + err.Error()
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
	read := listRelated
	if !related {
		read = func(ctx context.Context, s store.Store, q store.Query) (*store.Page, []store.Member, error) {
			p, err := s.List(ctx, q)
			return p, nil, err
		}
	}
	p, rows, err := read(r.Context(), s, q)
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

// deliver leases events in both stores, lets some leases run out, and settles the others in some way.
func (r *random) deliver() {
	r.now = r.now.Add(time.Duration(r.IntN(20)) * time.Minute)
	l := store.Lease{Owner: fmt.Sprint("owner-", r.IntN(3)), Now: r.now, Until: r.now.Add(10 * time.Minute), Max: r.IntN(10)}
	choice := make([]int, l.Max)
	for i := range choice {
		choice[i] = r.IntN(6)
	}
	r.compare(fmt.Sprintf("lease and settle %+v %v", l, choice), func(s store.Store) string {
		source, ok := r.source(s)
		if !ok {
			return ""
		}
		got, err := source.Lease(r.Context(), l)
		var settled []store.Settlement
		for i, d := range got {
			x := store.Settlement{Tenant: d.Subject.Tenant, EventID: d.ID, Owner: l.Owner, RetryAt: r.now.Add(15 * time.Minute), Reason: "it failed"}
			if x.Outcome = store.Outcome(choice[i]); x.Outcome > store.Park {
				x.Outcome = store.Done
			}
			if x.Outcome > 0 { // else it is left to run out
				settled = append(settled, x)
			}
		}
		return fmt.Sprint(deliveries(got), err, source.Settle(r.Context(), settled))
	})
}

// replay settles all, and replays and prunes at random.
func (r *random) replay() {
	r.now = r.now.Add(time.Hour)
	from := epoch.Add(time.Duration(r.IntN(r.serial+1)) * time.Second)
	tenant, prune := r.tenant(), r.IntN(2) == 0
	r.compare(fmt.Sprintf("replay %s from %s, prune %t", tenant, from.Format(timeFormat), prune), func(s store.Store) string {
		source, ok := r.source(s)
		if !ok {
			return ""
		}
		var told []string
		for {
			got, err := source.Lease(r.Context(), store.Lease{Owner: "last", Now: r.now, Until: r.now.Add(time.Minute), Max: 100})
			told = append(told, deliveries(got)...)
			var settled []store.Settlement
			for _, d := range got {
				settled = append(settled, store.Settlement{Tenant: d.Subject.Tenant, EventID: d.ID, Owner: "last", Outcome: store.Done})
			}
			if len(got) == 0 || err != nil || source.Settle(r.Context(), settled) != nil {
				break
			}
		}
		parked, err := source.Parked(r.Context(), tenant, 5)
		told = append(told, deliveries(parked)...)
		pruned := 0
		if prune {
			pruned, _ = source.Prune(r.Context(), from)
		}
		return fmt.Sprint(told, err, pruned, source.Replay(r.Context(), tenant, from))
	})
}

// source returns the event source of a store if both have one.
func (r *random) source(s store.Store) (store.EventSource, bool) {
	_, okA := r.a.(store.EventSource)
	_, okB := r.b.(store.EventSource)
	source, _ := s.(store.EventSource)
	return source, okA && okB
}

func deliveries(events []store.Delivery) (s []string) {
	for _, d := range events {
		s = append(s, fmt.Sprintf("%s %d %q", d.ID, d.Attempts, d.Reason))
	}
	return s
}

// readRest compares seats and journals, where both stores show them.
func (r *random) readRest() {
	tenant := r.tenant()
	q := store.JournalQuery{Tenant: tenant, Max: r.IntN(20), Connection: pick(r.generator, []string{"", "c0"})}
	r.compare(fmt.Sprintf("seats and journal %+v", q), func(s store.Store) string {
		var b strings.Builder
		if seats, ok := s.(store.SeatReader); ok && implemented[store.SeatReader](r.a, r.b) {
			used, err := seats.Seats(r.Context(), tenant)
			fmt.Fprintln(&b, used, err)
		}
		if journal, ok := s.(store.JournalReader); ok && implemented[store.JournalReader](r.a, r.b) {
			entries, err := journal.Journal(r.Context(), q)
			for _, e := range entries {
				fmt.Fprintln(&b, e.ID, e.Connection)
			}
			fmt.Fprintln(&b, err)
		}
		return b.String()
	})
}

func implemented[I any](stores ...store.Store) bool {
	return !slices.ContainsFunc(stores, func(s store.Store) bool {
		_, ok := s.(I)
		return !ok
	})
}

func cloneChange(c *store.Change) *store.Change {
	d := *c
	d.Put = slices.Clone(c.Put)
	for i := range d.Put {
		d.Put[i].Resource = clone(d.Put[i].Resource)
	}
	return &d
}

func describeChange(c *store.Change) string {
	var b strings.Builder
	fmt.Fprintf(&b, "commit to %s:", c.Tenant)
	for _, a := range c.Absent {
		fmt.Fprintf(&b, " absent %+v;", a)
	}
	for _, p := range c.Put {
		fmt.Fprintf(&b, " put %s %s (%s to %s) %s;", p.Resource.Type, p.Resource.ID, p.IfVersion, p.Resource.Version, p.Resource.Attributes)
	}
	for _, d := range c.Delete {
		fmt.Fprintf(&b, " delete %+v;", d)
	}
	for _, d := range c.Members {
		fmt.Fprintf(&b, " members %+v;", d)
	}
	if c.Seats != nil {
		fmt.Fprintf(&b, " seats %+v;", *c.Seats)
	}
	for _, e := range c.Events {
		fmt.Fprintf(&b, " event %s of %s;", e.ID, e.Subject.ID)
	}
	if c.Journal != nil {
		fmt.Fprintf(&b, " journal %s", c.Journal.ID)
	}
	return b.String()
}
