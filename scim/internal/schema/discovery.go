package schema

import (
	elimityschema "github.com/elimity-com/scim/schema"

	"github.com/rollcall-dev/rollcall/store/document"
)

// Definition is a schema in the form in which products declare it.
type Definition = elimityschema.Schema

// Describe returns the schema in the form of RFC 7643 section 7, without meta.
func Describe(s Definition) document.Value {
	v := document.Object(
		document.Field{Name: "schemas", Value: document.Array(document.String("urn:ietf:params:scim:schemas:core:2.0:Schema"))},
		document.Field{Name: "id", Value: document.String(s.ID)},
	)
	setText(&v, "name", s.Name.Value())
	setText(&v, "description", s.Description.Value())
	v.Set("attributes", describeAll(s.Attributes))
	return v
}

func describeAll(list elimityschema.Attributes) document.Value {
	all := document.Array()
	for _, a := range list {
		all.Append(describe(a))
	}
	return all
}

func describe(a elimityschema.CoreAttribute) document.Value {
	typ := a.AttributeType()
	v := document.Object(
		document.Field{Name: "name", Value: document.String(a.Name())},
		document.Field{Name: "type", Value: document.String(typ)},
	)
	if typ == "complex" {
		v.Set("subAttributes", describeAll(a.SubAttributes()))
	}
	v.Set("multiValued", document.Bool(a.MultiValued()))
	setText(&v, "description", a.Description())
	v.Set("required", document.Bool(a.Required()))
	if len(a.CanonicalValues()) > 0 {
		v.Set("canonicalValues", texts(a.CanonicalValues()))
	}
	if typ == "string" || typ == "reference" || typ == "binary" { // caseExact only means something for values that are compared as text
		v.Set("caseExact", document.Bool(a.CaseExact()))
	}
	v.Set("mutability", document.String(a.Mutability()))
	v.Set("returned", document.String(a.Returned()))
	if typ != "complex" && typ != "boolean" { // a complex attribute has no uniqueness (erratum 6004 of RFC 7643)
		v.Set("uniqueness", document.String(a.Uniqueness()))
	}
	if len(a.ReferenceTypes()) > 0 {
		v.Set("referenceTypes", texts(a.ReferenceTypes()))
	}
	return v
}

func setText(v *document.Value, name, text string) {
	if text != "" {
		v.Set(name, document.String(text))
	}
}

func texts[S ~string](list []S) document.Value {
	all := document.Array()
	for _, s := range list {
		all.Append(document.String(string(s)))
	}
	return all
}
