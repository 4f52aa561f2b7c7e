package sqlstore

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// list makes one page of a query.
type list struct {
	*Store
	store.Query
	types  []listType // the types in order, each once
	after  *store.Position
	column string // the column whose index has the order of the list; "" if there is none
	desc   bool
	args   []any
	exact  bool // whether the conditions hold exactly for the resources that match
	plain  bool // whether all resources of the types match
	fixed  bool // whether the text of the statements is one of few

	most     int            // roughly how many membership rows are wanted
	rows     []store.Member // the membership rows of the page's resources
	complete int            // for how many of the resources the rows are complete

	in          Session     // the session that it reads in
	mark        filter.Expr // the part of the filter that marks answer; nil if there is none
	marksHelp   filter.Expr // a part that marks can answer, but are only asked for if there are many resources to look at
	byKey       *keyOrder   // the order of the list, if the index of keys has it; else nil
	isUnordered bool        // whether the index of keys turned out not to have the order
	total       int64       // the number of all matches if it is known, else -1

	window      int  // how many resources a walk looks at, at most; 0 for any number
	isCollected bool // whether the resources of large ranges are collected, too

	// all is how many resources a scan must look at, or 0 if that isn't known. began is when it began to do so.
	all   int
	began time.Time

	leave func() // ends the turn of a scan; nil if the list is none
}

// listType has the condition on the resources of one type.
type listType struct {
	name  string
	place string // the parameter that has the name
	Condition
	rest  filter.Expr // the part of the filter that filter.Match has to evaluate; nil if there is none
	isBig bool        // whether the range of the condition has so many resources that it is better to walk in the order of the list
	answers
}

// List implements [store.Store].
func (s *Store) List(ctx context.Context, q store.Query) (*store.Page, error) {
	page, _, _, err := s.ListRelated(ctx, q, 0)
	return page, err
}

// ListRelated implements [store.RelatedReader]. Mostly, one statement reads the page and the rows.
func (s *Store) ListRelated(ctx context.Context, q store.Query, most int) (*store.Page, []store.Member, int, error) {
	l, err := s.newList(ctx, q)
	if err != nil {
		return nil, nil, 0, err
	}
	l.most = max(most, 0)
	p, err := l.bounded(ctx)
	if err != nil {
		return nil, nil, 0, err
	}
	return p, l.rows, l.complete, nil
}

func (s *Store) newList(ctx context.Context, q store.Query) (*list, error) {
	l := &list{Store: s, Query: q, in: s.engine, total: -1}
	l.Start, l.Count = max(q.Start, 0), max(q.Count, 0)
	l.column = orderColumn(q.Sort)
	var err error
	if l.after, err = l.behind(); err != nil {
		return nil, err
	}
	l.desc = q.Sort != nil && q.Sort.Descending
	if err := l.compile(ctx, q.Filter); err != nil {
		return nil, err
	}
	l.marksHelp, _ = splitMarks(q.Filter)
	if l.marksHelp != nil && (len(l.types) != 1 || l.types[0].Ids == "" || l.types[0].isSpread) {
		err = l.useMarks(ctx)
	}
	return l, err
}

// useMarks has marks answer the part of the filter that they can.
func (l *list) useMarks(ctx context.Context) error {
	of, rest := splitMarks(l.Filter)
	l.mark, l.marksHelp = of, nil
	return l.compile(ctx, rest)
}

// orderColumn returns the column by which the database can sort; "" if there is none.
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

// compile makes conditions of the part of the filter that marks don't answer.
func (l *list) compile(ctx context.Context, x filter.Expr) error {
	l.args, l.types = []any{Enc(l.Tenant)}, nil
	l.exact, l.plain = true, true
	parts, width := 0, 0
	var failed error
	var asked map[Indexed]bool // whether the attributes are indexed that weren't known to be
	l.byKey = nil
	for _, t := range slices.Compact(slices.Sorted(slices.Values(l.Types))) {
		c := compiler{Engine: l.engine, args: &l.args, tenant: Enc(l.Tenant), typ: t, isIndexed: func(attribute string) bool {
			x := Indexed{t, attribute}
			if asked[x] || failed != nil {
				return false
			}
			var ok bool
			if ok, failed = l.isIndexed(ctx, x); !ok {
				if asked == nil {
					asked = map[Indexed]bool{}
				}
				asked[x] = true
			}
			return ok
		}}
		c.typePlace = c.arg(Enc(t))
		of := listType{name: t, place: c.typePlace, Condition: certain}
		if x != nil {
			if of.Condition, of.rest = c.split(x); of.rest != nil {
				of.rest = c.answer(of.rest, &of.answers)
			}
		}
		l.exact = l.exact && of.exact
		l.plain = l.plain && of.isCertain()
		parts, width = parts+of.parts+many*len(of.columns), max(width, len(of.columns))
		l.types = append(l.types, of)
		if l.column == "" && !l.isUnordered {
			l.byKey = newKeyOrder(&c, l.Sort.By)
		}
	}
	if len(l.types) > 1 || !l.exact {
		l.byKey = nil
	}
	for n := range l.types { // a statement for several types needs the same number of columns for each
		for len(l.types[n].columns) < width {
			l.types[n].columns = append(l.types[n].columns, "''")
		}
	}
	l.fixed = parts == 0 || parts <= 2 && len(l.types) == 1
	return failed
}

// isIndexed says whether any resource has a key of an attribute.
func (s *Store) isIndexed(ctx context.Context, x Indexed) (found bool, err error) {
	if _, ok := s.known.Load(x); ok {
		return true, nil
	}
	const sql = "SELECT 1 FROM ~indexed WHERE type = $1 AND attribute = $2"
	err = s.engine.Query(ctx, sql, []any{Enc(x.Typ), Enc(x.Attribute)}, func(Row) error {
		found = true
		return nil
	})
	if found {
		s.known.Store(x, true)
	}
	return found, err
}

// ask runs a statement of the list. The engine keeps nothing of one whose text depends on the filter.
func (l *list) ask(ctx context.Context, in Session, sql string, args []any, each func(Row) error) error {
	if l.fixed {
		return in.Query(ctx, sql, args, each)
	}
	return in.QueryOnce(ctx, sql, args, each)
}

// isEmpty says whether no resource can match.
func (l *list) isEmpty() bool {
	return !slices.ContainsFunc(l.types, func(t listType) bool { return !t.isNever() })
}

// run makes the page.
func (l *list) run(ctx context.Context) (page *store.Page, err error) {
	if l.isEmpty() {
		return &store.Page{}, nil
	}
	leave, err := l.calls.Turn(ctx, l.Tenant)
	if err != nil {
		return nil, err
	}
	defer leave()
	isSingle := l.exact && (l.column != "" || l.Count == 0) && l.mark == nil && !l.isFar()
	for _, t := range l.types {
		isSingle = isSingle && !t.isSpread
	}
	if isSingle {
		return l.make(ctx)
	}
	err = l.engine.Snapshot(ctx, func(in Session) (err error) {
		l.in = in
		page, err = l.make(ctx)
		return err
	})
	if l.in = l.engine; err != nil || l.most == 0 || len(page.Resources) == 0 || l.complete > 0 {
		return page, err
	}
	q := store.MemberQuery{Tenant: l.Tenant}
	for _, r := range page.Resources {
		q.Of = append(q.Of, r.ID)
	}
	var read MemberRows
	if l.complete, err = l.engine.Members(ctx, q, &read, l.most); err == nil {
		for m := range read.All() {
			l.rows = append(l.rows, m)
		}
	}
	return page, err
}

func (l *list) make(ctx context.Context) (*store.Page, error) {
	if l.mark != nil {
		if err := l.applyMark(ctx); err != nil {
			return nil, err
		}
	}
	if l.isLookUp() {
		if p, err := l.lookUp(ctx); p != nil || err != nil {
			return p, err
		}
	}
	switch {
	case l.isEmpty():
		return &store.Page{}, nil
	case l.exact && l.Count == 0:
		return l.totalOnly(ctx, &store.Page{})
	case l.exact && l.column != "":
		return l.page(ctx)
	case l.byKey != nil:
		return l.pageByKey(ctx)
	case l.column != "":
		return l.pick(ctx, l.in)
	}
	return l.sort(ctx, l.in)
}

// isLookUp says whether the query asks for the first page of the resources that have one key.
func (l *list) isLookUp() bool {
	return l.exact && len(l.types) == 1 && l.types[0].Key != "" && len(l.types[0].columns) == 0 && l.after == nil && l.Start == 0 && l.Count > 0
}

// lookUp returns the page if at most one resource has the key, which is the usual case. The groups of that resource are read in a column,
// which costs half of what withGroups costs. If several resources have the key, lookUp returns nil, and the page is made as any other.
func (l *list) lookUp(ctx context.Context) (*store.Page, error) {
	from, where, byID := l.from(0)
	head, more, groups := "SELECT "+columns+", r.type, r.id", []any(nil), ""
	if l.most > 0 {
		head += ", " + l.engine.Joined(filter.Groups)
		more = append(more, &groups)
	}
	sql, args := compact(head+" FROM "+from+" WHERE "+where+" ORDER BY "+byID+" LIMIT 2", l.args)
	p := &store.Page{}
	scan := l.scanner(more...)
	err := l.ask(ctx, l.in, sql, args, func(rw Row) error {
		found, err := scan(rw)
		if err != nil {
			return err
		}
		r, err := found.whole()
		p.Resources = append(p.Resources, r)
		return err
	})
	if err != nil || len(p.Resources) > 1 {
		return nil, err
	}
	if len(p.Resources) == 1 && l.most > 0 {
		l.rows = splitRows(nil, groups, p.Resources[0].ID)
	}
	l.cutRows(p.Resources)
	if p.Total = len(p.Resources); l.NoTotal {
		p.Total = -1
	}
	return p, nil
}

// page reads a page that the database can find by the conditions alone.
func (l *list) page(ctx context.Context) (*store.Page, error) {
	p := &store.Page{}
	var counted int64
	total, extra := l.total, ""
	if l.isFar() {
		if err := l.skip(ctx); err != nil {
			return nil, err
		}
		if total = l.total; int64(l.Start) >= total && l.after == nil {
			p.Total = int(total)
			return p, nil
		}
	}
	if l.plain && !l.NoTotal && total < 0 {
		extra = ", (" + l.countAll() + ") AS total"
	}
	if l.column == "id" && slices.ContainsFunc(l.types, func(t listType) bool { return t.isBig }) {
		l.window = windowOfSpan
	}
	sql, args := l.read(l.after, l.column, l.desc, l.Count+1, l.Start, extra, l.most)
	var more []any
	if extra != "" {
		more = append(more, &counted)
	}
	scan := l.scanner(more...)
	err := l.ask(ctx, l.in, sql, args, func(rw Row) error {
		found, err := scan(rw)
		if err != nil {
			return err
		}
		if found.Type == KeySplit { // see withGroups
			l.rows = splitGroups(found.keys)
			return nil
		}
		if extra != "" {
			total = counted
		}
		r, err := found.whole()
		p.Resources = append(p.Resources, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	n := len(p.Resources)
	if l.window > 0 && n <= l.Count {
		return nil, errWindow
	}
	if n > l.Count {
		p.Resources = p.Resources[:l.Count]
		p.Next = l.CursorAt(l.positionOf(p.Resources[l.Count-1]))
	}
	l.cutRows(p.Resources)
	switch {
	case l.NoTotal:
		p.Total = -1
	case total >= 0:
		p.Total = int(total)
	case n <= l.Count && l.after == nil && (n > 0 || l.Start == 0):
		p.Total = l.Start + n
	default:
		return l.totalOnly(ctx, p)
	}
	return p, nil
}

// errEnough ends a statement whose further rows are not needed.
var errEnough = errors.New("enough")

// countAll returns a query for the number of all resources of the types.
func (l *list) countAll() string {
	types := ""
	for n, t := range l.types {
		if n > 0 {
			types += ", "
		}
		types += t.place
	}
	return "SELECT CAST(COALESCE(SUM(n), 0) AS bigint) FROM ~count WHERE tenant = $1 AND type IN (" + types + ")"
}

// totalOnly makes a page that has only the total.
func (l *list) totalOnly(ctx context.Context, p *store.Page) (*store.Page, error) {
	if l.total >= 0 {
		p.Total = int(l.total)
		return p, nil
	}
	total, err := l.remembered(ctx)
	p.Total = int(total)
	return p, err
}

// countOf returns a query for the number of resources that match.
func (l *list) countOf() string {
	if l.plain {
		return l.countAll()
	}
	sql := ""
	for n, t := range l.types {
		if t.isNever() {
			continue
		}
		if sql != "" {
			sql += " + "
		}
		if s := t.span; s != nil && t.SQL == s.test && s.once {
			sql += "(SELECT COUNT(*) FROM (SELECT " + s.rows + ") j)"
			continue
		}
		if s := t.span; s != nil && t.SQL == s.test && t.isThere {
			sql += "(SELECT COUNT(*) FROM (SELECT DISTINCT " + s.rows + ") j)"
			continue
		}
		if t.IsIDs && t.isThere {
			sql += "(SELECT COUNT(*) FROM (SELECT DISTINCT * FROM (" + t.Ids + ") i) j)"
			continue
		}
		from, where, _ := l.from(n)
		sql += "(SELECT COUNT(*) FROM " + from + " WHERE " + where + ")"
	}
	return "SELECT " + sql
}

// count runs a query for a number.
func (l *list) count(ctx context.Context, sql string) (n int64, err error) {
	sql, args := compact(sql, l.args)
	err = l.ask(ctx, l.in, sql, args, func(rw Row) error { return rw.Scan(&n) })
	return n, err
}
