package memstore

import (
	"fmt"
	"testing"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return New() })
}

// wrapper is a store that wraps another one.
type wrapper struct{ store.Store }

func (w wrapper) Unwrap() store.Store { return w.Store }

// TestWrapped shows that the optional interfaces are found behind two wrappers, so that no rule is skipped.
func TestWrapped(t *testing.T) {
	s := wrapper{wrapper{New()}}
	found := map[string]bool{}
	_, found["CounterReader"] = store.As[store.CounterReader](s)
	_, found["EventSource"] = store.As[store.EventSource](s)
	_, found["JournalReader"] = store.As[store.JournalReader](s)
	_, found["Forgetter"] = store.As[store.Forgetter](s)
	for name, ok := range found {
		if !ok {
			t.Errorf("a wrapped store has lost %s", name)
		}
	}
	storetest.Random(t, 11, 1000, storetest.NewFake(), s)
}

func TestAgreesWithFake(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			storetest.Random(t, seed, 2500, storetest.NewFake(), New())
		})
	}
}
