package scim

import (
	"fmt"
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
)

// forInterop is discovery as draft-zollner-scim-interop-profile-02 has it: it says that the profile is kept, a resource type's id is
// its name, no schema has a password, and every sub-attribute type has canonicalValues.
func (d *discovery) forInterop() (discovery, error) {
	out := discovery{documents: make(map[string]document.Document, len(d.documents)), lists: d.lists}
	for path, doc := range d.documents {
		v, err := doc.Tree()
		if err != nil {
			return out, fmt.Errorf("scim: %s: %w", path, err)
		}
		switch {
		case path == serviceProviderConfig:
			v.Set("interopProfileConformant", document.Bool(true))
		case strings.HasPrefix(path, "ResourceTypes/"):
			v.Set("id", v.Get("name"))
		default:
			withoutPassword(v.Ref("attributes"))
			for i := range v.Ref("attributes").Items() {
				withCanonicalTypes(v.Ref("attributes").At(i).Ref("subAttributes"))
			}
		}
		out.documents[path] = document.Document(document.AppendJSON(nil, v))
	}
	return out, nil
}

func withoutPassword(attributes *document.Value) {
	for i := attributes.Len() - 1; i >= 0; i-- {
		if strings.EqualFold(attributes.At(i).Get("name").Text(), "password") {
			attributes.DeleteAt(i)
		}
	}
}

// withCanonicalTypes gives a sub-attribute type the usual words, unless the product has said which there are.
func withCanonicalTypes(subs *document.Value) {
	if subs == nil {
		return
	}
	for i := range subs.Items() {
		sub := subs.At(i)
		if strings.EqualFold(sub.Get("name").Text(), "type") && sub.Get("canonicalValues").IsEmpty() {
			sub.Set("canonicalValues", document.Array(document.String("work"), document.String("home"), document.String("other")))
		}
	}
}
