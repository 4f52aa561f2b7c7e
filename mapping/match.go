package mapping

import "github.com/rollcall-dev/rollcall/store/document"

// Match says which attributes identify a person or a group on a connection. It can be stored as JSON. [Unique] and [Linked] make
// from matches what scim.Options.Unique and lifecycle.Options.Link take.
type Match struct {
	Type     string   `json:"type"`     // User or Group
	By       []string `json:"by"`       // the attributes in their precedence, such as externalId, userName, emails.value, emails[type eq "work"].value
	Existing Existing `json:"existing"` // what a POST means if there is a match
}

// Existing says what a POST means if the person or group exists already.
type Existing uint8

// These are the policies for a POST of an existing person or group.
const (
	Conflict Existing = iota // the answer is 409 with the scimType uniqueness, as in RFC 7644 section 3.3
	Link                     // the POST takes over the existing resource, and changes it to what was sent
)

// String returns the policy as it is written in JSON.
func (e Existing) String() string { return [...]string{"conflict", "link"}[e] }

// MarshalText implements [encoding.TextMarshaler].
func (e Existing) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (e *Existing) UnmarshalText(text []byte) error {
	for _, x := range []Existing{Conflict, Link} {
		if x.String() == string(text) {
			*e = x
			return nil
		}
	}
	return &InvalidError{Path: "existing", Value: show(document.String(string(text))), Detail: "want conflict or link"}
}

// Unique lists, by resource type, the attributes of matches with the policy [Conflict], of which no two resources may have the same value. It
// is meant for scim.Options.Unique.
func Unique(matches ...Match) map[string][]string {
	unique := map[string][]string{}
	for _, m := range matches {
		if m.Existing == Conflict {
			unique[m.Type] = append(unique[m.Type], m.By...)
		}
	}
	return unique
}

// Linked lists, by resource type, the attributes of matches with the policy [Link], by which a POST finds an existing resource. It is meant
// for lifecycle.Options.Link.
func Linked(matches ...Match) map[string][]string {
	linked := map[string][]string{}
	for _, m := range matches {
		if m.Existing == Link {
			linked[m.Type] = append(linked[m.Type], m.By...)
		}
	}
	return linked
}
