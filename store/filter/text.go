package filter

import "github.com/rollcall-dev/rollcall/store/document"

// String returns the expression as a filter, or true if it has no terms.
func (x And) String() string { return text(x) }

// String returns the expression as a filter, or false if it has no terms.
func (x Or) String() string { return text(x) }

// String returns the expression as a filter.
func (x Not) String() string { return text(x) }

// String returns the expression as a filter.
func (x Compare) String() string { return text(x) }

// String returns the expression as a filter.
func (x Present) String() string { return text(x) }

// String returns the expression as a filter.
func (x Has) String() string { return text(x) }

// String returns the expression as a filter on the attribute that the relation was made from, such as members[value eq "x"].
func (x Related) String() string { return text(x) }

// String returns true or false. These can't be parsed as filters.
func (x Const) String() string { return text(x) }

// String returns the name of the attribute whose values are the relation's rows: members or groups.
func (r Relation) String() string { return [...]string{"?", "members", "groups"}[r] }

func text(x Expr) string { return string(appendExpr(make([]byte, 0, 64), x, inBrackets)) }

// These say what an expression is a part of, and so whether it needs brackets.
const (
	inBrackets = iota
	inOr
	inAnd
)

func appendExpr(b []byte, x Expr, within int) []byte {
	switch x := x.(type) {
	case And:
		return appendTerms(b, x, " and ", "true", within == inAnd, inAnd)
	case Or:
		return appendTerms(b, x, " or ", "false", within != inBrackets, inOr)
	case Not:
		b = append(b, "not ("...)
		return append(appendExpr(b, x.X, inBrackets), ')')
	case Compare:
		b = append(b, x.Attr.Path.String()...)
		b = append(b, ' ')
		b = append(append(b, x.Op.String()...), ' ')
		return document.AppendJSON(b, x.Value)
	case Present:
		return append(append(b, x.Attr.Path.String()...), " pr"...)
	case Has:
		b = append(append(b, x.Attr.Path.String()...), '[')
		return append(appendExpr(b, x.Where, inBrackets), ']')
	case Related:
		b = append(append(b, x.Relation.String()...), '[')
		return append(appendExpr(b, x.Where, inBrackets), ']')
	case Const:
		if x {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	}
	return b
}

// appendTerms appends terms with an operator between them, or none if there are no terms.
func appendTerms(b []byte, terms []Expr, operator, none string, brackets bool, within int) []byte {
	if len(terms) == 0 {
		return append(b, none...)
	}
	if brackets {
		b = append(b, '(')
	}
	for i, x := range terms {
		if i > 0 {
			b = append(b, operator...)
		}
		b = appendExpr(b, x, within)
	}
	if brackets {
		b = append(b, ')')
	}
	return b
}
