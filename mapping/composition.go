package mapping

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Composed maps several attributes to one field, or one attribute to several fields, by functions of the product, for example a full name.
// Attributes and fields are strings. An empty string is an absent value.
//
//	mapping.Composed{
//		Paths: []string{"name.givenName", "name.familyName"}, Fields: []string{"FullName"},
//		In:    func(a []string) ([]string, error) { return []string{strings.TrimSpace(a[0] + " " + a[1])}, nil },
//		Out: func(f []string) []string {
//			given, family, _ := strings.Cut(f[0], " ")
//			return []string{given, family}
//		},
//	}
//
// Out need not return exactly what In was given. As long as the fields are what In makes of the attributes that were sent, the attributes stay
// as they were sent.
type Composed struct {
	Paths     []string  // the attributes, in the grammar of RFC 7644 section 3.5.2
	Fields    []string  // the fields, none of which has a scim tag or a Rule
	Authority Authority // who may change the attributes
	Required  bool      // refuse a resource that lacks one of the attributes
	Sensitive bool      // never show their values in an error or a journal

	// In makes the values of Fields from those of Paths, both in their order. An error becomes an *[InvalidError], whose text is shown to the
	// administrator of the identity provider, so it should say which form is wanted. In may be called concurrently.
	In func(attributes []string) (fields []string, err error)
	// Out makes the values of Paths from those of Fields, both in their order. It may be called concurrently.
	Out func(fields []string) (attributes []string)
}

// composition is a compiled Composed. Each of its paths has a rule, and these rules share it.
type composition struct {
	*Composed
	places []place
	fields []accessor
}

// composed makes the rules of a Composed, one for each path.
func (c *compiler) composed(d *Composed) error {
	if len(d.Paths) == 0 || len(d.Fields) == 0 || d.In == nil || d.Out == nil {
		return errors.New("want Paths, Fields, In and Out")
	}
	own := *d
	own.Fields = append([]string(nil), d.Fields...)
	shared := &composition{Composed: &own}
	for i := range own.Fields {
		index, t, err := c.find(&own.Fields[i])
		if err != nil {
			return err
		}
		if t.Kind() != reflect.String || reflect.PointerTo(t).Implements(parserType) {
			return fmt.Errorf("field %s: want a string, got a %s", own.Fields[i], t)
		}
		for _, r := range c.rules {
			if r.holds(own.Fields[i]) {
				return fmt.Errorf("field %s holds %s already", own.Fields[i], r.Path)
			}
		}
		shared.fields = append(shared.fields, index)
	}
	if n := len(own.Out(make([]string, len(own.Fields)))); n != len(own.Paths) {
		return fmt.Errorf("Out made %d values for %d paths", n, len(own.Paths))
	}
	if made, err := own.In(make([]string, len(own.Paths))); err == nil && len(made) != len(own.Fields) {
		return fmt.Errorf("In made %d values for %d fields", len(made), len(own.Fields))
	}
	for i, path := range own.Paths {
		l, err := parsePlace(path, false)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		r := &rule{Rule: Rule{Path: path, Field: strings.Join(own.Fields, ", "), Authority: own.Authority, Required: own.Required, Sensitive: own.Sensitive},
			place: l, codec: codec{spec: AttributeSpec{Type: filter.String}}, shared: shared, nth: i}
		if err := r.fit(); err != nil {
			return err
		}
		shared.places = append(shared.places, r.place)
		c.rules = append(c.rules, r)
	}
	return nil
}

// holds says whether a rule sets a field.
func (r *rule) holds(field string) bool {
	if r.shared == nil {
		return r.Field == field
	}
	for _, name := range r.shared.Fields {
		if name == field {
			return true
		}
	}
	return false
}

// read sets all fields from the attributes of v.
func (s *composition) read(r *rule, v document.Value, root reflect.Value) error {
	attributes := make([]string, len(s.places))
	for i := range s.places {
		x := s.places[i].get(&v)
		if !x.IsNull() && x.Kind() != document.KindString {
			e := r.invalid(x, "want a string")
			e.Path = s.Paths[i]
			return e
		}
		attributes[i] = x.Text()
	}
	fields, err := s.In(attributes)
	if err == nil && len(fields) != len(s.fields) {
		err = errors.New("want a form that the product can take apart")
	}
	if err != nil {
		return r.invalid(r.place.get(&v), err.Error())
	}
	for i, f := range s.fields {
		if has, ok := f.find(root); fields[i] != "" || ok && has.Len() > 0 {
			f.make(root).SetString(fields[i])
		}
	}
	return nil
}

// value returns the value of the nth path, made from the fields.
func (s *composition) value(nth int, root reflect.Value) document.Value {
	fields := make([]string, len(s.fields))
	some := false
	for i, f := range s.fields {
		if x, ok := f.find(root); ok {
			fields[i] = x.String()
			some = some || fields[i] != ""
		}
	}
	if !some {
		return document.Value{}
	}
	if attributes := s.Out(fields); nth < len(attributes) {
		return absentIfEmpty(attributes[nth])
	}
	return document.Value{}
}

// take copies the fields of a rule from want to now.
func (r *rule) take(now, want reflect.Value) {
	fields := []accessor{r.field}
	if r.shared != nil {
		fields = r.shared.fields
	}
	for _, f := range fields {
		if from, ok := f.find(want); ok {
			f.make(now).Set(from)
		} else {
			f.make(now).SetZero()
		}
	}
}
