package scimtest

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"
)

// at returns a value inside objects, by the names of their fields, without regard to case (RFC 7643 section 2.1); nil if it is missing.
func at(v any, names ...string) any {
	for _, name := range names {
		object, _ := v.(map[string]any)
		v = member(object, name)
	}
	return v
}

func member(object map[string]any, name string) any {
	if v, ok := object[name]; ok {
		return v
	}
	for n, v := range object {
		if strings.EqualFold(n, name) {
			return v
		}
	}
	return nil
}

// has says whether an object has a field, whatever its value.
func has(object map[string]any, name string) bool {
	for n := range object {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// objects returns the objects in an array.
func objects(v any) (list []map[string]any) {
	array, _ := v.([]any)
	for _, e := range array {
		if o, ok := e.(map[string]any); ok {
			list = append(list, o)
		}
	}
	return list
}

// texts returns the strings in an array.
func texts(v any) (list []string) {
	array, _ := v.([]any)
	for _, e := range array {
		if s, ok := e.(string); ok {
			list = append(list, s)
		}
	}
	return list
}

// containsFold says whether a list has a text, in any case.
func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(e string) bool { return strings.EqualFold(e, s) })
}

// none says whether a value is unassigned: missing, null or an empty array (RFC 7643 section 2.5).
func none(v any) bool {
	array, ok := v.([]any)
	return v == nil || ok && len(array) == 0
}

// holds says whether got has everything that want has: an object may have further fields, and an array further elements in any order.
func holds(want, got any) bool {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return false
		}
		for name, w := range want {
			if !none(w) && !holds(w, member(object, name)) {
				return false
			}
		}
		return true
	case []any:
		array, _ := got.([]any)
		for _, w := range want {
			if !slices.ContainsFunc(array, func(g any) bool { return holds(w, g) }) {
				return false
			}
		}
		return true
	case string:
		g, ok := got.(string)
		return ok && (g == want || sameTime(g, want))
	}
	return reflect.DeepEqual(want, got)
}

// sameTime says whether two texts are the same time, which a service may write in another form.
func sameTime(a, b string) bool {
	x, err1 := time.Parse(time.RFC3339Nano, a)
	y, err2 := time.Parse(time.RFC3339Nano, b)
	return err1 == nil && err2 == nil && x.Equal(y)
}

// clone returns a deep copy of a value, with the types that JSON is decoded to.
func clone[T any](v T) T {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // it can't fail for values that came from JSON or are literals here
	}
	var c T
	if err := json.Unmarshal(b, &c); err != nil {
		panic(err)
	}
	return c
}

func show(v any) string {
	if v == nil {
		return "nothing"
	}
	const most = 160
	b, _ := json.Marshal(v)
	if len(b) > most {
		return strings.ToValidUTF8(string(b[:most]), "") + "..."
	}
	return string(b)
}
