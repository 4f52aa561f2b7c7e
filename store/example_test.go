package store_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// A change is committed whole or not at all. Ids, versions, times and unique keys come from the caller.
func ExampleStore() {
	var s store.Store = storetest.NewFake()
	ctx, at := context.Background(), time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	user := func(id, userName string) *store.Resource {
		return &store.Resource{
			Key: store.Key{Tenant: "acme", Type: "User", ID: id}, Version: "1", Created: at, LastModified: at, Label: userName,
			Index:      []store.IndexKey{{Attribute: "userName", Value: document.Fold(userName), Unique: true}},
			Attributes: document.Object(document.Field{Name: "userName", Value: document.String(userName)}).Document(),
		}
	}
	fmt.Println(s.Commit(ctx, &store.Change{Tenant: "acme", Put: []store.Put{{Resource: user("1", "ada")}}}))

	err := s.Commit(ctx, &store.Change{Tenant: "acme", Put: []store.Put{{Resource: user("2", "eve")}, {Resource: user("3", "ADA")}}})
	var taken *store.ConflictError
	fmt.Println(errors.As(err, &taken), taken.Attribute)

	_, err = s.Get(ctx, store.Key{Tenant: "acme", Type: "User", ID: "2"})
	fmt.Println(errors.Is(err, store.ErrNotFound))
	// Output:
	// <nil>
	// true userName
	// true
}

// quiet is a store in front of another one: it answers no lists.
type quiet struct{ store.Store }

func (quiet) List(context.Context, store.Query) (*store.Page, error) { return &store.Page{}, nil }

func (q quiet) Unwrap() store.Store { return q.Store }

// A store that wraps another one loses none of its abilities, if it says what it wraps.
func ExampleAs() {
	s := quiet{storetest.NewFake()}
	_, keepsEvents := store.As[store.EventSource](s)
	_, keepsJournal := store.As[store.JournalReader](s)
	fmt.Println(keepsEvents, keepsJournal)
	// Output:
	// true true
}
