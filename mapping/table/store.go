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
	mu         sync.RWMutex // held by a commit that could have to be undone, so that nobody sees it halfway
	tables     map[string]table
	others     Repository[Other]
	members    MemberTable // nil: members are in the records of their groups
	transactor Transactor  // nil: commits are undone by hand
}

var (
	_ store.Store         = (*Store)(nil)
	_ store.CounterReader = (*Store)(nil)
)

// Options are what a store has beside its tables.
type Options struct {
	// Others keeps what is neither a user nor a group: resources of other types, the library's own records (settings,
	// tombstones) and counters. The default keeps them in memory, and loses them with the process.
	Others Repository[Other]
}

// New makes a store of the product's own tables of users and groups. Either may be the zero Table: its resources are then kept
// with Options.Others. Like every store it is safe for concurrent use. New returns an error if the repository of groups is a
// MemberTable and that of users is no Transactor.
//
// What a repository can't do the store does itself: it evaluates filters and orders in a stream of all rows, of which at most a
// page (and what a sort needs to find it) is in memory at a time. A record whose Rest can't be read whole is answered with
// store.ErrCorrupt, and so is every list in which it would be.
//
// Of the optional interfaces of package store it has only store.CounterReader. It keeps no events and no journal, so the lifecycle
// tells hooks at once, and not again if they fail. It can't forget a tenant, because the tables are the product's.
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

// groupType is the resource type that has members.
const groupType = "Group"

// Table is a repository with the mapping of its values.
type Table struct{ rows rows }

// Of joins a mapping and a repository.
func Of[T any](m *mapping.Mapping[T], r Repository[T]) Table { return Table{&mapped[T]{m, r}} }

// table is where the resources of a type are.
func (s *Store) table(typ string) table {
	if t, ok := s.tables[typ]; ok {
		return t
	}
	return table{&mapped[Other]{nil, s.others}, typ, typ + "/"}
}

// view calls do while no commit is halfway.
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
