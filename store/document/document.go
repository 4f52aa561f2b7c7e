// Package document is the form in which a resource's attributes travel and rest: JSON, parsed into a tree of [Value]
// while a request works on it, and kept as a [Document], its canonical text, everywhere else.
//
// It exists because encoding/json can refuse neither two keys that differ only in case (RFC 7643 section 2.1 makes
// attribute names case-insensitive) nor a nesting depth, loses the order of keys, and costs several times as much.
package document

import (
	"errors"
	"iter"
	"strings"
)

// Document is the canonical JSON text of one object: no white space, no duplicate keys, no null fields, strings
// escaped only where JSON demands it. Two equal documents are equal strings. Being a string it is immutable, may be
// shared between goroutines and needs no cloning. The empty Document is an object without fields.
//
// Only this package's encoder makes one ([Value.Document]); its readers trust that, so text of another origin must go
// through [Parse] first. Text that was kept somewhere may have been damaged there. Whoever reads it back must ask Check or
// Tree: Value, Get and Fields have no error to return, and show a damaged document with a part of it missing.
type Document string

// ErrDamaged says that the text of a document is no whole object in canonical form, as when a part of it was lost where it
// was kept.
var ErrDamaged = errors.New("document: the text is damaged")

// Value is Tree for a document that is known to be whole. Of a damaged one it makes an object without fields, which means
// something else entirely. For a document that was kept somewhere use Tree.
func (d Document) Value() Value {
	v, err := d.Tree()
	if err != nil {
		return Object()
	}
	return v
}

// Tree parses the whole document, or returns ErrDamaged.
func (d Document) Tree() (Value, error) {
	if d == "" {
		return Object(), nil
	}
	p := parser{in: string(d), depth: trustedDepth, trusted: true}
	defer p.release()
	v, err := p.value()
	if err != nil || v.kind != KindObject || p.pos != len(d) {
		return Value{}, ErrDamaged
	}
	return v, nil
}

func parseTrusted(in string) Value {
	if len(in) > 1 && in[0] == '"' && strings.IndexByte(in, '\\') < 0 {
		return String(in[1 : len(in)-1])
	}
	p := parser{in: in, depth: trustedDepth, trusted: true}
	defer p.release()
	v, err := p.value()
	if err != nil {
		return Value{}
	}
	return v
}

// Get parses just the field called name (exact case), and returns the zero Value if there is none. The document must be
// whole.
func (d Document) Get(name string) Value {
	s := string(d)
	for i := 1; i < len(s) && s[i] == '"'; i++ {
		end := skipString(s, i)
		start := min(end+1, len(s)) // past the colon
		found := fieldName(s, i, end) == name
		if i = skipValue(s, start); found {
			return parseTrusted(s[start:i])
		}
	}
	return Value{}
}

// Fields walks over the top-level fields: name and raw JSON of the value, in order, without parsing the values. The
// document must be whole.
func (d Document) Fields() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		s := string(d)
		for i := 1; i < len(s) && s[i] == '"'; i++ {
			end := skipString(s, i)
			start := min(end+1, len(s)) // past the colon
			name := fieldName(s, i, end)
			if i = skipValue(s, start); !yield(name, s[start:i]) {
				return
			}
		}
	}
}

// fieldName is the string s[start:end] without its quotes and escapes.
func fieldName(s string, start, end int) string {
	if strings.IndexByte(s[start:end], '\\') < 0 {
		return s[start+1 : max(end-1, start+1)]
	}
	p := parser{in: s, pos: start}
	name, _ := p.string()
	return name
}

// skipString returns the offset behind the string that starts at s[i].
func skipString(s string, i int) int {
	for i++; ; i++ {
		n := strings.IndexByte(s[i:], '"')
		if n < 0 {
			return len(s)
		}
		first := i
		i += n
		escapes := i
		for escapes > first && s[escapes-1] == '\\' {
			escapes--
		}
		if (i-escapes)%2 == 0 {
			return i + 1
		}
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
