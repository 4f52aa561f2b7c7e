package payload

import (
	"encoding/json"
	"slices"

	"github.com/rollcall-dev/rollcall/lifecycle"
)

type object = map[string]any

// descriptions say what each kind tells.
var descriptions = map[lifecycle.Kind]string{
	lifecycle.KindProvisioned: "Somebody is there: created, by whatever way.",
	lifecycle.KindActivated:   "Somebody was let in: approved, or signed in for the first time.",
	lifecycle.KindDeactivated: "Somebody lost access, by whatever way: end the sessions.",
	lifecycle.KindReactivated: "Somebody has access again.",
	lifecycle.KindBilled:      "A billing period of somebody's access begins.",
	lifecycle.KindUnbilled:    "That period ends.",
	lifecycle.KindRejected:    "Somebody who waited for review was not let in.",
	lifecycle.KindUpdated:     "Somebody's attributes differ.",
	lifecycle.KindDeleted:     "Somebody is gone.",

	lifecycle.KindGroupCreated:   "A group is there.",
	lifecycle.KindGroupUpdated:   "The attributes of a group differ; its members are not among them.",
	lifecycle.KindGroupDeleted:   "A group is gone.",
	lifecycle.KindMembersChanged: "The members of a group differ: added and removed have their ids.",

	lifecycle.KindSeatRefused:     "The seat limit kept somebody out.",
	lifecycle.KindAccountConflict: "An account outside the organization has the name that somebody should get.",

	lifecycle.KindCredentialExpiring: "A credential of an identity provider's link ends soon: an administrator must make another one.",
	lifecycle.KindRequestCompleted:   "A request that was answered before it was done has ended, or one operation of it: after is what became of it, and origin.request its transaction.",
	lifecycle.KindBrakeHeld:          "A brake holds what a connection does: an administrator must look before it goes on.",

	lifecycle.KindResourceCreated: "A resource of one of the product's own types is there.",
	lifecycle.KindResourceUpdated: "A resource of one of the product's own types differs.",
	lifecycle.KindResourceDeleted: "A resource of one of the product's own types is gone.",
}

// Schema is the JSON Schema (draft 2020-12) of the payloads of a kind; nil if there is no such kind.
func Schema(k lifecycle.Kind) []byte {
	s := schemaOf(k)
	if s == nil {
		return nil
	}
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	return encode(s)
}

// Schemas is one JSON Schema with that of each kind in "$defs". A payload must match that of its kind.
func Schemas() []byte {
	defs, one := object{}, []any{}
	for _, k := range lifecycle.Kinds() {
		defs[string(k)] = schemaOf(k)
		one = append(one, object{"$ref": "#/$defs/" + string(k)})
	}
	return encode(object{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "An event of Rollcall", "oneOf": one, "$defs": defs})
}

func encode(s object) []byte {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // it is made of strings, lists and objects
	}
	return append(text, '\n')
}

func text(description string) object { return object{"type": "string", "description": description} }

func texts(description string) object {
	return object{"type": "array", "items": object{"type": "string"}, "minItems": 1, "description": description}
}

func schemaOf(k lifecycle.Kind) object {
	if !slices.Contains(lifecycle.Kinds(), k) {
		return nil
	}
	description := descriptions[k]
	data := object{
		"type": text("The resource type of the subject, such as User."),
		"origin": object{"type": "object", "description": "Where the change came from.", "additionalProperties": false, "properties": object{
			"by":         object{"type": "string", "description": "The way: scim, sso, manual or import."},
			"request":    text("The id of the request."),
			"who":        text("The administrator or the credential."),
			"connection": text("The identity provider's link to the organization."),
		}},
	}
	required := []string{"type", "origin"}
	if k == lifecycle.KindMembersChanged {
		data["added"] = texts("Ids of members who came.")
		data["removed"] = texts("Ids of members who went.")
	} else {
		data["changed"] = texts("The names of the top-level attributes that differ.")
		data["before"] = object{"type": "object", "description": "The attributes as they were. Passwords are never among them."}
		data["after"] = object{"type": "object", "description": "The attributes as they are. Passwords are never among them."}
	}
	data["truncated"] = object{"const": true, "description": "Something is left out, because the payload is thin or would be too large: read the resource."}
	return object{
		"title": string(k), "description": description, "type": "object", "additionalProperties": false,
		"required": []string{"id", "kind", "tenant", "subject", "userName", "time", "data"},
		"properties": object{
			"id":       text("Unique; to deduplicate by, as an event may be told more than once."),
			"kind":     object{"const": string(k)},
			"tenant":   text("The organization."),
			"subject":  text("The id of the resource that it is about."),
			"userName": text("Of a user; empty for other resources."),
			"time":     object{"type": "string", "format": "date-time", "description": "Of the change, in UTC, with microseconds."},
			"data":     object{"type": "object", "additionalProperties": false, "required": required, "properties": data},
		},
	}
}
