package memstore

import (
	"fmt"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// TestSteps compares lists and rows that are read in several steps, each under the lock, with those of the Fake.
func TestSteps(t *testing.T) {
	const n = 2*step + 300
	stores := []store.Store{storetest.NewFake(), New()}
	c := store.Change{Tenant: tenantName}
	delta := store.MemberDelta{Group: "group", Version: "2"}
	for i := range n {
		typ := []string{"User", "Device", "User"}[i%3]
		c.Put = append(c.Put, store.Put{Resource: &store.Resource{
			Key: store.Key{Type: typ, ID: userID(i * 37 % n)}, Version: "1", Attributes: document.Document(fmt.Sprintf(`{"title":"t%d"}`, i%4)),
		}})
		delta.Add = append(delta.Add, store.MemberRef{ID: userID(i * 37 % n)})
	}
	c.Put = append(c.Put, store.Put{Resource: &store.Resource{Key: store.Key{Type: "Group", ID: "group"}, Version: "1"}})
	c.Members = []store.MemberDelta{delta}
	for _, s := range stores {
		if err := s.Commit(t.Context(), &c); err != nil {
			t.Fatal(err)
		}
	}
	title := filter.Attr{Path: filter.Path{Name: "title"}, Type: filter.String}
	is := func(value string) filter.Expr {
		return filter.Compare{Attr: title, Op: filter.Eq, Value: document.String(value)}
	}
	display := filter.Related{Relation: filter.Members, Where: filter.Compare{
		Attr: filter.Attr{Path: filter.Path{Name: "value"}, Type: filter.String, CaseExact: true}, Op: filter.Ew, Value: document.String(userID(n - 1)[30:]),
	}}
	for name, q := range map[string]store.Query{
		"all":            {Types: []string{"User", "Device", "Group"}},
		"filtered":       {Types: []string{"User", "Device", "User"}, Filter: is("t1")},
		"without totals": {Types: []string{"Device"}, Filter: is("t1"), NoTotal: true},
		"sorted":         {Types: []string{"User", "Device"}, Sort: &store.Sort{By: title, Descending: true}},
		"few sorted":     {Types: []string{"User", "Device"}, Sort: &store.Sort{By: title}, Filter: is("t3")},
		"by member":      {Types: []string{"Group"}, Filter: display},
	} {
		var walks [2][]string
		for i, s := range stores {
			q := q
			q.Tenant, q.Count = tenantName, 170
			for {
				p, err := s.List(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range p.Resources {
					walks[i] = append(walks[i], r.ID)
				}
				if q.Cursor = p.Next; q.Cursor == "" {
					break
				}
			}
			q.Start = 1100
			p, err := s.List(t.Context(), q)
			walks[i] = append(walks[i], fmt.Sprint(err, len(p.Resources), q.NoTotal || p.Total > 0))
		}
		if !slices.Equal(walks[0], walks[1]) || len(walks[0]) < 2 {
			t.Errorf("%s: the Fake has %d, the store %d", name, len(walks[0]), len(walks[1]))
		}
	}
	var rows [2][]string
	for i, s := range stores {
		for m, err := range s.Members(t.Context(), store.MemberQuery{Tenant: tenantName, Groups: []string{"group", "none", "group"}}) {
			rows[i] = append(rows[i], fmt.Sprint(m, err))
		}
	}
	if !slices.Equal(rows[0], rows[1]) || len(rows[0]) != 2*n {
		t.Errorf("the Fake has %d rows, the store %d", len(rows[0]), len(rows[1]))
	}
}

func TestJournalIsBounded(t *testing.T) {
	s := New()
	const n = 3*journalSize + 5
	for i := range n {
		c := &store.Change{Tenant: tenantName, Journal: []store.Entry{{ID: fmt.Sprintf("%06d", i)}}}
		if err := s.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.Journal(t.Context(), store.JournalQuery{Tenant: tenantName, Max: n})
	if err != nil || len(all) < journalSize || len(all) > 2*journalSize || all[0].ID != fmt.Sprintf("%06d", n-1) {
		t.Fatalf("%d entries, error %v", len(all), err)
	}
	for i, e := range all {
		if want := fmt.Sprintf("%06d", n-1-i); e.ID != want {
			t.Fatalf("entry %d is %s instead of %s", i, e.ID, want)
		}
	}
}

// TestDoneEventsAreBounded delivers more events than the store keeps, and checks how many a replay still has.
func TestDoneEventsAreBounded(t *testing.T) {
	s := New()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const n = 3*doneSize + 5
	c := &store.Change{Tenant: tenantName}
	for i := range n {
		subject := store.Key{Tenant: tenantName, Type: "User", ID: userID(i % 100)}
		c.Events = append(c.Events, store.Event{ID: userID(i), Subject: subject, Time: at, Consumers: []string{"hooks"}})
	}
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	deliver := func() (told int) {
		for {
			got, err := s.Lease(t.Context(), store.Lease{Owner: "me", Consumer: "hooks", For: time.Hour, Max: 1000})
			if err != nil {
				t.Fatal(err)
			}
			if len(got) == 0 {
				return told
			}
			told += len(got)
			var settled []store.Settlement
			for i, d := range got {
				x := store.Settlement{Tenant: tenantName, EventID: d.ID, Consumer: "hooks", Owner: "me", Outcome: store.Done}
				if told == len(got) && i == 0 {
					x.Outcome = store.Park
				}
				settled = append(settled, x)
			}
			if err := s.Settle(t.Context(), settled); err != nil {
				t.Fatal(err)
			}
		}
	}
	if told := deliver(); told != n {
		t.Fatalf("%d of %d events were handed out", told, n)
	}
	if parked, err := s.Parked(t.Context(), tenantName, "hooks", 10); err != nil || len(parked) != 1 {
		t.Errorf("%d are parked, error %v", len(parked), err)
	}
	if err := s.Replay(t.Context(), store.Replay{Tenant: tenantName, Consumer: "hooks", From: at}); err != nil {
		t.Fatal(err)
	}
	if told := deliver(); told < doneSize || told > 2*doneSize {
		t.Errorf("a replay has %d events", told)
	}
}

// TestKeepsNoBody shows that a record doesn't share memory with the text that its strings are parts of.
func TestKeepsNoBody(t *testing.T) {
	s := New()
	r := person(1)
	long := r.Index[0].Value
	r.Index[0].Value = long[:len(long)-1]
	if err := s.Commit(t.Context(), &store.Change{Tenant: tenantName, Put: []store.Put{{Resource: r}}}); err != nil {
		t.Fatal(err)
	}
	kept := s.tenant(tenantName).record("User", r.ID)
	if sharesMemory(kept.index[0].value, long) || sharesMemory(kept.id, r.ID) || sharesMemory(kept.label, r.Label) {
		t.Error("the record has the caller's memory")
	}
}

func sharesMemory(a, b string) bool { return unsafe.StringData(a) == unsafe.StringData(b) }
