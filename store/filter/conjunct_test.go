package filter_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// TestConjuncts shows that Conjuncts returns the comparisons that must hold, and none that need not hold.
func TestConjuncts(t *testing.T) {
	is := func(name string) filter.Compare {
		return filter.Compare{Attr: filter.Attr{Path: filter.Path{Name: name}, Type: filter.String}, Op: filter.Eq, Value: document.String("x")}
	}
	present := filter.Present{Attr: is("p").Attr}
	for name, tt := range map[string]struct {
		x    filter.Expr
		want []filter.Compare
	}{
		"nothing":                     {nil, nil},
		"a comparison":                {is("a"), []filter.Compare{is("a")}},
		"several":                     {filter.And{is("a"), is("b")}, []filter.Compare{is("a"), is("b")}},
		"several in several":          {filter.And{filter.And{is("a"), filter.And{is("b")}}, is("c")}, []filter.Compare{is("a"), is("b"), is("c")}},
		"among others":                {filter.And{present, is("a"), filter.Const(true)}, []filter.Compare{is("a")}},
		"one or another":              {filter.Or{is("a"), is("b")}, nil},
		"one, and another or a third": {filter.And{is("a"), filter.Or{is("b"), is("c")}}, []filter.Compare{is("a")}},
		"not one":                     {filter.And{is("a"), filter.Not{X: is("b")}}, []filter.Compare{is("a")}},
		"one of an element":           {filter.And{filter.Has{Attr: present.Attr, Where: is("a")}, is("b")}, []filter.Compare{is("b")}},
		"one of a member":             {filter.Related{Relation: filter.Members, Where: is("a")}, nil},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tt.want, filter.Conjuncts(tt.x)) })
	}
}
