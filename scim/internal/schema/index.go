package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// compileIndex finds the attributes to index: the unique ones, externalId, and those named.
func (t *Type) compileIndex(lookup []string) error {
	add := func(a *Attribute) error {
		switch {
		case a.common != notCommon || slices.Contains(t.indexes, a):
			return nil // id is the primary key already
		case a.Relation != 0, a.secret(), a.Type != filter.String && a.Type != filter.Reference && a.Type != filter.Binary:
			return fmt.Errorf("schema: resource type %s: %s can't be indexed, only strings and references can", t.Name, a.Path)
		}
		a.indexed = true
		t.indexes = append(t.indexes, a)
		return nil
	}
	for _, a := range t.all() {
		if a.Unique && a.Relation == 0 && a.Type != filter.Complex {
			if err := add(a); err != nil {
				return err
			}
		}
	}
	for _, path := range append([]string{"externalId"}, lookup...) {
		if strings.ContainsRune(path, '[') {
			a, err := t.addElements(path)
			if err == nil {
				err = add(a)
			}
			if err != nil {
				return err
			}
			continue
		}
		a, _, err := t.Resolve(splitPath(path), nil)
		if err != nil || a == nil {
			right := ""
			if near := t.Nearest(path); near != "" {
				right = "; it is called " + near
			}
			return fmt.Errorf("schema: %s has no attribute %q to index%s", t.Name, path, right)
		}
		if a = a.comparable(); a == nil {
			return fmt.Errorf("schema: resource type %s: %q is complex; name a sub-attribute to index", t.Name, path)
		}
		if err := add(a); err != nil {
			return err
		}
	}
	return nil
}

// elements says that the values of some elements of an attribute are index keys, which are separate from those of the other elements.
type elements struct {
	path  string // the path as it was given, such as emails[type eq "work"].value
	where filter.Expr
	of    *Attribute
}

// addElements indexes the values of those elements that the filter in a path chooses. It returns the attribute whose values they are.
func (t *Type) addElements(path string) (*Attribute, error) {
	p, _, err := filter.ParsePath(path, filter.Options{Strict: true})
	if err != nil {
		return nil, fmt.Errorf("schema: resource type %s: %q: %w", t.Name, path, err)
	}
	a, _, err := t.Resolve(p.Path, nil)
	if err != nil || a == nil || !a.Multi || a.Find(p.Sub) == nil {
		return nil, fmt.Errorf("schema: resource type %s: %q: name a sub-attribute of elements that there are to index", t.Name, path)
	}
	where, err := t.BindElement(a, p.Where, nil)
	if err != nil {
		return nil, fmt.Errorf("schema: resource type %s: %q: %w", t.Name, path, err)
	}
	if !slices.ContainsFunc(t.elements, func(e elements) bool { return e.path == path }) {
		t.elements = append(t.elements, elements{path, where, a.Find(p.Sub)})
	}
	return a.Find(p.Sub), nil
}

// appendKeys appends the keys of a resource's elements.
func (e *elements) appendKeys(keys []store.IndexKey, v document.Value) []store.IndexKey {
	if e.of.Path.URI != "" {
		v = v.Get(e.of.Path.URI)
	}
	v = v.Get(e.of.Path.Name)
	for i := range v.Items() {
		x := v.Items()[i].Value
		if v.Kind() != document.KindArray || !filter.MatchElement(e.where, x) {
			continue
		}
		for _, key := range e.of.appendKeys(nil, x) {
			if key.Attribute, key.Unique = e.path, false; !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// all returns the attributes and sub-attributes that the schemas define.
func (t *Type) all() []*Attribute {
	levels := [][]*Attribute{t.Attributes}
	for _, x := range t.Extensions {
		levels = append(levels, x.Attributes)
	}
	var all []*Attribute
	for _, level := range levels {
		for _, a := range level {
			all = append(append(all, a), a.Sub...)
		}
	}
	return all
}

// Indexed returns the paths of the attributes whose values are index keys.
func (t *Type) Indexed() []string {
	paths := make([]string, len(t.indexes))
	for i, a := range t.indexes {
		paths[i] = a.path
	}
	return paths
}

// comparable returns the attribute with the values to compare: a itself, or the sub-attribute value of a complex one; nil if there is none.
func (a *Attribute) comparable() *Attribute {
	if a.Type == filter.Complex {
		return a.subs.find("value")
	}
	return a
}

// Index computes a resource's index keys and label from its attributes. A value of only blanks and invisible
// characters has no key, unless its attribute is caseExact.
func (t *Type) Index(v document.Value) (keys []store.IndexKey, label string) {
	keys = make([]store.IndexKey, 0, len(t.indexes)+1)
	for _, a := range t.indexes {
		from := v
		if a.Path.URI != "" {
			from = v.Get(a.Path.URI)
		}
		if x := from.Get(a.Path.Name); !x.IsNull() {
			keys = a.appendKeys(keys, x)
		}
	}
	for i := range t.elements {
		keys = t.elements[i].appendKeys(keys, v)
	}
	for _, name := range [...]string{"displayName", "userName"} {
		if s := v.Get(name); s.Kind() == document.KindString && s.Text() != "" {
			return keys, s.Text()
		}
	}
	return keys, ""
}

// appendKeys appends a key for every value in v, which is a simple value, an object with a sub-attribute value, or an array of these.
func (a *Attribute) appendKeys(keys []store.IndexKey, v document.Value) []store.IndexKey {
	switch v.Kind() {
	case document.KindArray:
		for i := range v.Items() {
			keys = a.appendKeys(keys, v.Items()[i].Value)
		}
	case document.KindObject:
		if a.Parent != nil {
			if s := v.Ref(a.Name); s != nil && s.Kind() != document.KindObject {
				keys = a.appendKeys(keys, *s)
			}
		}
	case document.KindString:
		key := store.IndexKey{Attribute: a.path, Value: v.Text(), Unique: a.Unique}
		if !a.CaseExact {
			key.Value = document.Fold(key.Value)
		}
		if key.Value != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}
