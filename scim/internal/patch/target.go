package patch

import (
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// target is what a path names.
type target struct {
	extension *schema.Extension // the whole extension, if attr is nil
	attr      *schema.Attribute // the top-level attribute of the resource or of the extension
	sub       *schema.Attribute // its sub-attribute; nil if the path names the attribute itself
	where     filter.Expr       // the bound filter that chooses elements; nil for all
	seed      document.Value    // an element that satisfies where; null if none can be made
}

func newTarget(a *schema.Attribute) target {
	if a.Parent != nil {
		return target{attr: a.Parent, sub: a}
	}
	return target{attr: a}
}

// last returns the attribute at the path's end.
func (t *target) last() *schema.Attribute {
	if t.sub != nil {
		return t.sub
	}
	return t.attr
}

// all says whether the path names a whole multi-valued attribute.
func (t *target) all() bool { return t.sub == nil && t.where == nil && t.attr.Multi }

// merges says whether a value is merged into the old one: into a complex attribute, or into chosen elements of one.
func (t *target) merges() bool {
	return t.sub == nil && t.attr.Type == filter.Complex && (t.where != nil || !t.attr.Multi)
}

// simple says whether the path names a multi-valued attribute of simple values.
func (t *target) simple() bool { return t.sub == nil && t.attr.Multi && t.attr.Type != filter.Complex }

func (t *target) readOnly() bool {
	return t.attr.Mutability == schema.ReadOnly || t.sub != nil && t.sub.Mutability == schema.ReadOnly ||
		t.attr.Relation == filter.Groups
}

// target resolves a path. Its error is of type invalidPath or invalidFilter.
func (c *compiler) target(p filter.PatchPath) (target, error) {
	if p.Where == nil && p.Sub != "" {
		p.Path.Sub, p.Sub = p.Sub, ""
	}
	a, x, err := c.t.Resolve(p.Path, c.m)
	if err != nil {
		return target{}, c.unknown(err)
	}
	if a == nil {
		if p.Where != nil || p.Sub != "" {
			return target{}, c.fail("invalidPath", "an extension has no elements to choose from; name one of its attributes")
		}
		return target{extension: x}, nil
	}
	t := newTarget(a)
	if p.Where == nil || t.attr.Relation != 0 || t.simple() {
		return t, nil // filters on members and on simple values are compiled by membersPath and values
	}
	if t.sub != nil || !t.attr.Multi {
		return target{}, c.fail("invalidPath", t.attr.Name+" has one value only; want a path without [...]")
	}
	if p.Sub != "" {
		if t.sub = t.attr.Find(p.Sub); t.sub == nil {
			return target{}, c.fail("invalidPath", t.attr.Name+" has no sub-attribute "+clip(p.Sub))
		}
	}
	if t.where, err = c.t.BindElement(t.attr, p.Where, c.m); err != nil {
		return target{}, c.inFilter(err)
	}
	t.seed = c.seed(t.attr, p.Where)
	return t, nil
}

// equals returns the terms of a filter that is one eq, or several of them joined by or.
func equals(x filter.Expr, terms []filter.Compare) ([]filter.Compare, bool) {
	switch x := x.(type) {
	case filter.Or:
		for _, term := range x {
			var ok bool
			if terms, ok = equals(term, terms); !ok {
				return nil, false
			}
		}
		return terms, len(x) > 0
	case filter.Compare:
		return append(terms, x), x.Op == filter.Eq
	}
	return nil, false
}

// seed makes the element that a filter describes, if that is made of eq terms joined by and. It takes the filter as it was written, because
// binding folds the literals: type eq "Work" has to make the type Work.
func (c *compiler) seed(a *schema.Attribute, x filter.Expr) document.Value {
	e := document.Object()
	if !c.seedTerms(&e, a, x) {
		return document.Value{}
	}
	return e
}

func (c *compiler) seedTerms(e *document.Value, a *schema.Attribute, x filter.Expr) bool {
	switch x := x.(type) {
	case filter.And:
		for _, term := range x {
			if !c.seedTerms(e, a, term) {
				return false
			}
		}
		return true
	case filter.Compare:
		s := a.Find(x.Attr.Name)
		if x.Op != filter.Eq || s == nil || s.Multi || s.Mutability == schema.ReadOnly {
			return false
		}
		if x.Value.IsNull() {
			return true
		}
		v, err := c.t.Coerce(s, x.Value, c.text, c.m)
		if err != nil {
			return false
		}
		e.Set(s.Name, v)
		return true
	}
	return false
}
