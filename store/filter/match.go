package filter

import (
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
)

// Source is what a filter is evaluated on. store.Resource knows its attributes; a store adds its membership rows.
type Source interface {
	// Attribute returns a top-level attribute's value, with Path.Sub disregarded; the zero Value if there is none.
	Attribute(p Path) document.Value
	// Related says whether some row of the relation satisfies the predicate. The row is an object with the members
	// value, type and display.
	Related(r Relation, where func(row document.Value) bool) bool
}

// Match says whether a bound expression holds for a resource. It is the meaning of filters that every store must
// agree with:
//
//   - A multi-valued attribute's values are those of its elements, or of the sub-attribute of each element; elements
//     without it add no value. Any value that compares will do, also with ne.
//   - An attribute without a value equals null, and is ne to everything else. Only eq and ne know null.
//   - A literal of another kind than the value is ne to it, and stands in no other relation.
//   - Strings compare by code points, folded unless caseExact; numbers by value; dateTimes as instants, where one that
//     has no time zone is UTC.
//   - An attribute is present if it has a value, be it an empty string.
func Match(x Expr, src Source) bool { return (&scope{src: src}).match(x) }

// MatchElement says whether the bound expression of a Has holds for an element of a multi-valued attribute. An element
// that is no object has one attribute, itself: value.
func MatchElement(where Expr, elem document.Value) bool { return (&scope{elem: elem}).match(where) }

// scope is what the names in an expression refer to: a resource, or an element if src is nil.
type scope struct {
	src  Source
	elem document.Value
}

func (s *scope) attribute(p Path) document.Value {
	switch {
	case s.src != nil:
		return s.src.Attribute(p)
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
		return x.matches(&v)
	case Present:
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
		if v.Kind() != document.KindArray {
			return !v.IsEmpty() && MatchElement(x.Where, v)
		}
		for i := range v.Items() {
			if e := *v.At(i); !e.IsEmpty() && MatchElement(x.Where, e) {
				return true
			}
		}
	case Related:
		return s.src != nil && s.src.Related(x.Relation, func(row document.Value) bool {
			return MatchElement(x.Where, row)
		})
	case Const:
		return bool(x)
	}
	return false
}

// matches compares each of the attribute's values.
func (c *Compare) matches(v *document.Value) bool {
	if c.Value.IsNull() {
		return c.Op == Eq && !isPresent(v, c.Attr.Sub) || c.Op == Ne && isPresent(v, c.Attr.Sub)
	}
	found, matched := c.among(v, c.Attr.Sub)
	return matched || !found && c.Op == Ne
}

// among says whether there is a value, and whether one matches.
func (c *Compare) among(v *document.Value, sub string) (found, matched bool) {
	switch v.Kind() {
	case document.KindNull:
		return false, false
	case document.KindArray:
		for i := range v.Items() {
			f, m := c.among(v.At(i), sub)
			if m {
				return true, true
			}
			found = found || f
		}
		return found, false
	case document.KindObject:
		if sub == "" {
			sub = "value" // of a complex attribute that is named alone
		}
		if v = v.Ref(sub); v == nil {
			return false, false
		}
		if v.Kind() == document.KindObject {
			return false, false // no attribute is so deep
		}
		return c.among(v, "")
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
		return foldsTo(text, literal)
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

// orders says whether the operator holds between two values of which the comparison is c.
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

// foldsTo is document.Fold(s) == folded without making the folded string of one that is ASCII.
func foldsTo(s, folded string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x80 {
			return len(folded) >= i && document.Fold(s[i:]) == folded[i:]
		}
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if i == len(folded) || c != folded[i] {
			return false
		}
	}
	return len(s) == len(folded)
}
