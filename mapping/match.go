package mapping

import (
	"context"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Match says which attributes identify a person or a group on a connection. It is data: what a product gives to
// scim.Options.Unique and Index, and evaluates with [Match.Find] where people are linked.
type Match struct {
	Type     string   `json:"type"`     // User or Group
	By       []string `json:"by"`       // attributes in their precedence: externalId, userName, emails.value
	Existing Existing `json:"existing"` // what a POST of a match means
}

// Existing says what it means that somebody creates what is there already.
type Existing uint8

// The policies.
const (
	Conflict Existing = iota // 409 uniqueness, the answer that RFC 7644 section 3.3 has
	Link                     // the resource that is there becomes the one that was sent
)

// String is the policy as JSON writes it.
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

// Unique lists, by resource type, the attributes that no two resources may share: the form of scim.Options.Unique. Only
// with the policy Conflict must those of By be unique.
func Unique(matches ...Match) map[string][]string {
	unique := map[string][]string{}
	for _, m := range matches {
		if m.Existing == Conflict {
			unique[m.Type] = append(unique[m.Type], m.By...)
		}
	}
	return unique
}

// Find looks for the resource that r is, by the first attribute of By that both have with one value, and says which
// attribute that was. It returns nil if there is none. r must have its index keys.
func (m Match) Find(ctx context.Context, s store.Store, tenant string, r *store.Resource) (found *store.Resource, by string, err error) {
	for _, path := range m.By {
		for _, k := range r.Index {
			if k.Attribute != path {
				continue
			}
			if found, err = findKey(ctx, s, tenant, m.Type, k); found != nil || err != nil {
				return found, path, err
			}
		}
	}
	return nil, "", nil
}

// findKey finds the resource that has an index key. A value that isn't folded is that of a caseExact attribute; for the
// others the key itself decides.
func findKey(ctx context.Context, s store.Store, tenant, typ string, k store.IndexKey) (*store.Resource, error) {
	l, err := parsePlace(k.Attribute, false)
	if err != nil {
		return nil, err
	}
	page, err := s.List(ctx, store.Query{
		Tenant: tenant, Types: []string{typ}, Count: 10, NoTotal: true,
		Filter: filter.Compare{
			Attr: filter.Attr{
				Path: filter.Path{URI: l.uri, Name: l.name, Sub: l.sub}, Type: filter.String,
				CaseExact: document.Fold(k.Value) != k.Value, Multi: l.multi,
			},
			Op: filter.Eq, Value: document.String(k.Value),
		},
	})
	if err != nil {
		return nil, err
	}
	for _, r := range page.Resources {
		if slices.ContainsFunc(r.Index, func(o store.IndexKey) bool { return o.Attribute == k.Attribute && o.Value == k.Value }) {
			return r, nil
		}
	}
	return nil, nil
}
