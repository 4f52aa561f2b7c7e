package sqlstore

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// What #expect refuses with, as SQLSTATE.
const (
	codeNotFound = "RC404"
	codeVersion  = "RC409"
	codeNoSeat   = "RC410"
	codeUnknown  = "RC422"
)

// The statements of a commit. Each checks what it expects, so that all go out in one batch: one round trip, which is
// one transaction. Rows are locked in the order: resources, members, counts, seats. An event gets its number behind its
// subject's lock, so that the numbers of a subject's events are in the order of the commits.
const (
	// pgRewrite is for who knows the keys that there were, and pgUpdate for who doesn't.
	pgRewrite = `WITH w AS (
	UPDATE ~resource SET version = $4, created = $5, modified = $6, label = $7, folded = $8, keys = $9, uniques = $10,
	attributes = $11, internal = $12
	WHERE tenant = $1 AND type = $2 AND id = $3 AND version = $13 RETURNING 1)
SELECT ~expect(EXISTS (SELECT FROM w), 'RC409', '')`
	pgNoKey   = `DELETE FROM ~key WHERE key = $1 AND id = $2`
	pgNextKey = `UPDATE ~key SET key = $3, uniq = $4 WHERE key = $1 AND id = $2`

	// o is the row as it was: if another one changes it first, the version isn't the expected one any more.
	pgUpdate = `WITH w AS (
	UPDATE ~resource r SET version = $4, created = $5, modified = $6, label = $7, folded = $8, keys = $9, uniques = $10,
	attributes = $11, internal = $12
	FROM ~resource o WHERE r.tenant = $1 AND r.type = $2 AND r.id = $3 AND r.version = $13
	AND o.tenant = $1 AND o.type = $2 AND o.id = $3 RETURNING o.keys, o.uniques)
SELECT ~expect(EXISTS (SELECT FROM w), 'RC409', ''),
	(SELECT ~rekey($1, $2, $3, w.keys, w.uniques, $9, $10::int) FROM w WHERE w.keys <> $9 OR w.uniques <> $10)`

	pgDelete = `WITH old AS (
	SELECT version FROM ~resource WHERE tenant = $1 AND type = $2 AND id = $3 FOR UPDATE),
w AS (
	DELETE FROM ~resource r USING old
	WHERE r.tenant = $1 AND r.type = $2 AND r.id = $3 AND ($4 = '' OR old.version = $4) RETURNING r.keys, r.uniques)
SELECT ~expect(EXISTS (SELECT FROM w), CASE WHEN EXISTS (SELECT FROM old) THEN 'RC409' ELSE 'RC404' END, ''),
	(SELECT ~rekey($1, $2, $3, w.keys, w.uniques, '', 0) FROM w)`

	pgAbsent = `SELECT ~expect(FALSE, 'RC409', '') FROM ~resource WHERE tenant = $1 AND type = $2 AND id = $3`

	// These come in statements of their own behind pgDelete, to see the rows of those who held the resource's lock.
	pgLeave   = `DELETE FROM ~member WHERE tenant = $1 AND member_id = $2 AND member_type = $3`
	pgDisband = `DELETE FROM ~member WHERE tenant = $1 AND group_id = $2`

	pgGroup = `WITH old AS (
	SELECT version FROM ~resource WHERE tenant = $1 AND type = 'Group' AND id = $2 FOR NO KEY UPDATE),
w AS (
	UPDATE ~resource r SET version = $3, modified = $4 FROM old
	WHERE r.tenant = $1 AND r.type = 'Group' AND r.id = $2 AND ($5 = '' OR old.version = $5) RETURNING 1)
SELECT ~expect(EXISTS (SELECT FROM w), CASE WHEN EXISTS (SELECT FROM old) THEN 'RC409' ELSE 'RC404' END, '')`
	pgGroupThere = `SELECT ~expect(EXISTS (SELECT FROM ~resource WHERE tenant = $1 AND type = 'Group' AND id = $2), 'RC404', '')`

	// A plan made for small tables is kept while they grow, so that joins with what was asked for are LATERAL: with a
	// sub-query that can only be an index look-up per row. And NOT IN is a look-up in a hash table whatever the planner expects.
	pgReplace = `DELETE FROM ~member WHERE tenant = $1 AND group_id = $2
	AND member_type || '/' || member_id NOT IN (SELECT a.type || '/' || a.id FROM unnest($3::text[], $4::text[]) a (type, id))
	AND member_id NOT IN (SELECT a.id FROM unnest($3::text[], $4::text[]) a (type, id) WHERE a.type = '')`
	pgRemove = `DELETE FROM ~member WHERE ctid = ANY (ARRAY(SELECT m.row FROM unnest($3::text[]) a (id) CROSS JOIN LATERAL (
	SELECT ctid AS row FROM ~member WHERE tenant = $1 AND group_id = $2 AND member_id = a.id LIMIT 1) m))`

	// Members are locked against being deleted, which lets them be changed. Those without a type are looked up among the
	// tenant's types, of which the internal ones have a dot.
	pgAdd = `WITH asked AS (
	SELECT a.type, a.id, a.n FROM unnest($3::text[], $4::text[]) WITH ORDINALITY a (type, id, n)),
typed AS (
	SELECT type, id, n FROM asked WHERE type <> ''
	UNION ALL
	SELECT t.type, a.id, a.n FROM asked a JOIN (SELECT DISTINCT type FROM ~count WHERE tenant = $1 AND strpos(type, '.') = 0) t ON TRUE
	WHERE a.type = ''),
found AS (
	SELECT r.type, r.id, t.n FROM typed t CROSS JOIN LATERAL (
		SELECT r.type, r.id FROM ~resource r WHERE r.tenant = $1 AND r.type = t.type AND r.id = t.id FOR KEY SHARE) r),
w AS (
	INSERT INTO ~member (tenant, group_id, member_id, member_type)
	SELECT $1, $2, id, type FROM (SELECT DISTINCT ON (n) n, id, type FROM found ORDER BY n, type) f ORDER BY n
	ON CONFLICT DO NOTHING)
SELECT ~expect(missing.n IS NULL, 'RC422', COALESCE(($4::text[])[missing.n], ''))
FROM (SELECT min(n) AS n FROM (SELECT n FROM asked EXCEPT SELECT n FROM found) x) missing`

	pgIndexed = `INSERT INTO ~indexed (type, attribute)
SELECT x.type, x.attribute FROM unnest($1::text[], $2::text[]) x (type, attribute) ORDER BY 1, 2 ON CONFLICT DO NOTHING`

	pgSubject = `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`

	pgCount = `INSERT INTO ~count AS c (tenant, type, shard, n, seats) VALUES ($1, $2, 1 + pg_backend_pid() % 64, $3, $4)
ON CONFLICT (tenant, type, shard) DO UPDATE SET n = c.n + $3, seats = c.seats + $4`

	// A claim waits for others only where it must: with a limit, or when it gives back, as none may take the sum below 0.
	// What other rows hold is never less than this statement sees.
	pgSeats = `WITH others AS (
	SELECT COALESCE(SUM(seats), 0)::bigint AS seats FROM ~count WHERE tenant = $1 AND shard > 0),
w AS (
	INSERT INTO ~count AS s (tenant, type, shard, n, seats)
	SELECT $1, '', 0, 0, GREATEST($2::bigint, -seats) FROM others WHERE $2 <= 0 OR seats + $2 <= $3::bigint
	OR EXISTS (SELECT FROM ~count WHERE tenant = $1 AND type = '' AND shard = 0)
	ON CONFLICT (tenant, type, shard) DO UPDATE SET seats = GREATEST(s.seats + $2, -(SELECT seats FROM others))
	WHERE $2 <= 0 OR s.seats + (SELECT seats FROM others) + $2 <= $3 RETURNING 1)
SELECT ~expect(EXISTS (SELECT FROM w), 'RC410', '')`
)

// pgRows inserts rows of a table. Those that stand in a statement cost less than those of an array.
type pgRows struct {
	columns    int
	statements []string // with one row, two, and so on
}

var (
	pgResources = newRows(mostShared, "~resource", "tenant", "type", "id", "version", "created", "modified", "label", "folded", "keys", "uniques", "attributes", "internal")
	pgKeys      = newRows(4*mostShared, "~key", "key", "id", "uniq")
	pgEvents    = newRows(mostShared, "~event", "tenant", "id", "kind", "subject_type", "subject_id", "subject", "time", "data")
	pgJournal   = newRows(mostShared, "~journal", "tenant", "id", "time", "connection", "subject_type", "subject_id", "action", "outcome", "data")
)

func newRows(most int, table string, columns ...string) pgRows {
	r := pgRows{columns: len(columns)}
	text := "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES "
	for row := range most {
		places := make([]string, len(columns))
		for i := range places {
			places[i] = place(row*len(columns) + i + 1)
		}
		text += "(" + strings.Join(places, ", ") + ")"
		r.statements = append(r.statements, text)
		text += ", "
	}
	return r
}

// pgBatch are the statements of one transaction. Rows to insert are put off, so that those of a table come together.
type pgBatch struct {
	*postgres
	pgx.Batch
	resources, keys, events, journal []any // one column after the other
	subjects                         []string
	counts                           map[counted]delta
}

// counted is what is counted: a tenant's resources of a type.
type counted struct{ tenant, typ string }

type delta struct{ n, seats int64 }

func (b *pgBatch) add(sql string, args ...any) { b.Queue(b.fill(sql), args...) }

func (b *pgBatch) insert(r pgRows, rows []any) {
	for len(rows) > 0 {
		n := min(len(rows)/r.columns, len(r.statements))
		b.add(r.statements[n-1], rows[:n*r.columns]...)
		rows = rows[n*r.columns:]
	}
}

func (b *pgBatch) count(tenant, typ string, n, seats int64) {
	k := counted{tenant, typ}
	was := b.counts[k]
	b.counts[k] = delta{was.n + n, was.seats + seats}
}

func (p *postgres) commit(ctx context.Context, c *store.Change, first []indexed) error {
	if p.inTx == nil && len(first) == 0 && isAddition(c) {
		return p.commitShared(ctx, c)
	}
	return p.commitAlone(ctx, c, first)
}

func (p *postgres) commitAlone(ctx context.Context, c *store.Change, first []indexed) error {
	return p.retry(ctx, isRetryable, func() error {
		b := p.batch(c)
		if len(first) > 0 {
			types, attributes := make([]string, len(first)), make([]string, len(first))
			for i, x := range first {
				types[i], attributes[i] = enc(x.typ), enc(x.attribute)
			}
			b.add(pgIndexed, types, attributes)
		}
		if b.Len() == 0 && p.inTx == nil {
			return ctx.Err()
		}
		var err error
		if p.inTx == nil {
			err = p.pool.SendBatch(ctx, &b.Batch).Close()
		} else {
			err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
				if err := tx.SendBatch(ctx, &b.Batch).Close(); err != nil {
					return err
				}
				return p.inTx(ctx, Tx{Postgres: tx}, c)
			})
		}
		return p.refusal(ctx, c, err)
	})
}

// batch makes one transaction of changes. Where there's more than one, all are additions.
func (p *postgres) batch(changes ...*store.Change) *pgBatch {
	b := &pgBatch{postgres: p, counts: map[counted]delta{}}
	for _, c := range changes {
		for _, put := range c.Put {
			b.put(enc(c.Tenant), put)
		}
	}
	b.insert(pgResources, b.resources)
	b.insert(pgKeys, b.keys)
	for _, c := range changes {
		b.change(c)
	}
	slices.Sort(b.subjects)
	for _, s := range slices.Compact(b.subjects) {
		b.add(pgSubject, s)
	}
	b.insert(pgEvents, b.events)
	b.insert(pgJournal, b.journal)
	byName := func(x, y counted) int { return cmp.Or(cmp.Compare(x.tenant, y.tenant), cmp.Compare(x.typ, y.typ)) }
	for _, k := range slices.SortedFunc(maps.Keys(b.counts), byName) {
		b.add(pgCount, k.tenant, k.typ, b.counts[k].n, b.counts[k].seats)
	}
	for _, c := range changes { // last, as others that wait do so until this is committed
		if waits(c.Seats) {
			b.add(pgSeats, enc(c.Tenant), int64(c.Seats.Take), int64(c.Seats.Limit))
		}
	}
	return b
}

// waits says whether a claim of seats waits for others: with a limit, or when it gives back.
func waits(s *store.SeatClaim) bool { return s != nil && s.Take != 0 && (s.Take < 0 || s.Limit >= 0) }

// change adds what comes behind the puts, to see what those committed whom they waited for.
func (b *pgBatch) change(c *store.Change) {
	tenant := enc(c.Tenant)
	locked := map[store.Key]bool{}
	for _, p := range c.Put {
		locked[store.Key{Type: p.Resource.Type, ID: p.Resource.ID}] = true
	}
	for _, a := range c.Absent {
		b.add(pgAbsent, tenant, enc(a.Type), enc(a.ID))
	}
	for _, d := range c.Delete {
		typ, id := enc(d.Type), enc(d.ID)
		b.add(pgDelete, tenant, typ, id, enc(d.IfVersion))
		b.add(pgLeave, tenant, id, typ)
		if d.Type == groupType {
			b.add(pgDisband, tenant, id)
		}
		b.count(tenant, typ, -1, 0)
		locked[store.Key{Type: d.Type, ID: d.ID}] = true
	}
	for _, d := range c.Members {
		b.members(tenant, d, slices.ContainsFunc(c.Put, func(p store.Put) bool {
			return p.Resource.Type == groupType && p.Resource.ID == d.Group
		}))
		locked[store.Key{Type: groupType, ID: d.Group}] = true
	}
	for _, e := range c.Events {
		if !locked[store.Key{Type: e.Subject.Type, ID: e.Subject.ID}] { // no row's lock keeps them in order
			b.subjects = append(b.subjects, strings.Join([]string{tenant, enc(e.Subject.Type), enc(e.Subject.ID)}, keySplit))
		}
		b.events = append(b.events, eventArgs(tenant, e)...)
	}
	if j := c.Journal; j != nil {
		b.journal = append(b.journal, tenant, enc(j.ID), j.Time.UnixMicro(), enc(j.Connection), enc(j.Subject.Type), enc(j.Subject.ID),
			enc(j.Action), enc(j.Outcome), string(j.Data))
	}
	if s := c.Seats; s != nil && s.Take != 0 && !waits(s) {
		typ := ""
		if len(c.Put) > 0 {
			typ = enc(c.Put[0].Resource.Type) // its count changes, mostly
		}
		b.count(tenant, typ, 0, int64(s.Take))
	}
}

func (b *pgBatch) put(tenant string, p store.Put) {
	now := keysOf(p.Resource.Index)
	args := resourceArgs(tenant, p.Resource, now)
	typ, id := args[1].(string), args[2].(string)
	if p.IfVersion == "" {
		b.resources = append(b.resources, args...)
		b.addKeys(id, now.hashes(tenant, typ), now.uniques)
		b.count(tenant, typ, 1, 0)
		return
	}
	args = append(args, enc(p.IfVersion))
	if p.Was == nil {
		b.add(pgUpdate, args...)
		return
	}
	b.add(pgRewrite, args...)
	was := keysOf(p.Was.Index)
	come, went := now.without(was), was.without(now).hashes(tenant, typ)
	if len(come.keys) == 1 && len(went) == 1 { // as mostly
		b.add(pgNextKey, went[0], id, come.hashes(tenant, typ)[0], come.uniques == 1)
		return
	}
	for _, h := range went {
		b.add(pgNoKey, h, id)
	}
	b.addKeys(id, come.hashes(tenant, typ), come.uniques)
}

func (b *pgBatch) addKeys(id string, hashes [][]byte, uniques int) {
	for i, h := range hashes {
		b.keys = append(b.keys, h, id, i < uniques)
	}
}

// resourceArgs are the columns of a resource in the order of the tables.
func resourceArgs(tenant string, r *store.Resource, keys keySet) []any {
	label := enc(r.Label)
	folded := label
	if f := document.Fold(r.Label); f != r.Label {
		folded = enc(f)
	}
	return append(make([]any, 0, 13), tenant, enc(r.Type), enc(r.ID), enc(r.Version), r.Created.UnixMicro(), r.LastModified.UnixMicro(),
		label, folded, keys.joined(), int64(keys.uniques), string(r.Attributes), string(r.Internal))
}

func (b *pgBatch) members(tenant string, d store.MemberDelta, isPut bool) {
	group := enc(d.Group)
	if isPut {
		b.add(pgGroupThere, tenant, group)
	} else {
		b.add(pgGroup, tenant, group, enc(d.Version), d.LastModified.UnixMicro(), enc(d.IfVersion))
	}
	types, ids := make([]string, len(d.Add)), make([]string, len(d.Add))
	for i, m := range d.Add {
		types[i], ids[i] = enc(m.Type), enc(m.ID)
	}
	if d.Replace {
		b.add(pgReplace, tenant, group, types, ids)
	}
	if len(d.Remove) > 0 {
		b.add(pgRemove, tenant, group, encAll(d.Remove))
	}
	if len(d.Add) > 0 {
		b.add(pgAdd, tenant, group, types, ids)
	}
}

func encAll(texts []string) []string {
	all := make([]string, len(texts))
	for i, s := range texts {
		all[i] = enc(s)
	}
	return all
}

// refusal makes of what a statement was refused with what the contract calls it.
func (p *postgres) refusal(ctx context.Context, c *store.Change, err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	switch pg.Code {
	case codeNotFound:
		return store.ErrNotFound
	case codeVersion:
		return store.ErrVersionMismatch
	case codeNoSeat:
		return store.ErrNoSeat
	case codeUnknown:
		return &store.UnknownMemberError{ID: dec(pg.Message)}
	case "23505": // unique_violation
		switch pg.ConstraintName {
		case p.prefix + "resource_pkey":
			return &store.ConflictError{Attribute: "id"}
		case p.prefix + "key_unique":
			return p.taken(ctx, c)
		}
	}
	return err
}

// taken finds out which unique key of a change another resource has.
func (p *postgres) taken(ctx context.Context, c *store.Change) error {
	const sql = "SELECT 1 FROM ~key WHERE key = $1 AND uniq AND id <> $2"
	conflict := &store.ConflictError{}
	for _, put := range c.Put {
		for _, k := range put.Resource.Index {
			if !k.Unique {
				continue
			}
			if conflict.Attribute == "" {
				conflict.Attribute = k.Attribute // if it is free again by now
			}
			found := false
			args := []any{hashOf(enc(c.Tenant), enc(put.Resource.Type), keyOf(k.Attribute, k.Value)), enc(put.Resource.ID)}
			if err := queryRows(ctx, p.pool, p.fill(sql), args, func(row) error { found = true; return nil }); err != nil {
				return err
			}
			if found {
				return &store.ConflictError{Attribute: k.Attribute}
			}
		}
	}
	return conflict
}

const (
	pgMembers = `SELECT g.n, m.member_type, m.id, r.label FROM unnest($2::text[]) WITH ORDINALITY g (id, n)
CROSS JOIN LATERAL (
	SELECT m.member_type, m.member_id AS id FROM ~member m WHERE m.tenant = $1 AND m.group_id = g.id
	AND m.member_id > CASE WHEN g.n = 1 THEN $3 ELSE '' END ORDER BY m.member_id LIMIT $4) m
CROSS JOIN LATERAL (SELECT r.label FROM ~resource r WHERE r.tenant = $1 AND r.type = m.member_type AND r.id = m.id LIMIT 1) r ORDER BY g.n, m.id LIMIT $4`

	pgNamed = `SELECT g.n, m.member_type, a.id, r.label FROM unnest($2::text[]) WITH ORDINALITY g (id, n)
CROSS JOIN (SELECT DISTINCT id COLLATE "C" FROM unnest($5::text[]) a (id)) a (id)
CROSS JOIN LATERAL (SELECT m.member_type FROM ~member m WHERE m.tenant = $1 AND m.group_id = g.id AND m.member_id = a.id LIMIT 1) m
CROSS JOIN LATERAL (SELECT r.label FROM ~resource r WHERE r.tenant = $1 AND r.type = m.member_type AND r.id = a.id LIMIT 1) r
WHERE a.id > CASE WHEN g.n = 1 THEN $3 ELSE '' END ORDER BY g.n, a.id LIMIT $4`

	pgGroups = `SELECT g.n, m.member_type, m.id, r.label FROM unnest($2::text[]) WITH ORDINALITY g (id, n)
CROSS JOIN LATERAL (
	SELECT m.member_type, m.group_id AS id FROM ~member m WHERE m.tenant = $1 AND m.member_id = g.id
	AND m.group_id > CASE WHEN g.n = 1 THEN $3 ELSE '' END ORDER BY m.group_id LIMIT $4) m
CROSS JOIN LATERAL (SELECT r.label FROM ~resource r WHERE r.tenant = $1 AND r.type = 'Group' AND r.id = m.id LIMIT 1) r ORDER BY g.n, m.id LIMIT $4`
)

func (p *postgres) members(ctx context.Context, c memberChunk) (rows []store.Member, last int, err error) {
	sql, asked := pgMembers, c.Groups
	switch {
	case len(c.Of) > 0:
		sql, asked = pgGroups, c.Of
	case len(c.IDs) > 0:
		sql = pgNamed
	}
	args := []any{enc(c.Tenant), encAll(asked), enc(c.after), int64(c.max)}
	if sql == pgNamed {
		args = append(args, encAll(c.IDs))
	}
	err = p.query(ctx, sql, args, func(rw row) error {
		var (
			n              int
			typ, id, label string
		)
		if err := rw.Scan(&n, &typ, &id, &label); err != nil {
			return err
		}
		last = n - 1
		m := store.Member{Group: asked[last], Type: dec(typ), ID: dec(id), Label: dec(label)}
		if sql == pgGroups {
			m.Group, m.ID = m.ID, m.Group
		}
		rows = append(rows, m)
		return nil
	})
	return rows, last, err
}
