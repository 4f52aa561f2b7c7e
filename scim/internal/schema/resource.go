package schema

import (
	elimity "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	elimityschema "github.com/elimity-com/scim/schema"
)

// User returns the resource type User with the enterprise extension of RFC 7643 section 8.7.1, with two corrections: groups.$ref
// refers to groups only (erratum 8471), and groups.value, an id, is caseExact.
func User() elimity.ResourceType {
	rt := elimity.ResourceType{
		ID:               optional.NewString("User"),
		Name:             "User",
		Description:      optional.NewString("User Account"),
		Endpoint:         "/Users",
		Schema:           elimityschema.CoreUserSchema(),
		SchemaExtensions: []elimity.SchemaExtension{EnterpriseUser()},
	}
	rt = corrected(rt, "groups.value", func(c *characteristics) { c.caseExact = true })
	rt = corrected(rt, "groups.$ref", func(c *characteristics) { c.referenceTypes = []elimityschema.AttributeReferenceType{"Group"} })
	return rt
}

// EnterpriseUser returns the enterprise extension of User, with one correction: manager.value, an id, is caseExact (erratum 8472).
func EnterpriseUser() elimity.SchemaExtension {
	rt := elimity.ResourceType{Schema: elimityschema.ExtensionEnterpriseUser()}
	return elimity.SchemaExtension{Schema: corrected(rt, "manager.value", func(c *characteristics) { c.caseExact = true }).Schema}
}

// Group returns the resource type Group of RFC 7643 section 8.7.1, with three corrections: displayName is required (erratum 5368),
// members.value, an id, is caseExact, and there is members.display, which is readOnly, as it is the present label of the member.
func Group() elimity.ResourceType {
	rt := elimity.ResourceType{
		ID:          optional.NewString("Group"),
		Name:        "Group",
		Description: optional.NewString("Group"),
		Endpoint:    "/Groups",
		Schema:      elimityschema.CoreGroupSchema(),
	}
	rt = corrected(rt, "members.display", func(c *characteristics) { c.mutability = elimityschema.AttributeMutabilityReadOnly() })
	return corrected(rt, "members.value", func(c *characteristics) { c.caseExact = true })
}

// corrected amends an attribute of one of elimity's own definitions. If that doesn't have the attribute, nothing is changed.
func corrected(rt elimity.ResourceType, path string, change func(*characteristics)) elimity.ResourceType {
	if better, err := amend(rt, path, false, change); err == nil {
		return better
	}
	return rt
}
