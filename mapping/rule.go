package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/rollcall-dev/rollcall/store/document"
)

// Rule maps one attribute to one field, as a tag does. Unlike a tag it is a value, so that each tenant may have rules of its own, stored
// as JSON. [LoadRules] checks the form of rules, and [Compile] whether they fit the type.
type Rule struct {
	Path      string            `json:"path"`                // the attribute, in the grammar of RFC 7644 section 3.5.2
	Field     string            `json:"field"`               // the field, such as Email or Address.City
	Authority Authority         `json:"authority,omitempty"` // who may change it
	Required  bool              `json:"required,omitempty"`  // refuse a resource without it
	Sensitive bool              `json:"sensitive,omitempty"` // never show its value in an error or a journal
	Extension bool              `json:"extension,omitempty"` // Path is the URN of an extension, and the field a struct of its attributes
	Apply     []string          `json:"apply,omitempty"`     // the transformations in their order, such as trim or default=en
	Map       map[string]string `json:"map,omitempty"`       // the words that the transformation "map" replaces, and by which
	Validate  string            `json:"validate,omitempty"`  // checks as in a validate tag, in addition to those of the field's tag
}

// These are the limits of LoadRules.
const (
	maxRules     = 256
	maxRuleBytes = 256 << 10
)

// LoadRules reads rules from JSON, which must be an array of [Rule] and nothing else, and checks the path and authority of each. It
// accepts at most 256 rules in 256 KiB. Only [Compile] finds out whether the fields exist. The error says what is wrong with which rule.
func LoadRules(r io.Reader) ([]Rule, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxRuleBytes+1))
	if err != nil {
		return nil, fmt.Errorf("mapping: rules: %w", err)
	}
	if len(text) > maxRuleBytes {
		return nil, fmt.Errorf("mapping: rules: more than %d bytes", maxRuleBytes)
	}
	if _, err := document.Parse(string(text), 0); err != nil { // unlike encoding/json, it refuses an object with two fields of one name
		return nil, fmt.Errorf("mapping: rules: %w", err)
	}
	var rules []Rule
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&rules); err != nil {
		return nil, fmt.Errorf("mapping: rules: %w", err)
	}
	if len(rules) > maxRules {
		return nil, fmt.Errorf("mapping: %d rules; the limit is %d", len(rules), maxRules)
	}
	for i := range rules {
		if err := rules[i].check(); err != nil {
			return nil, fmt.Errorf("mapping: rule %d (%s): %w", i, rules[i].Path, err)
		}
	}
	return rules, nil
}

func (r *Rule) check() error {
	if r.Field == "" {
		return errors.New("field: want the name of a field")
	}
	_, err := parsePlace(r.Path, r.Extension)
	return err
}

// rule is a Rule compiled for a type.
type rule struct {
	Rule
	place place
	field accessor
	codec codec
	in    []func(document.Value) (document.Value, error) // the transformations of values from SCIM
	out   []func(document.Value) document.Value          // the transformations of values to SCIM

	shared *composition // the composition that the rule belongs to, if any; field, in and out are not used then
	nth    int          // the index of the rule's path in the composition
}

func (r *rule) change() Change { return Change{Field: r.Field, Path: r.Path} }

// read sets the rule's field from the attributes v.
func (r *rule) read(v document.Value, root reflect.Value) error {
	if r.shared != nil {
		return r.shared.read(r, v, root)
	}
	x := r.place.get(&v)
	for _, f := range r.in {
		var err error
		if x, err = f(x); err != nil {
			return r.invalid(x, err.Error())
		}
	}
	if len(r.in) > 0 {
		x = r.typed(x)
	}
	if x.IsNull() {
		if f, ok := r.field.find(root); ok && !f.IsZero() {
			r.field.make(root).SetZero()
		}
		return nil
	}
	if want := r.codec.set(r.field.make(root), x); want != "" {
		return r.invalid(x, "want "+want)
	}
	return nil
}

// value returns the value of the rule's field, in the form of SCIM.
func (r *rule) value(root reflect.Value) document.Value {
	if r.shared != nil {
		return r.shared.value(r.nth, root)
	}
	f, ok := r.field.find(root)
	if !ok {
		return document.Value{}
	}
	x := r.codec.get(f)
	for _, out := range r.out {
		x = out(x)
	}
	return x
}

func (r *rule) invalid(x document.Value, detail string) *InvalidError {
	e := &InvalidError{Path: r.Path, Field: r.Field, Detail: detail}
	if !r.Sensitive {
		e.Value = show(x)
	}
	return e
}
