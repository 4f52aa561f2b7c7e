package table

import (
	"context"
	"errors"
	"strings"

	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// rows is a repository without its type parameter. Its keys are those of the repository.
type rows interface {
	get(ctx context.Context, tenant, key string) (*row, error)
	find(ctx context.Context, tenant, path, value string) ([]*row, error)
	list(ctx context.Context, tenant, after string, max int) ([]*row, error)
	search(ctx context.Context, q store.Query) ([]*row, int, error)
	// save writes a row; was is the row before, or nil for a new one. It can be undone by restore, or by delete for a new row.
	save(ctx context.Context, tenant string, was, is *row) error
	restore(ctx context.Context, tenant string, was *row, create bool) error
	delete(ctx context.Context, tenant, key string) error
	repository() any
}

// mapped is a repository and the mapping of its values.
type mapped[T any] struct {
	m *mapping.Mapping[T] // if nil, everything is in Record.Rest
	r Repository[T]
}

func (t *mapped[T]) repository() any { return t.r }

// load makes a row of a record: it merges the product's value into the stored attributes.
func (t *mapped[T]) load(r *Record[T]) (*row, error) {
	x := &row{Resource: &store.Resource{Key: store.Key{ID: r.ID}}, record: r}
	if err := x.decode(document.Document(r.Rest)); err != nil {
		return nil, err
	}
	if x.Created.IsZero() {
		x.Created = r.Created
	}
	if x.LastModified.IsZero() {
		x.LastModified = x.Created
	}
	if t.m != nil {
		if v, changed := t.m.Merge(x.Attributes.Value(), &r.Value); changed {
			x.became(v)
		}
	}
	return x, nil
}

func (t *mapped[T]) loadAll(records []*Record[T], err error) ([]*row, error) {
	if err != nil {
		return nil, err
	}
	list := make([]*row, len(records))
	for i, r := range records {
		if list[i], err = t.load(r); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (t *mapped[T]) get(ctx context.Context, tenant, key string) (*row, error) {
	r, err := t.r.Get(ctx, tenant, key)
	if err != nil {
		return nil, err
	}
	return t.load(r)
}

func (t *mapped[T]) find(ctx context.Context, tenant, path, value string) ([]*row, error) {
	return t.loadAll(t.r.Find(ctx, tenant, path, value))
}

func (t *mapped[T]) list(ctx context.Context, tenant, after string, max int) ([]*row, error) {
	return t.loadAll(t.r.List(ctx, tenant, after, max))
}

func (t *mapped[T]) search(ctx context.Context, q store.Query) ([]*row, int, error) {
	s, ok := t.r.(Searcher[T])
	if !ok {
		return nil, 0, errors.ErrUnsupported
	}
	records, total, err := s.Search(ctx, q)
	list, err := t.loadAll(records, err)
	return list, total, err
}

// save changes the product's value by the attributes, according to the authority over each. Fields that no attribute is mapped
// to stay as they are.
func (t *mapped[T]) save(ctx context.Context, tenant string, was, is *row) error {
	r := &Record[T]{ID: is.ID}
	old := document.Object()
	if was != nil {
		r.Value = was.record.(*Record[T]).Value
		old = was.Attributes.Value()
	}
	if t.m != nil && (was == nil || was.Attributes != is.Attributes) {
		out, err := t.m.Write(was == nil, old, is.Attributes.Value(), &r.Value)
		if err != nil {
			return err
		}
		if len(out.Ignored) > 0 {
			is.Attributes = out.Attributes.Document()
		}
	}
	r.Rest = is.encode()
	if was == nil {
		return t.r.Create(ctx, tenant, r)
	}
	return t.r.Update(ctx, tenant, r)
}

func (t *mapped[T]) restore(ctx context.Context, tenant string, was *row, create bool) error {
	if create {
		return t.r.Create(ctx, tenant, was.record.(*Record[T]))
	}
	return t.r.Update(ctx, tenant, was.record.(*Record[T]))
}

func (t *mapped[T]) delete(ctx context.Context, tenant, key string) error {
	return t.r.Delete(ctx, tenant, key)
}

// table has the resources of one type. They are in a table of their own, or in Options.Others, where their keys begin with a prefix.
type table struct {
	rows
	typ, prefix string
}

// resource gives a row its full key.
func (t table) resource(tenant string, r *row) *row {
	r.Key = store.Key{Tenant: tenant, Type: t.typ, ID: strings.TrimPrefix(r.ID, t.prefix)}
	return r
}

func (t table) get(ctx context.Context, tenant, id string) (*row, error) {
	r, err := t.rows.get(ctx, tenant, t.prefix+id)
	if err != nil {
		return nil, err
	}
	return t.resource(tenant, r), nil
}

// keyed returns a copy of a row with the key that the repository has.
func (t table) keyed(r *row) *row {
	k := *r
	resource := *r.Resource
	resource.ID = t.prefix + r.ID
	k.Resource = &resource
	return &k
}

// list returns nothing if there are no more rows of the type.
func (t table) list(ctx context.Context, tenant, after string, max int) ([]*row, error) {
	list, err := t.rows.list(ctx, tenant, t.prefix+after, max)
	if err != nil {
		return nil, err
	}
	for i, r := range list {
		if !strings.HasPrefix(r.ID, t.prefix) {
			return list[:i], nil
		}
		t.resource(tenant, r)
	}
	return list, nil
}

// search asks a repository that has only this type, if it is a Searcher.
func (t table) search(ctx context.Context, q store.Query) ([]*row, int, error) {
	if t.prefix != "" {
		return nil, 0, errors.ErrUnsupported
	}
	return t.rows.search(ctx, q)
}

// batch is how many rows are read at a time.
const batch = 256

// walk calls do for each row of a tenant behind an id, in the order of ids, until do returns false or an error.
func (t table) walk(ctx context.Context, tenant, after string, do func(*row) (bool, error)) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		list, err := t.list(ctx, tenant, after, batch)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, r := range list {
			if goesOn, err := do(r); err != nil || !goesOn {
				return err
			}
		}
		after = list[len(list)-1].ID
	}
}

// find calls do for each row that may have the value: those that the repository finds, or all if it has no index.
func (t table) find(ctx context.Context, tenant, path, value string, do func(*row) (bool, error)) error {
	if t.prefix == "" {
		list, err := t.rows.find(ctx, tenant, path, value)
		if err == nil {
			for _, r := range list {
				if goesOn, err := do(t.resource(tenant, r)); err != nil || !goesOn {
					return err
				}
			}
			return nil
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	return t.walk(ctx, tenant, "", do)
}
