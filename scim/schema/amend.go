package schema

import (
	"fmt"
	"slices"

	elimity "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	elimityschema "github.com/elimity-com/scim/schema"
)

// SetUnique says whether an attribute's values are unique among the tenant's resources of the type, in the schema
// itself, so that discovery tells it too. path is as in a filter: displayName, or URN:employeeNumber. The resource
// type that is given stays as it was.
func SetUnique(rt elimity.ResourceType, path string, unique bool) (elimity.ResourceType, error) {
	u := elimityschema.AttributeUniquenessNone()
	if unique {
		u = elimityschema.AttributeUniquenessServer()
	}
	return amend(rt, path, func(c *characteristics) { c.uniqueness = u })
}

// SetReadOnly makes an attribute one that clients can't write, in the schema itself, so that discovery tells it too and
// what they send for it is ignored (RFC 7643 section 2.2). path is as for [SetUnique].
func SetReadOnly(rt elimity.ResourceType, path string) (elimity.ResourceType, error) {
	return amend(rt, path, func(c *characteristics) { c.mutability = elimityschema.AttributeMutabilityReadOnly() })
}

// characteristics are those of elimity's attributes that can be amended. elimity keeps an attribute's fields to
// itself, so to change one is to build the attribute anew.
type characteristics struct {
	caseExact      bool
	mutability     elimityschema.AttributeMutability
	uniqueness     elimityschema.AttributeUniqueness
	referenceTypes []elimityschema.AttributeReferenceType
}

func amend(rt elimity.ResourceType, path string, change func(*characteristics)) (elimity.ResourceType, error) {
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
		subs, found := make([]elimityschema.SimpleParams, 0, len(a.SubAttributes())), false
		for _, s := range a.SubAttributes() {
			to := func(*characteristics) {}
			if s.Name() == p.Sub {
				to, found = change, true
			}
			subs = append(subs, rebuild(s, to))
		}
		if found {
			in.Attributes[i] = elimityschema.ComplexCoreAttribute(elimityschema.ComplexParams{
				Description: describedAs(a), MultiValued: a.MultiValued(), Mutability: mutabilityOf(a), Name: a.Name(),
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
	switch mutabilities[a.Mutability()] {
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
