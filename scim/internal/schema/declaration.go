package schema

import (
	"fmt"
	"slices"

	elimity "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	elimityschema "github.com/elimity-com/scim/schema"

	"github.com/rollcall-dev/rollcall/store/document"
)

// Declare makes an extension from its schema in the form of RFC 7643 section 7, in which mapping.Extension describes
// the fields of a product's type. Characteristics that are missing have the defaults of section 2.2: readWrite, returned by default, not
// caseExact. The error says what is wrong with the schema.
func Declare(v document.Value) (elimity.SchemaExtension, error) {
	id := v.Get("id").Text()
	if id == "" {
		return elimity.SchemaExtension{}, fmt.Errorf("schema: want a schema with an id")
	}
	s := elimityschema.Schema{ID: id}
	if name := v.Get("name").Text(); name != "" {
		s.Name = optional.NewString(name)
	}
	if d := v.Get("description").Text(); d != "" {
		s.Description = optional.NewString(d)
	}
	attributes := v.Get("attributes")
	for i := range attributes.Items() {
		a, err := declareAttribute(*attributes.At(i))
		if err != nil {
			return elimity.SchemaExtension{}, fmt.Errorf("schema: %s: %w", id, err)
		}
		s.Attributes = append(s.Attributes, a)
	}
	if len(s.Attributes) == 0 {
		return elimity.SchemaExtension{}, fmt.Errorf("schema: %s has no attributes", id)
	}
	return elimity.SchemaExtension{Schema: s, Required: v.Get("required").True()}, nil
}

func declareAttribute(v document.Value) (elimityschema.CoreAttribute, error) {
	if v.Get("type").Text() != "complex" {
		p, err := declareSimple(v)
		if err != nil {
			return elimityschema.CoreAttribute{}, err
		}
		return elimityschema.SimpleCoreAttribute(p), nil
	}
	p := elimityschema.ComplexParams{
		Name: v.Get("name").Text(), Description: describedBy(v), MultiValued: v.Get("multiValued").True(),
		Required: v.Get("required").True(), Mutability: declareMutability(v),
	}
	if err := checkName(p.Name); err != nil {
		return elimityschema.CoreAttribute{}, err
	}
	subs := v.Get("subAttributes")
	for i := range subs.Items() {
		s, err := declareSimple(*subs.At(i))
		if err != nil {
			return elimityschema.CoreAttribute{}, fmt.Errorf("%s: %w", p.Name, err)
		}
		p.SubAttributes = append(p.SubAttributes, s)
	}
	if len(p.SubAttributes) == 0 {
		return elimityschema.CoreAttribute{}, fmt.Errorf("%s: a complex attribute needs sub-attributes", p.Name)
	}
	return elimityschema.ComplexCoreAttribute(p), nil
}

func declareSimple(v document.Value) (elimityschema.SimpleParams, error) {
	name := v.Get("name").Text()
	if err := checkName(name); err != nil {
		return elimityschema.SimpleParams{}, err
	}
	description, multi, required, mutability := describedBy(v), v.Get("multiValued").True(), v.Get("required").True(), declareMutability(v)
	unique := elimityschema.AttributeUniquenessNone()
	if v.Get("uniqueness").Text() == "server" {
		unique = elimityschema.AttributeUniquenessServer()
	}
	number := elimityschema.AttributeTypeDecimal()
	switch t := v.Get("type").Text(); t {
	case "string":
		return elimityschema.SimpleStringParams(elimityschema.StringParams{Name: name, Description: description, MultiValued: multi,
			Required: required, Mutability: mutability, CaseExact: v.Get("caseExact").True(), Uniqueness: unique}), nil
	case "boolean":
		return elimityschema.SimpleBooleanParams(elimityschema.BooleanParams{Name: name, Description: description, MultiValued: multi,
			Required: required, Mutability: mutability}), nil
	case "dateTime":
		return elimityschema.SimpleDateTimeParams(elimityschema.DateTimeParams{Name: name, Description: description, MultiValued: multi,
			Required: required, Mutability: mutability}), nil
	case "binary":
		return elimityschema.SimpleBinaryParams(elimityschema.BinaryParams{Name: name, Description: description, MultiValued: multi,
			Required: required, Mutability: mutability}), nil
	case "integer", "decimal":
		if t == "integer" {
			number = elimityschema.AttributeTypeInteger()
		}
		return elimityschema.SimpleNumberParams(elimityschema.NumberParams{Name: name, Description: description, MultiValued: multi,
			Required: required, Mutability: mutability, Type: number, Uniqueness: unique}), nil
	default:
		return elimityschema.SimpleParams{}, fmt.Errorf("%s: there is no type %q for it; want string, boolean, integer, decimal, dateTime or binary", name, t)
	}
}

// checkName checks an attribute's name (RFC 7643 section 2.1), because elimity panics at a wrong one.
func checkName(name string) error {
	valid := func(i int, c byte) bool {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		return letter || i > 0 && (c == '-' || c == '_' || '0' <= c && c <= '9')
	}
	for i := range len(name) {
		if !valid(i, name[i]) {
			return fmt.Errorf("%q is no attribute's name", name)
		}
	}
	if name == "" || slices.Contains([]string{"id", "schemas", "meta", "externalId"}, name) {
		return fmt.Errorf("%q is no attribute's name", name)
	}
	return nil
}

func describedBy(v document.Value) optional.String {
	if d := v.Get("description").Text(); d != "" {
		return optional.NewString(d)
	}
	return optional.String{}
}

func declareMutability(v document.Value) elimityschema.AttributeMutability {
	return declaredMutability(mutabilities[v.Get("mutability").Text()])
}
