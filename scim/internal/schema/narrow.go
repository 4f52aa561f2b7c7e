package schema

import (
	"slices"
	"strings"

	elimity "github.com/elimity-com/scim"
	elimityschema "github.com/elimity-com/scim/schema"
)

// Narrow returns a resource type with only those attributes that are kept: at one of the paths, which are as in a filter or a PATCH, or
// the URN of a whole extension. What is required, active, and what the service itself makes of memberships (groups, members) is kept in
// any case. An extension that nothing is left of is left out. The resource type that is given stays as it was.
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

// served are attributes that no product keeps as values: the service has them from elsewhere.
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
			if p.Sub == "" || a.MultiValued() { // of an element there is more than its value: its type
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
