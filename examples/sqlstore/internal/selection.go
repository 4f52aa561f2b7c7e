package sqlstore

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
)

// from returns the FROM clause in which the resources (r) of the nth type are found, the condition on them, and the column of their ids.
func (l *list) from(n int) (from, where, id string) {
	return l.engine.Find(l.types[n].Condition, "r.tenant = $1 AND r.type = "+l.types[n].place)
}

// Far is the number of resources to skip from which on it is faster to skip them in the index, and to look up the rows behind them by id.
const Far = 1000

// read makes a query for at most limit resources behind a position, in the order of a column. It also reads the columns extra of
// each resource, and the answers of its type. If most is greater than 0, withGroups adds the rows of their groups.
func (l *list) read(after *store.Position, column string, desc bool, limit, offset int, extra string, most int) (string, []any) {
	args := append(make([]any, 0, len(l.args)+8), l.args...)
	arg := func(v any) string {
		args = append(args, v)
		return Place(len(args))
	}
	direction := ""
	if desc {
		direction = " DESC"
	}
	order := "r." + column + direction
	if column != "id" {
		order += ", r.id"
	}
	var selects []string
	for n, t := range l.types {
		if t.isNever() {
			continue
		}
		head := "SELECT r.type, r.id, r." + column + " AS place"
		if offset < Far {
			head = "SELECT " + columns + ", r.type, r.id" + extra
			for i, column := range t.columns {
				head += ", " + column + " AS answer" + strconv.Itoa(i)
			}
		}
		from, where, byID := l.from(n)
		by := order
		if column == "id" {
			by = byID + direction
		}
		if t.isBig && l.window > 0 {
			from, where = "~resource r", "r.tenant = $1 AND r.type = "+t.place
		}
		if column == "modified" {
			where += " AND " + ofType + " = " + arg(Enc(l.Tenant)+"/"+Enc(t.name))
		}
		if after != nil {
			behind, orAt := ">", ">"
			if t.name > after.Type {
				orAt = ">="
			}
			id := arg(Enc(after.ID))
			switch {
			case column != "id":
				if desc {
					behind = "<"
				}
				key, _ := micros(after) // behind has checked it
				at := arg(key)
				where += fmt.Sprintf(" AND r.%[1]s %[2]s= %[3]s AND (r.%[1]s %[2]s %[3]s OR r.id %[4]s %[5]s)", column, behind, at, orAt, id)
			case desc:
				where += " AND " + byID + " " + strings.Replace(orAt, ">", "<", 1) + " " + id
			default:
				where += " AND " + byID + " " + orAt + " " + id
			}
		}
		if t.isBig && l.window > 0 {
			from = "(SELECT * FROM " + from + " WHERE " + where + " ORDER BY " + by + " LIMIT " + strconv.Itoa(l.window) + ") r"
			where = t.SQL
		}
		selects = append(selects, head+" FROM "+from+" WHERE "+where+" ORDER BY "+by)
	}
	sql := strings.Join(selects, "")
	if len(selects) > 1 {
		most := " LIMIT " + arg(int64(limit+offset))
		for i := range selects {
			selects[i] = fmt.Sprintf("SELECT * FROM (%s%s) s%d", selects[i], most, i)
		}
		by := order
		if offset >= Far {
			by = strings.Replace(order, "r."+column, "r.place", 1)
		}
		sql = "SELECT * FROM (" + strings.Join(selects, " UNION ALL ") + ") r ORDER BY " + by + ", r.type"
	}
	if sql += " LIMIT " + arg(int64(limit)); offset > 0 {
		sql += " OFFSET " + arg(int64(offset))
	}
	if offset >= Far {
		sql = "SELECT " + columns + ", r.type, r.id" + extra + " FROM (" + sql + ") p" + l.engine.RowsOf() + " ORDER BY " + order + ", r.type"
	}
	if most > 0 {
		sql = l.withGroups(sql, arg(int64(most+1)), extra != "")
	}
	return compact(sql, args)
}

// withGroups adds a last row with the groups of all resources: its type is KeySplit, and the groups are in the column of keys. So the
// statement can stop after so many groups, which it couldn't if each resource had a column for its own. One row is much faster than many.
func (l *list) withGroups(page, most string, isCounted bool) string {
	counted := ""
	if isCounted {
		counted = ", CAST(0 AS bigint)"
	}
	const text = "p.id || '" + KeySplit + "' || m.member_type || '" + KeySplit + "' || m.group_id || '" + KeySplit + "' || g.label"
	return "WITH p AS MATERIALIZED (" + page + ") SELECT * FROM p UNION ALL SELECT '', CAST(0 AS bigint), CAST(0 AS bigint), '', " +
		l.engine.GroupsOfAll(text, most) + ", 0, '', '', '" + KeySplit + "', ''" + counted
}

// splitGroups reads the text of the row that withGroups adds.
func splitGroups(joined string) (rows []store.Member) {
	if joined == "" {
		return nil
	}
	rows = make([]store.Member, 0, 1+strings.Count(joined, KeysSplit))
	for text := range strings.SplitSeq(joined, KeysSplit) {
		id, rest, _ := strings.Cut(text, KeySplit)
		rows = splitRows(rows, rest, Dec(id))
	}
	return rows
}

// cutRows removes the rows of resources whose rows are not complete, and those of the resource behind the page.
func (l *list) cutRows(page []*store.Resource) {
	if l.most == 0 {
		return
	}
	if len(l.rows) > l.most {
		cut := l.rows[l.most].ID
		for len(l.rows) > 0 && l.rows[len(l.rows)-1].ID == cut {
			l.rows = l.rows[:len(l.rows)-1]
		}
		for l.complete < len(page) && page[l.complete].ID != cut {
			l.complete++
		}
	} else {
		l.complete = len(page)
	}
	at, n := 0, 0
	for ; n < len(l.rows); n++ { // rows are in the order of the resources
		for at < l.complete && page[at].ID != l.rows[n].ID {
			at++
		}
		if at == l.complete {
			break
		}
	}
	l.rows = l.rows[:n]
}

// ofType is the expression that the index of modified begins with.
const ofType = "(r.tenant || '/' || r.type)"

// scanner returns a function that reads a row of the query of read.
func (l *list) scanner(more ...any) func(Row) (*Record, error) {
	var typ, id string
	dest := append([]any{&typ, &id}, more...)
	return func(rw Row) (*Record, error) {
		r := &Record{Resource: store.Resource{Key: store.Key{Tenant: l.Tenant}}}
		err := r.scan(rw, dest...)
		r.Type, r.ID = Dec(typ), Dec(id)
		return r, err
	}
}

// compact removes parameters that a query doesn't use, because PostgreSQL can't tell their types.
func compact(sql string, args []any) (string, []any) {
	var (
		b     strings.Builder
		used  []any
		place = make([]int, len(args)+1)
	)
	b.Grow(len(sql))
	for {
		i := strings.IndexByte(sql, '$')
		if i < 0 {
			b.WriteString(sql)
			return b.String(), used
		}
		b.WriteString(sql[:i+1])
		n := 0
		for i++; i < len(sql) && '0' <= sql[i] && sql[i] <= '9'; i++ {
			n = n*10 + int(sql[i]-'0')
		}
		if sql = sql[i:]; place[n] == 0 {
			used = append(used, args[n-1])
			place[n] = len(used)
		}
		b.WriteString(strconv.Itoa(place[n]))
	}
}
