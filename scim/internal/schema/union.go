package schema

import (
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// BindAmong binds a filter of a query across several types (RFC 7644 section 3.4.2.1) to each of them. An attribute that a
// type doesn't have counts as unassigned there. One that no type has is an error, as in [Type.Bind]. Comparisons of meta.resourceType
// are evaluated here. So the filter is Const(false) for a type that can't match, and Const(true) for one whose resources all match.
func BindAmong(types []*Type, x filter.Expr, m *Mode) ([]filter.Expr, error) {
	out := make([]filter.Expr, len(types))
	known := map[filter.Path]bool{} // whether some type has the attribute
	for i, t := range types {
		b := &binder{t: t, m: m, known: known}
		bound, err := b.bind(x)
		if err != nil {
			err.Type = "invalidFilter"
			return nil, err
		}
		out[i] = simplified(bound)
	}
	for _, has := range known {
		if has {
			continue
		}
		for _, t := range types {
			if _, err := t.Bind(x, m); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// among resolves an attribute of a filter across types, and notes whether this type has it.
func (b *binder) among(p filter.Path) (missing bool) {
	if b.known == nil || b.element != nil {
		return false
	}
	_, _, err := b.resolve(p)
	b.known[p] = b.known[p] || err == nil
	return err != nil
}

// absent returns the result of a comparison of an attribute without a value.
func absent(x filter.Compare) filter.Const {
	return filter.Const(x.Value.IsNull() && x.Op == filter.Eq || !x.Value.IsNull() && x.Op == filter.Ne)
}

// ofType evaluates a comparison of meta.resourceType.
func (t *Type) ofType(x filter.Compare) filter.Const {
	x.Attr = filter.Attr{Path: filter.Path{Name: "value"}, Type: filter.String, CaseExact: true}
	return filter.Const(filter.MatchElement(x, document.String(t.Name)))
}

func isResourceType(p filter.Path) bool {
	return p.URI == "" && strings.EqualFold(p.Name, "meta") && strings.EqualFold(p.Sub, "resourceType")
}

// simplified returns the expression without terms whose results are known.
func simplified(x filter.Expr) filter.Expr {
	switch x := x.(type) {
	case filter.And:
		return joined(x, true, func(terms []filter.Expr) filter.Expr { return filter.And(terms) })
	case filter.Or:
		return joined(x, false, func(terms []filter.Expr) filter.Expr { return filter.Or(terms) })
	case filter.Not:
		inner := simplified(x.X)
		if c, ok := inner.(filter.Const); ok {
			return !c
		}
		return filter.Not{X: inner}
	}
	return x
}

// joined joins terms. A constant term that is neutral is left out, and any other constant is the result of the whole.
func joined(terms []filter.Expr, neutral filter.Const, join func([]filter.Expr) filter.Expr) filter.Expr {
	var rest []filter.Expr
	for _, term := range terms {
		term = simplified(term)
		switch c, ok := term.(filter.Const); {
		case !ok:
			rest = append(rest, term)
		case c != neutral:
			return c
		}
	}
	switch len(rest) {
	case 0:
		return neutral
	case 1:
		return rest[0]
	}
	return join(rest)
}
