package storetest

import (
	"context"
	"maps"

	"github.com/rollcall-dev/rollcall/store"
)

// faults is what a Fake was told to do wrong.
type faults struct {
	commits     int           // attempted so far
	fail        map[int]error // by the number of the commit: not done, and this is the answer
	lose        map[int]error // by the number of the commit: done, and this is the answer
	before      func(ctx context.Context, method string) error
	unavailable bool
	stale       map[string]*tenant // what readers see; nil: the truth
}

// next counts a commit and says how it is to fail.
func (x *faults) next() (before, after error) {
	x.commits++
	return x.fail[x.commits], x.lose[x.commits]
}

// FailCommit makes the nth commit from now on (1 is the next) do nothing and answer err.
func (f *Fake) FailCommit(nth int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.faults.fail == nil {
		f.faults.fail = map[int]error{}
	}
	f.faults.fail[f.faults.commits+nth] = err
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

// Before has fn called at the start of every call with the method's name (Get, List, Members, Commit, Seats, Journal,
// Lease, Settle, Parked, Replay, Prune), outside of any lock. It may wait, on a channel or until ctx is done, to be slow;
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
	return nil
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
