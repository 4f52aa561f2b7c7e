package schema

import (
	"fmt"
	"slices"
	"strings"

	elimity "github.com/elimity-com/scim"
	elimityschema "github.com/elimity-com/scim/schema"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Compile checks a resource type and compiles it. lookup has the paths of further attributes to index, besides the unique
// ones and externalId. The error says what is wrong with the declaration.
//
// In any resource type, the values of two attributes are membership rows: those of a complex multi-valued
// core attribute members with a sub-attribute value, and those of groups if it has the same shape and is readOnly.
func Compile(rt elimity.ResourceType, lookup ...string) (*Type, error) {
	if rt.Name == "" || rt.Schema.ID == "" || !strings.HasPrefix(rt.Endpoint, "/") {
		return nil, fmt.Errorf("schema: resource type %q needs a name, a schema with an id, and an endpoint that starts with a slash", rt.Name)
	}
	t := &Type{Name: rt.Name, Endpoint: rt.Endpoint, URN: rt.Schema.ID,
		endpoints: map[string]string{"User": "/Users", "Group": "/Groups", rt.Name: rt.Endpoint}}

	attributes, err := compileAll(rt.Schema.Attributes, filter.Path{}, nil)
	if err != nil {
		return nil, fmt.Errorf("schema: %s: %w", rt.Schema.ID, err)
	}
	// RFC 7643 section 3.1 defines what every resource has. This replaces whatever the schema declares under those names.
	attributes = slices.DeleteFunc(attributes, func(a *Attribute) bool {
		name := document.FoldName(a.Name)
		return name == "id" || name == "schemas" || name == "meta"
	})
	if !slices.ContainsFunc(attributes, func(a *Attribute) bool { return document.FoldName(a.Name) == "externalid" }) {
		attributes = append([]*Attribute{externalID()}, attributes...)
	}
	if t.core, err = newLevel(attributes); err != nil {
		return nil, fmt.Errorf("schema: %s: %w", rt.Schema.ID, err)
	}
	t.Attributes = t.core.attributes
	for _, a := range commonAttributes() {
		t.core.add(a)
	}
	for _, a := range attributes {
		switch {
		case a.Type != filter.Complex || !a.Multi || a.Find("value") == nil:
		case a.Name == "members" && a.Mutability != ReadOnly:
			a.relate(filter.Members)
			t.members = a
		case a.Name == "groups" && a.Mutability == ReadOnly:
			a.relate(filter.Groups)
			t.groups = a
		}
	}
	if err := t.extend(rt.SchemaExtensions); err != nil {
		return nil, err
	}
	return t, t.compileIndex(lookup)
}

// maxExtensions is the most extensions that a type may have, as a set of them is the bits of a uint64.
const maxExtensions = 64

// extend compiles the extensions.
func (t *Type) extend(extensions []elimity.SchemaExtension) error {
	t.unqualified = make(map[string]*Attribute)
	if len(extensions) > maxExtensions {
		return fmt.Errorf("schema: resource type %s has more than %d extensions", t.Name, maxExtensions)
	}
	for i, e := range extensions {
		x := &Extension{URN: e.Schema.ID, Required: e.Required, order: len(t.Attributes) + i, pattern: patternOf(e.Schema.ID)}
		if !strings.Contains(x.URN, ":") || t.isBase(x.URN) || t.extension(x.URN) != nil {
			return fmt.Errorf("schema: resource type %s: the extension %q needs a URN of its own as its id", t.Name, x.URN)
		}
		attributes, err := compileAll(e.Schema.Attributes, filter.Path{URI: x.URN}, nil)
		if err == nil {
			x.level, err = newLevel(attributes)
		}
		if err != nil {
			return fmt.Errorf("schema: %s: %w", x.URN, err)
		}
		x.Attributes = attributes
		t.Extensions = append(t.Extensions, x)
		for _, a := range attributes {
			name := document.FoldName(a.Name)
			if _, ambiguous := t.unqualified[name]; ambiguous {
				t.unqualified[name] = nil
			} else {
				t.unqualified[name] = a
			}
		}
	}
	return nil
}

func newLevel(attributes []*Attribute) (level, error) {
	l := level{attributes: attributes, byName: make(map[string]*Attribute, 2*len(attributes))}
	for i, a := range attributes {
		a.order = i
		if other := l.find(a.Name); other != nil {
			return l, fmt.Errorf("the attributes %s and %s differ only in case", other.Name, a.Name)
		}
		l.add(a)
		if a.Required && a.Mutability != ReadOnly && a.stored() {
			l.required = append(l.required, a)
		}
	}
	return l, nil
}

func (l *level) add(a *Attribute) {
	l.byName[a.Name] = a
	l.byName[document.FoldName(a.Name)] = a
}

func compileAll(list []elimityschema.CoreAttribute, at filter.Path, parent *Attribute) ([]*Attribute, error) {
	compiled := make([]*Attribute, 0, len(list))
	for _, e := range list {
		a, err := compile(e, at, parent)
		if err != nil {
			return nil, err
		}
		compiled = append(compiled, a)
	}
	return compiled, nil
}

var (
	types = map[string]filter.Type{"string": filter.String, "boolean": filter.Boolean, "integer": filter.Integer, "decimal": filter.Decimal,
		"dateTime": filter.DateTime, "reference": filter.Reference, "binary": filter.Binary, "complex": filter.Complex}
	mutabilities = map[string]Mutability{"readWrite": ReadWrite, "readOnly": ReadOnly, "immutable": Immutable, "writeOnly": WriteOnly}
	returns      = map[string]Returned{"default": ReturnedDefault, "always": ReturnedAlways, "never": ReturnedNever, "request": ReturnedRequest}
)

func compile(e elimityschema.CoreAttribute, at filter.Path, parent *Attribute) (*Attribute, error) {
	if e.Name() == "" || strings.ContainsAny(e.Name(), ".:[]\"\\ ") {
		return nil, fmt.Errorf("%q is no attribute name (RFC 7643 section 2.1)", e.Name())
	}
	a := &Attribute{
		Path: at, Name: e.Name(), Parent: parent,
		Type:       types[e.AttributeType()],
		Multi:      e.MultiValued(),
		Required:   e.Required(),
		CaseExact:  e.CaseExact(),
		Unique:     e.Uniqueness() != "none",
		Mutability: mutabilities[e.Mutability()],
		Returned:   returns[e.Returned()],
	}
	if a.Path.Name = e.Name(); parent != nil {
		a.Path.Name, a.Path.Sub = at.Name, e.Name()
	}
	a.path = a.Path.String()
	if a.Type != filter.Complex {
		return a, nil
	}
	if parent != nil || len(e.SubAttributes()) == 0 {
		return nil, fmt.Errorf("%s: a complex attribute has sub-attributes, and none of them is complex (RFC 7643 section 2.3.8)", a.Path)
	}
	var err error
	if a.Sub, err = compileAll(e.SubAttributes(), a.Path, a); err != nil {
		return nil, err
	}
	if a.subs, err = newLevel(a.Sub); err != nil {
		return nil, fmt.Errorf("%s: %w", a.Name, err)
	}
	a.checked = a.Multi || len(a.subs.required) > 0
	return a, nil
}

// Hide keeps the values of an attribute out of errors. It must be called before the type is used. If the path chooses elements by a filter,
// the values of all elements are hidden. The error is an *Error if there is no such attribute.
func (t *Type) Hide(path string) error {
	a, x, err := t.Resolve(splitPath(path), nil)
	if err != nil {
		return err
	}
	hide := []*Attribute{a}
	if a == nil {
		hide = x.Attributes
	}
	for _, a := range hide {
		a.hidden = true
		for _, s := range a.Sub {
			s.hidden = true
		}
	}
	return nil
}

// relate makes an attribute the one of a relation. Its sub-attribute value is always a resource's id.
func (a *Attribute) relate(r filter.Relation) {
	a.Relation = r
	for _, s := range a.Sub {
		s.Relation = r
	}
	a.Find("value").CaseExact = true
}

func externalID() *Attribute {
	return &Attribute{Path: filter.Path{Name: "externalId"}, path: "externalId", Name: "externalId", Type: filter.String, CaseExact: true}
}

// commonAttributes returns the attributes of every resource that aren't in its document: id, schemas and meta.
func commonAttributes() []*Attribute {
	id := &Attribute{Name: "id", Type: filter.String, CaseExact: true, Unique: true, Required: true, Returned: ReturnedAlways, common: commonID}
	schemas := &Attribute{Name: "schemas", Type: filter.Reference, CaseExact: true, Multi: true, Required: true, Returned: ReturnedAlways, common: commonSchemas}
	meta := &Attribute{Name: "meta", Type: filter.Complex, common: commonMeta}
	for _, s := range [...]Attribute{
		{Name: "resourceType", Type: filter.String, CaseExact: true},
		{Name: "created", Type: filter.DateTime},
		{Name: "lastModified", Type: filter.DateTime},
		{Name: "location", Type: filter.Reference, CaseExact: true},
		{Name: "version", Type: filter.String, CaseExact: true},
	} {
		s.Path = filter.Path{Name: "meta", Sub: s.Name}
		s.path, s.Parent, s.Mutability, s.common = "meta."+s.Name, meta, ReadOnly, commonMeta
		meta.Sub = append(meta.Sub, &s)
	}
	meta.subs, _ = newLevel(meta.Sub)
	all := []*Attribute{id, schemas, meta}
	for _, a := range all {
		a.Path, a.path, a.Mutability, a.order = filter.Path{Name: a.Name}, a.Name, ReadOnly, commonOrder
	}
	return all
}
