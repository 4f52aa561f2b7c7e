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

// InvalidError says which attribute the administrator of an identity provider must correct, and how.
type InvalidError struct {
	Path   string // the attribute's path in SCIM
	Field  string // the product's field; "" if there is none
	Value  string // the value that was sent, as JSON; "" if it is sensitive, or if there was none
	Detail string // what would be right, such as: want an e-mail address such as ada@example.com
}

func (e *InvalidError) Error() string { return e.Path + ": " + e.What() }

// What says what is wrong, without the path, such as: want an e-mail address such as ada@example.com, got "ada".
func (e *InvalidError) What() string {
	if e.Value == "" {
		return e.Detail
	}
	return e.Detail + ", got " + e.Value
}

// Check is a validation tag.
type Check struct {
	Tag   string                 // the name, as in validate:"name"
	Want  string                 // the form that is valid, such as: a telephone number such as +49 301234567
	Valid func(text string) bool // says whether a string that isn't empty is valid; it may be called concurrently
}

// Checks returns the validation tags that every mapping has, in addition to those of go-playground/validator: phone_cc and bcp47.
func Checks() []Check {
	return []Check{
		{"phone_cc", "<country_prefix> <telephone_number>, such as +49 301234567", isPhoneCC},
		{"bcp47", "a language tag such as en or de-CH", isLanguageTag},
	}
}

// isPhoneCC checks that a string is "<country_prefix> <telephone_number>": a + or not, 1 to 3 digits, one space, and 4 to 14 digits.
func isPhoneCC(s string) bool {
	prefix, number, ok := strings.Cut(s, " ")
	prefix = strings.TrimPrefix(prefix, "+")
	return ok && isDigits(prefix, 1, 3) && prefix[0] != '0' && isDigits(number, 4, 14)
}

func isDigits(s string, least, most int) bool {
	return len(s) >= least && len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// isLanguageTag checks that a string has the form of RFC 5646 section 2.1: a language of 2 to 8 letters, and parts of 1 to 8 letters and
// digits, separated by hyphens.
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

// forms says in words which forms the usual tags of go-playground/validator ask for. %s stands for the tag's parameter.
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
	wants    map[string]string // the forms that the tags in Checks ask for, by these tags
	tagged   bool              // whether the type has validate tags at all
}

// newChecker registers the tags of checks, and tries all tags of the type, because validator panics at a tag that it doesn't have.
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
	_ = c.apply(reflect.New(t).Interface()) // an empty value may be invalid, but a panic means that a tag doesn't exist
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

// Validate checks all mapped fields. The error is an *[InvalidError] about the first that is invalid.
func (m *Mapping[T]) Validate(t *T) error { return m.validate(t, true, nil) }

// validate checks all mapped fields, or, if all is false, only those that were changed.
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

// unassigned says whether a value is absent or an empty string.
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

// want says in words which form a tag asks for.
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

// plain returns the path of a field, as validator writes it, without the indices of elements.
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
