package schema

import (
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// OnRequest says whether the type has attributes whose returned is request.
func (t *Type) OnRequest() bool {
	for _, a := range t.all() {
		if a.Returned == ReturnedRequest {
			return true
		}
	}
	return false
}

// Written returns the attributes and sub-attributes that a body names, or the value of a PATCH operation without a path.
func (t *Type) Written(body document.Value) []*Attribute {
	var all []*Attribute
	for _, m := range body.Items() {
		a, x, err := t.resolve(splitPath(m.Name), nil)
		switch {
		case err != nil:
		case x != nil:
			for _, m := range m.Value.Items() {
				if a := x.Find(m.Name); a != nil {
					all = a.written(all, m.Value)
				}
			}
		default:
			all = a.written(all, m.Value)
		}
	}
	return all
}

// WrittenAt returns the attributes and sub-attributes that a PATCH operation with a path and a value names.
func (t *Type) WrittenAt(p filter.PatchPath, v document.Value) []*Attribute {
	if p.Sub != "" {
		p.Path.Sub = p.Sub
	}
	a, x, err := t.resolve(p.Path, nil)
	switch {
	case err != nil:
		return nil
	case x != nil:
		return t.Written(document.Object(document.Field{Name: x.URN, Value: v}))
	}
	return a.written(nil, v)
}

// written appends the attribute, the one that it is in, and its sub-attributes that a value names.
func (a *Attribute) written(all []*Attribute, v document.Value) []*Attribute {
	all = append(all, a)
	if a.Parent != nil {
		all = append(all, a.Parent)
	}
	if v.Kind() == document.KindArray {
		for _, e := range v.Items() {
			all = a.parts(all, e.Value)
		}
		return all
	}
	return a.parts(all, v)
}

func (a *Attribute) parts(all []*Attribute, v document.Value) []*Attribute {
	if v.Kind() != document.KindObject {
		return all
	}
	for _, m := range v.Items() {
		if sub := a.subs.find(m.Name); sub != nil && sub.Returned == ReturnedRequest {
			all = append(all, sub)
		}
	}
	return all
}
