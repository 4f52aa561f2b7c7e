package schema

import (
	"strings"
	"unicode"

	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Resolve finds the attribute or sub-attribute that a path names, in any case, with or without the schema's URN. For
// the URN of an extension alone it returns nil and the extension. The error is an *Error of type invalidPath.
func (t *Type) Resolve(p filter.Path, m *Mode) (*Attribute, *Extension, error) {
	a, x, err := t.resolve(p, m)
	if err != nil {
		return nil, nil, err
	}
	return a, x, nil
}

func (t *Type) resolve(p filter.Path, m *Mode) (*Attribute, *Extension, *Error) {
	var a *Attribute
	switch {
	case p.URI == "":
		if a = t.core.find(p.Name); a == nil {
			a = t.unqualified[document.FoldName(p.Name)]
			if a != nil && !m.Tolerate(quirk.UnqualifiedExtension) {
				return nil, nil, invalid("invalidPath", Shown(p.String()), "no attribute of the base schema; write %s", a.Path)
			}
		}
	case p.Name != "" && t.isBase(p.URI):
		a = t.core.find(p.Name)
	default:
		if x := t.extension(p.URI); x != nil && p.Name != "" {
			a = x.Find(p.Name)
			break
		}
		// The parser takes the last part of a URN for the name of an attribute: ...:enterprise:2.0 and User.
		if x, base := t.urn(p); x != nil {
			return nil, x, nil
		} else if base {
			return nil, nil, invalid("invalidPath", Shown(p.String()), "names the whole resource; name an attribute")
		}
		if p.Sub == "" {
			break
		}
		// Old jobs of Entra ID send urn:...:User.department.
		if x, base := t.urn(filter.Path{URI: p.URI, Name: p.Name}); x != nil && m.Tolerate(quirk.DottedKeys) {
			a, p.Sub = x.Find(p.Sub), ""
		} else if base && m.Tolerate(quirk.DottedKeys) {
			a, p.Sub = t.core.find(p.Sub), ""
		}
	}
	if a == nil {
		return nil, nil, t.unknown(p)
	}
	if p.Sub == "" {
		return a, nil, nil
	}
	if sub := a.subs.find(p.Sub); sub != nil {
		return sub, nil, nil
	}
	if a.Type != filter.Complex {
		return nil, nil, invalid("invalidPath", Shown(p.String()), "%s is %s and has no sub-attributes", a.Name, article(a.Type))
	}
	return nil, nil, invalid("invalidPath", Shown(p.String()), "%s has no such sub-attribute; it has %s", a.Name, a.subs.names())
}

// urn says whether a path is the URN of an extension or of the base schema, which the parser takes for the path of an attribute.
func (t *Type) urn(p filter.Path) (x *Extension, base bool) {
	if p.URI == "" {
		return nil, false
	}
	urn := p.String()
	return t.extension(urn), t.isBase(urn)
}

func (t *Type) unknown(p filter.Path) *Error {
	if len(p.URI)+len(p.Name)+len(p.Sub) > 200 {
		return invalid("invalidPath", "", "%s is no attribute of %s", quoted(Shown(p.String())), t.Name)
	}
	return invalid("invalidPath", Shown(p.String()), "%s has no such attribute", t.Name)
}

// Shown returns the part that an error may show of a text that should name an attribute. Everything from the first bracket, quote or blank
// on is left out, because it may be a filter that compares a password.
func Shown(path string) string {
	if i := strings.IndexFunc(path, func(r rune) bool { return strings.ContainsRune("[](){}\"'`=<>&,", r) || unicode.IsSpace(r) }); i >= 0 {
		if path[i] == '[' {
			i++
		}
		return path[:i] + "..."
	}
	return path
}

// splitPath reads the name of an attribute in a list of names, in sortBy or as a key: [URN:]name[.sub]. It ignores a filter in brackets,
// which some clients send although it isn't allowed there.
func splitPath(s string) (p filter.Path) {
	if open := strings.IndexByte(s, '['); open >= 0 {
		rest := ""
		if end := strings.LastIndexByte(s, ']'); end > open {
			rest = s[end+1:]
		}
		s = s[:open] + rest
	}
	p.Name = s
	if colon := strings.LastIndexByte(s, ':'); colon >= 0 {
		if p.URI, p.Name = s[:colon], s[colon+1:]; p.Name == "" || p.Name[0] < 'A' { // urn:example:2.0 doesn't end in a name
			return filter.Path{URI: s}
		}
	}
	p.Name, p.Sub, _ = strings.Cut(p.Name, ".")
	return p
}
