package idp

import (
	"maps"
	"slices"
	"strings"
)

// Attributes are the attributes of a person that an identity provider has, by the names below. An empty text means that there is no value.
type Attributes map[string]string

// These are the names of the attributes that the simulated identity providers may map.
const (
	UserName    = "userName"
	ExternalID  = "externalId"
	DisplayName = "displayName"
	GivenName   = "name.givenName"
	FamilyName  = "name.familyName"
	Title       = "title"
	WorkMail    = `emails[type eq "work"].value`
	Mobile      = `phoneNumbers[type eq "mobile"].value`
	Department  = enterprise + ":department"
	Manager     = enterprise + ":manager"
	Active      = "active" // its value is true or false
)

const (
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	userURN    = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN   = "urn:ietf:params:scim:schemas:core:2.0:Group"
	patchURN   = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// resource returns a user with these attributes, as a POST or PUT has it.
func (a Attributes) resource() map[string]any {
	r := map[string]any{"schemas": []any{userURN, enterprise}, "active": a[Active] == "true"}
	extension := map[string]any{}
	for name, value := range a {
		if value == "" {
			continue
		}
		switch name {
		case Active:
		case WorkMail:
			r["emails"] = []any{map[string]any{"type": "work", "value": value, "primary": true}}
		case Mobile:
			r["phoneNumbers"] = []any{map[string]any{"type": "mobile", "value": value}}
		case GivenName, FamilyName:
			full, ok := r["name"].(map[string]any)
			if !ok {
				full = map[string]any{}
				r["name"] = full
			}
			full[strings.TrimPrefix(name, "name.")] = value
		case Department:
			extension["department"] = value
		case Manager:
			extension["manager"] = map[string]any{"value": value}
		default:
			r[name] = value
		}
	}
	if len(extension) > 0 {
		r[enterprise] = extension
	}
	return r
}

// attributesOf reads the attributes from a user that a service answered.
func attributesOf(r map[string]any) Attributes {
	a := Attributes{Active: "false"}
	if r["active"] == true {
		a[Active] = "true"
	}
	for _, name := range []string{UserName, ExternalID, DisplayName, Title} {
		a.put(name, r[name])
	}
	full, _ := r["name"].(map[string]any)
	a.put(GivenName, full["givenName"])
	a.put(FamilyName, full["familyName"])
	a.put(WorkMail, ofType(r["emails"], "work"))
	a.put(Mobile, ofType(r["phoneNumbers"], "mobile"))
	extension, _ := r[enterprise].(map[string]any)
	a.put(Department, extension["department"])
	manager, _ := extension["manager"].(map[string]any)
	a.put(Manager, manager["value"])
	return a
}

func (a Attributes) put(name string, v any) {
	if s, ok := v.(string); ok && s != "" {
		a[name] = s
	}
}

func ofType(list any, kind string) any {
	array, _ := list.([]any)
	for _, e := range array {
		if o, ok := e.(map[string]any); ok && o["type"] == kind {
			return o["value"]
		}
	}
	return nil
}

// differences returns the names of the attributes that differ, in order.
func (a Attributes) differences(b Attributes) []string {
	var names []string
	for name := range a {
		if a[name] != b[name] {
			names = append(names, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok && b[name] != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// with returns a copy in which an attribute has another value.
func (a Attributes) with(name, value string) Attributes {
	b := maps.Clone(a)
	b[name] = value
	return b
}
