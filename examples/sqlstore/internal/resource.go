package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// columns are the columns of a resource without its key, in a table with the alias r.
const columns = "r.version, r.created, r.modified, r.label, r.keys, r.uniques, r.attributes, r.internal"

// Record is a resource as it was read from a row. Its index keys are not parsed yet, and its documents may be damaged.
type Record struct {
	store.Resource
	keys    string
	uniques int
}

// scan reads a row with the columns of a resource, and further ones.
func (r *Record) scan(rw Row, more ...any) error {
	var created, modified int64
	dest := append(make([]any, 0, 12), &r.Version, &created, &modified, &r.Label, &r.keys, &r.uniques, (*string)(&r.Attributes), (*string)(&r.Internal))
	if err := rw.Scan(append(dest, more...)...); err != nil {
		return err
	}
	r.Version, r.Label = Dec(r.Version), Dec(r.Label)
	r.Created, r.LastModified = timeOf(created), timeOf(modified)
	return nil
}

// whole returns the resource, or store.ErrCorrupt if it can't be read whole (I12).
func (r *Record) whole() (*store.Resource, error) {
	set, err := SplitKeys(r.keys, r.uniques)
	if err == nil {
		r.Index, err = set.index()
	}
	if err = cmp.Or(err, r.Attributes.Check(), r.Internal.Check()); err != nil {
		return nil, fmt.Errorf("sqlstore: %s %q: %w: %w", r.Type, r.ID, store.ErrCorrupt, err)
	}
	return &r.Resource, nil
}

func scanResource(k store.Key, rw Row, more ...any) (*store.Resource, error) {
	r := &Record{Resource: store.Resource{Key: k}}
	if err := r.scan(rw, more...); err != nil {
		return nil, err
	}
	return r.whole()
}

func timeOf(micro int64) time.Time { return time.UnixMicro(micro).UTC() }

const (
	ofKey  = " FROM ~resource r WHERE r.tenant = $1 AND r.type = $2 AND r.id = $3"
	getSQL = "SELECT " + columns + ofKey
)

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, k store.Key) (*store.Resource, error) {
	return s.get(ctx, getSQL, k)
}

// GetRelated implements [store.RelatedReader].
func (s *Store) GetRelated(ctx context.Context, k store.Key) (*store.Resource, []store.Member, error) {
	var groups string
	r, err := s.get(ctx, s.getRelated, k, &groups)
	return r, splitRows(nil, groups, k.ID), err
}

func (s *Store) get(ctx context.Context, sql string, k store.Key, more ...any) (*store.Resource, error) {
	leave, err := s.calls.Turn(ctx, k.Tenant)
	if err != nil {
		return nil, err
	}
	defer leave()
	var found *store.Resource
	err = s.engine.Query(ctx, sql, []any{Enc(k.Tenant), Enc(k.Type), Enc(k.ID)}, func(rw Row) (err error) {
		found, err = scanResource(k, rw, more...)
		return err
	})
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, store.ErrNotFound
	}
	return found, nil
}

// RowText returns an expression that makes one text of a membership row m: the member's type, and the id and label of the other end. They
// are separated by a byte that no text in the tables has. It looks up the label in a subquery for each row, so that no planner can make a
// join of it. order is the order of the rows.
func RowText(r filter.Relation) (text, order string) {
	typ, id := "'"+GroupType+"'", "m.group_id"
	if r == filter.Members {
		typ, id = "m.member_type", "m.member_id"
	}
	return "m.member_type || '" + KeySplit + "' || " + id + " || '" + KeySplit + "' || (SELECT g.label FROM ~resource g WHERE g.tenant = $1 AND g.type = " +
		typ + " AND g.id = " + id + ")", id
}

// RowsAre returns the condition that membership rows m are those of a resource r.
func RowsAre(r filter.Relation) string {
	if r == filter.Members {
		return "m.tenant = $1 AND m.group_id = r.id"
	}
	return "m.tenant = $1 AND m.member_id = r.id"
}

// ResourceArgs returns the columns of a resource, in the order in which statements name them.
func ResourceArgs(tenant string, r *store.Resource, keys KeySet) []any {
	label := Enc(r.Label)
	folded := label
	if f := document.Fold(r.Label); f != r.Label {
		folded = Enc(f)
	}
	return append(make([]any, 0, 14), tenant, Enc(r.Type), Enc(r.ID), Enc(r.Version), r.Created.UnixMicro(), r.LastModified.UnixMicro(),
		label, folded, keys.Joined(), int64(keys.Uniques), string(r.Attributes), string(r.Internal), MarkOf(r))
}
