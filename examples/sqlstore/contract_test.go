package sqlstore_test

import (
	"fmt"
	"testing"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

func TestContract(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		storetest.Run(t, func(t *testing.T) store.Store { return open(t, nil) })
	})
}

func TestAgreesWithFake(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		for seed := range uint64(3) {
			t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
				storetest.Random(t, seed, 1200, storetest.NewFake(), open(t, nil))
			})
		}
	})
}
