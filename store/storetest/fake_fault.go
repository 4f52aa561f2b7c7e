package storetest

import (
	"context"
	"maps"

	"github.com/rollcall-dev/rollcall/store"
)

// faults is what a Fake was told to do wrong.
type faults struct {
	calls       map[string]int // begun so far, by method
	commits     int            // that got as far as the store
	fail        map[call]error // not done, and this is the answer
	lose        map[int]error  // by the number of the commit: done, and this is the answer
	before      func(ctx context.Context, method string) error
	unavailable bool
	damaged     map[*store.Resource]bool
	stale       map[string]*tenant // what readers see; nil: the truth
}

// call is the nth call of a method.
type call struct {
	method string
	nth    int
}

// next counts a commit and says how it is to fail.
func (x *faults) next() (before, after error) {
	x.commits++
	return x.fail[call{commitFault, x.commits}], x.lose[x.commits]
}

// commitFault stands for commits that were not stopped before, which are counted apart from all calls of Commit.
const commitFault = "Commit that got as far as the store"

// Fail makes the nth call of a method from now on (1 is the next) do nothing and answer err: for example List and
// [store.ErrBusy] or [store.ErrTooMuch], or Get and [store.ErrCorrupt]. The method is named as for [Fake.Before]. Calls
// that fail otherwise are counted too.
func (f *Fake) Fail(method string, nth int, err error) {
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

// Damage makes a resource that is there unreadable, as if the store had lost a part of its documents: to read it, alone
// or in a list, answers [store.ErrCorrupt], until it is put anew. It answers [store.ErrNotFound] if there is none.
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

// FailCommit makes the nth commit from now on (1 is the next) do nothing and answer err, which may be any error of the
// contract, for example a *[store.ClaimError]. Commits that [Fake.Before], a context or [Fake.SetUnavailable] stops are not
// counted.
func (f *Fake) FailCommit(nth int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failAt(call{commitFault, f.faults.commits + nth}, err)
}

// ConflictOnce makes the next commit answer [store.ErrVersionMismatch], as if somebody else had been faster.
func (f *Fake) ConflictOnce() { f.FailCommit(1, store.ErrVersionMismatch) }

// LoseAnswer makes the nth commit from now on (1 is the next) take place and yet answer err if it succeeds: the
// connection broke after the fact.
func (f *Fake) LoseAnswer(nth int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.faults.lose == nil {
		f.faults.lose = map[int]error{}
	}
	f.faults.lose[f.faults.commits+nth] = err
}

// Before has fn called at the start of every call with the method's name (Get, List, Members, Commit, Counters, Journal,
// Lease, Settle, Parked, Replay, Prune, Forget), outside of any lock. It may wait, on a channel or until ctx is done, to be slow;
// the error that it returns is the call's. nil ends it.
func (f *Fake) Before(fn func(ctx context.Context, method string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults.before = fn
}

// SetUnavailable makes every call answer [store.ErrUnavailable], until it is set to false.
func (f *Fake) SetUnavailable(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults.unavailable = on
}

// Freeze makes reads answer from the state of now, as a lagging replica does, until [Fake.Thaw]. Commits and the event
// source go on with the truth.
func (f *Fake) Freeze() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults.stale = maps.Clone(f.tenants)
}

// Thaw ends [Fake.Freeze].
func (f *Fake) Thaw() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults.stale = nil
}

// begin is the start of every call.
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

// read begins a call that reads, and returns the tenant as it is to be seen.
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
