// Package document is the form in which a resource's attributes travel and rest: JSON, parsed into a tree of [Value]
// while a request works on it, and kept as a [Document], its canonical text, everywhere else.
//
// It exists because encoding/json can refuse neither two keys that differ only in case (RFC 7643 section 2.1 makes
// attribute names case-insensitive) nor a nesting depth, loses the order of keys, and costs several times as much.
package document

import (
	"iter"
	"strings"
)

// Document is the canonical JSON text of one object: no white space, no duplicate keys, no null members, strings
// escaped only where JSON demands it. Two equal documents are equal strings. Being a string it is immutable, may be
// shared between goroutines and needs no cloning. The empty Document is an object without members.
//
// Only this package's encoder makes one ([Value.Document]); its readers trust that, so text of another origin must go
// through [Parse] first.
type Document string

// Value parses the whole document.
func (d Document) Value() Value {
	if d == "" {
		return Object()
	}
	p := parser{in: string(d), depth: trustedDepth, trusted: true}
	v, err := p.value()
	if err != nil {
		return Object()
	}
	return v
}

// Get parses just the member called name (exact case), and returns the zero Value if there is none.
func (d Document) Get(name string) Value {
	for n, raw := range d.Members() {
		if n == name {
			p := parser{in: raw, depth: trustedDepth, trusted: true}
			v, err := p.value()
			if err != nil {
				return Value{}
			}
			return v
		}
	}
	return Value{}
}

// Members walks over the top-level members: name and raw JSON of the value, in order, without parsing the values.
func (d Document) Members() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		s := string(d)
		for i := 1; i < len(s) && s[i] == '"'; i++ {
			end := skipString(s, i)
			name := s[i+1 : end-1]
			if strings.IndexByte(name, '\\') >= 0 {
				p := parser{in: s, pos: i, trusted: true}
				name, _ = p.string()
			}
			start := end + 1 // past the colon
			i = skipValue(s, start)
			if !yield(name, s[start:i]) {
				return
			}
		}
	}
}

// skipString returns the offset behind the string that starts at s[i].
func skipString(s string, i int) int {
	for i++; ; i++ {
		n := strings.IndexAny(s[i:], `"\`)
		if n < 0 {
			return len(s)
		}
		i += n
		if s[i] == '"' {
			return i + 1
		}
		i++
	}
}

// skipValue returns the offset behind the value that starts at s[i].
func skipValue(s string, i int) int {
	depth := 0
	for i < len(s) {
		switch s[i] {
		case '"':
			if i = skipString(s, i); depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}
