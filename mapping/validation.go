package mapping

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/go-playground/validator/v10"

	"github.com/rollcall-dev/rollcall/store/document"
)

// InvalidError says which attribute an identity provider's administrator must correct, and how.
type InvalidError struct {
	Path   string // the attribute, as SCIM writes it
	Field  string // the product's field; "" if there is none
	Value  string // what was sent, as JSON; "" if it is sensitive or if there was nothing
	Detail string // what would be right: want an e-mail address such as ada@example.com
}

func (e *InvalidError) Error() string { return e.Path + ": " + e.What() }

// What returns what is wrong, without the path: want an e-mail address such as ada@example.com, got "ada".
func (e *InvalidError) What() string {
	if e.Value == "" {
		return e.Detail
	}
	return e.Detail + ", got " + e.Value
}

// Check is a validation tag of the product's own.
type Check struct {
	Tag   string                 // as in validate:"tag"
	Want  string                 // what is right: a telephone number such as +49 301234567
	Valid func(text string) bool // of a string that is not empty
}

// Checks returns the tags that every mapping has beside those of go-playground/validator.
func Checks() []Check {
	return []Check{
		{"phone_cc", "<country_prefix> <telephone_number>, such as +49 301234567", isPhoneCC},
		{"bcp47", "a language tag such as en or de-CH", isLanguageTag},
	}
}

// isPhoneCC checks "<country_prefix> <telephone_number>": + or nothing, 1 to 3 digits, one space, 4 to 14 digits.
func isPhoneCC(s string) bool {
	prefix, number, ok := strings.Cut(s, " ")
	prefix = strings.TrimPrefix(prefix, "+")
	return ok && isDigits(prefix, 1, 3) && prefix[0] != '0' && isDigits(number, 4, 14)
}

func isDigits(s string, least, most int) bool {
	return len(s) >= least && len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// isLanguageTag checks the form of RFC 5646 section 2.1: a language of 2 to 8 letters, and parts of 1 to 8 letters and
// digits behind hyphens.
func isLanguageTag(s string) bool {
	for i, part := range strings.Split(s, "-") {
		if len(part) == 0 || len(part) > 8 {
			return false
		}
		letters := true
		for _, c := range []byte(part) {
			letter := 'a' <= c|0x20 && c|0x20 <= 'z'
			if !letter && (c < '0' || c > '9') {
				return false
			}
			letters = letters && letter
		}
		if i == 0 && (!letters || len(part) < 2) {
			return false
		}
	}
	return len(s) <= 64
}

// forms are the forms that the usual tags of go-playground/validator want, %s being the tag's parameter.
var forms = map[string]string{
	"required":           "a value",
	"email":              "an e-mail address such as ada@example.com",
	"e164":               "a telephone number such as +49301234567",
	"url":                "a URL such as https://example.com",
	"uri":                "a URI",
	"http_url":           "a URL such as https://example.com",
	"uuid":               "a UUID",
	"bcp47_language_tag": "a language tag such as en or de-CH",
	"iso3166_1_alpha2":   "a country code such as DE",
	"oneof":              "one of %s",
	"min":                "at least %s",
	"max":                "at most %s",
	"len":                "a length of %s",
	"gte":                "at least %s",
	"lte":                "at most %s",
	"gt":                 "more than %s",
	"lt":                 "less than %s",
	"alphanum":           "letters and digits only",
	"alpha":              "letters only",
	"numeric":            "a number",
	"ascii":              "ASCII characters only",
	"lowercase":          "lower case only",
	"startswith":         "something that starts with %s",
	"endswith":           "something that ends with %s",
	"timezone":           "a time zone such as Europe/Berlin",
}

// checker validates values of one type.
type checker struct {
	validate *validator.Validate
	wants    map[string]string // by the product's own tags
	tagged   bool              // whether the type has validate tags at all
}

// newChecker registers the tags, and tries all of them: validator panics on those that it doesn't know.
func newChecker(t reflect.Type, own []Check, rules []*rule) (c *checker, err error) {
	c = &checker{validate: validator.New(validator.WithRequiredStructEnabled()), wants: map[string]string{}}
	for _, check := range slices.Concat(Checks(), own) {
		if check.Valid == nil || check.Want == "" {
			return nil, fmt.Errorf("mapping: check %q: want Valid and Want", check.Tag)
		}
		err := c.validate.RegisterValidation(check.Tag, func(f validator.FieldLevel) bool {
			return f.Field().Kind() == reflect.String && check.Valid(f.Field().String())
		})
		if err != nil {
			return nil, fmt.Errorf("mapping: check %q: %w", check.Tag, err)
		}
		c.wants[check.Tag] = check.Want
	}
	where := t.String()
	defer func() {
		if p := recover(); p != nil {
			c, err = nil, fmt.Errorf("mapping: validation of %s: %v", where, p)
		}
	}()
	c.tagged = hasTag(t, map[reflect.Type]bool{})
	_ = c.apply(reflect.New(t).Interface()) // an empty value may be invalid; what panics can never be checked
	for _, r := range rules {
		if r.Validate != "" {
			where = fmt.Sprintf("field %s of %s, %q", r.Field, t, r.Validate)
			_ = c.validate.Var(zeroOf(t, r.field), r.Validate)
		}
	}
	return c, nil
}

func zeroOf(t reflect.Type, field accessor) any {
	return field.make(reflect.New(t).Elem()).Interface()
}

// apply applies the tags of a type.
func (c *checker) apply(x any) validator.ValidationErrors {
	var found validator.ValidationErrors
	if c.tagged {
		errors.As(c.validate.Struct(x), &found)
	}
	return found
}

// hasTag says whether a struct has a validate tag anywhere.
func hasTag(t reflect.Type, seen map[reflect.Type]bool) bool {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return false
	}
	seen[t] = true
	for f := range t.Fields() {
		if _, ok := f.Tag.Lookup("validate"); ok || f.IsExported() && hasTag(f.Type, seen) {
			return true
		}
	}
	return false
}

// Validate checks all fields that are mapped. The error is an *[InvalidError], of the first that is wrong.
func (m *Mapping[T]) Validate(t *T) error { return m.validate(t, true, nil) }

// validate checks all fields, or those that were changed.
func (m *Mapping[T]) validate(t *T, all bool, changed []Change) error {
	found := m.validator.apply(t)
	root := reflect.ValueOf(t).Elem()
	for _, r := range m.rules {
		if !all && !slices.Contains(changed, r.change()) {
			continue
		}
		if r.Required && unassigned(r.value(root)) {
			return r.invalid(document.Value{}, "want a value; it is required")
		}
		for _, f := range found {
			_, field, _ := strings.Cut(plain(f.StructNamespace()), ".")
			if r.holds(field) || strings.HasPrefix(field, r.Field+".") {
				return m.violation(r, field, f)
			}
		}
		if r.Validate == "" {
			continue
		}
		if f, ok := r.field.find(root); ok {
			var violations validator.ValidationErrors
			if errors.As(m.validator.validate.Var(f.Interface(), r.Validate), &violations) {
				return m.violation(r, r.Field, violations[0])
			}
		}
	}
	return nil
}

// unassigned is IsEmpty, or a string without characters.
func unassigned(v document.Value) bool {
	return v.IsEmpty() || v.Kind() == document.KindString && v.Text() == ""
}

func (m *Mapping[T]) violation(r *rule, field string, f validator.FieldError) error {
	e := &InvalidError{Path: r.Path, Field: field, Detail: "want " + m.validator.want(f)}
	if path, ok := m.paths[field]; ok {
		e.Path = path
	}
	if v, err := document.FromAny(f.Value()); err == nil && !r.Sensitive && !unassigned(v) {
		e.Value = show(v)
	}
	return e
}

// want returns the form that a tag wants.
func (c *checker) want(f validator.FieldError) string {
	if want, ok := c.wants[f.Tag()]; ok {
		return want
	}
	form, ok := forms[f.Tag()]
	switch {
	case !ok && f.Param() != "":
		return f.Tag() + " " + f.Param()
	case !ok:
		return f.Tag()
	case strings.Contains(form, "%s"):
		form = fmt.Sprintf(form, strings.Join(strings.Fields(f.Param()), ", "))
		if k := f.Kind(); k == reflect.String && (f.Tag() == "min" || f.Tag() == "max") {
			form += " characters"
		} else if k == reflect.Slice {
			form += " values"
		}
	}
	return form
}

// plain returns a namespace without the indices of elements.
func plain(namespace string) string {
	var b strings.Builder
	depth := 0
	for _, c := range namespace {
		switch {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case depth == 0:
			b.WriteRune(c)
		}
	}
	return b.String()
}
