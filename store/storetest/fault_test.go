package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

var errDisk = errors.New("disk on fire")

// there says which users a fake has.
func there(t *testing.T, f *Fake) []string {
	t.Helper()
	p, err := f.List(t.Context(), store.Query{Tenant: "acme", Types: []string{"User"}, Count: 100})
	if err != nil {
		t.Fatal(err)
	}
	return idsOf(p)
}

func create1(t *testing.T, f *Fake, n int) error {
	return f.Commit(t.Context(), &store.Change{Tenant: "acme", Put: puts(user(n))})
}

func TestFailCommit(t *testing.T) {
	f := NewFake()
	f.FailCommit(2, errDisk)
	f.FailCommit(3, store.ErrNoSeat)
	for n, want := range []error{nil, errDisk, store.ErrNoSeat, nil} {
		if err := create1(t, f, n); !errors.Is(err, want) {
			t.Errorf("commit %d: got %v, want %v", n, err, want)
		}
	}
	if got := there(t, f); !slices.Equal(got, []string{id(0), id(3)}) {
		t.Errorf("got %v", got)
	}
	f.ConflictOnce() // counts from now on
	if err := create1(t, f, 8); !errors.Is(err, store.ErrVersionMismatch) {
		t.Errorf("got %v", err)
	}
	if err := create1(t, f, 8); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestLoseAnswer(t *testing.T) {
	f := NewFake()
	f.LoseAnswer(1, store.ErrUnavailable)
	if err := create1(t, f, 1); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if got := there(t, f); !slices.Equal(got, ids(1, 2)) {
		t.Errorf("got %v", got)
	}
	f.LoseAnswer(1, store.ErrUnavailable)
	if err := create1(t, f, 1); !same(err, conflict("id")) {
		t.Errorf("a commit that fails anyhow: got %v", err)
	}
}

func TestUnavailable(t *testing.T) {
	f := NewFake()
	f.SetUnavailable(true)
	calls := map[string]func() error{
		"Get":     func() error { _, err := f.Get(t.Context(), store.Key{}); return err },
		"List":    func() error { _, err := f.List(t.Context(), store.Query{}); return err },
		"Commit":  func() error { return f.Commit(t.Context(), &store.Change{}) },
		"Seats":   func() error { _, err := f.Seats(t.Context(), ""); return err },
		"Journal": func() error { _, err := f.Journal(t.Context(), store.JournalQuery{}); return err },
		"Lease":   func() error { _, err := f.Lease(t.Context(), store.Lease{}); return err },
		"Settle":  func() error { return f.Settle(t.Context(), nil) },
		"Parked":  func() error { _, err := f.Parked(t.Context(), "", 1); return err },
		"Replay":  func() error { return f.Replay(t.Context(), "", epoch) },
		"Prune":   func() error { _, err := f.Prune(t.Context(), epoch); return err },
		"Members": func() (last error) {
			for _, err := range f.Members(t.Context(), store.MemberQuery{}) {
				last = err
			}
			return last
		},
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	f.SetUnavailable(false)
	for name, call := range calls {
		if err := call(); errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: got %v when available again", name, err)
		}
	}
	var methods []string
	f.Before(func(_ context.Context, method string) error {
		methods = append(methods, method)
		return errDisk
	})
	for name, call := range calls {
		if err := call(); !errors.Is(err, errDisk) || methods[len(methods)-1] != name {
			t.Errorf("%s: got %v, and method %s", name, err, methods)
		}
	}
}

func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFake()
		f.Before(func(ctx context.Context, method string) error {
			if method != "Commit" {
				return nil
			}
			select {
			case <-time.After(time.Minute):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		start := time.Now()
		if err := create1(t, f, 1); err != nil || time.Since(start) != time.Minute {
			t.Errorf("got %v after %s", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := f.Commit(ctx, &store.Change{Tenant: "acme", Put: puts(user(2))}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if got := there(t, f); !slices.Equal(got, ids(1, 2)) {
			t.Errorf("got %v", got)
		}
	})
}

func TestFreeze(t *testing.T) {
	f := NewFake()
	if err := create1(t, f, 1); err != nil {
		t.Fatal(err)
	}
	f.Freeze()
	if err := create1(t, f, 2); err != nil {
		t.Fatal(err)
	}
	if got := there(t, f); !slices.Equal(got, ids(1, 2)) {
		t.Errorf("frozen: got %v", got)
	}
	if err := create1(t, f, 2); !same(err, conflict("id")) {
		t.Errorf("a commit knows the truth: got %v", err)
	}
	f.Thaw()
	if got := there(t, f); !slices.Equal(got, ids(1, 3)) {
		t.Errorf("thawed: got %v", got)
	}
}

func TestRandomAgreesWithItself(t *testing.T) {
	Random(t, 7, 1500, NewFake(), NewFake())
}

// TestNothingOptional shows that the kit does with a store that has just the four methods.
func TestNothingOptional(t *testing.T) {
	type required struct{ store.Store }
	Run(t, func(*testing.T) store.Store { return required{NewFake()} })
	Random(t, 3, 500, NewFake(), required{NewFake()})
}
