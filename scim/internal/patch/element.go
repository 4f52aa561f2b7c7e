package patch

import (
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// primary is the name of the sub-attribute that is true in at most one element of an array (RFC 7643 section 2.4).
const primary = "primary"

func isPrimary(e document.Value) bool { return e.Get(primary).True() }

// onePrimary removes primary from all elements except for the i-th.
func onePrimary(array *document.Value, i int) {
	for j := range array.Items() {
		if p := array.At(j).Ref(primary); p != nil && j != i && p.True() {
			*p = document.Bool(false)
		}
	}
}

// setsPrimary says whether the change makes the elements that it writes primary.
func (c *change) setsPrimary() bool {
	if c.sub != nil {
		return c.sub.Name == primary && c.value.True()
	}
	return isPrimary(c.value)
}

// plain returns an element without primary if that is false, because false means the same as no value (RFC 7643 section 2.4).
func plain(e document.Value) document.Value {
	if p := e.Ref(primary); p == nil || p.Kind() != document.KindBool || p.True() {
		return e
	}
	e = shallow(e)
	e.Delete(primary)
	return e
}

// few is the number of new elements up to which it is cheaper to compare each with all elements than to make keys of all.
const few = 16

// weight returns roughly how many comparisons of simple values cost as much as to compare or clone a value.
func weight(v document.Value) int {
	const values = 8 // so many values cost as much as one comparison
	return (size(v) + values - 1) / values
}

// size returns the number of values in v, where a long text counts for several.
func size(v document.Value) int {
	const unit = 64
	n := 1 + len(v.Text())/unit
	for i := range v.Items() {
		n += size(v.Items()[i].Value)
	}
	return n
}

// appendNew appends those elements of list that array doesn't have yet, and returns the index of the one among them
// that is primary, or -1. If array has an element already, its further sub-attributes are merged into that, because RFC 7644 section 3.5.2.1
// allows no second element of the same value. It stops when the budget is exceeded.
func appendNew(array *document.Value, list document.Value, attr *schema.Attribute, budget *filter.Budget) int {
	if array.Kind() != document.KindArray {
		*array = document.Array()
	}
	const perKey = 8 // a key costs as much as so many comparisons
	var have map[string]int
	if list.Len() > few {
		have = make(map[string]int, array.Len()+list.Len())
		for i, e := range array.Items() {
			if !budget.Spend(perKey * weight(e.Value)) {
				return -1
			}
			for _, key := range keysOf(attr, e.Value) {
				have[key] = i
			}
		}
	}
	first := -1
	for _, m := range list.Items() {
		at := -1
		if have != nil {
			for _, key := range keysOf(attr, m.Value) {
				if i, ok := have[key]; ok {
					at = i
				}
			}
		} else if n := array.Len(); n > 0 && !budget.Spend(n*weight(m.Value)) {
			return -1
		} else {
			at = indexOf(array.Items(), m.Value, attr)
		}
		if at >= 0 {
			if old := *array.At(at); !document.Equal(plain(old), plain(m.Value)) {
				*array.At(at) = attr.Merge(old, m.Value).Clone()
				if isPrimary(m.Value) {
					first = at
				}
			}
			continue
		}
		if isPrimary(m.Value) {
			first = array.Len()
		}
		if have != nil {
			for _, key := range keysOf(attr, m.Value) {
				have[key] = array.Len()
			}
		}
		array.Append(m.Value.Clone())
	}
	return first
}

func indexOf(items []document.Field, e document.Value, attr *schema.Attribute) int {
	p := plain(e)
	for i := range items {
		if attr.Same(items[i].Value, e) || document.Equal(plain(items[i].Value), p) {
			return i
		}
	}
	return -1
}

// keysOf returns texts by which the same elements are found: two elements that are the same have at least one in common.
func keysOf(attr *schema.Attribute, e document.Value) []string {
	keys := []string{"=" + fingerprint(e)}
	if key := attr.Key(e); key != "" {
		keys = append(keys, key)
	}
	return keys
}

// fingerprint returns the same text for two elements that are equal.
func fingerprint(e document.Value) string {
	e = plain(e)
	if e.Kind() == document.KindObject {
		e = shallow(e)
		slices.SortFunc(e.Items(), func(a, b document.Field) int { return strings.Compare(a.Name, b.Name) })
	}
	return string(document.AppendJSON(nil, e))
}

// removeListed removes the elements that the value of a remove lists. It removes none if the budget is exceeded.
func (r *resource) removeListed(array *document.Value, c *change) {
	values := map[string][]document.Value{} // the listed elements by their valueKey
	for _, m := range c.value.Items() {
		k := valueKey(c.attr, m.Value)
		values[k] = append(values[k], m.Value)
	}
	var gone []int
	for i, e := range array.Items() {
		k := valueKey(c.attr, e.Value)
		is := func(listed document.Value) bool {
			return r.budget.Spend(weight(listed)) && isListed(c.attr, e.Value, listed)
		}
		if r.budget.Spend(1) && (slices.ContainsFunc(values[k], is) || k != "" && slices.ContainsFunc(values[""], is)) {
			gone = append(gone, i)
		}
	}
	if r.budget.Exceeded() {
		return
	}
	*array = without(*array, gone)
}

// valueKey returns a text that is equal for all elements of the same value: of the sub-attribute value, or of the element itself if it is
// simple. It returns "" for an element without a value.
func valueKey(a *schema.Attribute, e document.Value) string {
	exact := a.CaseExact
	if a.Type == filter.Complex {
		e = e.Get("value")
		if s := a.Find("value"); s != nil {
			exact = s.CaseExact
		}
	}
	if !exact && e.Kind() == document.KindString {
		return document.Fold(e.Text())
	}
	return e.Text()
}

// isListed says whether a remove means an element by one that it lists. The two must have the same value, and the same type if the listed
// one has a type. If the listed one has no value, the element must have everything that the listed one has.
func isListed(a *schema.Attribute, e, listed document.Value) bool {
	if a.Type != filter.Complex {
		return valueKey(a, e) == valueKey(a, listed) && e.Kind() == listed.Kind()
	}
	if listed.IsEmpty() {
		return false
	}
	byValue := !listed.Get("value").IsNull()
	if byValue && valueKey(a, e) != valueKey(a, listed) {
		return false
	}
	for _, m := range listed.Items() {
		switch {
		case m.Value.IsEmpty(), m.Name == "value":
		case m.Name == "type":
			if document.Fold(e.Get("type").Text()) != document.Fold(m.Value.Text()) {
				return false
			}
		case !byValue && !document.Equal(e.Get(m.Name), m.Value):
			return false
		}
	}
	return true
}

// without returns an array without the elements at the given indexes, which must ascend.
func without(array document.Value, gone []int) document.Value {
	if len(gone) == 0 {
		return array
	}
	rest := make([]document.Value, 0, array.Len()-len(gone))
	for i, e := range array.Items() {
		if len(gone) > 0 && gone[0] == i {
			gone = gone[1:]
			continue
		}
		rest = append(rest, e.Value)
	}
	return document.Array(rest...)
}
