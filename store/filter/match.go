package filter

import (
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
)

// Source is a resource that a filter is evaluated on. store.Resource has the method Attribute, and a store adds Related.
type Source interface {
	// Attribute returns the value of the top-level attribute of a path, or the zero Value if there is none. It ignores Path.Sub.
	Attribute(p Path) document.Value
	// Related says whether some row of the relation satisfies the predicate. The row is an object with the fields
	// value, type and display.
	Related(r Relation, where func(row document.Value) bool) bool
}

// Match says whether a bound expression holds for a resource. It defines what filters mean, and every store must
// agree with it:
//
//   - The values of a multi-valued attribute are its elements, or the sub-attribute of each element that has it. A comparison holds if it does
//     for any value, also one by ne.
//   - For an attribute without a value, eq holds with null, and ne with everything else. No other operator can compare null.
//   - If the literal is of another kind than the value, only ne holds.
//   - Strings are compared by code points, folded by [document.Fold] unless caseExact; numbers by value; dateTimes as points in time,
//     where one without a time zone is in UTC.
//   - An attribute is present if it has a value, also an empty string.
//
// Its cost is limited by the length of the filter (see [Options]) and the size of the resource: each attribute of the
// resource is read a few times at most, and each term looks at each value of its attribute once. It is safe for concurrent use if src is.
func Match(x Expr, src Source) bool {
	s := scope{src: src}
	if isLong(x) {
		s.seen = make(map[Path]document.Value)
	}
	return s.match(x)
}

// MatchElement says whether the bound expression of a [Has] holds for an element of a multi-valued attribute. If the element is
// no object, the expression calls it value.
func MatchElement(where Expr, elem document.Value) bool { return (&scope{elem: elem}).match(where) }

// few is the number of terms up to which it is cheaper to read an attribute for each term than to remember its value.
const few = 4

// isLong says whether an expression has more terms than few.
func isLong(x Expr) bool { return countTerms(x, few) > few }

// countTerms counts the terms of an expression. It stops soon after it has counted more than most.
func countTerms(x Expr, most int) (n int) {
	var terms []Expr
	switch x := x.(type) {
	case And:
		terms = x
	case Or:
		terms = x
	case Not:
		return countTerms(x.X, most)
	default:
		return 1
	}
	for i := 0; i < len(terms) && n <= most; i++ {
		n += countTerms(terms[i], most)
	}
	return n
}

// scope has what the names in an expression refer to: the attributes of a resource, or those of an element if src is nil.
type scope struct {
	src    Source
	seen   map[Path]document.Value // the attributes of src that were read; if nil, they are not remembered
	elem   document.Value
	budget *Budget // nil if there is no limit
}

func (s *scope) attribute(p Path) document.Value {
	switch {
	case s.src != nil && s.seen == nil:
		return s.src.Attribute(p)
	case s.src != nil:
		p.Sub = ""
		v, ok := s.seen[p]
		if !ok {
			v = s.src.Attribute(p)
			s.seen[p] = v
		}
		return v
	case s.elem.Kind() == document.KindObject:
		return s.elem.Get(p.Name)
	case p.Name == "value":
		return s.elem
	}
	return document.Value{}
}

func (s *scope) match(x Expr) bool {
	switch x := x.(type) {
	case Compare:
		v := s.attribute(x.Attr.Path)
		return x.matches(&v, s.budget)
	case Present:
		if !s.budget.spend(1) {
			return false
		}
		v := s.attribute(x.Attr.Path)
		return isPresent(&v, x.Attr.Sub)
	case And:
		for _, term := range x {
			if !s.match(term) {
				return false
			}
		}
		return true
	case Or:
		for _, term := range x {
			if s.match(term) {
				return true
			}
		}
		return false
	case Not:
		return !s.match(x.X)
	case Has:
		v := s.attribute(x.Attr.Path)
		if v.IsEmpty() {
			return false
		}
		in := scope{elem: v, budget: s.budget}
		if v.Kind() != document.KindArray {
			return in.match(x.Where)
		}
		for i := range v.Items() {
			if in.elem = *v.At(i); !in.elem.IsEmpty() && in.match(x.Where) {
				return true
			}
		}
	case Related:
		budget := s.budget // if the function used s, s would have to be allocated
		return s.src != nil && s.src.Related(x.Relation, func(row document.Value) bool {
			return (&scope{elem: row, budget: budget}).match(x.Where)
		})
	case Const:
		return bool(x)
	}
	return false
}

// matches compares each of the attribute's values.
func (c *Compare) matches(v *document.Value, b *Budget) bool {
	if c.Value.IsNull() {
		if !b.spend(1) {
			return false
		}
		return c.Op == Eq && !isPresent(v, c.Attr.Sub) || c.Op == Ne && isPresent(v, c.Attr.Sub)
	}
	found, matched := c.among(v, c.Attr.Sub, b)
	return matched || !found && c.Op == Ne
}

// among says whether the attribute has a value, and whether one matches.
func (c *Compare) among(v *document.Value, sub string, b *Budget) (found, matched bool) {
	if !b.spend(1 + len(v.Text())/textUnit) {
		return false, false
	}
	switch v.Kind() {
	case document.KindNull:
		return false, false
	case document.KindArray:
		for i := range v.Items() {
			f, m := c.among(v.At(i), sub, b)
			if m {
				return true, true
			}
			found = found || f
		}
		return found, false
	case document.KindObject:
		if sub == "" {
			sub = "value" // a complex attribute without a sub-attribute means its value
		}
		if v = v.Ref(sub); v == nil {
			return false, false
		}
		if v.Kind() == document.KindObject {
			return false, false // attributes aren't nested so deeply
		}
		return c.among(v, "", b)
	}
	if sub != "" && sub != "value" {
		return false, false
	}
	return true, c.holds(v)
}

func isPresent(v *document.Value, sub string) bool {
	switch {
	case sub == "":
		return !v.IsEmpty()
	case v.Kind() == document.KindObject:
		x := v.Ref(sub)
		return x != nil && !x.IsEmpty()
	case v.Kind() == document.KindArray:
		for i := range v.Items() {
			if isPresent(v.At(i), sub) {
				return true
			}
		}
		return false
	}
	return sub == "value" && !v.IsNull()
}

// holds compares a value with the literal.
func (c *Compare) holds(v *document.Value) bool {
	if v.Kind() != c.Value.Kind() {
		return c.Op == Ne
	}
	switch v.Kind() {
	case document.KindBool:
		return c.Op == Eq && v.True() == c.Value.True() || c.Op == Ne && v.True() != c.Value.True()
	case document.KindNumber:
		return c.Op.orders(document.CompareNumbers(v.Text(), c.Value.Text()))
	}
	text, literal := v.Text(), c.Value.Text()
	switch {
	case c.Attr.Type == DateTime && c.Op != Co && c.Op != Sw && c.Op != Ew:
		t, ok := ParseTime(text)
		if !ok {
			return c.Op == Ne
		}
		return c.Op.orders(t.Compare(c.Time))
	case !c.Attr.CaseExact && c.Op == Eq:
		return document.FoldsTo(text, literal)
	case !c.Attr.CaseExact:
		text = document.Fold(text)
	}
	switch c.Op {
	case Eq:
		return text == literal
	case Co:
		return strings.Contains(text, literal)
	case Sw:
		return strings.HasPrefix(text, literal)
	case Ew:
		return strings.HasSuffix(text, literal)
	}
	return c.Op.orders(strings.Compare(text, literal))
}

// orders says whether the operator holds for two values whose comparison, as by strings.Compare, is c.
func (o Op) orders(c int) bool {
	switch o {
	case Eq:
		return c == 0
	case Ne:
		return c != 0
	case Gt:
		return c > 0
	case Ge:
		return c >= 0
	case Lt:
		return c < 0
	case Le:
		return c <= 0
	}
	return false
}
