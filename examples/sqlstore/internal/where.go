package sqlstore

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

const GroupType = "Group" // the resource type whose members membership rows are (RFC 7643 section 4.2)

// Condition is a condition in SQL for an expression. It holds for every resource that the expression holds for. If it is exact, it holds
// for no other. All values in it are parameters, and none of its parts is ever NULL.
type Condition struct {
	SQL   string // the condition on one resource r
	exact bool
	// Ids is a query for the ids of all resources that the condition can hold for; "" if no index
	// answers one. IsIDs says that the condition holds for exactly these resources.
	Ids   string
	IsIDs bool
	// isStable says that the condition is only about ids, keys and marks, whose changes the tables count.
	isStable bool
	isThere  bool   // whether all ids are those of resources of the type
	wide     int    // how many of the queries in Ids may find very many ids, because they ask for the members of a group
	Key      string // the parameter of a key, if the ids are those of the resources that have it: an index has them in their order, each once
	// isRange says that an index has the resources next to each other.
	isRange bool
	// isSpread says that there may be any number of ids. span is the range of an index that has them, if there is one.
	isSpread bool
	span     *span
	// isHeavy says that membership rows are read for each resource.
	isHeavy bool
	// parts is how many look-ups of a fixed form the text is made of. It is many if the text depends on the filter in another way.
	parts int
}

// many is a number of parts that is greater than that of any statement that stays prepared.
const many = 100

var (
	certain = Condition{SQL: "TRUE", exact: true, isStable: true}
	never   = Condition{SQL: "FALSE", exact: true, isStable: true}
	unknown = Condition{SQL: "TRUE"} // filter.Match has to evaluate the expression
)

func (c Condition) isNever() bool   { return c.SQL == "FALSE" }
func (c Condition) isCertain() bool { return c.SQL == "TRUE" && c.exact }

// manyWide is the number of groups from which on it costs as much to find their members as to look at all resources.
const manyWide = 5

// isIndexed says whether an index finds a set of resources that has all for which the condition holds.
func (c Condition) isIndexed() bool {
	return c.isNever() || c.Ids != "" && c.wide < manyWide || c.isRange
}

func exactly(sql string) Condition { return Condition{SQL: sql, exact: true, parts: many} }

// exists returns the condition that a query about a resource r has a row. Because of the OFFSET, a planner can't make a join of the query,
// so it runs only for those resources for which it is needed. A join would be one of all resources with all memberships.
func exists(query string) string { return "EXISTS (" + query + " LIMIT 1 OFFSET 0)" }

// compiler makes conditions on the resources (r) of one type. The first parameter of a statement is the tenant.
type compiler struct {
	Engine
	args      *[]any
	tenant    string
	typ       string
	typePlace string
	isIndexed func(attribute string) bool
}

// Place returns the placeholder of the nth parameter.
func Place(n int) string { return "$" + strconv.Itoa(n) }

func (c *compiler) arg(v any) string {
	*c.args = append(*c.args, v)
	return Place(len(*c.args))
}

// text adds a parameter whose type the database can't tell from its use.
func (c *compiler) text(s string) string { return "CAST(" + c.arg(Enc(s)) + " AS text)" }

// withKey returns the condition that a resource has a key.
func (c *compiler) withKey(hash []byte) Condition {
	key := c.arg(hash)
	s := &span{test: exists("SELECT 1 FROM ~keys k WHERE k.key = " + key + " AND k.id = r.id"), rows: "k.id FROM ~keys k WHERE k.key = " + key, once: true}
	return Condition{SQL: s.test, exact: true, Ids: "SELECT " + s.rows, IsIDs: true, isThere: true, isStable: true, Key: key, span: s, parts: 1}
}

// span is a range of an index.
type span struct {
	test string // the condition that a resource r is in the range
	rows string // the part behind SELECT of a query for the rows of the range
	once bool   // whether no resource has two of the rows
	// If the range has several keys, these are their attribute, the least key, and the least key that is greater than all.
	attribute    string
	least, under []byte
	// group is the group whose members the rows are, as the tables have it.
	group string
	// others is the part behind SELECT of a query for the other resources of the type, if the range is one of times.
	others string
}

// MembersOf returns the condition on membership rows m whose members have the ids, in the order of ids. It returns "" if
// the ids are not those of the members of a group.
func (c Condition) MembersOf() string {
	if c.span == nil || c.span.group == "" || c.Ids == "" {
		return ""
	}
	_, where, _ := strings.Cut(c.span.rows, " WHERE ")
	return where
}

// beginning returns the condition that a resource has a key of the attribute whose value begins with a text.
func (c *compiler) beginning(attribute, text string, once bool) Condition {
	least := TenantHash(c.tenant).attribute(Enc(c.typ), attribute, len(text))
	least = append(least, text...)
	s := &span{once: once, attribute: attribute, least: least, under: next(least)}
	s.rows = "k.id FROM ~keys k WHERE k.key >= " + c.arg(least) + " AND k.key < " + c.arg(s.under)
	s.test = c.Contains("'"+KeysSplit+"' || r.keys", "CAST("+c.arg(KeysSplit+Enc(attribute)+KeySplit+text)+" AS text)")
	return Condition{
		SQL: s.test, exact: true,
		Ids: "SELECT " + s.rows, IsIDs: true, isThere: true, isStable: true, isSpread: true, span: s, parts: many,
	}
}

// among returns the condition that a resource has one of the ids of a query.
func among(ids string) Condition {
	return Condition{SQL: "r.id IN (" + ids + ")", exact: true, Ids: ids, IsIDs: true, parts: many}
}

func (c *compiler) compile(x filter.Expr) Condition {
	switch x := x.(type) {
	case filter.Const:
		if x {
			return certain
		}
		return never
	case filter.And:
		all, _ := c.and(x)
		return all
	case filter.Or:
		return c.or(x)
	case filter.Not:
		if in := c.compile(x.X); in.exact {
			not := exactly("NOT (" + in.SQL + ")")
			not.isHeavy, not.isStable = in.isHeavy, in.isStable
			switch {
			case in.isCertain():
				return never
			case in.isNever():
				return certain
			}
			return not
		}
	case filter.Compare:
		return c.compare(x)
	case filter.Present:
		if x.Attr.URI == "" && x.Attr.Sub == "" && (x.Attr.Name == "id" || x.Attr.Name == "meta") {
			return certain
		}
	case filter.Has:
		return c.has(x)
	case filter.Related:
		return c.related(x)
	}
	return unknown
}

// split makes the condition of a whole filter, and returns the part of the filter that filter.Match has to evaluate.
func (c *compiler) split(x filter.Expr) (Condition, filter.Expr) {
	if terms, ok := x.(filter.And); ok {
		all, rest := c.and(terms)
		switch len(rest) {
		case 0:
			return all, nil
		case 1:
			return all, rest[0]
		}
		return all, filter.And(rest)
	}
	all := c.compile(x)
	if all.exact {
		return all, nil
	}
	return all, x
}

// and makes the condition of an And, and returns those terms for which it isn't exact.
func (c *compiler) and(terms []filter.Expr) (Condition, []filter.Expr) {
	all := Condition{SQL: "TRUE", exact: true, isStable: true}
	parts := make([]Condition, len(terms))
	narrow := -1 // the index of the term with the fewest ids
	for i, t := range terms {
		p := c.compile(t)
		if parts[i] = p; p.isNever() {
			return never, nil
		}
		if p.Ids != "" && (narrow < 0 || p.width() < parts[narrow].width()) {
			narrow = i
		}
	}
	var (
		texts []string
		rest  []filter.Expr
	)
	for i, p := range parts {
		if narrow >= 0 && p.isHeavy {
			p = unknown // filter.Match evaluates the term, and stream counts the resources
		}
		if !p.exact {
			rest = append(rest, terms[i])
		}
		if p.SQL != "TRUE" {
			texts = append(texts, p.SQL)
			all.parts += p.parts
		}
		all.isHeavy = all.isHeavy || p.isHeavy
		all.isRange = all.isRange || p.isRange
		all.isStable = all.isStable && p.isStable
	}
	if all.exact = len(rest) == 0; narrow >= 0 {
		p := parts[narrow]
		all.Ids, all.Key, all.wide, all.IsIDs = p.Ids, p.Key, p.wide, p.IsIDs && len(texts) == 1
		all.isThere, all.isSpread, all.span = p.isThere, p.isSpread, p.span
	}
	switch {
	case len(texts) == 1:
		all.SQL = texts[0]
	case len(texts) > 1:
		all.SQL = "(" + strings.Join(texts, " AND ") + ")"
	}
	return all, rest
}

// width returns a number by which queries for ids are ordered: those that find few ids have the least.
func (c Condition) width() int {
	switch {
	case c.isSpread:
		return 3
	case c.wide > 0:
		return 2
	case c.Key == "":
		return 1
	}
	return 0
}

// or makes the condition of an Or. If it can, it also says which ids a match must have, because no engine derives that from the terms.
func (c *compiler) or(terms []filter.Expr) Condition {
	if len(terms) == 1 {
		return c.compile(terms[0])
	}
	any := Condition{exact: true, IsIDs: true, isThere: true, isStable: true, parts: many}
	var texts, ids []string
	for _, p := range c.alternatives(terms) {
		switch {
		case p.isNever():
			continue
		case p.SQL == "TRUE":
			return Condition{SQL: "TRUE", exact: p.exact && p.isCertain()}
		}
		texts = append(texts, p.SQL)
		any.exact = any.exact && p.exact
		any.IsIDs = any.IsIDs && p.IsIDs
		any.isThere, any.isStable = any.isThere && p.isThere, any.isStable && p.isStable
		any.wide += p.wide
		any.isSpread = any.isSpread || p.isSpread
		any.isHeavy = any.isHeavy || p.isHeavy
		if p.Ids != "" {
			ids = append(ids, p.Ids)
		}
	}
	if len(texts) == 0 {
		return never
	}
	if any.SQL = "(" + strings.Join(texts, " OR ") + ")"; len(ids) == len(texts) {
		any.Ids = strings.Join(ids, " UNION ALL ")
	} else {
		any.IsIDs, any.wide, any.isSpread = false, 0, false
	}
	return any
}

// alternatives compiles the terms of an Or. All terms that ask for ids become one condition with one parameter, and so do all that ask for
// keys of one attribute, so that statements are few and short.
func (c *compiler) alternatives(terms []filter.Expr) (all []Condition) {
	var ids, keys []string
	for _, t := range terms {
		if x, ok := t.(filter.Compare); ok {
			if id, ok := isID(x); ok {
				ids = append(ids, Enc(id))
				continue
			}
			if hash, ok := c.lookup(x.Attr.Path, x); ok {
				keys = append(keys, hex.EncodeToString(hash))
				continue
			}
		}
		all = append(all, c.compile(t))
	}
	if len(ids) > 0 {
		all = append(all, c.withID(ids))
	}
	if len(keys) > 0 {
		slices.Sort(keys)
		found := among(c.IdsOfKeys(c.arg(c.Texts(slices.Compact(keys)))))
		found.isThere, found.isStable = true, true
		all = append(all, found)
	}
	return all
}

// isID says whether a comparison asks for one id, and returns that.
func isID(x filter.Compare) (id string, ok bool) {
	return x.Value.Text(), x.Attr.URI == "" && x.Attr.Name == "id" && x.Attr.Sub == "" && x.Op == filter.Eq && x.Attr.CaseExact &&
		x.Attr.Type == filter.String && x.Value.Kind() == document.KindString
}

func (c *compiler) withID(ids []string) Condition {
	slices.Sort(ids)
	found := among(c.IdsIn(c.arg(c.Texts(slices.Compact(ids)))))
	found.isStable = true
	return found
}

func (c *compiler) compare(x filter.Compare) Condition {
	if id, ok := isID(x); ok {
		one := c.withID([]string{Enc(id)})
		one.parts = 1
		return one
	}
	if x.Attr.URI == "" {
		switch {
		case x.Attr.Name == "id" && x.Attr.Sub == "":
			p := c.compareText("r.id", "", x)
			p.isRange = p.exact && (x.Op == filter.Gt || x.Op == filter.Ge || x.Op == filter.Lt || x.Op == filter.Le)
			return p
		case x.Attr.Name == "meta":
			switch x.Attr.Sub {
			case "resourceType":
				return c.compareType(x)
			case "version":
				return c.compareText("r.version", "", x)
			case "created":
				return c.compareTime("r.created", x)
			case "lastModified":
				return c.compareTime("r.modified", x)
			}
			return unknown
		}
	}
	if hash, ok := c.lookup(x.Attr.Path, x); ok {
		return c.withKey(hash)
	}
	return c.begins(x.Attr.Path, x)
}

// begins returns the condition that a value of an indexed attribute begins with a text.
func (c *compiler) begins(p filter.Path, x filter.Compare) Condition {
	if x.Op != filter.Sw || x.Attr.Type != filter.String && x.Attr.Type != filter.Reference || x.Value.Kind() != document.KindString {
		return unknown
	}
	text := x.Value.Text()
	for i := range len(text) {
		if text[i] < ' ' { // such a byte could match a part of an escape sequence
			return unknown
		}
	}
	attribute, ok := c.keysOf(p)
	if !ok || text == "" || len(text) > wholeValue || !utf8.ValidString(text) {
		return unknown
	}
	return c.beginning(attribute, text, !x.Attr.Multi && p.Sub == "")
}

// keysOf returns the indexed attribute that a path means.
func (c *compiler) keysOf(p filter.Path) (attribute string, ok bool) {
	if c.isIndexed(p.String()) {
		return p.String(), true
	}
	if p.Sub != "" {
		return "", false
	}
	p.Sub = "value" // emails eq "x" means emails.value eq "x"
	return p.String(), c.isIndexed(p.String())
}

// lookup returns the hash of the key that a comparison asks for, if the attribute is indexed.
func (c *compiler) lookup(p filter.Path, x filter.Compare) (hash []byte, ok bool) {
	isText := x.Attr.Type == filter.String || x.Attr.Type == filter.Reference
	if x.Op != filter.Eq || !isText || x.Value.Kind() != document.KindString || x.Value.Text() == "" {
		return nil, false
	}
	attribute, ok := c.keysOf(p)
	if !ok {
		return nil, false
	}
	return HashOf(c.tenant, Enc(c.typ), KeyOf(attribute, x.Value.Text())), true
}

// has makes the condition of a Has: it finds resources by a key of an element, and leaves the rest to filter.Match.
func (c *compiler) has(x filter.Has) Condition {
	best := unknown
	for _, t := range filter.Conjuncts(x.Where) {
		p := x.Attr.Path
		p.Sub = t.Attr.Name
		var found Condition
		if hash, ok := c.lookup(p, t); ok {
			found = c.withKey(hash)
		} else {
			t.Attr.Multi = true
			found = c.begins(p, t)
		}
		if found.Ids != "" && (best.Ids == "" || found.width() < best.width()) {
			_, isAll := x.Where.(filter.Compare)
			best, best.exact = found, isAll
		}
	}
	return best
}
