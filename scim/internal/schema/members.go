package schema

import (
	"net/url"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Member returns the attribute members; nil if the type has none.
func (t *Type) Member() *Attribute { return t.members }

// TakeMembers removes the members from decoded attributes and returns them, each once, in their order. present says whether the
// attribute was there. The error is an *Error.
func (t *Type) TakeMembers(v *document.Value) (refs []store.MemberRef, present bool, err error) {
	if t.members == nil {
		return nil, false, nil
	}
	members := v.Get(t.members.Name)
	if !v.Delete(t.members.Name) {
		return nil, false, nil
	}
	refs, err = t.MemberRefs(members, t.members.Name)
	return refs, true, err
}

// MemberRefs reads a coerced array of members, and returns each once, in their order. where is the path for errors, which are
// *Error of type invalidValue.
func (t *Type) MemberRefs(members document.Value, where string) ([]store.MemberRef, error) {
	refs := make([]store.MemberRef, 0, members.Len())
	seen := make(map[string]bool, members.Len())
	for i := range members.Items() {
		e := &members.Items()[i].Value
		r, ok := t.MemberRef(e.Get("value").Text(), e.Get("$ref").Text(), e.Get("type").Text())
		if !ok {
			return nil, invalid("invalidValue", "value", "want the id of a resource").at(i).under(where)
		}
		if !seen[r.ID] {
			seen[r.ID] = true
			refs = append(refs, r)
		}
	}
	return refs, nil
}

// MemberRef makes a reference from a member's id, its URL ($ref) and its type, of which the last two may be "". It
// returns false if no resource can have such an id.
func (t *Type) MemberRef(id, ref, typ string) (r store.MemberRef, ok bool) {
	if document.IsBlank(id) || len(id) > maxKey {
		return r, false
	}
	return store.MemberRef{Type: t.memberType(id, ref, typ), ID: id}, true
}

// memberType returns the resource type of a member by its type or $ref; "" if it has neither, or if there is no such resource
// type.
func (t *Type) memberType(id, ref, said string) string {
	if said != "" {
		for name := range t.endpoints {
			if strings.EqualFold(name, said) {
				return name
			}
		}
	}
	if ref == "" {
		return ""
	}
	ref, last := cutLast(ref)
	if last != id {
		return ""
	}
	_, collection := cutLast(ref)
	for name, endpoint := range t.endpoints {
		if strings.EqualFold(endpoint[1:], collection) {
			return name
		}
	}
	return ""
}

// cutLast cuts the last segment off a URL or a part of one, and decodes it.
func cutLast(ref string) (rest, last string) {
	ref = strings.TrimRight(ref, "/")
	slash := strings.LastIndexByte(ref, '/')
	last = ref[slash+1:]
	if decoded, err := url.PathUnescape(last); err == nil {
		last = decoded
	}
	return ref[:max(slash, 0)], last
}
