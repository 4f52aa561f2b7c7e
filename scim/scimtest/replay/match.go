package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// missing is the actual value if the answer has none.
type missing struct{}

// matchers are the names of the tests that an expectation may ask for instead of a value: by an object whose only field has that name.
var matchers = []string{"$nonempty", "$type", "$len", "$absent", "$absent_or_empty", "$absent_or", "$contains"}

// test runs the matcher of that name, and returns the failures.
func test(name string, argument, got any, at string) []string {
	switch name {
	case "$nonempty":
		return failUnless(!empty(got), at, "want something that is not empty", got)
	case "$type":
		return failUnless(kindOf(got) == argument, at, fmt.Sprintf("want a value of the type %v", argument), got)
	case "$len":
		list, ok := got.([]any)
		return failUnless(ok && equalNumbers(json.Number(strconv.Itoa(len(list))), argument), at, fmt.Sprintf("want an array of %v", argument), got)
	case "$absent":
		return failUnless(got == (missing{}), at, "want it to be missing", got)
	case "$absent_or_empty":
		return failUnless(empty(got), at, "want it to be missing or empty", got)
	case "$absent_or":
		if got == (missing{}) {
			return nil
		}
		return match(argument, got, at)
	case "$contains":
		text, ok := got.(string)
		part, _ := argument.(string)
		return failUnless(ok && strings.Contains(text, part), at, fmt.Sprintf("want a text with %q in it", part), got)
	}
	return []string{at + ": unknown matcher " + name}
}

// match compares a value of an answer with the expectation, and returns the differences, each with its place.
func match(want, got any, at string) []string {
	if name, argument, ok := matcher(want); ok {
		return test(name, argument, got, at)
	}
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return failUnless(false, at, "want an object", got)
		}
		var failures []string
		for _, name := range sortedNames(want) {
			value, ok := object[name]
			if !ok {
				value = missing{}
			}
			failures = append(failures, match(want[name], value, at+"."+name)...)
		}
		return failures
	case []any:
		list, ok := got.([]any)
		if !ok {
			return failUnless(false, at, "want an array", got)
		}
		var failures []string
		for i, w := range want {
			found := slices.ContainsFunc(list, func(g any) bool { return len(match(w, g, at)) == 0 })
			failures = append(failures, failUnless(found, fmt.Sprintf("%s[%d]", at, i), "want an element like "+show(w), got)...)
		}
		return failures
	case json.Number:
		return failUnless(equalNumbers(want, got), at, "want "+show(want), got)
	case nil: // null and a missing value mean the same (RFC 7643 section 2.5)
		return failUnless(got == nil || got == (missing{}), at, "want null", got)
	}
	return failUnless(want == got, at, "want "+show(want), got)
}

// matcher returns the name and the argument of a matcher, if the expectation is one.
func matcher(want any) (name string, argument any, ok bool) {
	object, _ := want.(map[string]any)
	if len(object) != 1 {
		return "", nil, false
	}
	for name, argument = range object {
	}
	return name, argument, slices.Contains(matchers, name)
}

// checkMatchers refuses names that look like matchers and are none, such as misspelt ones, because they would be compared as attributes.
func checkMatchers(raw json.RawMessage) error {
	if len(raw) == 0 {
		return nil
	}
	v, err := decode(raw)
	if err != nil {
		return err
	}
	return checkMatcher(v)
}

func checkMatcher(v any) error {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if err := checkMatcher(e); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, argument := range v {
			if strings.HasPrefix(name, "$") && name != "$ref" {
				if !slices.Contains(matchers, name) || len(v) != 1 {
					return fmt.Errorf("unknown matcher %s", show(v))
				}
				if err := checkArgument(name, argument); err != nil {
					return err
				}
			}
			if err := checkMatcher(argument); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkArgument(name string, argument any) error {
	ok := true
	switch name {
	case "$nonempty", "$absent", "$absent_or_empty":
		ok = argument == true
	case "$len":
		ok = kindOf(argument) == "number"
	case "$contains":
		ok = kindOf(argument) == "string"
	case "$type":
		ok = slices.Contains([]any{"number", "string", "boolean", "array", "object"}, argument)
	}
	if !ok {
		return fmt.Errorf("%s can't have the argument %s", name, show(argument))
	}
	return nil
}

func failUnless(ok bool, at, want string, got any) []string {
	if ok {
		return nil
	}
	return []string{fmt.Sprintf("%s: %s, got %s", at, want, show(got))}
}

// empty says whether a value is missing, null, "", [] or {}.
func empty(v any) bool {
	switch v := v.(type) {
	case missing, nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

func kindOf(v any) any {
	switch v.(type) {
	case json.Number:
		return "number"
	case string:
		return "string"
	case bool:
		return "boolean"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	}
	return nil
}

// equalNumbers compares numbers by their values: 1 equals 1.0.
func equalNumbers(a, b any) bool {
	x, ok1 := a.(json.Number)
	y, ok2 := b.(json.Number)
	if !ok1 || !ok2 {
		return false
	}
	p, ok1 := new(big.Rat).SetString(x.String())
	q, ok2 := new(big.Rat).SetString(y.String())
	return ok1 && ok2 && p.Cmp(q) == 0
}

func show(v any) string {
	if v == (missing{}) {
		return "nothing"
	}
	const most = 300
	b, _ := json.Marshal(v)
	if len(b) > most {
		return string(bytes.ToValidUTF8(b[:most], nil)) + "..."
	}
	return string(b)
}

func sortedNames(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// decode reads one JSON value, and keeps numbers as they are written.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("something follows the JSON value")
	}
	return v, nil
}
