package sqlite

import (
	"context"
	"errors"
	"slices"
	"strings"

	sqlite "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// These are the statements of a commit. There is one writer, so what it has read can't change before it writes.
const (
	liteKeys   = `SELECT n, version, keys, uniques FROM ~resource WHERE tenant = $1 AND type = $2 AND id = $3`
	liteInsert = `INSERT INTO ~resource (tenant, type, id, version, created, modified, label, folded, keys, uniques, attributes, internal, mark)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`
	liteUpdate = `UPDATE ~resource SET version = $4, created = $5, modified = $6, label = $7, folded = $8, keys = $9, uniques = $10,
attributes = $11, internal = $12, mark = $13 WHERE tenant = $1 AND type = $2 AND id = $3`
	liteRewrite = liteUpdate + ` AND version = $14`
	liteDelete  = `DELETE FROM ~resource WHERE tenant = $1 AND type = $2 AND id = $3`
	liteKey     = `INSERT INTO ~keys (key, id, uniq, n, tenant) VALUES ($1, $2, $3, $4, $5)`
	liteNoKey   = `DELETE FROM ~keys WHERE key = $1 AND id = $2`
	liteGroup   = `UPDATE ~resource SET version = $3, modified = $4 WHERE tenant = $1 AND type = 'Group' AND id = $2`
	liteRemove  = `DELETE FROM ~member WHERE tenant = $1 AND group_id = $2 AND member_id IN (SELECT value FROM json_each($3))`
	// liteTyped finds the type of each member to add, which is given as [type, id]; null if there is no such resource.
	liteTyped = `SELECT n, id, CASE WHEN asked <> ''
	THEN (SELECT r.type FROM ~resource r WHERE r.tenant = $1 AND r.type = asked AND r.id = a.id)
	ELSE (SELECT MIN(r.type) FROM ~count c CROSS JOIN ~resource r ON r.tenant = $1 AND r.type = c.type AND r.id = a.id
		WHERE c.tenant = $1 AND c.type <> '' AND instr(c.type, '.') = 0) END AS type
FROM (SELECT key AS n, value ->> 0 AS asked, value ->> 1 AS id FROM json_each($2)) a`
	liteUnknown = `SELECT n FROM (` + liteTyped + `) WHERE type IS NULL ORDER BY n LIMIT 1`
	liteMember  = `INSERT INTO ~member (tenant, group_id, member_id, member_type)
SELECT $1, $3, id, type FROM (` + liteTyped + `) WHERE TRUE ORDER BY n ON CONFLICT DO NOTHING`
	liteIsMember = `SELECT 1 FROM ~member WHERE tenant = $1 AND member_id = $2 AND member_type = $3 LIMIT 1`
	liteDisband  = `DELETE FROM ~member WHERE tenant = $1 AND group_id = $2`
	liteIndexed  = `INSERT INTO ~indexed (type, attribute) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	liteCount    = `INSERT INTO ~count (tenant, type, counter, mark, n, claimed, moves) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO UPDATE SET n = n + $5, claimed = claimed + $6, moves = moves + $7`
	liteCounter = `SELECT claimed, began FROM ~count WHERE tenant = $1 AND counter = $2`
	// Rows of a window that has ended don't count any more.
	liteClaim = `INSERT INTO ~count (tenant, type, counter, claimed, began) VALUES ($1, '', $2, $3, $4)
ON CONFLICT DO UPDATE SET claimed = iif(began = $4, claimed, 0) + $3, began = $4`
	liteEvent = `INSERT INTO ~event (tenant, id, consumer, kind, subject_type, subject_id, subject, time, data, urgent)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	liteJournal = `INSERT INTO ~journal (tenant, ` + sqlstore.JournalColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
)

// liteLock takes the lock of the file. It changes nothing.
const liteLock = `UPDATE ~lock SET n = 1`

// liteStatements are the statements that are prepared once.
var liteStatements = []string{
	liteLock, liteSavepoint, liteBack, liteRelease, liteKeys, liteInsert, liteUpdate, liteRewrite, liteDelete, liteKey, liteNoKey, liteGroup, liteUnknown, liteMember, liteRemove,
	liteIsMember, liteDisband, liteIndexed, liteCount, liteCounter, liteClaim, liteEvent, liteJournal,
}

// liteChange writes a change.
type liteChange struct {
	*liteTx
	context.Context
	tenant string
}

func (e *engine) Commit(ctx context.Context, c *store.Change, first []sqlstore.Indexed, _ *sqlstore.Scans) error {
	return e.write(ctx, e.inTx != nil, func(ctx context.Context, w *liteTx) error {
		t := &liteChange{w, ctx, sqlstore.Enc(c.Tenant)}
		if err := t.write(c); err != nil {
			return err
		}
		for _, x := range first {
			if err := t.do(liteIndexed, sqlstore.Enc(x.Typ), sqlstore.Enc(x.Attribute)); err != nil {
				return err
			}
		}
		if e.inTx != nil {
			return e.inTx(ctx, w.tx, c)
		}
		return nil
	})
}

// do runs a statement, which may be prepared.
func (t *liteChange) do(text string, args ...any) error {
	_, err := t.exec(t.Context, text, args...)
	return err
}

func (t *liteChange) write(c *store.Change) error {
	for _, a := range c.Absent {
		if found, err := t.Find(sqlstore.Enc(a.Type), sqlstore.Enc(a.ID)); err != nil {
			return err
		} else if found != nil {
			return store.ErrVersionMismatch
		}
	}
	for _, p := range c.Put {
		if err := t.put(p); err != nil {
			return err
		}
	}
	all := sqlstore.Counts{} // counts come before members, because the types of members are looked up in them
	all.Of(t.tenant, c)
	for k, d := range all.InOrder() {
		if err := t.do(liteCount, k.Tenant, k.Typ, k.Counter, k.Mark, d.N, d.Claimed, d.Moves); err != nil {
			return err
		}
	}
	for _, d := range c.Members {
		isPut := slices.ContainsFunc(c.Put, func(p store.Put) bool {
			return p.Resource.Type == sqlstore.GroupType && p.Resource.ID == d.Group
		})
		if err := t.Members(d, isPut); err != nil {
			return err
		}
	}
	for _, d := range c.Delete {
		if err := t.Remove(d); err != nil {
			return err
		}
	}
	for _, x := range c.Claims {
		if err := t.claim(x); err != nil {
			return err
		}
	}
	const columns = 10 // the columns of an event
	for _, e := range c.Events {
		for rows := sqlstore.AddEvent(nil, t.tenant, e); len(rows) > 0; rows = rows[columns:] {
			if err := t.do(liteEvent, rows[:columns]...); err != nil {
				return err
			}
		}
	}
	for _, j := range c.Journal {
		if err := t.do(liteJournal, sqlstore.JournalArgs(t.tenant, j)...); err != nil {
			return err
		}
	}
	return nil
}

// kept is what the tables have of a resource.
type kept struct {
	n int64
	sqlstore.KeySet
	version string
}

// Find reads a resource; nil if there is none.
func (t *liteChange) Find(typ, id string) (found *kept, err error) {
	err = t.Query(t.Context, liteKeys, []any{t.tenant, typ, id}, func(rw sqlstore.Row) error {
		var (
			n             int64
			version, keys string
			uniques       int
		)
		if err := rw.Scan(&n, &version, &keys, &uniques); err != nil {
			return err
		}
		set, err := sqlstore.SplitKeys(keys, uniques)
		found = &kept{n, set, version}
		return err
	})
	return found, err
}

func (t *liteChange) put(p store.Put) error {
	now := sqlstore.KeysOf(p.Resource.Index)
	args := sqlstore.ResourceArgs(t.tenant, p.Resource, now)
	typ, id := args[1].(string), args[2].(string)
	if p.IfVersion == "" {
		r, err := t.exec(t.Context, liteInsert, args...)
		if isUnique(err) {
			return &store.ConflictError{Attribute: "id"}
		} else if err != nil {
			return err
		}
		n, _ := r.LastInsertId() // it never fails
		if err := t.addKeys(n, typ, id, now); err != nil {
			return err
		}
		return nil
	}
	if p.Was != nil && now.IsSame(sqlstore.KeysOf(p.Was.Index)) {
		return t.doExactly(1, liteRewrite, append(args, sqlstore.Enc(p.IfVersion))...)
	}
	was, err := t.Find(typ, id)
	if err != nil {
		return err
	}
	if was == nil || was.version != sqlstore.Enc(p.IfVersion) {
		return store.ErrVersionMismatch
	}
	if err := t.dropKeys(typ, id, was.Without(now)); err != nil {
		return err
	}
	if err := t.addKeys(was.n, typ, id, now.Without(was.KeySet)); err != nil {
		return err
	}
	return t.do(liteUpdate, args...)
}

func (t *liteChange) addKeys(n int64, typ, id string, s sqlstore.KeySet) error {
	prefix := sqlstore.TenantHash(t.tenant)
	for i, k := range s.Keys {
		if err := t.do(liteKey, prefix.Of(typ, k), id, i < s.Uniques, n, t.tenant); isUnique(err) {
			attribute, _, _ := strings.Cut(k, sqlstore.KeySplit)
			return &store.ConflictError{Attribute: sqlstore.Dec(attribute)}
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (t *liteChange) dropKeys(typ, id string, s sqlstore.KeySet) error {
	for _, k := range s.Keys {
		if err := t.do(liteNoKey, sqlstore.HashOf(t.tenant, typ, k), id); err != nil {
			return err
		}
	}
	return nil
}

func isUnique(err error) bool {
	var failed *sqlite.Error
	return errors.As(err, &failed) && failed.Code()&0xff == lib.SQLITE_CONSTRAINT
}

func (t *liteChange) Remove(d store.Delete) error {
	typ, id := sqlstore.Enc(d.Type), sqlstore.Enc(d.ID)
	was, err := t.Find(typ, id)
	switch {
	case err != nil:
		return err
	case was == nil:
		return store.ErrNotFound
	case d.IfVersion != "" && sqlstore.Enc(d.IfVersion) != was.version:
		return store.ErrVersionMismatch
	}
	err = errors.Join(
		t.dropKeys(typ, id, was.KeySet),
		t.do(liteDelete, t.tenant, typ, id),
	)
	if err == nil && d.Type == sqlstore.GroupType {
		err = t.do(liteDisband, t.tenant, id)
	}
	if err != nil {
		return err
	}
	return t.Query(t.Context, liteIsMember, []any{t.tenant, id, typ}, func(sqlstore.Row) error { return store.ErrVersionMismatch })
}

func (t *liteChange) Members(d store.MemberDelta, isPut bool) error {
	group := sqlstore.Enc(d.Group)
	was, err := t.Find(sqlstore.GroupType, group)
	switch {
	case err != nil:
		return err
	case was == nil:
		return store.ErrNotFound
	case isPut:
	case d.IfVersion != "" && sqlstore.Enc(d.IfVersion) != was.version:
		return store.ErrVersionMismatch
	default:
		if err := t.do(liteGroup, t.tenant, group, sqlstore.Enc(d.Version), d.LastModified.UnixMicro()); err != nil {
			return err
		}
	}
	if len(d.Remove) > 0 {
		if err := t.doExactly(len(d.Remove), liteRemove, t.tenant, group, jsonArray(d.Remove)); err != nil {
			return err
		}
	}
	if len(d.Add) == 0 {
		return nil
	}
	refs := make([]string, len(d.Add))
	for i, m := range d.Add {
		refs[i] = jsonArray([]string{m.Type, m.ID})
	}
	asked := []any{t.tenant, "[" + strings.Join(refs, ",") + "]"}
	unknown := -1
	if err := t.Query(t.Context, liteUnknown, asked, func(rw sqlstore.Row) error { return rw.Scan(&unknown) }); err != nil {
		return err
	}
	if unknown >= 0 {
		return &store.UnknownMemberError{ID: d.Add[unknown].ID}
	}
	return t.doExactly(len(d.Add), liteMember, append(asked, group)...)
}

// doExactly runs a statement that must change so many rows. If it doesn't, another commit has changed them before, and it returns
// store.ErrVersionMismatch.
func (t *liteChange) doExactly(rows int, text string, args ...any) error {
	r, err := t.exec(t.Context, text, args...)
	if err != nil {
		return err
	}
	if n, _ := r.RowsAffected(); n != int64(rows) { // it never fails
		return store.ErrVersionMismatch
	}
	return nil
}

// claim makes a claim that isn't free. It reads the counter after the change has written its other rows.
func (t *liteChange) claim(c store.Claim) error {
	if sqlstore.IsFree(c) || sqlstore.ChangesNothing(c) {
		return nil
	}
	args := sqlstore.ClaimArgs(t.tenant, c)
	take, at, window := args[2].(int64), args[4].(int64), args[5].(int64)
	var is sqlstore.Counter
	err := t.Query(t.Context, liteCounter, args[:2], func(rw sqlstore.Row) error {
		var part sqlstore.Counter
		err := rw.Scan(&part.N, &part.Began)
		is.Add(part)
		return err
	})
	if err != nil {
		return err
	}
	if !is.IsThere || window > 0 && at >= is.Began+window {
		is = sqlstore.Counter{N: 0, Began: at}
	}
	if c.Take > 0 && c.Limit >= 0 && is.N+take > int64(c.Limit) {
		return &store.ClaimError{Counter: c.Counter}
	}
	return t.do(liteClaim, args[0], args[1], max(take, -is.N), is.Began)
}

// jsonArray returns a JSON array, which is a parameter with many values.
func jsonArray(texts []string) string {
	b := []byte{'['}
	for i, s := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = document.AppendString(b, sqlstore.Enc(s))
	}
	return string(append(b, ']'))
}
