package patch

import (
	"slices"

	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// resource is the clone that operations are applied to. It copies an attribute only when a change first writes to it, because
// most requests change one attribute of a dozen.
type resource struct {
	doc    document.Value
	m      *schema.Mode
	budget *filter.Budget
	copied []string // the names of the top-level attributes that were copied
}

// shallow copies an object, but not the values of its fields.
func shallow(v document.Value) document.Value {
	return document.Object(append(make([]document.Field, 0, v.Len()+4), v.Items()...)...)
}

// own returns the value of a top-level attribute, which it copies first if that wasn't done yet. It returns nil if there is none.
func (r *resource) own(name string) *document.Value {
	p := r.doc.Ref(name)
	if p != nil && !slices.Contains(r.copied, name) {
		*p = p.Clone()
		r.copied = append(r.copied, name)
	}
	return p
}

// slot returns the value of an attribute, to be written to. If there is none, it makes one that is null if make is set, and else returns
// nil.
func (r *resource) slot(a *schema.Attribute, make bool) *document.Value {
	in := &r.doc
	name := a.Name
	if a.Path.URI != "" {
		if in = r.own(a.Path.URI); in == nil {
			if !make {
				return nil
			}
			r.doc.Set(a.Path.URI, document.Object())
			r.copied = append(r.copied, a.Path.URI)
			in = r.doc.Ref(a.Path.URI)
		}
		if p := in.Ref(name); p != nil || !make {
			return p
		}
	} else if p := r.own(name); p != nil || !make {
		return p
	} else {
		r.copied = append(r.copied, name)
	}
	in.Set(name, document.Value{})
	return in.Ref(name)
}

// apply makes one change. If it fails, or exceeds the budget, the clone may be changed in part and must be thrown away.
func (r *resource) apply(c *change) error {
	if c.attr == nil {
		return r.removeExtension(c)
	}
	slot := r.slot(c.attr, c.op != Remove)
	if slot == nil {
		return r.nothingThere(c)
	}
	var before document.Value
	if c.attr.Mutability == schema.Immutable {
		if !r.budget.Spend(weight(*slot)) {
			return nil
		}
		before = slot.Clone()
	}
	if err := r.write(slot, c); err != nil {
		return err
	}
	if !before.IsEmpty() && !document.Equal(before, *slot) {
		return c.immutable(c.attr)
	}
	if c.attr.Required && slot.IsEmpty() {
		return c.fail("mutability", c.attr.Name+" is required and can't be removed")
	}
	return nil
}

// nothingThere decides whether a remove from an attribute without a value is an error.
func (r *resource) nothingThere(c *change) error {
	if (c.where != nil || c.listed) && !c.quiet && !r.m.Tolerate(quirk.RemoveNothing) {
		return c.noTarget()
	}
	return nil
}

func (r *resource) removeExtension(c *change) error {
	cur := r.doc.Get(c.extension.URN)
	if cur.IsEmpty() {
		return nil
	}
	for _, a := range c.extension.Attributes {
		switch {
		case a.Required:
			return c.fail("mutability", a.Name+" is required and can't be removed")
		case a.Mutability == schema.Immutable && !cur.Get(a.Name).IsEmpty():
			return c.immutable(a)
		}
	}
	r.doc.Delete(c.extension.URN)
	return nil
}

// write makes the change to the value of its attribute.
func (r *resource) write(slot *document.Value, c *change) error {
	switch {
	case c.where != nil && c.attr.Type != filter.Complex:
		return r.values(slot, c)
	case c.whole:
		if !document.Equal(*slot, c.value) {
			*slot = c.value.Clone()
		}
	case c.where != nil || c.attr.Multi && c.sub != nil:
		return r.elements(slot, c)
	case c.sub != nil || c.merges():
		return r.complex(slot, c)
	case c.op == Remove && c.listed:
		n := slot.Len()
		if r.removeListed(slot, c); slot.Len() == n {
			return r.nothingThere(c)
		}
	case c.op == Remove:
		*slot = document.Value{}
	case c.op == Add && c.attr.Multi:
		if i := appendNew(slot, c.value, c.attr, r.budget); i >= 0 {
			onePrimary(slot, i)
		}
	case !document.Equal(*slot, c.value):
		*slot = c.value.Clone()
	}
	return nil
}

// complex changes a singular complex attribute, or a sub-attribute of it.
func (r *resource) complex(slot *document.Value, c *change) error {
	if c.sub == nil && c.op == Remove {
		for _, s := range c.attr.Sub {
			if s.Mutability == schema.Immutable && !slot.Get(s.Name).IsEmpty() {
				return c.immutable(s)
			}
		}
		*slot = document.Value{}
		return nil
	}
	if slot.Kind() != document.KindObject {
		*slot = document.Object()
	}
	return r.into(slot, c)
}

// into puts the change's value into an object: either into one sub-attribute, or all sub-attributes of the value.
func (r *resource) into(object *document.Value, c *change) error {
	if c.sub != nil {
		return r.put(object, c, c.sub, c.value)
	}
	for _, m := range c.value.Items() {
		if err := r.put(object, c, c.attr.Find(m.Name), m.Value); err != nil {
			return err
		}
	}
	return nil
}

// put gives a sub-attribute a value, or removes it if v is null.
func (r *resource) put(object *document.Value, c *change, s *schema.Attribute, v document.Value) error {
	old := object.Get(s.Name)
	if s.Multi && !r.budget.Spend(2*(old.Len()+v.Len())) {
		return nil
	}
	if s.Multi && c.op == Add {
		both := old.Clone()
		appendNew(&both, v, s, r.budget)
		v = both
	}
	switch {
	case document.Equal(old, v):
		return nil
	case s.Mutability == schema.Immutable && !old.IsEmpty():
		return c.immutable(s)
	case v.IsEmpty():
		object.Delete(s.Name)
	default:
		object.Set(s.Name, v.Clone())
	}
	return nil
}

func (c *change) fail(scimType, detail string) error {
	return &schema.Error{Type: scimType, Path: place(c.index, show(c.t, c.text)), Detail: detail}
}

func (c *change) immutable(a *schema.Attribute) error {
	return c.fail("mutability", a.Name+" is immutable: it is set already and can't be changed")
}

func (c *change) noTarget() error {
	return c.fail("noTarget", "no element of "+c.attr.Name+" matches the filter")
}

// elements changes the elements of a multi-valued attribute that the change chooses. If it chooses none, an element is made where that is
// possible.
func (r *resource) elements(slot *document.Value, c *change) error {
	chosen := make([]int, 0, 4)
	if slot.Kind() == document.KindArray && r.budget.Spend(slot.Len()) {
		for i := range slot.Items() {
			if c.where == nil || r.budget.MatchElement(c.where, *slot.At(i)) {
				chosen = append(chosen, i)
			}
		}
	}
	if r.budget.Exceeded() {
		return nil
	}
	switch {
	case len(chosen) > 0:
	case c.op != Remove:
		return r.create(slot, c)
	default:
		return r.nothingThere(c)
	}
	if c.op == Remove && c.sub == nil {
		*slot = without(*slot, chosen)
		return nil
	}
	for _, i := range chosen {
		e := slot.At(i)
		if e.Kind() != document.KindObject {
			continue
		}
		if err := r.into(e, c); err != nil {
			return err
		}
	}
	if c.setsPrimary() {
		if len(chosen) > 1 {
			return c.fail("invalidValue", "only one element can be primary, and the path chooses several")
		}
		onePrimary(slot, chosen[0])
	}
	if r.budget.Spend(slot.Len()) {
		*slot = c.attr.Distinct(*slot)
	}
	return nil
}

// values changes those simple values of an attribute that the change chooses, or adds the value if it chooses none.
func (r *resource) values(slot *document.Value, c *change) error {
	var chosen []int
	if slot.Kind() == document.KindArray && r.budget.Spend(slot.Len()) {
		for i := range slot.Items() {
			if r.budget.MatchElement(c.where, *slot.At(i)) {
				chosen = append(chosen, i)
			}
		}
	}
	switch {
	case r.budget.Exceeded():
		return nil
	case c.op == Remove && len(chosen) == 0:
		return r.nothingThere(c)
	case c.op == Remove:
		*slot = without(*slot, chosen)
		return nil
	case len(chosen) == 0:
		if !r.budget.MatchElement(c.where, c.value) || !r.m.Tolerate(quirk.CreateFromFilter) {
			return c.noTarget()
		}
	default:
		for _, i := range chosen {
			*slot.At(i) = c.value.Clone()
		}
		*slot = c.attr.Distinct(*slot)
		return nil
	}
	appendNew(slot, document.Array(c.value), c.attr, r.budget)
	return nil
}

// create makes an element for an add or replace whose filter matched none. RFC 7644 section 3.5.2.3 asks for noTarget instead, but
// Entra ID relies on the element (erratum 8097 asks for it in add).
func (r *resource) create(slot *document.Value, c *change) error {
	e := c.seed.Clone()
	if c.where == nil {
		e = document.Object()
	} else if e.IsNull() || !r.m.Allows(quirk.CreateFromFilter) {
		return c.noTarget()
	}
	if err := r.into(&e, c); err != nil {
		return err
	}
	if c.where != nil {
		if !r.budget.MatchElement(c.where, e) {
			return c.noTarget()
		}
		r.m.Quirks.Add(quirk.CreateFromFilter)
	}
	if e.IsEmpty() {
		return nil
	}
	if slot.Kind() != document.KindArray {
		*slot = document.Array()
	}
	slot.Append(e)
	if isPrimary(e) {
		onePrimary(slot, slot.Len()-1)
	}
	return nil
}
