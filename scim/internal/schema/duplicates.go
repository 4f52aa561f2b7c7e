package schema

import (
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Same says whether two elements of the attribute are the same: their values and types are, without regard to case if they aren't caseExact
// (RFC 7643 section 2.4). Elements without a sub-attribute value are the same if all their other sub-attributes are.
func (a *Attribute) Same(x, y document.Value) bool {
	if a.Type != filter.Complex {
		return a.sameText(x, y)
	}
	value, typ := a.subs.find("value"), a.subs.find("type")
	if value == nil || x.Get(value.Name).IsNull() || y.Get(value.Name).IsNull() {
		return false
	}
	return value.sameText(x.Get(value.Name), y.Get(value.Name)) && (typ == nil || typ.sameText(x.Get(typ.Name), y.Get(typ.Name)))
}

func (a *Attribute) sameText(x, y document.Value) bool {
	if x.Kind() != document.KindString || y.Kind() != document.KindString {
		return document.Equal(x, y)
	}
	return x.Text() == y.Text() || !a.CaseExact && document.Fold(x.Text()) == document.Fold(y.Text())
}

// Key returns the same text for two elements that are the same, and "" for an element that is not the same as any other.
func (a *Attribute) Key(x document.Value) string {
	if a.Type != filter.Complex {
		return a.textKey(x)
	}
	value, typ := a.subs.find("value"), a.subs.find("type")
	if value == nil || x.Get(value.Name).IsNull() {
		return ""
	}
	key := value.textKey(x.Get(value.Name))
	if typ != nil {
		key += "\x00" + typ.textKey(x.Get(typ.Name))
	}
	return key
}

func (a *Attribute) textKey(x document.Value) string {
	if x.Kind() == document.KindString && !a.CaseExact {
		return "s" + document.Fold(x.Text())
	}
	return "j" + string(document.AppendJSON(nil, x))
}

// Merge returns an element x with the sub-attributes of more, which is the same element, that x doesn't have.
func (a *Attribute) Merge(x, more document.Value) document.Value {
	if a.Type != filter.Complex {
		return x
	}
	merged := document.Object(make([]document.Field, 0, len(a.Sub))...)
	for _, sub := range a.Sub {
		v, other := x.Get(sub.Name), more.Get(sub.Name)
		if !other.IsEmpty() && (v.IsEmpty() || sub.Name == "primary") {
			v = other
		}
		if !v.IsEmpty() {
			merged.Set(sub.Name, v)
		}
	}
	return merged
}

// Distinct returns an array without duplicates. Of elements that are the same, the first stays, and the others are merged into it. An array
// without duplicates is returned as it is.
func (a *Attribute) Distinct(array document.Value) document.Value {
	if array.Kind() != document.KindArray || array.Len() < 2 || !a.repeats(array) {
		return array
	}
	var out []document.Value
	at := make(map[string]int, array.Len())
	for _, e := range array.Items() {
		key := a.Key(e.Value)
		if i, ok := at[key]; ok && key != "" {
			out[i] = a.Merge(out[i], e.Value)
			continue
		}
		at[key] = len(out)
		out = append(out, e.Value)
	}
	return document.Array(out...)
}

// repeats says whether an array has an element twice. If there are only a few elements, it compares each with each other, which needs no
// memory.
func (a *Attribute) repeats(array document.Value) bool {
	const few = 8
	items := array.Items()
	if len(items) <= few {
		for i := range items {
			for j := range i {
				if a.Same(items[i].Value, items[j].Value) {
					return true
				}
			}
		}
		return false
	}
	seen := make(map[string]bool, len(items))
	for i := range items {
		if key := a.Key(items[i].Value); key != "" {
			if seen[key] {
				return true
			}
			seen[key] = true
		}
	}
	return false
}

// inMember says whether the attribute is a sub-attribute of members or groups. A number isn't tolerated as a text there, because it could
// be another id.
func (a *Attribute) inMember() bool { return a.Parent != nil && a.Parent.Relation != 0 }

// knows says whether an object has a sub-attribute of the attribute.
func (a *Attribute) knows(v document.Value) bool {
	for _, m := range v.Items() {
		if a.subs.find(m.Name) != nil {
			return true
		}
	}
	return false
}
