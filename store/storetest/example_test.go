package storetest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// A product's unit test makes the store fail where it wants to see what its code does then.
func ExampleFake() {
	ctx := context.Background()
	fake := storetest.NewFake()
	fake.ConflictOnce()

	change := &store.Change{Tenant: "acme", Put: []store.Put{{Resource: &store.Resource{
		Key: store.Key{Type: "User", ID: "1"}, Version: "1", Attributes: `{"userName":"anna"}`,
	}}}}
	err := fake.Commit(ctx, change)
	fmt.Println(errors.Is(err, store.ErrVersionMismatch))

	err = fake.Commit(ctx, change) // again
	fmt.Println(err)

	r, err := fake.Get(ctx, store.Key{Tenant: "acme", Type: "User", ID: "1"})
	fmt.Println(r.Attributes, err)
	// Output:
	// true
	// <nil>
	// {"userName":"anna"} <nil>
}
