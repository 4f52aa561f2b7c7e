package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/filter"
)

var errDisk = errors.New("disk on fire")

// userIDs returns the ids of the users of a Fake.
func userIDs(t *testing.T, f *Fake) []string {
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
	f.FailCommit(3, exhausted(seats))
	for n, want := range []error{nil, errDisk, exhausted(seats), nil} {
		if err := create1(t, f, n); !same(err, want) {
			t.Errorf("commit %d: got %v, want %v", n, err, want)
		}
	}
	if got := userIDs(t, f); !slices.Equal(got, []string{id(0), id(3)}) {
		t.Errorf("got %v", got)
	}
	f.ConflictOnce() // commits are counted from this call on
	if err := create1(t, f, 8); !errors.Is(err, store.ErrVersionMismatch) {
		t.Errorf("got %v", err)
	}
	if err := create1(t, f, 8); err != nil {
		t.Errorf("got %v", err)
	}
}

// TestFail shows that every method fails when it is told to, and does nothing then.
func TestFail(t *testing.T) {
	f := NewFake()
	key := store.Key{Tenant: "acme", Type: "User", ID: id(1)}
	list := func() error {
		_, err := f.List(t.Context(), store.Query{Tenant: "acme", Types: []string{"User"}, Count: 1})
		return err
	}
	f.Fail("List", 1, store.ErrBusy)
	f.Fail("List", 3, store.ErrTooMuch)
	for n, want := range []error{store.ErrBusy, nil, store.ErrTooMuch, nil} {
		if err := list(); !errors.Is(err, want) {
			t.Errorf("list %d: got %v, want %v", n, err, want)
		}
	}
	f.Fail("Commit", 1, store.ErrUnavailable)
	if err := create1(t, f, 1); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if _, err := f.Get(t.Context(), key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a commit that failed was done: got %v", err)
	}
	if err := create1(t, f, 1); err != nil {
		t.Error(err)
	}
	f.Fail("Get", 1, store.ErrCorrupt)
	if _, err := f.Get(t.Context(), key); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("got %v", err)
	}
	if _, err := f.Get(t.Context(), key); err != nil {
		t.Error(err)
	}
}

// TestFailMisspelt shows that a test can't wait for the failure of a method that isn't there.
func TestFailMisspelt(t *testing.T) {
	f := NewFake()
	defer func() {
		if said := fmt.Sprint(recover()); !strings.Contains(said, `"list"`) || !strings.Contains(said, "List") {
			t.Errorf("it panics with %q, want the name and those that there are", said)
		}
	}()
	f.Fail("list", 1, store.ErrBusy)
	t.Error("the name was taken")
}

// TestFailKnowsEveryMethod makes every method of a Fake's interfaces fail once.
func TestFailKnowsEveryMethod(t *testing.T) {
	f := NewFake()
	var seen []string
	f.Before(func(_ context.Context, method string) error {
		seen = append(seen, method)
		return nil
	})
	all := reflect.TypeFor[interface {
		store.Store
		store.CounterReader
		store.EventSource
		store.EventAdmin
		store.FeedReader
		store.JournalReader
		store.Forgetter
		store.Tracer
	}]()
	for m := range all.Methods() {
		f.Fail(m.Name, 1, store.ErrBusy)
		called := reflect.ValueOf(f).MethodByName(m.Name)
		args := make([]reflect.Value, called.Type().NumIn())
		for i := range args {
			args[i] = reflect.New(called.Type().In(i)).Elem()
			if called.Type().In(i).Kind() == reflect.Pointer {
				args[i] = reflect.New(called.Type().In(i).Elem())
			}
		}
		args[0] = reflect.ValueOf(t.Context())
		if called.Type().IsVariadic() {
			args = args[:len(args)-1]
		}
		out := called.Call(args)
		err, _ := out[len(out)-1].Interface().(error)
		if rows, ok := out[0].Interface().(iter.Seq2[store.Member, error]); ok {
			for _, e := range rows {
				err = e
			}
		}
		if !errors.Is(err, store.ErrBusy) {
			t.Errorf("%s: got %v, want the failure that it was told", m.Name, err)
		}
	}
	if len(seen) != all.NumMethod() {
		t.Errorf("Before was told of %v, want each of %d methods", seen, all.NumMethod())
	}
}

func TestDamage(t *testing.T) {
	f := NewFake()
	key := store.Key{Tenant: "acme", Type: "User", ID: id(1)}
	if err := f.Damage(key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	for n := range 3 {
		if err := create1(t, f, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Damage(key); err != nil {
		t.Fatal(err)
	}
	list := func(x filter.Expr) error {
		_, err := f.List(t.Context(), store.Query{Tenant: "acme", Types: []string{"User"}, Count: 9, Filter: x})
		return err
	}
	for x, want := range map[string]error{
		`userName pr`: store.ErrCorrupt, `title eq "x"`: store.ErrCorrupt, `userName eq "user-1"`: store.ErrCorrupt,
		`userName eq "user-2"`: nil, `userName eq "user-2" and title eq "x"`: nil, `userName eq "user-2" or title eq "x"`: store.ErrCorrupt,
	} {
		if err := list(where(x)); !errors.Is(err, want) {
			t.Errorf("a list with %s: got %v, want %v", x, err, want)
		}
	}
	if err := list(nil); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("a list of all: got %v", err)
	}
	if _, err := f.Get(t.Context(), key); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("got %v", err)
	}
	if err := f.Commit(t.Context(), &store.Change{Tenant: "acme", Put: []store.Put{{Resource: next(user(1), "v2", `{}`), IfVersion: "v1"}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Get(t.Context(), key); err != nil {
		t.Errorf("after it was put anew: %v", err)
	}

	// The documents of a group stay damaged when its members change.
	team := store.Key{Tenant: "acme", Type: "Group", ID: id(10)}
	if err := f.Commit(t.Context(), &store.Change{Tenant: "acme", Put: puts(group(10))}); err != nil {
		t.Fatal(err)
	}
	if err := f.Damage(team); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(t.Context(), &store.Change{Tenant: "acme", Members: []store.MemberDelta{delta(10, "v2", []int{1}, nil)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Get(t.Context(), team); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("got %v", err)
	}
}

func TestLoseAnswer(t *testing.T) {
	f := NewFake()
	f.LoseAnswer(1, store.ErrUnavailable)
	if err := create1(t, f, 1); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if got := userIDs(t, f); !slices.Equal(got, ids(1, 2)) {
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
		"Get":      func() error { _, err := f.Get(t.Context(), store.Key{}); return err },
		"List":     func() error { _, err := f.List(t.Context(), store.Query{}); return err },
		"Commit":   func() error { return f.Commit(t.Context(), &store.Change{}) },
		"Counters": func() error { _, err := f.Counters(t.Context(), "", seats); return err },
		"Journal":  func() error { _, err := f.Journal(t.Context(), store.JournalQuery{}); return err },
		"Lease":    func() error { _, err := f.Lease(t.Context(), store.Lease{}); return err },
		"Settle":   func() error { return f.Settle(t.Context(), nil) },
		"Parked":   func() error { _, err := f.Parked(t.Context(), "", "", 1); return err },
		"Replay":   func() error { return f.Replay(t.Context(), store.Replay{}) },
		"Prune":    func() error { _, err := f.Prune(t.Context(), store.Retention{}); return err },
		"Forget":   func() error { return f.Forget(t.Context(), "") },
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
		if got := userIDs(t, f); !slices.Equal(got, ids(1, 2)) {
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
	if got := userIDs(t, f); !slices.Equal(got, ids(1, 2)) {
		t.Errorf("frozen: got %v", got)
	}
	if err := create1(t, f, 2); !same(err, conflict("id")) {
		t.Errorf("a commit knows the truth: got %v", err)
	}
	f.Thaw()
	if got := userIDs(t, f); !slices.Equal(got, ids(1, 3)) {
		t.Errorf("thawed: got %v", got)
	}
}

func TestRandomAgreesWithItself(t *testing.T) {
	Random(t, 7, 1500, NewFake(), NewFake())
}

// TestNothingOptional shows that the kit checks a store that has only the four methods of store.Store.
func TestNothingOptional(t *testing.T) {
	type required struct{ store.Store }
	Run(t, func(*testing.T) store.Store { return required{NewFake()} })
	Random(t, 3, 500, NewFake(), required{NewFake()})
}
