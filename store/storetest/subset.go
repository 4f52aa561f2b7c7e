package storetest

import (
	"maps"
	"slices"
	"testing"

	"github.com/rollcall-dev/rollcall/store"
)

// Subset says which rules of the contract a store over a product's own tables leaves out, and why. The key is the name of a rule as
// go test shows it, such as "Members/Nested", and the value is the reason. So readers of the product's test learn what its tables can't hold.
type Subset map[string]string

// RunSubset does what [Run] does, without the rules in the subset. It fails if a rule of the subset doesn't exist or has no reason, so that
// the declaration stays true.
func RunSubset(t *testing.T, without Subset, newStore func(t *testing.T) store.Store) {
	left := maps.Clone(without)
	for _, x := range themes {
		x.rules = slices.DeleteFunc(slices.Clone(x.rules), func(r rule) bool {
			name := x.name + "/" + r.name
			why, ok := without[name]
			if ok {
				delete(left, name)
				if why == "" {
					t.Errorf("the rule %s is left out without a reason", name)
				}
			}
			return ok
		})
		if len(x.rules) > 0 {
			x.run(t, newStore)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		t.Errorf("there is no rule %s to leave out", name)
	}
}
