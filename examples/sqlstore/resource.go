package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// columns are a resource's but for its key, of a table called r.
const columns = "r.version, r.created, r.modified, r.label, r.keys, r.uniques, r.attributes, r.internal"

// scanResource returns store.ErrCorrupt for a row that can't be read whole (I12).
func scanResource(k store.Key, rw row, more ...any) (*store.Resource, error) {
	var (
		r                    = &store.Resource{Key: k}
		created, modified    int64
		uniques              int
		keys                 string
		attributes, internal string
	)
	dest := append(make([]any, 0, 12), &r.Version, &created, &modified, &r.Label, &keys, &uniques, &attributes, &internal)
	if err := rw.Scan(append(dest, more...)...); err != nil {
		return nil, err
	}
	r.Version, r.Label = dec(r.Version), dec(r.Label)
	r.Created, r.LastModified = timeOf(created), timeOf(modified)
	r.Attributes, r.Internal = document.Document(attributes), document.Document(internal)
	set, err := splitKeys(keys, uniques)
	if err == nil {
		r.Index, err = set.index()
	}
	if err = cmp.Or(err, r.Attributes.Check(), r.Internal.Check()); err != nil {
		return nil, fmt.Errorf("sqlstore: %s %q: %w: %w", k.Type, k.ID, store.ErrCorrupt, err)
	}
	return r, nil
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
	return r, groupsOf(nil, k.ID, groups), err
}

func (s *Store) get(ctx context.Context, sql string, k store.Key, more ...any) (*store.Resource, error) {
	var found *store.Resource
	err := s.query(ctx, sql, []any{enc(k.Tenant), enc(k.Type), enc(k.ID)}, func(rw row) (err error) {
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

// groupsRows are all the groups of a resource r, each as one text: its member's type, its id and its label, as no text in
// the tables has the bytes between them. What is a look-up for each row can't become anything else in a planner's hands.
const groupsRows = `m.member_type || '` + keySplit + `' || m.group_id || '` + keySplit + `' || (
	SELECT g.label FROM ~resource g WHERE g.tenant = $1 AND g.type = '` + groupType + `' AND g.id = m.group_id)`

// groupsOf adds the rows that are in the column of an engine's groups to others.
func groupsOf(rows []store.Member, id, groups string) []store.Member {
	if groups == "" {
		return rows
	}
	for g := range strings.SplitSeq(groups, keysSplit) {
		typ, rest, _ := strings.Cut(g, keySplit)
		group, label, _ := strings.Cut(rest, keySplit)
		rows = append(rows, store.Member{Group: dec(group), Type: dec(typ), ID: id, Label: dec(label)})
	}
	return rows
}
