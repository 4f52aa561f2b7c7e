package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// list is a query under way.
type list struct {
	*Store
	store.Query
	types  []string // in order, each once
	after  *store.Position
	column string // of the order that the database has an index of; "" if it has none
	desc   bool
	args   []any
	conds  []condition // of each type
	exact  bool        // whether the conditions say all that the filter does

	related bool           // whether groups are wanted
	rows    []store.Member // those of the page's resources
}

// List implements [store.Store].
func (s *Store) List(ctx context.Context, q store.Query) (*store.Page, error) {
	l, err := s.newList(ctx, q)
	if err != nil {
		return nil, err
	}
	return l.run(ctx)
}

// ListRelated implements [store.RelatedReader].
func (s *Store) ListRelated(ctx context.Context, q store.Query, _ int) (*store.Page, []store.Member, int, error) {
	l, err := s.newList(ctx, q)
	if err != nil {
		return nil, nil, 0, err
	}
	l.related = true
	p, err := l.run(ctx)
	if err != nil {
		return nil, nil, 0, err
	}
	return p, l.rows, len(p.Resources), nil
}

func (s *Store) newList(ctx context.Context, q store.Query) (*list, error) {
	l := &list{Store: s, Query: q, types: slices.Compact(slices.Sorted(slices.Values(q.Types)))}
	l.Start, l.Count = max(q.Start, 0), max(q.Count, 0)
	l.column = orderColumn(q.Sort)
	var err error
	if l.after, err = l.behind(); err != nil {
		return nil, err
	}
	l.desc = q.Sort != nil && q.Sort.Descending
	return l, l.compile(ctx)
}

func (l *list) run(ctx context.Context) (page *store.Page, err error) {
	switch {
	case l.exact && l.Count == 0:
		return l.totalOnly(ctx, &store.Page{})
	case l.exact && l.column != "":
		return l.page(ctx)
	}
	err = l.snapshot(ctx, func(in session) error {
		if l.column != "" {
			page, err = l.pick(ctx, in)
		} else {
			page, err = l.sort(ctx, in)
		}
		return err
	})
	if err == nil && l.related && len(page.Resources) > 0 {
		q := store.MemberQuery{Tenant: l.Tenant}
		for _, r := range page.Resources {
			q.Of = append(q.Of, r.ID)
		}
		for m, failed := range l.Members(ctx, q) {
			l.rows, err = append(l.rows, m), failed
		}
	}
	return page, err
}

// orderColumn is the column that an order is the order of.
func orderColumn(by *store.Sort) string {
	switch {
	case by == nil:
		return "id"
	case by.By.URI != "":
		return ""
	case by.By.Name == "id" && by.By.Sub == "" && by.By.CaseExact && by.By.Type == filter.String:
		return "id"
	case by.By.Name == "meta" && by.By.Type == filter.DateTime && by.By.Sub == "created":
		return "created"
	case by.By.Name == "meta" && by.By.Type == filter.DateTime && by.By.Sub == "lastModified":
		return "modified"
	}
	return ""
}

func (l *list) compile(ctx context.Context) error {
	l.args = []any{enc(l.Tenant)}
	l.exact = true
	var failed error
	for _, t := range l.types {
		c := compiler{args: &l.args, in: l.in, tenant: enc(l.Tenant), typ: t, isIndexed: func(attribute string) bool {
			ok, err := l.isIndexed(ctx, indexed{t, attribute})
			if err != nil {
				failed = err
			}
			return ok
		}}
		c.typePlace = c.arg(enc(t))
		cond := certain
		if l.Filter != nil {
			cond = c.compile(l.Filter)
		}
		if l.conds = append(l.conds, cond); cond.sql == "FALSE" {
			continue
		}
		l.exact = l.exact && cond.exact
	}
	return failed
}

// isIndexed says whether an attribute has keys.
func (s *Store) isIndexed(ctx context.Context, x indexed) (found bool, err error) {
	if _, ok := s.known.Load(x); ok {
		return true, nil
	}
	const sql = "SELECT 1 FROM ~indexed WHERE type = $1 AND attribute = $2"
	err = s.query(ctx, sql, []any{enc(x.typ), enc(x.attribute)}, func(row) error {
		found = true
		return nil
	})
	if found {
		s.known.Store(x, true)
	}
	return found, err
}

// typePlace is the parameter of the nth type: compile made it.
func (l *list) typePlace(n int) string {
	t := enc(l.types[n])
	return place(1 + slices.IndexFunc(l.args[1:], func(a any) bool { return a == t }) + 1)
}

// from is where the resources (r) of the nth type are looked for, the condition on them, and the column of their id.
func (l *list) from(n int) (from, where, id string) {
	return l.find(l.conds[n], "r.tenant = $1 AND r.type = "+l.typePlace(n))
}

// far is how many resources are skipped rather in the index alone, with a look-up of each row that is behind them.
const far = 1000

// read makes a query for so many resources behind a position, in an order of the database's.
func (l *list) read(after *store.Position, column string, desc bool, limit, offset int, extra string) (string, []any) {
	args := slices.Clip(l.args)
	arg := func(v any) string {
		args = append(args, v)
		return place(len(args))
	}
	direction := ""
	if desc {
		direction = " DESC"
	}
	order := "r." + column + direction
	if column != "id" {
		order += ", r.id"
	}
	whole := "SELECT " + columns + ", r.type, r.id" + extra
	head := whole
	if offset >= far {
		head = "SELECT r.type, r.id, r." + column + " AS place"
	}
	var selects []string
	for n, t := range l.types {
		c := l.conds[n]
		if c.sql == "FALSE" {
			continue
		}
		from, where, byID := l.from(n)
		by := order
		if column == "id" {
			by = byID + direction
		}
		if column == "modified" {
			where += " AND " + ofType + " = " + arg(enc(l.Tenant)+"/"+enc(t))
		}
		if after != nil {
			behind, orAt := ">", ">"
			if t > after.Type {
				orAt = ">="
			}
			id := arg(enc(after.ID))
			switch {
			case column != "id":
				if desc {
					behind = "<"
				}
				key, _ := micros(after) // behind has looked
				at := arg(key)
				where += fmt.Sprintf(" AND r.%[1]s %[2]s= %[3]s AND (r.%[1]s %[2]s %[3]s OR r.id %[4]s %[5]s)", column, behind, at, orAt, id)
			case desc:
				where += " AND " + byID + " " + strings.Replace(orAt, ">", "<", 1) + " " + id
			default:
				where += " AND " + byID + " " + orAt + " " + id
			}
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
		if offset >= far {
			by = strings.Replace(order, "r."+column, "r.place", 1)
		}
		sql = "SELECT * FROM (" + strings.Join(selects, " UNION ALL ") + ") r ORDER BY " + by + ", r.type"
	}
	if sql += " LIMIT " + arg(int64(limit)); offset > 0 {
		sql += " OFFSET " + arg(int64(offset))
	}
	if offset >= far {
		sql = whole + " FROM (" + sql + ") p" + l.rowsOf() + " ORDER BY " + order + ", r.type"
	}
	return compact(sql, args)
}

// ofType is what the index of modified begins with.
const ofType = "(r.tenant || '/' || r.type)"

// isEmpty says that nothing can match.
func (l *list) isEmpty() bool {
	return !slices.ContainsFunc(l.conds, func(c condition) bool { return c.sql != "FALSE" })
}

// page reads a page that the database can cut out.
func (l *list) page(ctx context.Context) (*store.Page, error) {
	p := &store.Page{}
	if l.isEmpty() {
		return p, nil
	}
	counted, extra := int64(-1), ""
	if l.Filter == nil && !l.NoTotal {
		extra = ", (" + l.countAll() + ") AS total"
	}
	var (
		more   []any
		groups string
	)
	if extra != "" {
		more = append(more, &counted)
	}
	if l.related {
		extra += ", " + l.groups()
		more = append(more, &groups)
	}
	sql, args := l.read(l.after, l.column, l.desc, l.Count+1, l.Start, extra)
	scan := l.scanner(more...)
	err := l.query(ctx, sql, args, func(rw row) error {
		r, err := scan(rw)
		if p.Resources = append(p.Resources, r); err == nil && len(p.Resources) <= l.Count {
			l.rows = groupsOf(l.rows, r.ID, groups)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	n := len(p.Resources)
	if n > l.Count {
		p.Resources = p.Resources[:l.Count]
		p.Next = l.CursorAt(l.positionOf(p.Resources[l.Count-1]))
	}
	switch {
	case l.NoTotal:
		p.Total = -1
	case counted >= 0:
		p.Total = int(counted)
	case n <= l.Count && l.after == nil && (n > 0 || l.Start == 0):
		p.Total = l.Start + n
	default:
		return l.totalOnly(ctx, p)
	}
	return p, nil
}

// scanner makes resources of the rows of read.
func (l *list) scanner(more ...any) func(row) (*store.Resource, error) {
	var typ, id string
	dest := append([]any{&typ, &id}, more...)
	return func(rw row) (*store.Resource, error) {
		r, err := scanResource(store.Key{Tenant: l.Tenant}, rw, dest...)
		if err == nil {
			r.Type, r.ID = dec(typ), dec(id)
		}
		return r, err
	}
}

// countAll is a query for how many there are of the types.
func (l *list) countAll() string {
	var types []string
	for n := range l.types {
		types = append(types, l.typePlace(n))
	}
	return "SELECT CAST(COALESCE(SUM(n), 0) AS bigint) FROM ~count WHERE tenant = $1 AND type IN (" + strings.Join(types, ", ") + ")"
}

// totalOnly counts what matches.
func (l *list) totalOnly(ctx context.Context, p *store.Page) (*store.Page, error) {
	if l.isEmpty() {
		return p, nil
	}
	sql := l.countAll()
	if l.Filter != nil {
		var counts []string
		for n, c := range l.conds {
			if c.sql != "FALSE" {
				from, where, _ := l.from(n)
				counts = append(counts, "(SELECT COUNT(*) FROM "+from+" WHERE "+where+")")
			}
		}
		sql = "SELECT " + strings.Join(counts, " + ")
	}
	sql, args := compact(sql, l.args)
	var total int64
	err := l.query(ctx, sql, args, func(rw row) error { return rw.Scan(&total) })
	p.Total = int(total)
	return p, err
}

// compact leaves out the parameters that a query doesn't use, as PostgreSQL can't know the types of those.
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
