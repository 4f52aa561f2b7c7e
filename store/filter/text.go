package filter

import "github.com/rollcall-dev/rollcall/store/document"

// String returns the expression in the grammar; with no terms, true.
func (x And) String() string { return text(x) }

// String returns the expression in the grammar; with no terms, false.
func (x Or) String() string { return text(x) }

// String returns the expression in the grammar.
func (x Not) String() string { return text(x) }

// String returns the expression in the grammar.
func (x Compare) String() string { return text(x) }

// String returns the expression in the grammar.
func (x Present) String() string { return text(x) }

// String returns the expression in the grammar.
func (x Has) String() string { return text(x) }

// String returns the relation like the attribute that it was: members[value eq "x"].
func (x Related) String() string { return text(x) }

// String is true or false, which are no filters.
func (x Const) String() string { return text(x) }

// String returns the name of the attribute that the relation was.
func (r Relation) String() string { return [...]string{"?", "members", "groups"}[r] }

func text(x Expr) string { return string(appendExpr(make([]byte, 0, 64), x, inBrackets)) }

// What an expression stands in, and so which operators need brackets there.
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

// appendTerms writes terms with an operator between them.
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
