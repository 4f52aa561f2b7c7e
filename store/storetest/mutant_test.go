package storetest

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// mutants are stores that break one rule each: Fakes with one method changed. The kit must catch every one of them, in the
// sub-test named, and random operations those that are marked.
var mutants = []struct {
	name, caught string
	random       bool
	make         func(f *Fake) store.Store
}{
	{"ReturnsItsOwn", "Ownership/Out", false, func(f *Fake) store.Store { return &returnsItsOwn{Fake: f, got: map[store.Key]*store.Resource{}} }},
	{"KeepsTheCallers", "Ownership/In", false, func(f *Fake) store.Store { return &keepsTheCallers{Fake: f, put: map[store.Key]*store.Resource{}} }},
	{"ChangesItsInput", "Ownership/In", false, func(f *Fake) store.Store {
		return edits{f, func(c *store.Change) {
			for i := range c.Put {
				c.Put[i].Resource.Label += "!"
			}
		}}
	}},
	{"PartByPart", "Atomicity/NoSeat", true, func(f *Fake) store.Store { return partByPart{f} }},
	{"EventsRegardless", "Atomicity/KeyTaken", false, func(f *Fake) store.Store { return eventsRegardless{f} }},
	{"SeesOthers", "Tenant/Reads", true, func(f *Fake) store.Store { return seesOthers{f} }},
	{"ListsOthers", "Tenant/Reads", false, func(f *Fake) store.Store { return listsOthers{f} }},
	{"DeletesOthers", "Tenant/SameIDs", true, func(f *Fake) store.Store { return deletesOthers{f} }},
	{"FoldsTenants", "Tenant/Names", true, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) { c.Tenant = strings.ToLower(c.Tenant) })
	}},
	{"AnyVersion", "Resource/Replace", true, func(f *Fake) store.Store { return anyVersion{f} }},
	{"IgnoresAbsent", "Resource/Absent", true, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) { c.Absent = nil })
	}},
	{"NothingUnique", "Unique/Taken", true, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) { eachKey(c, func(k *store.IndexKey) { k.Unique = false }) })
	}},
	{"FoldsKeys", "Unique/AsGiven", false, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) {
			eachKey(c, func(k *store.IndexKey) { k.Value = document.Fold(strings.TrimSpace(k.Value)) })
		})
	}},
	{"DropsInternal", "Resource/RoundTrip", true, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) {
			for i := range c.Put {
				c.Put[i].Resource.Internal = ""
			}
		})
	}},
	{"RoundsTimes", "Resource/Times", false, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) {
			for i := range c.Put {
				c.Put[i].Resource.Created = c.Put[i].Resource.Created.Truncate(time.Millisecond)
			}
		})
	}},
	{"RefusesQuotes", "Resource/Strings", false, func(f *Fake) store.Store { return refusesQuotes{f} }},
	{"DeletesNothing", "Resource/Delete", true, func(f *Fake) store.Store { return deletesNothing{f} }},
	{"Lags", "Resource/Replace", true, func(f *Fake) store.Store { return lags{f} }},
	{"Backwards", "List/Order", true, func(f *Fake) store.Store { return backwards{f} }},
	{"OffsetCursor", "List/CursorMoves", false, func(f *Fake) store.Store { return offsetCursor{f} }},
	{"PageTotal", "List/Total", true, func(f *Fake) store.Store { return pageTotal{f} }},
	{"OneCursorMore", "List/Cursor", true, func(f *Fake) store.Store { return oneCursorMore{f} }},
	{"AnyElement", "Filter/Operators", true, func(f *Fake) store.Store { return rewrites{f, anyElement} }},
	{"AbsentIsNever", "Filter/Operators", true, func(f *Fake) store.Store { return rewrites{f, absentIsNever} }},
	{"NeverExact", "Filter/Operators", true, func(f *Fake) store.Store { return rewrites{f, neverExact} }},
	{"AscendsOnly", "Sort/ByType", true, func(f *Fake) store.Store { return ascendsOnly{f} }},
	{"FirstLabel", "Members/Label", true, func(f *Fake) store.Store { return &firstLabel{Fake: f, labels: map[string]string{}} }},
	{"RowsBackwards", "Members/Order", true, func(f *Fake) store.Store { return rowsBackwards{f} }},
	{"FirstGroup", "Members/Related", true, func(f *Fake) store.Store { return firstGroup{f} }},
	{"SkipsUnknown", "Members/Unknown", false, func(f *Fake) store.Store { return skipsUnknown{f} }},
	{"AddsAfterReplace", "Members/Delta", true, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) {
			for i := range c.Members {
				c.Members[i].Replace = false
			}
		})
	}},
	{"SameVersion", "Members/Version", true, func(f *Fake) store.Store { return sameVersion{f} }},
	{"LeavesRows", "Members/Cascade", true, func(f *Fake) store.Store { return &leavesRows{Fake: f, left: map[store.Key][]store.MemberDelta{}} }},
	{"Oversells", "Seats/Claim", true, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) {
			if c.Seats != nil {
				c.Seats = &store.SeatClaim{Take: c.Seats.Take, Limit: -1}
			}
		})
	}},
	{"LooksThenSells", "Concurrency/Seats", false, func(f *Fake) store.Store { return &looksThenSells{Fake: f} }},
	{"LosesMembers", "Concurrency/Members", false, func(f *Fake) store.Store { return &losesMembers{Fake: f} }},
	{"NeverEnds", "Context/Cancelled", false, func(f *Fake) store.Store { return neverEnds{f} }},
	{"OldestFirst", "Journal/Order", true, func(f *Fake) store.Store { return oldestFirst{f} }},
	{"Overtakes", "Events/Order", true, func(f *Fake) store.Store { return overtakes{f} }},
	{"SettlesForAnyone", "Events/Owners", false, func(f *Fake) store.Store { return settlesForAnyone{f} }},
	{"PrunesParked", "Events/Prune", false, func(f *Fake) store.Store { return prunesParked{f} }},
	{"ReplaysDoneOnly", "Events/Replay", false, func(f *Fake) store.Store { return replaysDoneOnly{f} }},
}

// TestKitCatches runs the kit on the mutants in a process of its own, where it may fail.
func TestKitCatches(t *testing.T) {
	const inside = "ROLLCALL_STORETEST_MUTANTS"
	if os.Getenv(inside) != "" {
		for _, m := range mutants {
			t.Run(m.name, func(t *testing.T) {
				t.Run("Kit", func(t *testing.T) {
					for _, x := range themes {
						if strings.HasPrefix(m.caught, x.name+"/") {
							x.run(t, func(*testing.T) store.Store { return m.make(NewFake()) })
						}
					}
				})
				if m.random {
					t.Run("Random", func(t *testing.T) { Random(t, 1, 2000, NewFake(), m.make(NewFake())) })
				}
			})
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestKitCatches$", "-test.v", "-test.short", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), inside+"=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("the process with the mutants ended with %v", err)
	}
	failed := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: TestKitCatches/"); ok {
			name, _, _ = strings.Cut(name, " ")
			failed[name] = true
		}
	}
	for _, m := range mutants {
		if !failed[m.name+"/Kit/"+m.caught] {
			t.Errorf("mutant %s: %s didn't fail", m.name, m.caught)
		}
		if m.random && !failed[m.name+"/Random"] {
			t.Errorf("mutant %s: random operations didn't find it", m.name)
		}
	}
	for _, want := range []string{wholeOrNot, onlyItsOwn, inOrder, "seed 1, operation"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the output doesn't say %q", want)
		}
	}
	if t.Failed() && testing.Verbose() {
		t.Logf("%s", out)
	}
}

type returnsItsOwn struct {
	*Fake
	mu  sync.Mutex
	got map[store.Key]*store.Resource
}

func (m *returnsItsOwn) Get(ctx context.Context, k store.Key) (*store.Resource, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.got[k]; r != nil {
		return r, nil
	}
	r, err := m.Fake.Get(ctx, k)
	if err == nil {
		m.got[k] = r
	}
	return r, err
}

func (m *returnsItsOwn) Commit(ctx context.Context, c *store.Change) error {
	m.mu.Lock()
	clear(m.got)
	m.mu.Unlock()
	return m.Fake.Commit(ctx, c)
}

type keepsTheCallers struct {
	*Fake
	mu  sync.Mutex
	put map[store.Key]*store.Resource
}

func (m *keepsTheCallers) Get(ctx context.Context, k store.Key) (*store.Resource, error) {
	r, err := m.Fake.Get(ctx, k)
	m.mu.Lock()
	defer m.mu.Unlock()
	if kept := m.put[k]; err == nil && kept != nil {
		r.Index = slices.Clone(kept.Index)
	}
	return r, err
}

func (m *keepsTheCallers) List(ctx context.Context, q store.Query) (*store.Page, error) {
	p, err := m.Fake.List(ctx, q)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		for _, r := range p.Resources {
			if kept := m.put[r.Key]; kept != nil {
				r.Index = kept.Index
			}
		}
	}
	return p, err
}

func (m *keepsTheCallers) Commit(ctx context.Context, c *store.Change) error {
	err := m.Fake.Commit(ctx, c)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range c.Put {
		if err == nil {
			m.put[store.Key{Tenant: c.Tenant, Type: p.Resource.Type, ID: p.Resource.ID}] = p.Resource
		}
	}
	return err
}

// edits changes each change in place; edited does so to a copy.
type edits struct {
	*Fake
	edit func(c *store.Change)
}

func (m edits) Commit(ctx context.Context, c *store.Change) error {
	m.edit(c)
	return m.Fake.Commit(ctx, c)
}

func edited(f *Fake, edit func(c *store.Change)) store.Store { return copies{edits{f, edit}} }

type copies struct{ edits }

func (m copies) Commit(ctx context.Context, c *store.Change) error {
	c = cloneChange(c)
	c.Members = slices.Clone(c.Members)
	return m.edits.Commit(ctx, c)
}

func eachKey(c *store.Change, edit func(k *store.IndexKey)) {
	for _, p := range c.Put {
		for i := range p.Resource.Index {
			edit(&p.Resource.Index[i])
		}
	}
}

type partByPart struct{ *Fake }

func (m partByPart) Commit(ctx context.Context, c *store.Change) error {
	var parts []store.Change
	for _, p := range c.Put {
		parts = append(parts, store.Change{Put: []store.Put{p}})
	}
	for _, d := range c.Delete {
		parts = append(parts, store.Change{Delete: []store.Delete{d}})
	}
	for _, d := range c.Members {
		parts = append(parts, store.Change{Members: []store.MemberDelta{d}})
	}
	parts = append(parts, store.Change{Seats: c.Seats}, store.Change{Events: c.Events, Journal: c.Journal})
	for _, part := range parts {
		part.Tenant = c.Tenant
		if err := m.Fake.Commit(ctx, &part); err != nil {
			return err
		}
	}
	return nil
}

type eventsRegardless struct{ *Fake }

func (m eventsRegardless) Commit(ctx context.Context, c *store.Change) error {
	err := m.Fake.Commit(ctx, c)
	if err != nil {
		m.Fake.Commit(ctx, &store.Change{Tenant: c.Tenant, Events: c.Events})
	}
	return err
}

type seesOthers struct{ *Fake }

func (m seesOthers) Get(ctx context.Context, k store.Key) (*store.Resource, error) {
	r, err := m.Fake.Get(ctx, k)
	if !errors.Is(err, store.ErrNotFound) {
		return r, err
	}
	for _, k.Tenant = range m.names() {
		if r, err := m.Fake.Get(ctx, k); err == nil {
			return r, nil
		}
	}
	return nil, err
}

func (f *Fake) names() (names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range f.tenants {
		names = append(names, name)
	}
	return names
}

type listsOthers struct{ *Fake }

func (m listsOthers) List(ctx context.Context, q store.Query) (*store.Page, error) {
	p, err := m.Fake.List(ctx, q)
	if err == nil && p.Total == 0 {
		q.Tenant = strings.TrimSuffix(q.Tenant, "-stranger")
		return m.Fake.List(ctx, q)
	}
	return p, err
}

type deletesOthers struct{ *Fake }

func (m deletesOthers) Commit(ctx context.Context, c *store.Change) error {
	err := m.Fake.Commit(ctx, c)
	for _, d := range c.Delete {
		for _, tenant := range m.names() {
			if err == nil && tenant != c.Tenant {
				m.Fake.Commit(ctx, &store.Change{Tenant: tenant, Delete: []store.Delete{{Type: d.Type, ID: d.ID}}})
			}
		}
	}
	return err
}

func (m copies) Get(ctx context.Context, k store.Key) (*store.Resource, error) {
	c := store.Change{Tenant: k.Tenant}
	m.edit(&c)
	k.Tenant = c.Tenant
	return m.Fake.Get(ctx, k)
}

type anyVersion struct{ *Fake }

func (m anyVersion) Commit(ctx context.Context, c *store.Change) error {
	c = cloneChange(c)
	for i := range c.Put {
		p := &c.Put[i]
		if old, err := m.Fake.Get(ctx, store.Key{Tenant: c.Tenant, Type: p.Resource.Type, ID: p.Resource.ID}); err == nil && p.IfVersion != "" {
			p.IfVersion = old.Version
		}
	}
	return m.Fake.Commit(ctx, c)
}

type refusesQuotes struct{ *Fake }

func (m refusesQuotes) Commit(ctx context.Context, c *store.Change) error {
	for _, p := range c.Put {
		if strings.Contains(p.Resource.ID, "'") {
			return errors.New("syntax error at or near '")
		}
	}
	return m.Fake.Commit(ctx, c)
}

type deletesNothing struct{ *Fake }

func (m deletesNothing) Commit(ctx context.Context, c *store.Change) error {
	if err := m.Fake.Commit(ctx, c); len(c.Delete) == 0 || !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return nil
}

type lags struct{ *Fake }

func (m lags) Commit(ctx context.Context, c *store.Change) error {
	m.Freeze()
	return m.Fake.Commit(ctx, c)
}

type skipsUnknown struct{ *Fake }

func (m skipsUnknown) Commit(ctx context.Context, c *store.Change) error {
	for {
		err := m.Fake.Commit(ctx, c)
		var unknown *store.UnknownMemberError
		if !errors.As(err, &unknown) {
			return err
		}
		c = cloneChange(c)
		c.Members = slices.Clone(c.Members)
		for i := range c.Members {
			add := slices.Clone(c.Members[i].Add)
			c.Members[i].Add = slices.DeleteFunc(add, func(r store.MemberRef) bool { return r.ID == unknown.ID })
		}
	}
}

type sameVersion struct{ *Fake }

func (m sameVersion) Commit(ctx context.Context, c *store.Change) error {
	c = cloneChange(c)
	c.Members = slices.Clone(c.Members)
	for i := range c.Members {
		d := &c.Members[i]
		if g, err := m.Fake.Get(ctx, store.Key{Tenant: c.Tenant, Type: groupType, ID: d.Group}); err == nil {
			d.Version, d.LastModified = g.Version, g.LastModified
		}
	}
	return m.Fake.Commit(ctx, c)
}

// leavesRows keeps the memberships of what is deleted for whoever gets its id.
type leavesRows struct {
	*Fake
	mu   sync.Mutex
	left map[store.Key][]store.MemberDelta
}

func (m *leavesRows) Commit(ctx context.Context, c *store.Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	left := map[store.Key][]store.MemberDelta{}
	for _, d := range c.Delete {
		k := store.Key{Tenant: c.Tenant, Type: d.Type, ID: d.ID}
		for row := range m.Fake.Members(ctx, store.MemberQuery{Tenant: c.Tenant, Of: []string{d.ID}}) {
			if row.Type != d.Type {
				continue
			}
			group, err := m.Get(ctx, store.Key{Tenant: c.Tenant, Type: groupType, ID: row.Group})
			if err == nil {
				left[k] = append(left[k], store.MemberDelta{
					Group: row.Group, Version: group.Version, LastModified: group.LastModified, Add: []store.MemberRef{{Type: d.Type, ID: d.ID}},
				})
			}
		}
	}
	if err := m.Fake.Commit(ctx, c); err != nil {
		return err
	}
	maps.Copy(m.left, left)
	for _, p := range c.Put {
		k := store.Key{Tenant: c.Tenant, Type: p.Resource.Type, ID: p.Resource.ID}
		for _, d := range m.left[k] {
			if group, err := m.Get(ctx, store.Key{Tenant: c.Tenant, Type: groupType, ID: d.Group}); err == nil {
				d.Version, d.LastModified = group.Version, group.LastModified
				m.Fake.Commit(ctx, &store.Change{Tenant: c.Tenant, Members: []store.MemberDelta{d}})
			}
		}
		delete(m.left, k)
	}
	return nil
}

// gate makes parallel callers meet, so that what they read before it is the same.
func gate(n *atomic.Int64) {
	n.Add(1)
	for i := 0; i < 2000 && n.Load() < parallel; i++ {
		runtime.Gosched()
	}
}

type looksThenSells struct {
	*Fake
	waiting atomic.Int64
}

func (m *looksThenSells) Commit(ctx context.Context, c *store.Change) error {
	if s := c.Seats; s != nil && s.Take > 0 && s.Limit >= 0 {
		used, err := m.Fake.Seats(ctx, c.Tenant)
		if err != nil {
			return err
		}
		if used+s.Take > s.Limit {
			return store.ErrNoSeat
		}
		gate(&m.waiting)
		c = cloneChange(c)
		c.Seats = &store.SeatClaim{Take: s.Take, Limit: -1}
	}
	return m.Fake.Commit(ctx, c)
}

type losesMembers struct {
	*Fake
	waiting atomic.Int64
}

func (m *losesMembers) Commit(ctx context.Context, c *store.Change) error {
	if len(c.Members) != 1 || len(c.Put) > 0 {
		return m.Fake.Commit(ctx, c)
	}
	d := c.Members[0]
	var all []store.MemberRef
	for row := range m.Fake.Members(ctx, store.MemberQuery{Tenant: c.Tenant, Groups: []string{d.Group}}) {
		if !slices.Contains(d.Remove, row.ID) && !d.Replace {
			all = append(all, store.MemberRef{Type: row.Type, ID: row.ID})
		}
	}
	gate(&m.waiting)
	d.Replace, d.Add, d.Remove = true, append(all, d.Add...), nil
	return m.Fake.Commit(ctx, &store.Change{Tenant: c.Tenant, Members: []store.MemberDelta{d}, Events: c.Events, Journal: c.Journal, Seats: c.Seats})
}

type neverEnds struct{ *Fake }

func (m neverEnds) Commit(ctx context.Context, c *store.Change) error {
	return m.Fake.Commit(context.WithoutCancel(ctx), c)
}

type oldestFirst struct{ *Fake }

func (m oldestFirst) Journal(ctx context.Context, q store.JournalQuery) ([]store.Entry, error) {
	entries, err := m.Fake.Journal(ctx, q)
	slices.Reverse(entries)
	return entries, err
}

// overtakes hands out what is due whatever of its subject comes before.
type overtakes struct{ *Fake }

func (m overtakes) Lease(ctx context.Context, l store.Lease) (out []store.Delivery, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.events {
		if len(out) < l.Max && !e.settled() && (e.state == due || !e.until.After(l.Now)) {
			e.state, e.until, e.Owner = leased, l.Until, l.Owner
			out = append(out, e.Delivery)
			e.Attempts++
		}
	}
	return out, nil
}

type settlesForAnyone struct{ *Fake }

func (m settlesForAnyone) Settle(ctx context.Context, settlements []store.Settlement) error {
	m.mu.Lock()
	settlements = slices.Clone(settlements)
	for i := range settlements {
		for _, e := range m.events {
			if e.ID == settlements[i].EventID {
				settlements[i].Owner = e.Owner
			}
		}
	}
	m.mu.Unlock()
	return m.Fake.Settle(ctx, settlements)
}

type prunesParked struct{ *Fake }

func (m prunesParked) Prune(ctx context.Context, before time.Time) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.events)
	m.events = slices.DeleteFunc(m.events, func(e *event) bool { return e.settled() && e.Time.Before(before) })
	return n - len(m.events), nil
}

type replaysDoneOnly struct{ *Fake }

func (m replaysDoneOnly) Replay(ctx context.Context, tenant string, from time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.events {
		if e.tenant == tenant && !e.Time.Before(from) && e.state == done {
			e.state, e.Attempts, e.Owner, e.Reason = due, 0, "", ""
		}
	}
	return nil
}

// firstGroup reads resources with one group each.
type firstGroup struct{ *Fake }

func (s firstGroup) GetRelated(ctx context.Context, k store.Key) (*store.Resource, []store.Member, error) {
	r, err := s.Get(ctx, k)
	if err != nil {
		return nil, nil, err
	}
	for m, err := range s.Members(ctx, store.MemberQuery{Tenant: k.Tenant, Of: []string{k.ID}}) {
		return r, []store.Member{m}, err
	}
	return r, nil, nil
}

func (s firstGroup) ListRelated(ctx context.Context, q store.Query) (*store.Page, []store.Member, error) {
	p, rows, err := listRelated(ctx, s.Fake, q)
	return p, slices.CompactFunc(rows, func(a, b store.Member) bool { return a.ID == b.ID }), err
}
