package filter

import "strings"

// PatchPath is the path of a PATCH operation: an attribute, elements of it, or a sub-attribute of either (RFC 7644
// section 3.5.2, figure 7). For a URN alone, which names a whole extension, see [ParsePath].
type PatchPath struct {
	Path  Path // the attribute; its Sub is empty if Where is not nil
	Where Expr // the filter in brackets; nil if there are none
	Sub   string
}

// String returns the path as it is written in a PATCH operation.
func (p PatchPath) String() string {
	b := append(make([]byte, 0, 64), p.Path.String()...)
	if p.Where != nil {
		b = append(b, '[')
		b = append(appendExpr(b, p.Where, inBrackets), ']')
	}
	if p.Sub != "" {
		b = append(append(b, '.'), p.Sub...)
	}
	return string(b)
}

// patchPath parses the whole text as the path of a PATCH operation.
func (p *parser) patchPath() (path PatchPath, err error) {
	if urn := p.bareURN(); urn != "" {
		path.Path.URI = urn
		return path, p.end("the end")
	}
	if path.Path, err = p.attribute(); err != nil {
		return path, err
	}
	if p.peek() != '[' {
		if path.Path.Sub == "" {
			return path, p.end("'.', '[' or the end")
		}
		return path, p.end("the end")
	}
	if path.Where, err = p.where(path.Path); err != nil {
		return path, err
	}
	if p.peek() != '.' {
		return path, p.end("'.' or the end")
	}
	p.pos++
	if path.Sub, err = p.name(aSubAttribute); err != nil {
		return path, err
	}
	return path, p.end("the end")
}

const (
	anAttribute   = "the name of an attribute"
	aSubAttribute = "the name of a sub-attribute"
)

// attribute parses [URI:]name[.sub].
func (p *parser) attribute() (path Path, err error) {
	word := p.ahead()
	if colon := strings.LastIndexByte(word, ':'); colon >= 0 {
		if n := uriLength(word[:colon]); n < colon || n == 0 {
			p.pos += n
			return path, p.fail("the URN of a schema")
		}
		path.URI = word[:colon]
		p.pos += colon + 1
	}
	want := anAttribute
	if p.element {
		want = aSubAttribute
	}
	if path.Name, err = p.name(want); err == nil && p.peek() == '.' {
		p.pos++
		path.Sub, err = p.name(aSubAttribute)
	}
	return path, err
}

// bareURN goes behind a URN that can't end in the name of an attribute, and returns it. It returns "" if there is none.
func (p *parser) bareURN() string {
	word := p.ahead()
	colon := strings.LastIndexByte(word, ':')
	if colon < 0 || colon+1 == len(word) || uriLength(word) < len(word) || p.pos+len(word) < len(p.in) && p.in[p.pos+len(word)] == '[' {
		return ""
	}
	name, sub, dotted := strings.Cut(word[colon+1:], ".")
	if nameLength(name) == len(name) && name != "" && (!dotted || nameLength(sub) == len(sub)) {
		return ""
	}
	p.pos += len(word)
	return word
}

// name parses an attribute's name without URN. RFC 7643 section 2.1 allows $ in names, but only $ref may begin with it.
func (p *parser) name(want string) (string, error) {
	n := nameLength(p.in[p.pos:])
	if n == 0 {
		return "", p.fail(want)
	}
	p.pos += n
	return p.in[p.pos-n : p.pos], nil
}

// nameLength returns the length of the attribute's name at the beginning of s; 0 if there is none.
func nameLength(s string) int {
	if s == "" || !isLetter(s[0]) && s[0] != '$' {
		return 0
	}
	n := 1
	for n < len(s) && isName(s[n]) {
		n++
	}
	return n
}

// uriLength returns the length of the longest beginning of s that may be a URI (RFC 3986 appendix A), without characters that delimit a path.
func uriLength(s string) int {
	if s == "" || !isLetter(s[0]) {
		return 0
	}
	n := 1
	for n < len(s) && s[n] < 0x7F && strings.IndexByte("<>\\^`{|}", s[n]) < 0 {
		n++
	}
	return n
}
