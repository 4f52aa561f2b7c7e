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
	ID    string // the SCIM id, which the library makes; the table's key together with the tenant
	Value T      // what the product knows
	// Rest is what SCIM and the lifecycle need and T has no field for, as one JSON text that only this package reads:
	// versions, times, index keys, the account's state, attributes as the identity provider wrote them. Keep it in a
	// text column beside T's. It is empty for rows that the product made itself; those are people like the others.
	Rest string
	// Created is when the product made the row, for meta.created of rows whose Rest is empty. It may be zero, and is never written.
	Created time.Time
}

// Sent returns the attributes as SCIM wrote them last, for mapping.Mapping.Drift: what the product changed since is not in them. A row
// that the product made itself has none. If Rest can't be read whole, Sent returns store.ErrCorrupt.
func (r *Record[T]) Sent() (document.Value, error) {
	x := row{Resource: &store.Resource{}}
	if err := x.decode(document.Document(r.Rest)); err != nil {
		return document.Value{}, err
	}
	return x.Attributes.Value(), nil
}

// Repository is a product's own table of people or teams, for all tenants. The methods may be called concurrently, and
// see nothing of other tenants. A Record belongs to the caller.
//
// A value in the table is the truth: the product may change it at any time, and SCIM shows the new one, in a new version.
//
// Three more interfaces are optional: [Transactor], [MemberTable], [Searcher].
type Repository[T any] interface {
	// Create adds a row. If a unique column has the value already, it returns a *store.ConflictError that names the
	// attribute.
	Create(ctx context.Context, tenant string, r *Record[T]) error
	// Get reads a row, or returns store.ErrNotFound.
	Get(ctx context.Context, tenant, id string) (*Record[T], error)
	// Update replaces a row that is there; errors are those of Create and Get.
	Update(ctx context.Context, tenant string, r *Record[T]) error
	// Delete removes a row, or returns store.ErrNotFound.
	Delete(ctx context.Context, tenant, id string) error
	// Find returns the rows with a value: path is an attribute such as userName, and value is folded (document.Fold)
	// unless the attribute is caseExact. Compare it with what document.Fold made of the field, kept in a column of its
	// own: a database's lower() differs beyond ASCII. More rows than match are no harm. It returns
	// errors.ErrUnsupported for attributes that it has no index on; the store then reads all rows.
	Find(ctx context.Context, tenant, path, value string) ([]*Record[T], error)
	// List returns at most max rows, those behind the id, in the order of the bytes of ids.
	List(ctx context.Context, tenant, after string, max int) ([]*Record[T], error)
}

// Transactor is what the repository of users implements if all the repositories of a store can work in one transaction. Then a
// commit is whole or not, whatever happens. Without it a commit is undone when a part of it fails, but not if the process dies
// halfway, and only one process may write.
type Transactor interface {
	// Transact calls do with a context by which the repositories find the transaction, commits if it returns nil, and
	// else rolls back. Transactions must be serializable, or take turns; one that lost a race is a
	// store.ErrVersionMismatch.
	Transact(ctx context.Context, do func(ctx context.Context) error) error
}

// MemberTable is what the repository of groups implements to keep memberships as rows. Without it a group's members are in its
// Rest: then every change costs as much as the group is large, and a look for the groups of a user goes through all groups. It
// needs a Transactor.
type MemberTable interface {
	// Members is that of store.Store. Labels may be left out.
	Members(ctx context.Context, q store.MemberQuery) iter.Seq2[store.Member, error]
	// ChangeMembers applies the membership part of a delta. The store has looked in the same transaction: all that are added
	// exist, by their types, and are no members yet; all that are removed are members.
	ChangeMembers(ctx context.Context, tenant string, d store.MemberDelta) error
	// Empty removes all members of a group that is deleted. It may have none.
	Empty(ctx context.Context, tenant, group string) error
}

// Searcher is what a repository implements to answer queries itself. It returns errors.ErrUnsupported for those that
// it can't; the store then reads all rows and filters them.
type Searcher[T any] interface {
	// Search returns the rows of a page and the total of all matches. The query is for one type and has no cursor.
	Search(ctx context.Context, q store.Query) (rows []*Record[T], total int, err error)
}

// Other is the value of a repository of other resources. It is empty, because everything is in Record.Rest.
type Other struct{}
