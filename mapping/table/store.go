package table

import (
	"context"
	"errors"
	"sync"

	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/store"
)

// Store is a store.Store over a product's own tables: see [New].
type Store struct {
	mu         sync.RWMutex // without a transactor, it is held by a commit, so that nobody reads before the commit is complete or undone
	tables     map[string]table
	others     Repository[Other]
	members    MemberTable // if nil, members are in the records of their groups
	transactor Transactor  // if nil, the store undoes failed commits by itself
}

var (
	_ store.Store         = (*Store)(nil)
	_ store.CounterReader = (*Store)(nil)
)

// Options are the options of [New].
type Options struct {
	// Others is the repository of everything that is neither a user nor a group: resources of other types, the library's own records
	// (settings, tombstones) and counters. By default they are in memory, and lost when the process ends.
	Others Repository[Other]
}

// New makes a store of the product's own tables of users and groups. Either may be the zero Table, whose resources are then in
// Options.Others. o may be nil. The store is safe for concurrent use. New returns an error if the repository of groups is a
// [MemberTable] and that of users is no [Transactor].
//
// The store does by itself what a repository can't do: it reads all rows to evaluate filters and to sort, but keeps at most one
// page, and what a sort needs to find it, in memory. To read a record whose Rest can't be read whole fails with
// store.ErrCorrupt, and so does every list that would have it.
//
// Of the optional interfaces of package store it has only [store.CounterReader]. It has no events and no journal, so the lifecycle tells
// hooks at once, and not again if they fail. It can't forget a tenant, because the tables belong to the product. A [Joined] store has all
// of these.
func New(users, groups Table, o *Options) (*Store, error) {
	if o == nil {
		o = &Options{}
	}
	s := &Store{tables: map[string]table{}, others: o.Others}
	if s.others == nil {
		s.others = NewMemory[Other]()
	}
	if users.rows != nil {
		s.tables["User"] = table{users.rows, "User", ""}
		s.transactor, _ = users.rows.repository().(Transactor)
	}
	if groups.rows != nil {
		s.tables[groupType] = table{groups.rows, groupType, ""}
		s.members, _ = groups.rows.repository().(MemberTable)
	}
	if s.members != nil && s.transactor == nil {
		return nil, errors.New("table: the repository of groups is a MemberTable, so that of users must be a Transactor")
	}
	return s, nil
}

// groupType is the resource type whose resources have members.
const groupType = "Group"

// Table is a repository together with the mapping of its values. Make it with [Of].
type Table struct{ rows rows }

// Of makes a [Table] of a mapping and a repository.
func Of[T any](m *mapping.Mapping[T], r Repository[T]) Table { return Table{&mapped[T]{m, r}} }

// table returns the table that has the resources of a type.
func (s *Store) table(typ string) table {
	if t, ok := s.tables[typ]; ok {
		return t
	}
	return table{&mapped[Other]{nil, s.others}, typ, typ + "/"}
}

// view calls do while no commit is incomplete.
func (s *Store) view(ctx context.Context, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.transactor == nil {
		s.mu.RLock()
		defer s.mu.RUnlock()
	}
	return do()
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, k store.Key) (found *store.Resource, err error) {
	err = s.view(ctx, func() error {
		r, err := s.table(k.Type).get(ctx, k.Tenant, k.ID)
		if err == nil {
			found = r.Resource
		}
		return err
	})
	return found, err
}
