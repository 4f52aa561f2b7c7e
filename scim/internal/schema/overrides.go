package schema

import (
	"fmt"
	"slices"

	elimity "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	elimityschema "github.com/elimity-com/scim/schema"
)

// SetUnique sets whether an attribute's values are unique among the tenant's resources of the type. It does so in the schema,
// so that discovery shows it, too. path is one as in a filter, such as displayName or URN:employeeNumber. rt itself is not changed.
func SetUnique(rt elimity.ResourceType, path string, unique bool) (elimity.ResourceType, error) {
	u := elimityschema.AttributeUniquenessNone()
	if unique {
		u = elimityschema.AttributeUniquenessServer()
	}
	return amend(rt, path, false, func(c *characteristics) { c.uniqueness = u })
}

// SetMutability sets an attribute's mutability (RFC 7643 section 2.2) to readWrite, readOnly or immutable. For a complex
// attribute it also sets that of the sub-attributes. path is as for [SetUnique].
func SetMutability(rt elimity.ResourceType, path, mutability string) (elimity.ResourceType, error) {
	m, ok := mutabilities[mutability]
	if !ok || m == WriteOnly {
		return rt, fmt.Errorf("schema: %s: there is no mutability %q for it; want readWrite, readOnly or immutable", path, mutability)
	}
	return amend(rt, path, true, func(c *characteristics) { c.mutability = declaredMutability(m) })
}

// characteristics are the characteristics of an attribute of elimity that can be amended. elimity doesn't export an attribute's fields,
// so the attribute has to be built anew to change one.
type characteristics struct {
	caseExact      bool
	mutability     elimityschema.AttributeMutability
	uniqueness     elimityschema.AttributeUniqueness
	referenceTypes []elimityschema.AttributeReferenceType
}

// amend changes an attribute. If whole is set, the path may name a complex attribute, which is changed with its sub-attributes.
func amend(rt elimity.ResourceType, path string, whole bool, change func(*characteristics)) (elimity.ResourceType, error) {
	p := splitPath(path)
	rt.SchemaExtensions = slices.Clone(rt.SchemaExtensions)
	in := &rt.Schema
	for i := range rt.SchemaExtensions {
		if rt.SchemaExtensions[i].Schema.ID == p.URI {
			in = &rt.SchemaExtensions[i].Schema
		}
	}
	if p.URI != "" && in.ID != p.URI {
		return rt, fmt.Errorf("schema: resource type %s has no schema %s", rt.Name, p.URI)
	}
	in.Attributes = slices.Clone(in.Attributes)
	for i, a := range in.Attributes {
		if a.Name() != p.Name {
			continue
		}
		if p.Sub == "" && a.AttributeType() != "complex" {
			in.Attributes[i] = elimityschema.SimpleCoreAttribute(rebuild(a, change))
			return rt, nil
		}
		c, found := characteristics{mutability: mutabilityOf(a)}, p.Sub == "" && whole
		if found {
			change(&c)
		}
		subs := make([]elimityschema.SimpleParams, 0, len(a.SubAttributes()))
		for _, s := range a.SubAttributes() {
			to := func(*characteristics) {}
			if s.Name() == p.Sub || p.Sub == "" && whole {
				to, found = change, true
			}
			subs = append(subs, rebuild(s, to))
		}
		if found {
			in.Attributes[i] = elimityschema.ComplexCoreAttribute(elimityschema.ComplexParams{
				Description: describedAs(a), MultiValued: a.MultiValued(), Mutability: c.mutability, Name: a.Name(),
				Required: a.Required(), Returned: returnedOf(a), SubAttributes: subs, Uniqueness: uniquenessOf(a),
			})
			return rt, nil
		}
	}
	return rt, fmt.Errorf("schema: resource type %s has no attribute %s with a value of its own", rt.Name, path)
}

func rebuild(a elimityschema.CoreAttribute, change func(*characteristics)) elimityschema.SimpleParams {
	c := characteristics{caseExact: a.CaseExact(), mutability: mutabilityOf(a), uniqueness: uniquenessOf(a), referenceTypes: a.ReferenceTypes()}
	change(&c)
	switch a.AttributeType() {
	case "boolean":
		return elimityschema.SimpleBooleanParams(elimityschema.BooleanParams{Description: describedAs(a), MultiValued: a.MultiValued(),
			Mutability: c.mutability, Name: a.Name(), Required: a.Required(), Returned: returnedOf(a)})
	case "binary":
		return elimityschema.SimpleBinaryParams(elimityschema.BinaryParams{Description: describedAs(a), MultiValued: a.MultiValued(),
			Mutability: c.mutability, Name: a.Name(), Required: a.Required(), Returned: returnedOf(a)})
	case "dateTime":
		return elimityschema.SimpleDateTimeParams(elimityschema.DateTimeParams{Description: describedAs(a), MultiValued: a.MultiValued(),
			Mutability: c.mutability, Name: a.Name(), Required: a.Required(), Returned: returnedOf(a)})
	case "reference":
		return elimityschema.SimpleReferenceParams(elimityschema.ReferenceParams{Description: describedAs(a), MultiValued: a.MultiValued(),
			Mutability: c.mutability, Name: a.Name(), ReferenceTypes: c.referenceTypes, Required: a.Required(), Returned: returnedOf(a),
			Uniqueness: c.uniqueness})
	case "integer", "decimal":
		number := elimityschema.AttributeTypeDecimal()
		if a.AttributeType() == "integer" {
			number = elimityschema.AttributeTypeInteger()
		}
		return elimityschema.SimpleNumberParams(elimityschema.NumberParams{Description: describedAs(a), MultiValued: a.MultiValued(),
			Mutability: c.mutability, Name: a.Name(), Required: a.Required(), Returned: returnedOf(a), Type: number, Uniqueness: c.uniqueness})
	}
	return elimityschema.SimpleStringParams(elimityschema.StringParams{CanonicalValues: a.CanonicalValues(), CaseExact: c.caseExact,
		Description: describedAs(a), MultiValued: a.MultiValued(), Mutability: c.mutability, Name: a.Name(), Required: a.Required(),
		Returned: returnedOf(a), Uniqueness: c.uniqueness})
}

func describedAs(a elimityschema.CoreAttribute) optional.String {
	if a.Description() == "" {
		return optional.String{}
	}
	return optional.NewString(a.Description())
}

func mutabilityOf(a elimityschema.CoreAttribute) elimityschema.AttributeMutability {
	return declaredMutability(mutabilities[a.Mutability()])
}

func declaredMutability(m Mutability) elimityschema.AttributeMutability {
	switch m {
	case ReadOnly:
		return elimityschema.AttributeMutabilityReadOnly()
	case Immutable:
		return elimityschema.AttributeMutabilityImmutable()
	case WriteOnly:
		return elimityschema.AttributeMutabilityWriteOnly()
	}
	return elimityschema.AttributeMutabilityReadWrite()
}

func returnedOf(a elimityschema.CoreAttribute) elimityschema.AttributeReturned {
	switch returns[a.Returned()] {
	case ReturnedAlways:
		return elimityschema.AttributeReturnedAlways()
	case ReturnedNever:
		return elimityschema.AttributeReturnedNever()
	case ReturnedRequest:
		return elimityschema.AttributeReturnedRequest()
	}
	return elimityschema.AttributeReturnedDefault()
}

func uniquenessOf(a elimityschema.CoreAttribute) elimityschema.AttributeUniqueness {
	switch a.Uniqueness() {
	case "server":
		return elimityschema.AttributeUniquenessServer()
	case "global":
		return elimityschema.AttributeUniquenessGlobal()
	}
	return elimityschema.AttributeUniquenessNone()
}
