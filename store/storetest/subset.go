package storetest

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/rollcall-dev/rollcall/store"
)

// Subset is what a store over a product's own tables leaves out of the contract, and why: the reason by the name of a rule, as
// go test shows it, such as "Members/GroupsInGroups". A product that declares one tells its readers what its tables can't hold.
type Subset map[string]string

// RunSubset is Run for a store that leaves some rules out. A rule in the subset that doesn't exist is a failure, so that the
// declaration stays true.
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
		t.Error(fmt.Sprintf("there is no rule %s to leave out", name))
	}
}
