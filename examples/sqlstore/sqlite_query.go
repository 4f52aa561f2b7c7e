package sqlstore

import (
	"context"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

func (e *liteEngine) connections() int {
	if n := e.reader.Stats().MaxOpenConnections; n > 0 {
		return n
	}
	const unlimited = 64 // the product has set no limit
	return unlimited
}

// texts makes a JSON array.
func (e *liteEngine) texts(all []string) any {
	b := []byte{'['}
	for i, s := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = document.AppendString(b, s)
	}
	return string(append(b, ']'))
}

func (e *liteEngine) idsIn(place string) string { return "SELECT value FROM json_each(" + place + ")" }

func (e *liteEngine) idsOfKeys(place string) string {
	return "SELECT k.id FROM ~key k WHERE k.key IN (SELECT unhex(value) FROM json_each(" + place + "))"
}

// find goes from a key to the row by its number, which is one tree less to search than by its id.
func (e *liteEngine) find(c condition, ofType string) (from, where, id string) {
	switch {
	case c.key != "":
		if where = "i.key = " + c.key + " AND " + ofType; !c.isIDs {
			where += " AND " + c.sql
		}
		return "~key i CROSS JOIN ~resource r ON r.n = i.n", where, "i.id"
	case c.ids != "":
		if where = ofType + " AND r.id IN (" + c.ids + ")"; !c.isIDs {
			where += " AND " + c.sql
		}
		return "~resource r", where, "r.id"
	}
	return "~resource r", ofType + " AND " + c.sql, "r.id"
}

func (e *liteEngine) rowsOf() string {
	return " CROSS JOIN ~resource r ON r.tenant = $1 AND r.type = p.type AND r.id = p.id"
}

func (e *liteEngine) joined(r filter.Relation) string {
	text, order := rowText(r)
	return "(SELECT COALESCE(string_agg(" + text + ", '" + keysSplit + "' ORDER BY " + order + "), '') FROM ~member m WHERE " + rowsAre(r) + ")"
}

func (e *liteEngine) groupsOfAll(text, most string) string {
	return "(SELECT COALESCE(string_agg(t, '" + keysSplit + "'), '') FROM (SELECT " + text + ` AS t FROM p CROSS JOIN ~member m ON m.tenant = $1 AND m.member_id = p.id
CROSS JOIN ~resource g ON g.tenant = $1 AND g.type = 'Group' AND g.id = m.group_id LIMIT ` + most + "))"
}

// queryOnce prepares nothing that stays.
func (e *liteEngine) queryOnce(ctx context.Context, text string, args []any, each func(row) error) error {
	rows, err := e.reader.QueryContext(ctx, e.replace(text), args...)
	return e.fail(ctx, readRows(rows, err, each))
}

func (t *liteSnapshot) queryOnce(ctx context.Context, text string, args []any, each func(row) error) error {
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

// members asks for one owner after the other: the database is in the process.
func (e *liteEngine) members(ctx context.Context, q store.MemberQuery, rows *memberRows, most int) (complete int, err error) {
	text := liteMembers
	args := []any{enc(q.Tenant), nil, nil}
	switch {
	case len(q.Of) > 0:
		text = liteGroups
	case len(q.IDs) > 0:
		text = liteNamed
		args = append(args, jsonArray(q.IDs))
	}
	for i, owner := range owners(q) {
		left := -1
		if most > 0 {
			left = most - rows.n
		}
		args[1], args[2] = enc(owner), int64(left)
		if left >= 0 {
			args[2] = int64(left + 1)
		}
		rows.begin(owner, len(q.Of) > 0)
		n := 0
		err := e.query(ctx, text, args, func(rw row) error {
			var typ, id, label string
			if err := rw.Scan(&typ, &id, &label); err != nil {
				return err
			}
			n++
			rows.add(typ, id, label)
			return nil
		})
		if err != nil {
			return 0, err
		}
		if left >= 0 && n > left {
			rows.dropLast()
			return i, nil
		}
	}
	return len(owners(q)), nil
}
