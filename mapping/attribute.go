package mapping

import (
	"fmt"
	"reflect"
	"strings"
)

// Attribute is what the administrator of an identity provider should know of a mapped attribute.
type Attribute struct {
	Path      string    `json:"path"`      // the path in SCIM
	Field     string    `json:"field"`     // the field in Go
	Authority Authority `json:"authority"` // who decides the value
	Required  bool      `json:"required"`
	Sensitive bool      `json:"sensitive"` // whether its values must not be shown
	Want      string    `json:"want"`      // the form that values must have, in words; "" if any form is valid
}

// Attributes lists the mapped attributes, in the order of the fields.
func (m *Mapping[T]) Attributes() []Attribute {
	list := make([]Attribute, len(m.rules))
	for i, r := range m.rules {
		list[i] = Attribute{Path: r.Path, Field: r.Field, Authority: r.Authority, Required: r.Required, Sensitive: r.Sensitive}
		var tags []string
		kind := reflect.String
		if f, ok := fieldOf(reflect.TypeFor[T](), r.Field); ok {
			tags, kind = tagsOf(f), f.Type.Kind()
		}
		if r.Validate != "" {
			tags = append(tags, r.Validate)
		}
		list[i].Want = m.validator.describe(tags, kind)
	}
	return list
}

// fieldOf finds a field by its name, such as Address.City.
func fieldOf(t reflect.Type, name string) (f reflect.StructField, ok bool) {
	for part := range strings.SplitSeq(name, ".") {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			return f, false
		}
		if f, ok = t.FieldByName(part); !ok {
			return f, false
		}
		t = f.Type
	}
	return f, ok
}

// tagsOf returns the validate tags of a field, and of the fields of the structs that are its elements.
func tagsOf(f reflect.StructField) (tags []string) {
	if tag := f.Tag.Get("validate"); tag != "" {
		tags = append(tags, tag)
	}
	t := f.Type
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct && f.Type.Kind() == reflect.Slice {
		for inner := range t.Fields() {
			if tag := inner.Tag.Get("validate"); tag != "" {
				tags = append(tags, tag)
			}
		}
	}
	return tags
}

// describe says in words which form the tags ask for.
func (c *checker) describe(tags []string, kind reflect.Kind) string {
	var wants []string
	for _, tag := range tags {
		for part := range strings.SplitSeq(tag, ",") {
			name, param, _ := strings.Cut(part, "=")
			form, ok := c.wants[name]
			if !ok {
				form, ok = forms[name]
			}
			if !ok || name == "required" {
				continue
			}
			if strings.Contains(form, "%s") {
				form = fmt.Sprintf(form, strings.Join(strings.Fields(param), ", "))
				if kind == reflect.String && (name == "min" || name == "max") {
					form += " characters"
				}
			}
			wants = append(wants, form)
		}
	}
	return strings.Join(wants, ", ")
}
