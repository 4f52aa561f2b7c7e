package postgres

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
)

// These are the SQLSTATEs with which the function #expect refuses.
const (
	codeNotFound = "RC404"
	codeVersion  = "RC409"
	codeClaim    = "RC410"
	codeUnknown  = "RC422"
)

// These are the statements of a commit. Each checks what it expects, so that all can be sent as one batch: one round trip, which is one
// transaction. All commits lock in one order, so that they never wait for each other in a circle: groups by id, then other
// resources by type and id (see pgBatch.hold), then keys, subjects, counts, and claims. An event gets its number behind
// its subject's lock, so that the numbers of a subject's events are in the order of the commits.
const (
	// pgRewrite is for a put that knows the keys that the resource had, and pgUpdate for one that doesn't.
	pgRewrite = `WITH w AS (
	UPDATE ~resource SET version = $4, created = $5, modified = $6, label = $7, folded = $8, keys = $9, uniques = $10,
	attributes = $11, internal = $12, mark = $13
	WHERE tenant = $1 AND type = $2 AND id = $3 AND version = $14 RETURNING 1)
SELECT ~expect(EXISTS (SELECT FROM w), 'RC409', '')`
	pgNoKey   = `DELETE FROM ~keys WHERE key = $1 AND id = $2`
	pgNextKey = `UPDATE ~keys SET key = $3, uniq = $4 WHERE key = $1 AND id = $2`

	// o is the row before the update. If another transaction changes it first, the version isn't the expected one any more.
	pgUpdate = `WITH w AS (
	UPDATE ~resource r SET version = $4, created = $5, modified = $6, label = $7, folded = $8, keys = $9, uniques = $10,
	attributes = $11, internal = $12, mark = $13
	FROM ~resource o WHERE r.tenant = $1 AND r.type = $2 AND r.id = $3 AND r.version = $14
	AND o.tenant = $1 AND o.type = $2 AND o.id = $3 RETURNING o.keys, o.uniques)
SELECT ~expect(EXISTS (SELECT FROM w), 'RC409', ''),
	(SELECT ~rekey($1, $2, $3, w.keys, w.uniques, $9, $10::int) FROM w WHERE w.keys <> $9 OR w.uniques <> $10)`

	// Here and in pgGroup, only the DELETE itself locks the row, because a statement that locks a row twice can deadlock
	// with a transaction that waits for it.
	pgDelete = `WITH w AS (
	DELETE FROM ~resource WHERE tenant = $1 AND type = $2 AND id = $3 AND ($4 = '' OR version = $4) RETURNING keys, uniques)
SELECT ~found(EXISTS (SELECT FROM w), $1, $2, $3), (SELECT ~rekey($1, $2, $3, w.keys, w.uniques, '', 0) FROM w)`

	pgAbsent = `SELECT ~expect(FALSE, 'RC409', '') FROM ~resource WHERE tenant = $1 AND type = $2 AND id = $3`

	// These are separate statements behind pgDelete, so that they see the rows of transactions that held the resource's lock before.
	pgDisband  = `DELETE FROM ~member WHERE tenant = $1 AND group_id = $2`
	pgIsMember = `SELECT ~expect(FALSE, 'RC409', '') FROM ~member WHERE tenant = $1 AND member_id = $2 AND member_type = $3 LIMIT 1`

	// The transaction fails if it waits for a lock for longer than this, in milliseconds.
	pgPatience = `SELECT set_config('lock_timeout', $1, TRUE)`

	pgHold = `SELECT ~hold($1, $2::text[], $3::text[], $4)`

	pgGroup = `WITH w AS (
	UPDATE ~resource SET version = $3, modified = $4
	WHERE tenant = $1 AND type = 'Group' AND id = $2 AND ($5 = '' OR version = $5) RETURNING 1)
SELECT ~found(EXISTS (SELECT FROM w), $1, 'Group', $2)`

	// PostgreSQL keeps a plan that it made for small tables while they grow. So joins with the parameters are LATERAL, with a
	// subquery that can only be an index look-up for each row.
	pgRemove = `WITH w AS (
	DELETE FROM ~member WHERE ctid = ANY (ARRAY(SELECT m.row FROM unnest($3::text[]) a (id) CROSS JOIN LATERAL (
		SELECT ctid AS row FROM ~member WHERE tenant = $1 AND group_id = $2 AND member_id = a.id LIMIT 1) m)) RETURNING 1)
SELECT ~expect((SELECT count(*) FROM w) = cardinality($3::text[]), 'RC409', '')`

	// Members are locked so that they can't be deleted, but can be changed. Those without a type are looked up among the
	// tenant's types, except for internal ones, which have a dot, and those that the change itself puts.
	pgAdd = `WITH asked AS (
	SELECT a.type, a.id, a.n FROM unnest($3::text[], $4::text[]) WITH ORDINALITY a (type, id, n)),
typed AS (
	SELECT type, id, n FROM asked WHERE type <> ''
	UNION ALL
	SELECT t.type, a.id, a.n FROM asked a JOIN (
		SELECT type FROM ~count WHERE tenant = $1 AND type <> '' AND strpos(type, '.') = 0 UNION SELECT unnest($5::text[])) t ON TRUE
	WHERE a.type = ''),
found AS (
	SELECT r.type, r.id, t.n FROM (SELECT * FROM typed ORDER BY type <> 'Group', type, id) t CROSS JOIN LATERAL (
		SELECT r.type, r.id FROM ~resource r WHERE r.tenant = $1 AND r.type = t.type AND r.id = t.id FOR KEY SHARE) r),
w AS (
	INSERT INTO ~member (tenant, group_id, member_id, member_type)
	SELECT $1, $2, id, type FROM (SELECT DISTINCT ON (n) n, id, type FROM found ORDER BY n, type) f ORDER BY n
	ON CONFLICT DO NOTHING RETURNING 1)
SELECT ~expect(missing.n IS NULL, 'RC422', COALESCE(($4::text[])[missing.n], '')),
	~expect((SELECT count(*) FROM w) = cardinality($4::text[]), 'RC409', '')
FROM (SELECT min(n) AS n FROM (SELECT n FROM asked EXCEPT SELECT n FROM found) x) missing`

	pgIndexed = `INSERT INTO ~indexed (type, attribute)
SELECT x.type, x.attribute FROM unnest($1::text[], $2::text[]) x (type, attribute) ORDER BY 1, 2 ON CONFLICT DO NOTHING`

	pgSubject = `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`

	pgClaim = `SELECT ~claim($1, $2, $3, $4, $5, $6)`
)

// pgBatch has the statements of one transaction. It collects rows to insert, so that one statement inserts all rows of a table.
type pgBatch struct {
	*engine
	pgx.Batch
	rewrites                   []pgRewritten
	resources, events, journal []any // the columns of the rows, one after the other
	keys                       []pgKey
	subjects                   []string
	counts                     sqlstore.Counts
}

// pgRewritten is a put of a resource that is there.
type pgRewritten struct {
	tenant string
	store.Put
}

// compare sorts by the order in which all transactions lock resources.
func (x pgRewritten) compare(y pgRewritten) int {
	return cmp.Or(cmp.Compare(x.tenant, y.tenant), compareKeys(x.Resource.Type, x.Resource.ID, y.Resource.Type, y.Resource.ID))
}

// compareKeys sorts groups before other resources, and groups as well as other resources by type and id.
func compareKeys(xType, xID, yType, yID string) int {
	if isGroup := xType == sqlstore.GroupType; isGroup != (yType == sqlstore.GroupType) {
		if isGroup {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(xType, yType), cmp.Compare(xID, yID))
}

// pgKey is a row of keys to insert.
type pgKey struct {
	key        []byte
	id, tenant string
	isUnique   bool
}

func (b *pgBatch) add(sql string, args ...any) { b.Queue(b.Fill(sql), args...) }

func (p *engine) Commit(ctx context.Context, c *store.Change, first []sqlstore.Indexed, turns *sqlstore.Scans) error {
	if len(first) == 0 && p.Shares(c) {
		if err := p.shared.Do(ctx, c, false); !errors.Is(err, errAlone) && !errors.Is(err, sqlstore.ErrWaited) {
			return p.fail(ctx, err)
		}
	}
	leave, err := turns.Turn(ctx, c.Tenant)
	if err != nil {
		return err
	}
	defer leave()
	return p.commitAlone(ctx, c, first)
}

func (p *engine) commitAlone(ctx context.Context, c *store.Change, first []sqlstore.Indexed) error {
	return p.retry(ctx, isRetryable, func() error {
		b := p.batch(c)
		if len(first) > 0 {
			types, attributes := make([]string, len(first)), make([]string, len(first))
			for i, x := range first {
				types[i], attributes[i] = sqlstore.Enc(x.Typ), sqlstore.Enc(x.Attribute)
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
				return p.inTx(ctx, tx, c)
			})
		}
		return p.refusal(ctx, c, err)
	})
}

// batch makes one transaction of changes. If there are several, Shares must be true for each.
func (p *engine) batch(changes ...*store.Change) *pgBatch {
	b := &pgBatch{engine: p, counts: sqlstore.Counts{}}
	if len(changes) > 1 && p.shared.Patience > 0 {
		b.add(pgPatience, strconv.FormatInt(max(p.shared.Patience.Milliseconds(), 1), 10))
	}
	for _, c := range changes {
		b.hold(c)
		for _, put := range c.Put {
			b.put(sqlstore.Enc(c.Tenant), put)
		}
	}
	b.rewrite()
	b.insert(pgResources, b.resources)
	b.insertKeys()
	for _, c := range changes {
		b.change(c)
	}
	slices.Sort(b.subjects)
	for _, s := range slices.Compact(b.subjects) {
		b.add(pgSubject, s)
	}
	b.insertLast()
	for _, c := range changes { // claims come last, because others wait for them until this is committed
		for _, x := range sqlstore.InOrder(c.Claims) {
			if !sqlstore.IsFree(x) && !sqlstore.ChangesNothing(x) {
				b.add(pgClaim, sqlstore.ClaimArgs(sqlstore.Enc(c.Tenant), x)...)
			}
		}
	}
	return b
}

// hold locks the existing resources that a change needs, if it needs more than one: groups by id, then others by type and id. A
// change of one resource needs no order. Neither do rewrites, which come in the same order, nor members, which pgAdd locks in it after their
// group.
func (b *pgBatch) hold(c *store.Change) {
	if others := len(c.Members) + len(c.Delete); others == 0 || len(c.Put)+others < 2 {
		return
	}
	const remove, update, member = 'd', 'u', 'm' // the strongest lock has the least letter
	how := map[store.Key]byte{}
	need := func(typ, id string, lock byte) {
		k := store.Key{Type: sqlstore.Enc(typ), ID: sqlstore.Enc(id)}
		if was, ok := how[k]; !ok || lock < was {
			how[k] = lock
		}
	}
	for _, p := range c.Put {
		if p.IfVersion != "" {
			need(p.Resource.Type, p.Resource.ID, update)
		}
	}
	for _, d := range c.Members {
		need(sqlstore.GroupType, d.Group, update)
		for _, m := range d.Add {
			if m.Type == sqlstore.GroupType {
				need(m.Type, m.ID, member)
			}
		}
	}
	for _, d := range c.Delete {
		need(d.Type, d.ID, remove)
	}
	keys := slices.SortedFunc(maps.Keys(how), func(x, y store.Key) int { return compareKeys(x.Type, x.ID, y.Type, y.ID) })
	if len(keys) == 0 {
		return
	}
	types, ids, locks := make([]string, len(keys)), make([]string, len(keys)), make([]byte, len(keys))
	for i, k := range keys {
		types[i], ids[i], locks[i] = k.Type, k.ID, how[k]
	}
	b.add(pgHold, sqlstore.Enc(c.Tenant), types, ids, string(locks))
}

// change adds the statements that come after the puts, so that they see what other transactions committed for which the puts waited.
func (b *pgBatch) change(c *store.Change) {
	tenant := sqlstore.Enc(c.Tenant)
	locked := map[store.Key]bool{}
	for _, p := range c.Put {
		locked[store.Key{Type: p.Resource.Type, ID: p.Resource.ID}] = true
	}
	for _, a := range c.Absent {
		b.add(pgAbsent, tenant, sqlstore.Enc(a.Type), sqlstore.Enc(a.ID))
	}
	for _, d := range c.Members {
		b.Members(tenant, d, c.Put)
		locked[store.Key{Type: sqlstore.GroupType, ID: d.Group}] = true
	}
	for _, d := range c.Delete {
		typ, id := sqlstore.Enc(d.Type), sqlstore.Enc(d.ID)
		b.add(pgDelete, tenant, typ, id, sqlstore.Enc(d.IfVersion))
		if d.Type == sqlstore.GroupType {
			b.add(pgDisband, tenant, id)
		}
		b.add(pgIsMember, tenant, id, typ)
		locked[store.Key{Type: d.Type, ID: d.ID}] = true
	}
	for _, e := range c.Events {
		if !locked[store.Key{Type: e.Subject.Type, ID: e.Subject.ID}] { // no lock on the subject's row keeps its events in order
			b.subjects = append(b.subjects, strings.Join([]string{tenant, sqlstore.Enc(e.Subject.Type), sqlstore.Enc(e.Subject.ID)}, sqlstore.KeySplit))
		}
		b.events = sqlstore.AddEvent(b.events, tenant, e)
	}
	for _, j := range c.Journal {
		b.journal = append(b.journal, sqlstore.JournalArgs(tenant, j)...)
	}
	b.counts.Of(tenant, c)
}

func (b *pgBatch) put(tenant string, p store.Put) {
	if p.IfVersion != "" {
		b.rewrites = append(b.rewrites, pgRewritten{tenant, p})
		return
	}
	now := sqlstore.KeysOf(p.Resource.Index)
	args := sqlstore.ResourceArgs(tenant, p.Resource, now)
	typ, id := args[1].(string), args[2].(string)
	b.resources = append(b.resources, args...)
	b.addKeys(tenant, id, now.Hashes(tenant, typ), now.Uniques)
}

// rewrite adds the statements that rewrite resources. They lock all resources before they change any key.
func (b *pgBatch) rewrite() {
	slices.SortStableFunc(b.rewrites, pgRewritten.compare)
	sets := make([]sqlstore.KeySet, len(b.rewrites))
	for i, x := range b.rewrites {
		sets[i] = sqlstore.KeysOf(x.Resource.Index)
		args := append(sqlstore.ResourceArgs(x.tenant, x.Resource, sets[i]), sqlstore.Enc(x.IfVersion))
		if x.Was == nil {
			b.add(pgUpdate, args...)
		} else {
			b.add(pgRewrite, args...)
		}
	}
	for i, x := range b.rewrites {
		if x.Was != nil {
			b.rekey(x, sets[i])
		}
	}
}

// rekey adds the statements that bring the rows in keys up to date for a resource whose former keys are known.
func (b *pgBatch) rekey(x pgRewritten, now sqlstore.KeySet) {
	typ, id, was := sqlstore.Enc(x.Resource.Type), sqlstore.Enc(x.Resource.ID), sqlstore.KeysOf(x.Was.Index)
	come, went := now.Without(was), was.Without(now).Hashes(x.tenant, typ)
	if len(come.Keys) == 1 && len(went) == 1 { // this is the usual case
		b.add(pgNextKey, went[0], id, come.Hashes(x.tenant, typ)[0], come.Uniques == 1)
		return
	}
	for _, h := range went {
		b.add(pgNoKey, h, id)
	}
	b.addKeys(x.tenant, id, come.Hashes(x.tenant, typ), come.Uniques)
}

func (b *pgBatch) addKeys(tenant, id string, hashes [][]byte, uniques int) {
	for i, h := range hashes {
		b.keys = append(b.keys, pgKey{h, id, tenant, i < uniques})
	}
}

// Members changes the members of a group. puts are the puts of the same change.
func (b *pgBatch) Members(tenant string, d store.MemberDelta, puts []store.Put) {
	group, isPut, created := sqlstore.Enc(d.Group), false, []string{}
	for _, p := range puts {
		isPut = isPut || p.Resource.Type == sqlstore.GroupType && p.Resource.ID == d.Group
		if typ := sqlstore.Enc(p.Resource.Type); p.IfVersion == "" && !store.IsInternal(typ) && !slices.Contains(created, typ) {
			created = append(created, typ)
		}
	}
	if !isPut {
		b.add(pgGroup, tenant, group, sqlstore.Enc(d.Version), d.LastModified.UnixMicro(), sqlstore.Enc(d.IfVersion))
	}
	if len(d.Remove) > 0 {
		b.add(pgRemove, tenant, group, sqlstore.EncAll(d.Remove))
	}
	if len(d.Add) > 0 {
		types, ids := make([]string, len(d.Add)), make([]string, len(d.Add))
		for i, m := range d.Add {
			types[i], ids[i] = sqlstore.Enc(m.Type), sqlstore.Enc(m.ID)
		}
		b.add(pgAdd, tenant, group, types, ids, created)
	}
}

// refusal makes the error of the contract from the error with which a statement was refused.
func (p *engine) refusal(ctx context.Context, c *store.Change, err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	switch pg.Code {
	case codeNotFound:
		return store.ErrNotFound
	case codeVersion:
		return store.ErrVersionMismatch
	case codeClaim:
		return &store.ClaimError{Counter: sqlstore.Dec(pg.Message)}
	case codeUnknown:
		return &store.UnknownMemberError{ID: sqlstore.Dec(pg.Message)}
	case "23505": // unique_violation
		switch pg.ConstraintName {
		case p.Prefix + "resource_pkey":
			return &store.ConflictError{Attribute: "id"}
		case p.Prefix + "key_unique":
			return p.taken(ctx, c)
		}
	}
	return err
}

// taken finds out which unique key of a change another resource has.
func (p *engine) taken(ctx context.Context, c *store.Change) error {
	const sql = "SELECT 1 FROM ~keys WHERE key = $1 AND uniq AND id <> $2"
	conflict := &store.ConflictError{}
	for _, put := range c.Put {
		for _, k := range put.Resource.Index {
			if !k.Unique {
				continue
			}
			if conflict.Attribute == "" {
				conflict.Attribute = k.Attribute // this is named if no key is taken any more
			}
			found := false
			args := []any{sqlstore.HashOf(sqlstore.Enc(c.Tenant), sqlstore.Enc(put.Resource.Type), sqlstore.KeyOf(k.Attribute, k.Value)), sqlstore.Enc(put.Resource.ID)}
			if err := queryRows(ctx, p.pool, p.Fill(sql), args, func(sqlstore.Row) error { found = true; return nil }); err != nil {
				return err
			}
			if found {
				return &store.ConflictError{Attribute: k.Attribute}
			}
		}
	}
	return conflict
}
