package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
)

// faults are the failures that a Fake was told to produce.
type faults struct {
	calls       map[string]int // how many calls have begun, by method
	commits     int            // how many commits were not stopped before they reached the store
	fail        map[call]error // the error that a call returns without doing anything
	lose        map[int]error  // the error that a commit returns although it took place, by its number
	before      func(ctx context.Context, method string) error
	unavailable bool
	damaged     map[*store.Resource]bool
	stale       map[string]*tenant // what readers see while the store is frozen, else nil
}

// call is the nth call of a method.
type call struct {
	method string
	nth    int
}

// methods are those whose calls are counted.
var methods = [...]string{
	"Get", "List", "Members", "Commit", "Counters", "Journal", "Lease", "Settle", "Parked", "Replay", "SetPaused", "Drop", "Lags", "Due",
	"Feed", "Traces", "Prune", "Forget",
}

// next counts a commit and says how it is to fail.
func (x *faults) next() (before, after error) {
	x.commits++
	return x.fail[call{commitFault, x.commits}], x.lose[x.commits]
}

// commitFault is the method under which commits are counted that were not stopped before they reached the store.
const commitFault = "Commit that got as far as the store"

// Fail makes the nth call of a method from now on (1 is the next) do nothing and return err: for example List and
// [store.ErrBusy] or [store.ErrTooMuch], or Get and [store.ErrCorrupt]. Calls that fail for another reason are counted, too.
// [Fake.Before] lists the methods' names. Fail panics if the method isn't one of them, as the test would see no failure then.
func (f *Fake) Fail(method string, nth int, err error) {
	if !slices.Contains(methods[:], method) {
		panic(fmt.Sprintf("storetest: Fake.Fail: no call is named %q; there are %s", method, strings.Join(methods[:], ", ")))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failAt(call{method, f.faults.calls[method] + nth}, err)
}

func (f *Fake) failAt(c call, err error) {
	if f.faults.fail == nil {
		f.faults.fail = map[call]error{}
	}
	f.faults.fail[c] = err
}

// Damage makes a resource unreadable, as if the store had lost a part of its documents: to read it, alone or in a list,
// fails with [store.ErrCorrupt] until it is put anew. Damage returns [store.ErrNotFound] if there is no such resource.
func (f *Fake) Damage(k store.Key) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, ok := f.tenants[k.Tenant]
	if !ok {
		return store.ErrNotFound
	}
	r, ok := t.resources[name{k.Type, k.ID}]
	if !ok {
		return store.ErrNotFound
	}
	if f.faults.damaged == nil {
		f.faults.damaged = map[*store.Resource]bool{}
	}
	f.faults.damaged[r] = true
	return nil
}

// damaged says whether a resource can't be read.
func (f *Fake) damaged(r *store.Resource) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.faults.damaged[r]
}

// FailCommit makes the nth commit from now on (1 is the next) do nothing and return err, which may be any error of the
// contract, for example a *[store.ClaimError]. Commits that [Fake.Before], a context or [Fake.SetUnavailable] stops are not
// counted.
func (f *Fake) FailCommit(nth int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failAt(call{commitFault, f.faults.commits + nth}, err)
}

// ConflictOnce makes the next commit fail with [store.ErrVersionMismatch], as if somebody else had been faster.
func (f *Fake) ConflictOnce() { f.FailCommit(1, store.ErrVersionMismatch) }

// LoseAnswer makes the nth commit from now on (1 is the next) return err although it succeeds, as when the connection to a
// database breaks after the commit and before its answer. A commit that fails returns its own error.
func (f *Fake) LoseAnswer(nth int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.faults.lose == nil {
		f.faults.lose = map[int]error{}
	}
	f.faults.lose[f.faults.commits+nth] = err
}

// Before makes every call of the store begin with a call of fn, with the caller's context and the method's name: Get, List, Members,
// Commit, Counters, Journal, Lease, Settle, Parked, Replay, SetPaused, Drop, Lags, Due, Feed, Traces, Prune or Forget. An error that fn
// returns is returned by the call, which does nothing then. fn may wait, on a channel or until ctx is done, to make the store slow; it may
// be called concurrently, and no lock is held. Before(nil) ends this.
func (f *Fake) Before(fn func(ctx context.Context, method string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults.before = fn
}

// SetUnavailable makes every call fail with [store.ErrUnavailable], until it is set to false.
func (f *Fake) SetUnavailable(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults.unavailable = on
}

// Freeze makes readers see the resources, members, counters and journal as they are now, until [Fake.Thaw] is called, as a replica does
// that lags behind. Commits, and the methods for events, go on with the current state.
func (f *Fake) Freeze() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults.stale = maps.Clone(f.tenants)
}

// Thaw ends [Fake.Freeze]: readers see the current state again.
func (f *Fake) Thaw() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults.stale = nil
}

// begin is called at the start of each method: it counts the call, and returns the error that it is to fail with.
func (f *Fake) begin(ctx context.Context, method string) error {
	f.mu.Lock()
	if f.faults.calls == nil {
		f.faults.calls = map[string]int{}
	}
	f.faults.calls[method]++
	failure := f.faults.fail[call{method, f.faults.calls[method]}]
	before, unavailable := f.faults.before, f.faults.unavailable
	f.mu.Unlock()
	if before != nil {
		if err := before(ctx, method); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if unavailable {
		return store.ErrUnavailable
	}
	return failure
}

// read does what begin does for a method that reads, and returns the tenant as that method sees it.
func (f *Fake) read(ctx context.Context, method, of string) (*tenant, error) {
	if err := f.begin(ctx, method); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	tenants := f.tenants
	if f.faults.stale != nil {
		tenants = f.faults.stale
	}
	if t, ok := tenants[of]; ok {
		return t, nil
	}
	return empty(), nil
}
