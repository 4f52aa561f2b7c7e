package mapping

import "github.com/rollcall-dev/rollcall/store/document"

// Match says which attributes identify a person or a group on a connection. It is data: [Unique] and [Linked] turn matches into
// what scim.Options.Unique and lifecycle.Options.Link want to know.
type Match struct {
	Type     string   `json:"type"`     // User or Group
	By       []string `json:"by"`       // attributes in their precedence: externalId, userName, emails.value, emails[type eq "work"].value
	Existing Existing `json:"existing"` // what a POST of a match means
}

// Existing says what a POST means for somebody who is there already.
type Existing uint8

// The policies.
const (
	Conflict Existing = iota // 409 uniqueness, the answer that RFC 7644 section 3.3 has
	Link                     // the resource that is there becomes the one that was sent
)

// String returns the policy as JSON writes it.
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

// Unique lists, by resource type, the attributes that no two resources may share: the form of scim.Options.Unique. They are those
// of matches with the policy Conflict.
func Unique(matches ...Match) map[string][]string {
	unique := map[string][]string{}
	for _, m := range matches {
		if m.Existing == Conflict {
			unique[m.Type] = append(unique[m.Type], m.By...)
		}
	}
	return unique
}

// Linked lists, by resource type, the attributes by which a POST finds who is there already: the form of
// lifecycle.Options.Link. They are those of matches with the policy Link.
func Linked(matches ...Match) map[string][]string {
	linked := map[string][]string{}
	for _, m := range matches {
		if m.Existing == Link {
			linked[m.Type] = append(linked[m.Type], m.By...)
		}
	}
	return linked
}
