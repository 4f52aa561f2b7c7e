package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/filter"
)

func (p *engine) Connections() int { return int(p.pool.Stat().MaxConns()) }

// Turns returns a quarter of the connections, but at least two, so that a scan leaves one to what an index answers; and never all of them.
func (p *engine) Turns() int {
	n := p.Connections()
	return max(1, min(max(2, n/4), n-1))
}

// Texts returns strings as the argument of a statement: an array.
func (p *engine) Texts(all []string) any { return all }

func (p *engine) IdsIn(place string) string {
	return `SELECT x.id COLLATE "C" FROM unnest(CAST(` + place + ` AS text[])) x (id)`
}

func (p *engine) IdsOfKeys(place string) string {
	return "SELECT k.id FROM ~keys k WHERE k.key = ANY (ARRAY(SELECT decode(x, 'hex') FROM unnest(CAST(" + place + " AS text[])) x))"
}

// Find looks up each id, because with only a condition the planner may expect to find a page sooner by reading the tenant
// from its beginning. The ids come in their order, so that the statement stops when the page is full.
func (p *engine) Find(c sqlstore.Condition, ofType string) (from, where, id string) {
	if c.Ids == "" {
		return "~resource r", ofType + " AND " + c.SQL, "r.id"
	}
	ids := `(SELECT DISTINCT i.id COLLATE "C" AS id FROM (` + c.Ids + ") i (id)) i"
	if c.Key != "" {
		ids = "(" + c.Ids + ") i (id)"
	}
	if where = "TRUE"; !c.IsIDs {
		where = c.SQL
	}
	return ids + " CROSS JOIN LATERAL (SELECT * FROM ~resource r WHERE " + ofType + " AND r.id = i.id LIMIT 1) r", where, "i.id"
}

func (p *engine) Contains(text, part string) string { return "strpos(" + text + ", " + part + ") > 0" }

func (p *engine) ByKey(ofType string) string {
	return "~keys k CROSS JOIN LATERAL (SELECT * FROM ~resource r WHERE " + ofType + " AND r.id = k.id LIMIT 1) r"
}

func (p *engine) ByKeys(ofType, query string) string {
	return "(SELECT k.key, k.id " + query + ") p CROSS JOIN LATERAL (SELECT * FROM ~resource r WHERE " + ofType + " AND r.id = p.id LIMIT 1) r"
}

func (p *engine) Without(attribute string) (none, suspect string) {
	none = "strpos(chr(3) || r.keys, chr(3) || '" + attribute + "' || chr(2)) = 0 AND strpos(r.type, '.') = 0"
	if attribute == "userName" {
		none += " AND r.type <> 'Group'"
	}
	return none, "(strpos(r.attributes, '\"" + attribute + "\":') > 0)"
}

func (p *engine) RowsOf() string {
	return " CROSS JOIN LATERAL (SELECT * FROM ~resource r WHERE r.tenant = $1 AND r.type = p.type AND r.id = p.id LIMIT 1) r"
}

func (p *engine) Joined(r filter.Relation) string {
	text, order := sqlstore.RowText(r)
	return "array_to_string(ARRAY(SELECT " + text + " FROM ~member m WHERE " + sqlstore.RowsAre(r) + " ORDER BY " + order + "), '" + sqlstore.KeysSplit + "')"
}

func (p *engine) GroupsOfAll(text, most string) string {
	return "array_to_string(ARRAY(SELECT " + text + ` FROM p
CROSS JOIN LATERAL (SELECT m.member_type, m.group_id FROM ~member m WHERE m.tenant = $1 AND m.member_id = p.id ORDER BY m.group_id LIMIT ` + most + `) m
CROSS JOIN LATERAL (SELECT r.label FROM ~resource r WHERE r.tenant = $1 AND r.type = 'Group' AND r.id = m.group_id LIMIT 1) g
LIMIT ` + most + "), '" + sqlstore.KeysSplit + "')"
}

// QueryOnce runs a statement without preparing it, because each connection would keep hundreds of prepared ones with their plans.
func (p *engine) QueryOnce(ctx context.Context, sql string, args []any, each func(sqlstore.Row) error) error {
	return p.again(ctx, each, func(each func(sqlstore.Row) error) error {
		return queryRows(ctx, p.pool, p.Replacer.Replace(sql), once(args), each)
	})
}

func (s pgSession) QueryOnce(ctx context.Context, sql string, args []any, each func(sqlstore.Row) error) error {
	return s.fail(ctx, queryRows(ctx, s.tx, s.Replacer.Replace(sql), once(args), each))
}

// once returns arguments for a statement that isn't prepared. The driver tells the types of the parameters by those of the arguments.
func once(args []any) []any { return append([]any{pgx.QueryExecModeExec}, args...) }

// These read the membership rows of the owners $2 in their order, at most $3 rows. Nothing sorts them, because each join is a look-up for
// each row before it. So the statement stops when it has enough rows.
const (
	pgMembers = `SELECT g.n, m.member_type, m.id, r.label FROM unnest($2::text[]) WITH ORDINALITY g (id, n)
CROSS JOIN LATERAL (SELECT m.member_type, m.member_id AS id FROM ~member m WHERE m.tenant = $1 AND m.group_id = g.id ORDER BY m.member_id LIMIT $3) m
CROSS JOIN LATERAL (SELECT r.label FROM ~resource r WHERE r.tenant = $1 AND r.type = m.member_type AND r.id = m.id LIMIT 1) r LIMIT $3`

	pgGroups = `SELECT g.n, m.member_type, m.id, r.label FROM unnest($2::text[]) WITH ORDINALITY g (id, n)
CROSS JOIN LATERAL (SELECT m.member_type, m.group_id AS id FROM ~member m WHERE m.tenant = $1 AND m.member_id = g.id ORDER BY m.group_id LIMIT $3) m
CROSS JOIN LATERAL (SELECT r.label FROM ~resource r WHERE r.tenant = $1 AND r.type = 'Group' AND r.id = m.id LIMIT 1) r LIMIT $3`

	pgNamed = `SELECT g.n, m.member_type, a.id, r.label FROM unnest($2::text[]) WITH ORDINALITY g (id, n)
CROSS JOIN (SELECT DISTINCT id COLLATE "C" FROM unnest($4::text[]) a (id)) a (id)
CROSS JOIN LATERAL (SELECT m.member_type FROM ~member m WHERE m.tenant = $1 AND m.group_id = g.id AND m.member_id = a.id LIMIT 1) m
CROSS JOIN LATERAL (SELECT r.label FROM ~resource r WHERE r.tenant = $1 AND r.type = m.member_type AND r.id = a.id LIMIT 1) r
ORDER BY g.n, a.id LIMIT $3`
)

func (p *engine) Members(ctx context.Context, q store.MemberQuery, rows *sqlstore.MemberRows, most int) (complete int, err error) {
	sql, asked := pgMembers, sqlstore.Owners(q)
	switch {
	case len(q.Of) > 0:
		sql = pgGroups
	case len(q.IDs) > 0:
		sql = pgNamed
	}
	args := []any{sqlstore.Enc(q.Tenant), sqlstore.EncAll(asked), nil}
	if most > 0 {
		args[2] = int64(most + 1)
	}
	if sql == pgNamed {
		args = append(args, sqlstore.EncAll(q.IDs))
	}
	n, last := 0, 0
	err = p.Query(ctx, sql, args, func(rw sqlstore.Row) error {
		var (
			at             int
			typ, id, label string
		)
		if err := rw.Scan(&at, &typ, &id, &label); err != nil {
			return err
		}
		if n++; at != last {
			rows.Begin(asked[at-1], len(q.Of) > 0)
			last = at
		}
		rows.Add(typ, id, label)
		return nil
	})
	if err != nil || most <= 0 || n <= most {
		return len(asked), err
	}
	rows.DropLast()
	return last - 1, nil
}
