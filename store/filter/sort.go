package filter

import "github.com/rollcall-dev/rollcall/store/document"

// SortKey returns the key by which a resource is sorted by a bound attribute (RFC 7644 section 3.4.2.3): the resources have the order of
// their keys, compared by bytes. The key is valid UTF-8 without NUL. ok is false if the resource has no
// value to sort by; such resources come last, or first in descending order.
//
// Of a multi-valued attribute, the value of the primary element counts, else the first value. Strings
// are sorted by code points, folded unless caseExact; numbers by value; dateTimes by the points in time that they mean; false comes
// before true.
func SortKey(src Source, by Attr) (key string, ok bool) {
	v := src.Attribute(by.Path)
	value := sortValue(&v, by.Sub)
	if value == nil {
		return "", false
	}
	text := value.Text()
	switch by.Type {
	case Boolean, Integer, Decimal:
		switch value.Kind() {
		case document.KindBool:
			return text, true // "false" is less than "true"
		case document.KindNumber:
			return document.NumberKey(text), true
		}
		return "", false
	case DateTime:
		at, ok := ParseTime(text)
		if !ok {
			return "", false
		}
		return at.UTC().Format("2006-01-02T15:04:05.000000000Z"), true
	}
	if value.Kind() != document.KindString {
		return "", false
	}
	if !by.CaseExact {
		text = document.Fold(text)
	}
	return text, true
}

// sortValue finds the simple value to sort by.
func sortValue(v *document.Value, sub string) *document.Value {
	switch v.Kind() {
	case document.KindNull:
		return nil
	case document.KindArray:
		var first *document.Value
		for i := range v.Items() {
			e := v.At(i)
			x := sortValue(e, sub)
			if x != nil && e.Get("primary").True() {
				return x
			}
			if first == nil {
				first = x
			}
		}
		return first
	case document.KindObject:
		if sub == "" {
			sub = "value"
		}
		if v = v.Ref(sub); v == nil || v.Kind() == document.KindObject {
			return nil
		}
		return sortValue(v, "")
	}
	if sub != "" && sub != "value" {
		return nil
	}
	return v
}
