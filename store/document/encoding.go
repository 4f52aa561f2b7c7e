package document

import (
	"sync"
	"unicode/utf8"
)

// Document is the canonical text of an object: null fields and whatever is empty ([Value.IsEmpty]) are left out.
func (v Value) Document() Document {
	if v.kind != KindObject || len(v.items) == 0 {
		return ""
	}
	buf := buffers.Get().(*[]byte)
	*buf = appendAssigned((*buf)[:0], &v)
	d := Document(*buf)
	const keep = 64 << 10
	if cap(*buf) <= keep {
		buffers.Put(buf)
	}
	return d
}

// buffers lends out what documents are written into before their size is known.
var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 2<<10)) }}

// AppendJSON appends v as JSON text, empty values included.
func AppendJSON(b []byte, v Value) []byte { return appendValue(b, &v) }

func appendValue(b []byte, v *Value) []byte {
	switch v.kind {
	case KindNull:
		return append(b, "null"...)
	case KindString:
		return AppendString(b, v.text)
	case KindArray:
		b = append(b, '[')
		for i := range v.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, &v.items[i].Value)
		}
		return append(b, ']')
	case KindObject:
		b = append(b, '{')
		for i := range v.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = AppendString(b, v.items[i].Name)
			b = append(b, ':')
			b = appendValue(b, &v.items[i].Value)
		}
		return append(b, '}')
	}
	return append(b, v.text...)
}

// appendAssigned appends v without what is empty in it, and nothing if v is empty itself.
func appendAssigned(b []byte, v *Value) []byte {
	switch v.kind {
	case KindNull:
		return b
	case KindArray, KindObject:
	default:
		return appendValue(b, v)
	}
	start := len(b)
	closing := byte(']')
	if v.kind == KindObject {
		closing = '}'
	}
	b = append(b, closing-2) // in ASCII, '[' and '{' are two before
	empty := len(b)
	for i := range v.items {
		before := len(b)
		if before > empty {
			b = append(b, ',')
		}
		if v.kind == KindObject {
			b = append(AppendString(b, v.items[i].Name), ':')
		}
		value := len(b)
		if b = appendAssigned(b, &v.items[i].Value); len(b) == value {
			b = b[:before]
		}
	}
	if len(b) == empty {
		return b[:start]
	}
	return append(b, closing)
}

// AppendString appends s as a quoted JSON string. What can't be kept, invalid UTF-8 and NUL, becomes U+FFFD.
func AppendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		n := 1
		if c >= utf8.RuneSelf {
			var r rune
			if r, n = utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			if c == 0 || c >= utf8.RuneSelf {
				b = append(b, "\uFFFD"...)
			} else {
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
		}
		i += n
		start = i
	}
	return append(append(b, s[start:]...), '"')
}
