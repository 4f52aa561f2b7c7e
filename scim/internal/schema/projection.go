package schema

import (
	"slices"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Projection says which attributes of a resource are in an answer (RFC 7644 sections 3.4.2.5 and 3.9). It is immutable and safe
// for concurrent use.
type Projection struct {
	t        *Type
	shown    view   // what is shown of the resource
	meta     view   // what is shown of meta
	row      view   // what is shown of each element of members or groups
	whole    bool   // every stored attribute is shown whole, so that the document's text can be copied
	start    string // the beginning of every answer: {"schemas":["...
	relation filter.Relation
	secrets  []pattern // the names of attributes that must not be in a document that is copied
}

// view says which fields of an object are shown.
type view struct {
	others  bool            // whether the fields are shown that members doesn't have
	members map[string]view // what is shown of a field, by its name in the schema's spelling
}

var (
	everything = view{others: true}
	nothing    = view{}
)

func (v view) of(name string) view {
	if m, ok := v.members[name]; ok {
		return m
	}
	return view{others: v.others}
}

func (v view) isEverything() bool { return v.others && len(v.members) == 0 }
func (v view) isNothing() bool    { return !v.others && len(v.members) == 0 }

// set sets what is shown of a field.
func (v *view) set(name string, part view) {
	if v.members == nil {
		v.members = make(map[string]view)
	}
	v.members[name] = part
}

// Projection compiles the names in the parameters attributes and excludedAttributes. Names that the type doesn't have are ignored, because a
// request may ask for attributes of another type, too. The error is an *Error of type invalidValue if both parameters have names.
func (t *Type) Projection(attributes, excluded []string) (*Projection, error) {
	return t.ProjectionOfWrite(attributes, excluded, nil)
}

// ProjectionOfWrite returns the [Projection] of the answer to a request that wrote some attributes. It shows those of them that are
// returned on request (RFC 7643 section 7), unless the request says which attributes it wants.
func (t *Type) ProjectionOfWrite(attributes, excluded []string, written []*Attribute) (*Projection, error) {
	if len(attributes) > 0 && len(excluded) > 0 {
		return nil, invalid("invalidValue", "", "attributes and excludedAttributes exclude each other; send one of them")
	}
	if len(attributes) > maxElements || len(excluded) > maxElements {
		return nil, invalid("invalidValue", "", "want at most %d attribute names", maxElements)
	}
	s := selection{t: t, only: len(attributes) > 0, named: make(map[any]bool), written: written}
	for _, name := range attributes {
		s.name(name)
	}
	for _, name := range excluded {
		s.name(name)
	}
	return s.projection(), nil
}

// selection has the attributes and extensions that a request names.
type selection struct {
	t     *Type
	only  bool // whether only these are wanted; otherwise all except for these
	named map[any]bool
	part  map[*Attribute]bool // the attributes some of whose sub-attributes are named

	written []*Attribute
}

func (s *selection) name(text string) {
	if len(text) > maxKey {
		return
	}
	p := splitPath(text)
	if s.t.isBase(text) { // the name is the URN of the base schema
		for _, a := range s.t.Attributes {
			s.named[a] = true
		}
		return
	}
	a, x, err := s.t.resolve(p, nil)
	switch {
	case err != nil:
	case x != nil:
		s.named[x] = true
	default:
		s.named[a] = true
		if a.Parent != nil {
			if s.part == nil {
				s.part = make(map[*Attribute]bool)
			}
			s.part[a.Parent] = true
		}
	}
}

// see decides by returned what is shown of an attribute (RFC 7643 section 7). whole says that the request names the attribute or extension
// that this one is in.
func (s *selection) see(a *Attribute, whole bool) view {
	named := s.named[a]
	switch {
	case a.Returned == ReturnedNever || a.Mutability == WriteOnly:
		return nothing
	case a.Returned == ReturnedAlways:
		named = s.only
	case a.Returned == ReturnedRequest && !s.only && slices.Contains(s.written, a):
	case a.Returned == ReturnedRequest && !(s.only && (named || s.part[a])):
		return nothing
	}
	if !s.only {
		if named {
			return nothing
		}
	} else if !named && !whole && !s.part[a] {
		return nothing
	}
	if a.Type != filter.Complex {
		return everything
	}
	whole = !s.only || named || whole
	v := view{others: whole}
	for _, sub := range a.Sub {
		switch seen := s.see(sub, whole); {
		case seen.isNothing() && whole:
			v.set(sub.Name, nothing)
		case !seen.isNothing() && !whole:
			v.set(sub.Name, everything)
		}
	}
	return v
}

func (s *selection) projection() *Projection {
	t := s.t
	p := &Projection{t: t, shown: view{others: !s.only}, whole: true}
	show := func(into *view, name string, a *Attribute) {
		seen := s.see(a, into.others && s.only)
		switch {
		case a.Relation != 0:
			p.row = seen
			if !seen.isNothing() {
				p.relation = a.Relation
			}
			seen = nothing // membership rows are not in the document
		case !a.stored() || a.Returned == ReturnedNever:
			p.secrets = append(p.secrets, patternOf(a.Name))
		case !seen.isEverything():
			p.whole = false
		}
		if !(seen.isEverything() && into.others || seen.isNothing() && !into.others) {
			into.set(name, seen)
		}
	}
	for _, a := range t.Attributes {
		show(&p.shown, a.Name, a)
	}
	for _, x := range t.Extensions {
		v := view{others: !s.only || s.named[x]}
		if !s.only && s.named[x] {
			v, p.whole = nothing, false
		} else {
			for _, a := range x.Attributes {
				show(&v, a.Name, a)
			}
		}
		if s.only || !v.isEverything() {
			p.shown.set(x.URN, v)
		}
	}
	p.whole = p.whole && !s.only
	p.meta = s.see(t.core.byName["meta"], false)
	p.start = string(document.AppendString([]byte(`{"schemas":[`), t.URN))
	return p
}

// Relation returns the relation whose rows are in the answer; 0 if there is none.
func (p *Projection) Relation() filter.Relation { return p.relation }
