package table

import (
	"context"
	"iter"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Record is a row of a product's table.
type Record[T any] struct {
	ID    string // the SCIM id, which the library makes; it is the table's key together with the tenant
	Value T      // the product's value
	// Rest has what SCIM and the lifecycle need and T has no field for, as a JSON text that only this package reads:
	// versions, times, index keys, the account's state, and attributes as the identity provider wrote them. Store it in a
	// text column of the row. It is empty for rows that the product itself has made, which are resources like all others.
	Rest string
	// Created is the time at which the product made the row. It becomes meta.created if Rest is empty. It may be zero, and is never written.
	Created time.Time
}

// Sent returns the attributes as SCIM wrote them last, without the product's later changes, for [mapping.Mapping.Drift]. A row
// that the product itself has made has none. Sent returns store.ErrCorrupt if Rest can't be read whole.
func (r *Record[T]) Sent() (document.Value, error) {
	x := row{Resource: &store.Resource{}}
	if err := x.decode(document.Document(r.Rest)); err != nil {
		return document.Value{}, err
	}
	return x.Attributes.Value(), nil
}

// Repository is a product's own table of people or teams, for all tenants. Its methods must be safe for concurrent use, must see only rows of
// the given tenant, and must neither keep nor share a Record that they get or return.
//
// The values in the table decide: the product may change them at any time, and SCIM shows the new value, with a new version.
//
// Three further interfaces are optional: [Transactor], [MemberTable] and [Searcher].
type Repository[T any] interface {
	// Create adds a row. If another row has the same value in a unique column, it returns a *store.ConflictError that names the
	// attribute.
	Create(ctx context.Context, tenant string, r *Record[T]) error
	// Get reads a row, or returns store.ErrNotFound.
	Get(ctx context.Context, tenant, id string) (*Record[T], error)
	// Update replaces a row. Its errors are those of Create and Get.
	Update(ctx context.Context, tenant string, r *Record[T]) error
	// Delete removes a row, or returns store.ErrNotFound.
	Delete(ctx context.Context, tenant, id string) error
	// Find returns the rows that have a value. path is an attribute such as userName, and value is folded by [document.Fold]
	// unless the attribute is caseExact. It should be compared with the folded field, which the repository has in a column of its
	// own, because lower() of a database differs for letters that aren't ASCII. Find may return more rows than match. It returns
	// errors.ErrUnsupported for an attribute without an index; then the store reads all rows.
	Find(ctx context.Context, tenant, path, value string) ([]*Record[T], error)
	// List returns at most max rows whose ids are greater than after, in the order of the bytes of ids.
	List(ctx context.Context, tenant, after string, max int) ([]*Record[T], error)
}

// Transactor is implemented by the repository of users if all repositories of a store can work in one transaction. Then every commit
// happens whole or not at all (I1). Without it, the store undoes a commit by itself when a part fails. It can't do so if the process dies
// in the middle, and only one process may write.
type Transactor interface {
	// Transact calls do with a context by which the repositories find the transaction. It commits if do returns nil, and
	// rolls back otherwise. Transactions must be serializable, or take turns. If one fails because of another one, Transact returns
	// store.ErrVersionMismatch.
	Transact(ctx context.Context, do func(ctx context.Context) error) error
}

// MemberTable is implemented by the repository of groups if memberships are rows of a table. Without it, a group's members are in its
// Rest, so that the cost of every change grows with the size of the group, and the groups of a user are found only by reading all groups. It
// needs a [Transactor].
type MemberTable interface {
	// Members does what the method of [store.Store] does. It may leave out labels.
	Members(ctx context.Context, q store.MemberQuery) iter.Seq2[store.Member, error]
	// ChangeMembers adds and removes the members of a delta. The store has checked in the same transaction that all that are added
	// exist, with their types, and are no members yet, and that all that are removed are members.
	ChangeMembers(ctx context.Context, tenant string, d store.MemberDelta) error
	// Empty removes all members of a group that is being deleted. It is no error if there are none.
	Empty(ctx context.Context, tenant, group string) error
}

// Searcher is implemented by a repository that can answer queries by itself.
type Searcher[T any] interface {
	// Search returns the rows of a page, and the number of all matches. The query is for one type and has no cursor. Search returns
	// errors.ErrUnsupported for a query that it can't answer; then the store reads all rows and filters them.
	Search(ctx context.Context, q store.Query) (rows []*Record[T], total int, err error)
}

// Other is the value in a repository of other resources (see [Options]). It is empty, because everything is in Record.Rest.
type Other struct{}
