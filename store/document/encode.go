package document

import "unicode/utf8"

// Document is the canonical text of an object: null members and whatever is empty ([Value.IsEmpty]) are left out.
func (v Value) Document() Document {
	if v.kind != KindObject || len(v.items) == 0 {
		return ""
	}
	b := v.appendAssigned(make([]byte, 0, 512))
	if len(b) == 2 {
		return ""
	}
	return Document(b)
}

// AppendJSON appends v as JSON text, empty values included.
func AppendJSON(b []byte, v Value) []byte {
	switch v.kind {
	case KindNull:
		return append(b, "null"...)
	case KindString:
		return AppendString(b, v.text)
	case KindArray, KindObject:
		return appendItems(b, v, AppendJSON, false)
	}
	return append(b, v.text...)
}

func (v Value) appendAssigned(b []byte) []byte {
	return appendItems(b, v, func(b []byte, x Value) []byte {
		if x.kind == KindArray || x.kind == KindObject {
			return x.appendAssigned(b)
		}
		return AppendJSON(b, x)
	}, true)
}

func appendItems(b []byte, v Value, one func([]byte, Value) []byte, onlyAssigned bool) []byte {
	object := v.kind == KindObject
	if object {
		b = append(b, '{')
	} else {
		b = append(b, '[')
	}
	first := true
	for i := range v.items {
		m := &v.items[i]
		if onlyAssigned && m.Value.IsEmpty() {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		if object {
			b = AppendString(b, m.Name)
			b = append(b, ':')
		}
		b = one(b, m.Value)
	}
	if object {
		return append(b, '}')
	}
	return append(b, ']')
}

// AppendString appends s as a quoted JSON string. Invalid UTF-8 becomes U+FFFD.
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
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[start:i]...), "\uFFFD"...)
				start = i + n
			}
			i += n
			continue
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
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}
