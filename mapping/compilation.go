package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store/filter"
)

// accessor has the indices by which a field is found in a struct, through nested structs and pointers to them.
type accessor []int

// find returns the field. It returns false if a pointer to a nested struct is nil.
func (a accessor) find(v reflect.Value) (reflect.Value, bool) {
	v = v.Field(a[0])
	for _, i := range a[1:] {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v, true
}

// make returns the field, to be written to. It copies nested structs behind pointers, or makes them, because others may have the pointers.
func (a accessor) make(v reflect.Value) reflect.Value {
	v = v.Field(a[0])
	for _, i := range a[1:] {
		if v.Kind() == reflect.Pointer {
			p := reflect.New(v.Type().Elem())
			if !v.IsNil() {
				p.Elem().Set(v.Elem())
			}
			v.Set(p)
			v = p.Elem()
		}
		v = v.Field(i)
	}
	return v
}

// compiler makes the rules of a type.
type compiler struct {
	root      reflect.Type
	options   *Options
	rules     []*rule
	paths     map[string]string
	validator *checker
}

func compile(t reflect.Type, o *Options) (*compiler, error) {
	c := &compiler{root: t, options: o, paths: map[string]string{}}
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("mapping: want a struct, got %s", t)
	}
	if err := c.fields(t, nil, "", map[reflect.Type]bool{}); err != nil {
		return nil, err
	}
	for i, r := range o.Rules {
		if err := c.override(r); err != nil {
			return nil, fmt.Errorf("mapping: rule %d (%s) for field %s of %s: %w", i, r.Path, r.Field, t, err)
		}
	}
	for i := range o.Composed {
		if err := c.composed(&o.Composed[i]); err != nil {
			return nil, fmt.Errorf("mapping: Options.Composed %d of %s: %w", i, t, err)
		}
	}
	if len(c.rules) == 0 {
		return nil, fmt.Errorf("mapping: none of %s's fields has a scim tag", t)
	}
	for i, r := range c.rules {
		for _, other := range c.rules[:i] {
			if r.place.same(&other.place) {
				return nil, fmt.Errorf("mapping: fields %s and %s of %s both hold %s", other.Field, r.Field, t, r.Path)
			}
		}
		if r.shared == nil {
			c.name(r.Field, r.Path, r.codec.spec)
			continue
		}
		for i, field := range r.shared.Fields {
			c.paths[field] = r.shared.Paths[min(i, len(r.shared.Paths)-1)]
		}
	}
	var err error
	if c.validator, err = newChecker(t, o.Checks, c.rules); err != nil {
		return nil, err
	}
	return c, nil
}

// fields makes rules from the tags of a struct, and of structs in it that have no tag.
func (c *compiler) fields(t reflect.Type, index accessor, prefix string, within map[reflect.Type]bool) error {
	if within[t] {
		return nil
	}
	within[t] = true
	defer delete(within, t)
	for i := range t.NumField() {
		f := t.Field(i)
		path := append(slices.Clone(index), i)
		text, tagged := f.Tag.Lookup("scim")
		switch {
		case text == "-":
		case !tagged:
			if inner := structOf(f.Type); inner != nil && f.IsExported() {
				if err := c.fields(inner, path, prefix+f.Name+".", within); err != nil {
					return err
				}
			}
		case !f.IsExported():
			return fmt.Errorf("mapping: field %s%s of %s, tag %q: the field is not exported", prefix, f.Name, c.root, text)
		default:
			r, err := parseTag(text)
			r.Field = prefix + f.Name
			if err == nil {
				err = c.add(r, path, f.Type)
			}
			if err != nil {
				return fmt.Errorf("mapping: field %s of %s, tag %q: %w", r.Field, c.root, text, err)
			}
		}
	}
	return nil
}

// structOf returns the struct that t is or points to; nil if there is none, or if it is a simple value in SCIM, as a time is.
func structOf(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == timeType || reflect.PointerTo(t).Implements(parserType) {
		return nil
	}
	return t
}

func (c *compiler) add(r Rule, index accessor, t reflect.Type) error {
	codec, err := codecOf(t, 0)
	if err != nil {
		return err
	}
	l, err := parsePlace(r.Path, r.Extension)
	if err != nil {
		return err
	}
	if r.Extension && (structOf(t) == nil || len(r.Apply) > 0) {
		return fmt.Errorf("an extension goes into a struct, without transformations; got a %s", t)
	}
	compiled := &rule{Rule: r, place: l, field: index, codec: codec}
	if err := compiled.transforms(c.options.Transforms, t); err != nil {
		return err
	}
	if err := compiled.fit(); err != nil {
		return err
	}
	c.rules = append(c.rules, compiled)
	return nil
}

// fit checks that a field can hold the value of its place, and sets what the place must know of the field.
func (r *rule) fit() error {
	l, spec := &r.place, r.codec.spec
	slice := spec.Multi || len(r.in) > 0 && splits(r.Apply)
	if r.codec.spec.Multi && joins(r.Apply) {
		return errors.New("join and role are for a field that is no slice")
	}
	if err := r.flat(); err != nil {
		return err
	}
	l.all = slice && (l.multi || l.sub != "" && l.uri == "") || joins(r.Apply)
	if slice && splits(r.Apply) {
		l.all = false
	}
	if l.all && l.sub != "" {
		l.multi = true
	}
	if l.multi && l.sub == "" && spec.Type != filter.Complex {
		l.sub = "value" // the sub-attribute that has the value of an element (RFC 7643 section 2.4)
	}
	if !l.all && !spec.Multi {
		for _, s := range spec.Sub {
			l.subs = append(l.subs, s.Name)
		}
	}
	return nil
}

// flat checks that no complex attribute is within another one (RFC 7643 section 2.3.8).
func (r *rule) flat() error {
	list := []AttributeSpec{r.codec.spec}
	if r.Extension {
		list = r.codec.spec.Sub
	}
	for _, a := range list {
		for _, s := range a.Sub {
			if len(s.Sub) > 0 {
				return fmt.Errorf("%s.%s: a complex attribute can't be in another one (RFC 7643 section 2.3.8)", cmp.Or(a.Name, r.place.name), s.Name)
			}
		}
	}
	return nil
}

// name notes the paths of the attributes that a field and the fields in it hold.
func (c *compiler) name(field, path string, spec AttributeSpec) {
	c.paths[field] = path
	for _, s := range spec.Sub {
		c.name(field+"."+s.field, path+"."+s.Name, s)
	}
}

// override adds a rule. It replaces the rule that the field has by its tag.
func (c *compiler) override(r Rule) error {
	if err := r.check(); err != nil {
		return err
	}
	index, t, err := c.find(&r.Field)
	if err != nil {
		return err
	}
	was := len(c.rules)
	if err := c.add(r, index, t); err != nil {
		return err
	}
	for i, old := range c.rules[:was] {
		if old.Field == r.Field {
			c.rules[i] = c.rules[was]
			c.rules = c.rules[:was]
			break
		}
	}
	return nil
}

// find returns the field that a rule names. If that is a promoted field, it sets the name to the full one.
func (c *compiler) find(field *string) (index accessor, t reflect.Type, err error) {
	t = c.root
	var names []string
	for name := range strings.SplitSeq(*field, ".") {
		inner := structOf(t)
		if inner == nil {
			return nil, nil, fmt.Errorf("%s is no struct", t)
		}
		f, ok := inner.FieldByName(name)
		if !ok || !f.IsExported() {
			return nil, nil, fmt.Errorf("%s has no exported field %s", inner, name)
		}
		for i := range f.Index {
			names = append(names, inner.FieldByIndex(f.Index[:i+1]).Name)
		}
		index, t = append(index, f.Index...), f.Type
	}
	*field = strings.Join(names, ".")
	return index, t, nil
}
