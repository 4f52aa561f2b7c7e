package schema

import (
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Finish completes a resource's attributes. It puts them in the order of the schema, and drops those that are unassigned or never stored
// (id, schemas, meta, and writeOnly ones). It checks that required attributes are there, that at most one element of an attribute is
// primary, and that no attribute has too many elements. Names must be spelled as in the schema. Attributes that the schema doesn't have, or
// not any more, are kept at the end. The error is an *Error of type invalidValue.
func (t *Type) Finish(v document.Value) (document.Value, error) {
	if !t.isArranged(v) {
		v = t.arrange(v)
	}
	if err := t.check(v); err != nil {
		return document.Value{}, err
	}
	return v, nil
}

// isArranged says whether arrange would change nothing, as is usual after a PATCH.
func (t *Type) isArranged(v document.Value) bool {
	last := -1
	for _, m := range v.Items() {
		order := 0
		if a := t.core.byName[m.Name]; a != nil {
			if order = a.order; order == commonOrder || a.Mutability == WriteOnly || a.Relation == filter.Groups || !isArrangedValue(a, m.Value) {
				return false
			}
		} else if x := t.extension(m.Name); x == nil || m.Name != x.URN || !isArrangedObject(&x.level, m.Value) {
			return false
		} else {
			order = x.order
		}
		if order <= last {
			return false
		}
		last = order
	}
	return true
}

func isArrangedValue(a *Attribute, v document.Value) bool {
	switch {
	case v.Kind() == document.KindArray:
		for _, e := range v.Items() {
			if e.Value.Kind() == document.KindArray || !isArrangedValue(a, e.Value) {
				return false
			}
		}
		return v.Len() > 0
	case a.Type == filter.Complex:
		return isArrangedObject(&a.subs, v)
	}
	return !v.IsEmpty()
}

func isArrangedObject(l *level, v document.Value) bool {
	last := -1
	for _, m := range v.Items() {
		a := l.byName[m.Name]
		if a == nil || a.order <= last || a.Mutability == WriteOnly || !isArrangedValue(a, m.Value) {
			return false
		}
		last = a.order
	}
	return v.Len() > 0
}

// arrange puts the attributes in the order of the schema, so that equal resources have equal texts.
func (t *Type) arrange(v document.Value) document.Value {
	items := make([]document.Field, len(t.Attributes)+len(t.Extensions), len(t.Attributes)+len(t.Extensions)+4)
	for _, m := range v.Items() {
		if a := t.core.byName[m.Name]; a != nil {
			if a.order != commonOrder && a.Mutability != WriteOnly && a.Relation != filter.Groups {
				place(items, a.order, m.Name, arrangeValue(a, m.Value))
			}
			continue
		}
		x := t.extension(m.Name)
		if x == nil {
			if !m.Value.IsEmpty() {
				items = append(items, m)
			}
			continue
		}
		place(items, x.order, x.URN, arrangeObject(&x.level, m.Value))
	}
	return document.Object(compact(items)...)
}

func place(items []document.Field, i int, name string, v document.Value) {
	if !v.IsEmpty() {
		items[i] = document.Field{Name: name, Value: v}
	}
}

func arrangeValue(a *Attribute, v document.Value) document.Value {
	if a.Type != filter.Complex && v.Kind() != document.KindArray {
		return v
	}
	if v.Kind() != document.KindArray {
		return arrangeObject(&a.subs, v)
	}
	elements := make([]document.Value, 0, v.Len())
	for _, e := range v.Items() {
		if e.Value.IsEmpty() {
			continue
		}
		if a.Type == filter.Complex {
			e.Value = arrangeObject(&a.subs, e.Value)
		}
		elements = append(elements, e.Value)
	}
	return document.Array(elements...)
}

func arrangeObject(l *level, v document.Value) document.Value {
	items := make([]document.Field, len(l.attributes), len(l.attributes)+4)
	for _, m := range v.Items() {
		if a := l.byName[m.Name]; a == nil {
			items = append(items, m)
		} else if a.Mutability != WriteOnly {
			place(items, a.order, m.Name, arrangeValue(a, m.Value))
		}
	}
	return document.Object(compact(items)...)
}

// check checks a whole resource.
func (t *Type) check(v document.Value) *Error {
	if err := t.core.check(v); err != nil {
		return err
	}
	for _, x := range t.Extensions {
		v := v.Get(x.URN)
		if v.IsEmpty() {
			if x.Required {
				return invalid("invalidValue", x.URN, "required: want the extension's attributes")
			}
			continue
		}
		if err := x.level.check(v); err != nil {
			return err.within(x.URN)
		}
	}
	return nil
}

func (l *level) check(v document.Value) *Error {
	for _, a := range l.required {
		x := v.Get(a.Name)
		if x.IsEmpty() && a.Relation == 0 {
			return invalid("invalidValue", a.Name, "required: want %s", a.want())
		}
		if x.Kind() == document.KindString && document.IsBlank(x.Text()) {
			return invalid("invalidValue", a.Name, "required: want %s that is not empty", a.want())
		}
	}
	for i := range v.Items() {
		m := &v.Items()[i]
		if m.Value.Kind() < document.KindArray {
			continue
		}
		a := l.byName[m.Name]
		if a == nil || !a.checked {
			continue
		}
		if err := a.check(m.Value); err != nil {
			return err.under(a.Name)
		}
	}
	return nil
}

func (a *Attribute) want() string {
	switch {
	case a.Multi:
		return "at least one value"
	case a.Type == filter.Boolean:
		return "true or false"
	}
	return article(a.Type)
}

// check checks the elements of an attribute, or its value if it is singular.
func (a *Attribute) check(v document.Value) *Error {
	if !a.Multi {
		return a.subs.check(v)
	}
	if v.Len() > maxElements && a.Relation == 0 {
		return invalid("invalidValue", "", "want at most %d values, got %d", maxElements, v.Len())
	}
	primary := a.subs.find("primary")
	first := -1
	for i := range v.Items() {
		e := &v.Items()[i].Value
		if err := a.subs.check(*e); err != nil {
			return err.at(i)
		}
		if primary == nil || !e.Get(primary.Name).True() {
			continue
		}
		if first >= 0 { // only one element may be primary (RFC 7643 section 2.4)
			return invalid("invalidValue", "", "want at most one primary value, got [%d] and [%d]", first, i)
		}
		first = i
	}
	return nil
}

// Replaces returns the attributes of a resource after a PUT (RFC 7644 section 3.5.1): the new ones, with the old readOnly ones and those
// immutable ones that the PUT leaves out. If the PUT changes an immutable attribute, the error is an *Error of type mutability.
func (t *Type) Replaces(old, new document.Value) (document.Value, error) {
	out, err := t.core.keep(old, new)
	if err != nil {
		return document.Value{}, err
	}
	for _, x := range t.Extensions {
		kept, err := x.level.keep(old.Get(x.URN), out.Get(x.URN))
		if err != nil {
			return document.Value{}, err.within(x.URN)
		}
		if !kept.IsEmpty() {
			out.Set(x.URN, kept)
		}
	}
	return t.Finish(out)
}

// keep returns new, with the attributes that a PUT can't change taken from old.
func (l *level) keep(old, new document.Value) (document.Value, *Error) {
	out := document.Object(append([]document.Field(nil), new.Items()...)...)
	for _, a := range l.attributes {
		was, is := old.Get(a.Name), new.Get(a.Name)
		switch {
		case was.IsEmpty() || a.Relation != 0:
		case a.Mutability == ReadOnly, a.Mutability == Immutable && is.IsEmpty():
			out.Set(a.Name, was)
		case a.Mutability == Immutable && !document.Equal(was, is):
			return out, invalid("mutability", a.Name, "immutable: it has a value already, which can't change")
		case a.Type == filter.Complex && !a.Multi && !is.IsEmpty():
			kept, err := a.subs.keep(was, is)
			if err != nil {
				return out, err.under(a.Name)
			}
			out.Set(a.Name, a.current(kept, was))
		}
	}
	return out, nil
}

// current drops the readOnly sub-attributes that were kept from the old value if any other sub-attribute has changed: the displayName of
// one manager must not become that of the next.
func (a *Attribute) current(kept, was document.Value) document.Value {
	if document.Equal(kept, was) {
		return kept
	}
	for _, s := range a.Sub {
		if s.Mutability == ReadOnly {
			kept.Delete(s.Name)
		}
	}
	return kept
}
