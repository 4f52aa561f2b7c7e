package filter_test

import (
	"errors"
	"fmt"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// A text becomes a tree, or an error that says where the text is wrong. The error shows no value of the filter.
func ExampleParse() {
	x, _, err := filter.Parse(`userName sw "a" and not (active eq false)`, filter.Options{})
	fmt.Printf("%T %v %v\n", x, x, err)

	_, _, err = filter.Parse(`userName likes "ada"`, filter.Options{})
	var wrong *filter.Error
	fmt.Println(errors.As(err, &wrong), err)
	// Output:
	// filter.And userName sw "a" and not (active eq false) <nil>
	// true at character 10: want an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr), got "likes"
}

// Some deviations from the grammar, which identity providers send, are understood. The result says which.
func ExampleParse_dialect() {
	x, used, err := filter.Parse(`emails[type eq "work"].value eq "ada@acme.example"`, filter.Options{})
	fmt.Println(x, used.Has(filter.ValuePathOperator), err)

	_, _, err = filter.Parse(`emails[type eq "work"].value eq "ada@acme.example"`, filter.Options{Strict: true})
	fmt.Println(err != nil)
	// Output:
	// emails[type eq "work" and value eq "ada@acme.example"] true <nil>
	// true
}

// The path of a PATCH operation has up to three parts: an attribute, a filter on its elements, and a sub-attribute.
func ExampleParsePath() {
	p, _, err := filter.ParsePath(`emails[type eq "work"].value`, filter.Options{})
	fmt.Println(p.Path, "|", p.Where, "|", p.Sub, "|", err)
	// Output:
	// emails | type eq "work" | value | <nil>
}

// A store gets bound filters: each attribute has its type and caseExact, and each literal is folded. So a store needs no schema to evaluate
// filters that its indexes can't answer.
func ExampleMatch() {
	ada, err := document.Parse(`{"userName":"Ada@acme.example"}`, 0)
	if err != nil {
		panic(err)
	}
	bound := filter.Compare{
		Attr:  filter.Attr{Path: filter.Path{Name: "userName"}, Type: filter.String},
		Op:    filter.Eq,
		Value: document.String(filter.Fold(filter.Eq, "ADA@acme.example")),
	}
	fmt.Println(filter.Match(bound, attributes{ada}))
	// Output:
	// true
}

// attributes is a filter.Source of a resource without memberships.
type attributes struct{ document.Value }

func (a attributes) Attribute(p filter.Path) document.Value { return a.Get(p.Name) }

func (a attributes) Related(filter.Relation, func(document.Value) bool) bool { return false }
