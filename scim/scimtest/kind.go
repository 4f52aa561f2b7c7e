package scimtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// These are the schemas of RFC 7643.
const (
	userURN       = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

// kind is a resource type, as the service describes it.
type kind struct {
	name, endpoint string
	urn            string
	attributes     []*attribute // those of the schema, and then those of its extensions
	extensions     []string
	required       []string // the extensions that a resource must have
	described      map[string]any
}

// attribute is an attribute of a schema.
type attribute struct {
	name       string
	urn        string     // the extension that it is in; "" if it is in the schema itself
	parent     *attribute // the complex attribute that a sub-attribute is in, else nil
	resource   string     // the name of the resource type; "" for a sub-attribute
	kind       string     // the type in the schema: string, boolean, ...
	multi      bool
	required   bool
	caseExact  bool
	mutability string
	returned   string
	uniqueness string
	canonical  []string
	sub        []*attribute
}

// owner returns the name of the resource type.
func (a *attribute) owner() string {
	if a.parent != nil {
		return a.parent.owner()
	}
	return a.resource
}

// path returns the attribute's name in a filter or a PATCH.
func (a *attribute) path() string {
	switch {
	case a.parent != nil:
		return a.parent.path() + "." + a.name
	case a.urn != "":
		return a.urn + ":" + a.name
	}
	return a.name
}

func (a *attribute) find(name string) *attribute {
	for _, s := range a.sub {
		if strings.EqualFold(s.name, name) {
			return s
		}
	}
	return nil
}

// of returns the attribute's value in a resource.
func (a *attribute) of(resource map[string]any) any {
	if a.parent != nil {
		return at(a.parent.of(resource), a.name)
	}
	if a.urn != "" {
		return at(resource, a.urn, a.name)
	}
	return at(resource, a.name)
}

// set gives the attribute a value in a resource. A multi-valued parent of a sub-attribute gets a single element.
func (a *attribute) set(resource map[string]any, value any) {
	switch {
	case a.parent != nil:
		object, _ := a.parent.of(resource).(map[string]any)
		if object == nil {
			object = map[string]any{}
		}
		object[a.name] = value
		a.parent.set(resource, object)
	case a.urn != "":
		extension, _ := resource[a.urn].(map[string]any)
		if extension == nil {
			extension = map[string]any{}
			resource[a.urn] = extension
		}
		extension[a.name] = value
		if list, _ := resource["schemas"].([]any); !slices.Contains(texts(list), a.urn) {
			resource["schemas"] = append(list, a.urn)
		}
	default:
		resource[a.name] = value
	}
}

// free says whether a client may write and read any values of the attribute.
func (a *attribute) free() bool {
	return a.mutability == "readWrite" && (a.returned == "default" || a.returned == "always") && a.uniqueness == "none"
}

// kindsOf makes kinds of the entries of /ResourceTypes and /Schemas.
func kindsOf(types, schemas []map[string]any) ([]*kind, error) {
	byURN := map[string]map[string]any{}
	for _, s := range schemas {
		byURN[strings.ToLower(text(at(s, "id")))] = s
	}
	var kinds []*kind
	for _, t := range types {
		k := &kind{name: text(at(t, "name")), endpoint: "/" + strings.Trim(text(at(t, "endpoint")), "/"), urn: text(at(t, "schema")), described: t}
		main := byURN[strings.ToLower(k.urn)]
		if k.name == "" || main == nil {
			continue // another clause fails for this
		}
		k.attributes = attributesOf(main, "")
		for _, e := range objects(at(t, "schemaExtensions")) {
			urn := text(at(e, "schema"))
			k.extensions = append(k.extensions, urn)
			if at(e, "required") == true {
				k.required = append(k.required, urn)
			}
			if s := byURN[strings.ToLower(urn)]; s != nil {
				k.attributes = append(k.attributes, attributesOf(s, urn)...)
			}
		}
		for _, a := range k.attributes {
			a.resource = k.name
		}
		if !k.writable() {
			continue
		}
		kinds = append(kinds, k)
	}
	if len(kinds) == 0 {
		return nil, errors.New("the service has no resource type whose schema is in /Schemas")
	}
	return kinds, nil
}

// writable says whether clients can write resources of this type. A type whose attributes are all readOnly is a list that the service
// keeps by itself, such as one of roles.
func (k *kind) writable() bool {
	return slices.ContainsFunc(k.attributes, func(a *attribute) bool {
		return a.mutability != "readOnly" && a.name != "id" && a.name != "externalId"
	})
}

func attributesOf(schema map[string]any, urn string) []*attribute {
	var list []*attribute
	for _, d := range objects(at(schema, "attributes")) {
		if urn == "" && slices.Contains([]string{"id", "schemas", "meta"}, text(at(d, "name"))) {
			continue // these belong to every resource (RFC 7643 section 3.1), though some services list them in a schema
		}
		list = append(list, attributeOf(d, urn, nil))
	}
	return list
}

// attributeOf reads the definition of an attribute, with the defaults of RFC 7643 section 2.2.
func attributeOf(d map[string]any, urn string, parent *attribute) *attribute {
	word := func(name, otherwise string) string {
		if s := text(at(d, name)); s != "" {
			return s
		}
		return otherwise
	}
	a := &attribute{
		name: text(at(d, "name")), urn: urn, parent: parent, kind: word("type", "string"),
		multi: at(d, "multiValued") == true, required: at(d, "required") == true, caseExact: at(d, "caseExact") == true,
		mutability: word("mutability", "readWrite"), returned: word("returned", "default"), uniqueness: word("uniqueness", "none"),
		canonical: texts(at(d, "canonicalValues")),
	}
	for _, s := range objects(at(d, "subAttributes")) {
		a.sub = append(a.sub, attributeOf(s, "", a))
	}
	return a
}

func (k *kind) attribute(name string) *attribute {
	for _, a := range k.attributes {
		if strings.EqualFold(a.name, name) {
			return a
		}
	}
	return nil
}

// pick returns the first attribute for which ok returns true; nil if there is none. It asks for those with the preferred names first.
func (k *kind) pick(ok func(*attribute) bool, preferred ...string) *attribute {
	for _, name := range preferred {
		if a := k.attribute(name); a != nil && ok(a) {
			return a
		}
	}
	for _, a := range k.attributes {
		if ok(a) {
			return a
		}
	}
	return nil
}

// externalID is the common attribute of RFC 7643 section 3.1.
var externalID = &attribute{name: "externalId", kind: "string", caseExact: true, mutability: "readWrite", returned: "default", uniqueness: "none"}

// formatted are the names of strings whose values must have a certain form.
var formatted = []string{"locale", "timezone", "preferredLanguage", "profileUrl", "externalId"}

// simple returns the singular string attributes whose values may be any text.
func (k *kind) simple() []*attribute {
	var list []*attribute
	for _, a := range k.attributes {
		if a.urn == "" && a.kind == "string" && !a.multi && !a.required && a.free() && len(a.canonical) == 0 && !slices.Contains(formatted, a.name) {
			list = append(list, a)
		}
	}
	slices.SortStableFunc(list, func(a, b *attribute) int { return rank(a) - rank(b) })
	return list
}

func rank(a *attribute) int {
	if i := slices.Index([]string{"nickName", "title", "userType", "displayName"}, a.name); i >= 0 {
		return i
	}
	return 9
}

// string returns a singular string attribute whose value may be any text: one of the schema, else externalId.
func (k *kind) string() *attribute {
	if list := k.simple(); len(list) > 0 {
		return list[0]
	}
	return externalID
}

// list returns a multi-valued complex attribute whose elements have type and value; nil if there is none.
func (k *kind) list() *attribute {
	ok := func(a *attribute) bool {
		v, t := a.find("value"), a.find("type")
		return a.urn == "" && a.multi && a.kind == "complex" && a.mutability == "readWrite" && a.returned != "never" && a.returned != "request" &&
			a.find("$ref") == nil && v != nil && t != nil && v.kind == "string" && v.mutability == "readWrite" && t.mutability == "readWrite"
	}
	return k.pick(ok, "phoneNumbers", "emails", "ims")
}

// complex returns a singular complex attribute, and two of its strings whose values may be any text; nil if there is none.
func (k *kind) complex() (*attribute, *attribute, *attribute) {
	strings := func(a *attribute) (list []*attribute) {
		for _, s := range a.sub {
			if s.kind == "string" && !s.multi && s.free() && s.name != "formatted" && len(s.canonical) == 0 {
				list = append(list, s)
			}
		}
		return list
	}
	a := k.pick(func(a *attribute) bool {
		return a.urn == "" && !a.multi && a.kind == "complex" && a.free() && a.find("$ref") == nil && len(strings(a)) >= 2
	}, "name")
	if a == nil {
		return nil, nil, nil
	}
	list := strings(a)
	if i := slices.IndexFunc(list, func(s *attribute) bool { return s.name == "familyName" }); i > 0 {
		list[0], list[i] = list[i], list[0]
	}
	return a, list[0], list[1]
}

// extension returns a singular string attribute of an extension; nil if there is none.
func (k *kind) extension() *attribute {
	return k.pick(func(a *attribute) bool {
		return a.urn != "" && a.kind == "string" && !a.multi && a.free() && len(a.canonical) == 0
	}, "department")
}

// named returns an attribute by which the kit can tell its resources apart: a string that must be unique, else one that is required,
// else any string.
func (k *kind) named() *attribute {
	for _, ok := range []func(*attribute) bool{
		func(a *attribute) bool { return a.uniqueness != "none" },
		func(a *attribute) bool { return a.required },
	} {
		if a := k.pick(func(a *attribute) bool {
			return a.urn == "" && a.kind == "string" && !a.multi && a.returned != "never" && a.mutability != "readOnly" && ok(a)
		}, "userName", "displayName"); a != nil {
			return a
		}
	}
	return k.string()
}

func (k *kind) String() string { return fmt.Sprintf("%s at %s", k.name, k.endpoint) }
