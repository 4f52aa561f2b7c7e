package schema

import (
	elimity "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	elimityschema "github.com/elimity-com/scim/schema"
)

// User is the resource type User with the enterprise extension.
func User() elimity.ResourceType {
	return elimity.ResourceType{
		ID:               optional.NewString("User"),
		Name:             "User",
		Description:      optional.NewString("User Account"),
		Endpoint:         "/Users",
		Schema:           elimityschema.CoreUserSchema(),
		SchemaExtensions: []elimity.SchemaExtension{EnterpriseUser()},
	}
}

// EnterpriseUser is the enterprise extension of User.
func EnterpriseUser() elimity.SchemaExtension {
	return elimity.SchemaExtension{Schema: elimityschema.ExtensionEnterpriseUser()}
}

// Group is the resource type Group.
func Group() elimity.ResourceType {
	return elimity.ResourceType{
		ID:          optional.NewString("Group"),
		Name:        "Group",
		Description: optional.NewString("Group"),
		Endpoint:    "/Groups",
		Schema:      elimityschema.CoreGroupSchema(),
	}
}
