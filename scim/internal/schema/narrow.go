package schema

import (
	"slices"
	"strings"

	elimity "github.com/elimity-com/scim"
	elimityschema "github.com/elimity-com/scim/schema"
)

// Narrow returns a resource type with only some of its attributes. A path is one as in a filter or a PATCH, or
// the URN of a whole extension. Required attributes, active, groups and members are kept in any case. An extension without attributes is
// left out. rt itself is not changed.
func Narrow(rt elimity.ResourceType, paths []string) elimity.ResourceType {
	rt.Schema.Attributes = narrowed(rt.Schema, "", paths)
	var extensions []elimity.SchemaExtension
	for _, x := range rt.SchemaExtensions {
		if !slices.ContainsFunc(paths, func(p string) bool { return strings.EqualFold(p, x.Schema.ID) }) {
			x.Schema.Attributes = narrowed(x.Schema, x.Schema.ID, paths)
		}
		if len(x.Schema.Attributes) > 0 || x.Required {
			extensions = append(extensions, x)
		}
	}
	rt.SchemaExtensions = extensions
	return rt
}

// served are the attributes whose values the service has from elsewhere than the stored attributes.
var served = []string{"active", "groups", "members"}

func narrowed(s elimityschema.Schema, uri string, paths []string) (kept elimityschema.Attributes) {
	for _, a := range s.Attributes {
		whole := a.Required() || uri == "" && slices.Contains(served, a.Name())
		var subs []string
		for _, path := range paths {
			p := splitPath(path)
			if !strings.EqualFold(p.URI, uri) && !strings.EqualFold(p.URI, s.ID) || !strings.EqualFold(p.Name, a.Name()) {
				continue
			}
			if p.Sub == "" || a.MultiValued() { // an element needs its other sub-attributes, too, such as type
				whole = true
			}
			subs = append(subs, p.Sub)
		}
		switch {
		case whole:
			kept = append(kept, a)
		case len(subs) > 0:
			var left []elimityschema.SimpleParams
			for _, sub := range a.SubAttributes() {
				if slices.ContainsFunc(subs, func(name string) bool { return strings.EqualFold(name, sub.Name()) }) {
					left = append(left, rebuild(sub, func(*characteristics) {}))
				}
			}
			kept = append(kept, elimityschema.ComplexCoreAttribute(elimityschema.ComplexParams{
				Description: describedAs(a), MultiValued: a.MultiValued(), Mutability: mutabilityOf(a), Name: a.Name(),
				Required: a.Required(), Returned: returnedOf(a), SubAttributes: left, Uniqueness: uniquenessOf(a),
			}))
		}
	}
	return kept
}
