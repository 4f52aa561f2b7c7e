package sqlite

import (
	"context"
	"runtime"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

func (e *engine) Connections() int {
	if n := e.reader.Stats().MaxOpenConnections; n > 0 {
		return n
	}
	const unlimited = 64 // the number to go by if the product has set no limit
	return unlimited
}

// Turns returns three quarters of the processors of this process, because SQLite computes in it.
func (e *engine) Turns() int { return max(1, min(e.Connections(), runtime.GOMAXPROCS(0))*3/4) }

// Texts returns strings as the argument of a statement: a JSON array, because SQLite has no type for arrays.
func (e *engine) Texts(all []string) any {
	b := []byte{'['}
	for i, s := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = document.AppendString(b, s)
	}
	return string(append(b, ']'))
}

func (e *engine) IdsIn(place string) string { return "SELECT value FROM json_each(" + place + ")" }

func (e *engine) IdsOfKeys(place string) string {
	return "SELECT k.id FROM ~keys k WHERE k.key IN (SELECT unhex(value) FROM json_each(" + place + "))"
}

// Find goes from a key to the row by its row number, which searches one tree less than by its id.
func (e *engine) Find(c sqlstore.Condition, ofType string) (from, where, id string) {
	switch {
	case c.Key != "":
		if where = "i.key = " + c.Key + " AND " + ofType; !c.IsIDs {
			where += " AND " + c.SQL
		}
		return "~keys i CROSS JOIN ~resource r ON r.n = i.n", where, "i.id"
	case c.MembersOf() != "":
		if where = c.MembersOf(); !c.IsIDs {
			where += " AND " + c.SQL
		}
		return "~member m CROSS JOIN ~resource r ON r.tenant = m.tenant AND r.type = m.member_type AND r.id = m.member_id", where, "m.member_id"
	case c.Ids != "":
		if where = ofType + " AND r.id IN (" + c.Ids + ")"; !c.IsIDs {
			where += " AND " + c.SQL
		}
		return "~resource r", where, "r.id"
	}
	return "~resource r", ofType + " AND " + c.SQL, "r.id"
}

func (e *engine) Contains(text, part string) string { return "instr(" + text + ", " + part + ") > 0" }

func (e *engine) ByKey(string) string { return "~keys k CROSS JOIN ~resource r ON r.n = k.n" }

func (e *engine) ByKeys(_, query string) string {
	return "(SELECT k.key, k.id, k.n " + query + ") p CROSS JOIN ~resource r ON r.n = p.n"
}

func (e *engine) Without(attribute string) (none, suspect string) {
	none = "instr(char(3) || r.keys, char(3) || '" + attribute + "' || char(2)) = 0 AND instr(r.type, '.') = 0"
	if attribute == "userName" {
		none += " AND r.type <> 'Group'"
	}
	return none, "(instr(r.attributes, '\"" + attribute + "\":') > 0)"
}

func (e *engine) RowsOf() string {
	return " CROSS JOIN ~resource r ON r.tenant = $1 AND r.type = p.type AND r.id = p.id"
}

func (e *engine) Joined(r filter.Relation) string {
	text, order := sqlstore.RowText(r)
	return "(SELECT COALESCE(string_agg(" + text + ", '" + sqlstore.KeysSplit + "' ORDER BY " + order + "), '') FROM ~member m WHERE " + sqlstore.RowsAre(r) + ")"
}

func (e *engine) GroupsOfAll(text, most string) string {
	return "(SELECT COALESCE(string_agg(t, '" + sqlstore.KeysSplit + "'), '') FROM (SELECT " + text + ` AS t FROM p CROSS JOIN ~member m ON m.tenant = $1 AND m.member_id = p.id
CROSS JOIN ~resource g ON g.tenant = $1 AND g.type = 'Group' AND g.id = m.group_id LIMIT ` + most + "))"
}

// QueryOnce runs a statement that doesn't stay prepared.
func (e *engine) QueryOnce(ctx context.Context, text string, args []any, each func(sqlstore.Row) error) error {
	rows, err := e.reader.QueryContext(ctx, e.replace(text), args...)
	return e.fail(ctx, readRows(rows, err, each))
}

func (t *liteSnapshot) QueryOnce(ctx context.Context, text string, args []any, each func(sqlstore.Row) error) error {
	rows, err := t.tx.QueryContext(ctx, t.replace(text), args...)
	return t.fail(ctx, readRows(rows, err, each))
}

const (
	liteMembers = `SELECT m.member_type, m.member_id, r.label FROM ~member m
JOIN ~resource r ON r.tenant = m.tenant AND r.type = m.member_type AND r.id = m.member_id
WHERE m.tenant = $1 AND m.group_id = $2 ORDER BY m.member_id LIMIT $3`
	liteGroups = `SELECT m.member_type, m.group_id, r.label FROM ~member m
JOIN ~resource r ON r.tenant = m.tenant AND r.type = 'Group' AND r.id = m.group_id
WHERE m.tenant = $1 AND m.member_id = $2 ORDER BY m.group_id LIMIT $3`
	liteNamed = `SELECT m.member_type, m.member_id, r.label FROM ~member m
JOIN ~resource r ON r.tenant = m.tenant AND r.type = m.member_type AND r.id = m.member_id
WHERE m.tenant = $1 AND m.group_id = $2 AND m.member_id IN (SELECT value FROM json_each($4))
ORDER BY m.member_id LIMIT $3`
)

// Members runs a statement for each owner, because there are no round trips to save.
func (e *engine) Members(ctx context.Context, q store.MemberQuery, rows *sqlstore.MemberRows, most int) (complete int, err error) {
	text := liteMembers
	args := []any{sqlstore.Enc(q.Tenant), nil, nil}
	switch {
	case len(q.Of) > 0:
		text = liteGroups
	case len(q.IDs) > 0:
		text = liteNamed
		args = append(args, jsonArray(q.IDs))
	}
	for i, owner := range sqlstore.Owners(q) {
		left := -1
		if most > 0 {
			left = most - rows.N
		}
		args[1], args[2] = sqlstore.Enc(owner), int64(left)
		if left >= 0 {
			args[2] = int64(left + 1)
		}
		rows.Begin(owner, len(q.Of) > 0)
		n := 0
		err := e.Query(ctx, text, args, func(rw sqlstore.Row) error {
			var typ, id, label string
			if err := rw.Scan(&typ, &id, &label); err != nil {
				return err
			}
			n++
			rows.Add(typ, id, label)
			return nil
		})
		if err != nil {
			return 0, err
		}
		if left >= 0 && n > left {
			rows.DropLast()
			return i, nil
		}
	}
	return len(sqlstore.Owners(q)), nil
}
