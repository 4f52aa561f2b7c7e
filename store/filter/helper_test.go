package filter

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/store/document"
)

// attributes are the attributes that the filters of the tests are bound to.
var attributes = func() map[string]Attr {
	m := map[string]Attr{}
	for _, a := range []Attr{
		{Path: Path{Name: "userName"}, Type: String},
		{Path: Path{Name: "externalId"}, Type: String, CaseExact: true},
		{Path: Path{Name: "title"}, Type: String},
		{Path: Path{Name: "active"}, Type: Boolean},
		{Path: Path{Name: "logins"}, Type: Integer},
		{Path: Path{Name: "score"}, Type: Decimal},
		{Path: Path{Name: "hired"}, Type: DateTime},
		{Path: Path{Name: "seen"}, Type: DateTime, Multi: true},
		{Path: Path{Name: "photo"}, Type: Binary, CaseExact: true},
		{Path: Path{Name: "profileUrl"}, Type: Reference, CaseExact: true},
		{Path: Path{Name: "tags"}, Type: String, Multi: true},
		{Path: Path{Name: "numbers"}, Type: Integer, Multi: true},
		{Path: Path{Name: "name"}, Type: Complex},
		{Path: Path{Name: "name", Sub: "familyName"}, Type: String},
		{Path: Path{Name: "manager"}, Type: Complex},
		{Path: Path{Name: "manager", Sub: "value"}, Type: String, CaseExact: true},
		{Path: Path{Name: "emails"}, Type: Complex, Multi: true},
		{Path: Path{Name: "emails", Sub: "value"}, Type: String, Multi: true},
		{Path: Path{Name: "emails", Sub: "type"}, Type: String, Multi: true},
		{Path: Path{Name: "emails", Sub: "primary"}, Type: Boolean, Multi: true},
		{Path: Path{URI: "urn:example:2.0:Badge", Name: "number"}, Type: Integer},
	} {
		m[a.Path.String()] = a
	}
	return m
}()

// bound parses a filter and binds it as package scim would.
func bound(t testing.TB, s string) Expr {
	t.Helper()
	x, _, err := Parse(s, Options{})
	require.NoError(t, err, s)
	return bind(t, x, "")
}

func bind(t testing.TB, x Expr, element string) Expr {
	attr := func(a Attr) Attr {
		p := a.Path
		if element != "" {
			p = Path{Name: element, Sub: p.Name}
		}
		b, ok := attributes[p.String()]
		if !ok && p.Sub == "value" { // tags has simple values, which a filter calls value
			b, ok = attributes[element]
		}
		require.True(t, ok, "no attribute %s", p)
		if element != "" {
			b.Path, b.Multi = a.Path, false
		}
		return b
	}
	switch x := x.(type) {
	case And:
		out := make(And, len(x))
		for i := range x {
			out[i] = bind(t, x[i], element)
		}
		return out
	case Or:
		out := make(Or, len(x))
		for i := range x {
			out[i] = bind(t, x[i], element)
		}
		return out
	case Not:
		return Not{bind(t, x.X, element)}
	case Present:
		return Present{attr(x.Attr)}
	case Has:
		return Has{attr(x.Attr), bind(t, x.Where, x.Attr.Name)}
	case Compare:
		x.Attr = attr(x.Attr)
		switch {
		case x.Value.Kind() != document.KindString:
		case x.Attr.Type == DateTime:
			x.Time, _ = ParseTime(x.Value.Text())
		case !x.Attr.CaseExact:
			x.Value = document.String(Fold(x.Op, x.Value.Text()))
		}
		return x
	}
	return x
}

// treed is a Source of a document's tree, with rows of one relation.
type treed struct {
	document.Value
	relation Relation
	rows     []document.Value
}

func source(t testing.TB, json string) Source {
	t.Helper()
	v, err := document.Parse(json, 0)
	require.NoError(t, err, json)
	return treed{Value: v}
}

func (s treed) Attribute(p Path) document.Value {
	if p.URI != "" {
		return s.Get(p.URI).Get(p.Name)
	}
	return s.Get(p.Name)
}

func (s treed) Related(r Relation, where func(row document.Value) bool) bool {
	for _, row := range s.rows {
		if r == s.relation && where(row) {
			return true
		}
	}
	return false
}
