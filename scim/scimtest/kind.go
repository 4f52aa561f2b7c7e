package scimtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The schemas of RFC 7643.
const (
	userURN       = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

// kind is a resource type as the service describes it.
type kind struct {
	name, endpoint string
	urn            string
	attributes     []*attribute // of the schema and then of its extensions
	extensions     []string
	required       []string // extensions that a resource must have
	described      map[string]any
}

// attribute is one of a schema.
type attribute struct {
	name       string
	urn        string     // of the extension that it is in; "" for the schema itself
	parent     *attribute // of a sub-attribute
	resource   string     // the name of the resource type, of what is no sub-attribute
	kind       string     // string, boolean, ...
	multi      bool
	required   bool
	caseExact  bool
	mutability string
	returned   string
	uniqueness string
	canonical  []string
	sub        []*attribute
}

// owner is the name of the resource type.
func (a *attribute) owner() string {
	if a.parent != nil {
		return a.parent.owner()
	}
	return a.resource
}

// path is the attribute's name in a filter or a PATCH.
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

// of is the attribute's value in a resource.
func (a *attribute) of(resource map[string]any) any {
	if a.parent != nil {
		return at(a.parent.of(resource), a.name)
	}
	if a.urn != "" {
		return at(resource, a.urn, a.name)
	}
	return at(resource, a.name)
}

// set gives the attribute a value in a resource. The value of a sub-attribute goes into the only value of its parent.
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

// free says whether a client may write and read the attribute as it likes.
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
			continue // a clause of its own says so
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

// writable says whether clients write resources of the type at all: one whose attributes are all readOnly is a list of the
// service's own, such as roles.
func (k *kind) writable() bool {
	return slices.ContainsFunc(k.attributes, func(a *attribute) bool {
		return a.mutability != "readOnly" && a.name != "id" && a.name != "externalId"
	})
}

func attributesOf(schema map[string]any, urn string) []*attribute {
	var list []*attribute
	for _, d := range objects(at(schema, "attributes")) {
		if urn == "" && slices.Contains([]string{"id", "schemas", "meta"}, text(at(d, "name"))) {
			continue // common to all (RFC 7643 section 3.1), though some services list them
		}
		list = append(list, attributeOf(d, urn, nil))
	}
	return list
}

// attributeOf reads one, with the defaults of RFC 7643 section 2.2.
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

// pick is the first attribute that is ok, those with the preferred names before all others; nil if there is none.
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

// formatted are the strings whose values have a form of their own.
var formatted = []string{"locale", "timezone", "preferredLanguage", "profileUrl", "externalId"}

// simple are the singular strings that may be anything.
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

// string is a singular string that may be anything: of the schema, or externalId.
func (k *kind) string() *attribute {
	if list := k.simple(); len(list) > 0 {
		return list[0]
	}
	return externalID
}

// list is a multi-valued complex attribute with type and value.
func (k *kind) list() *attribute {
	ok := func(a *attribute) bool {
		v, t := a.find("value"), a.find("type")
		return a.urn == "" && a.multi && a.kind == "complex" && a.mutability == "readWrite" && a.returned != "never" && a.returned != "request" &&
			a.find("$ref") == nil && v != nil && t != nil && v.kind == "string" && v.mutability == "readWrite" && t.mutability == "readWrite"
	}
	return k.pick(ok, "phoneNumbers", "emails", "ims")
}

// complex is a singular complex attribute with two strings in it that may be anything.
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

// extension is a singular string of an extension.
func (k *kind) extension() *attribute {
	return k.pick(func(a *attribute) bool {
		return a.urn != "" && a.kind == "string" && !a.multi && a.free() && len(a.canonical) == 0
	}, "department")
}

// named is an attribute by which the kit can tell its resources apart: a string that must be unique or be there, or else any.
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
