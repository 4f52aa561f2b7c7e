package document

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Any is v as encoding/json would decode it into an any, with json.Number for numbers: nil, bool, json.Number, string,
// []any or map[string]any.
func (v Value) Any() any {
	switch v.kind {
	case KindBool:
		return v.True()
	case KindNumber:
		return json.Number(v.text)
	case KindString:
		return v.text
	case KindArray:
		a := make([]any, len(v.items))
		for i := range v.items {
			a[i] = v.items[i].Value.Any()
		}
		return a
	case KindObject:
		m := make(map[string]any, len(v.items))
		for i := range v.items {
			m[v.items[i].Name] = v.items[i].Value.Any()
		}
		return m
	}
	return nil
}

// FromAny makes a Value of what [Value.Any] or encoding/json made, or of any other Go value by its JSON encoding. The
// fields of a map are in the order of their names. What [Parse] would refuse is an error that names the place.
func FromAny(x any) (Value, error) { return fromAny(x, DefaultDepth) }

func fromAny(x any, depth int) (Value, error) {
	switch x := x.(type) {
	case nil:
		return Value{}, nil
	case Value:
		return x, nil
	case bool:
		return Bool(x), nil
	case string:
		if !utf8.ValidString(x) || strings.IndexByte(x, 0) >= 0 {
			return Value{}, errors.New("a string that is not UTF-8 or has a NUL in it")
		}
		return String(x), nil
	case int:
		return Int(int64(x)), nil
	case int64:
		return Int(x), nil
	case []any:
		return fromSlice(x, depth)
	case map[string]any:
		return fromMap(x, depth)
	case []map[string]any:
		return fromSlice(x, depth)
	case []string:
		return fromSlice(x, depth)
	}
	text, err := json.Marshal(x)
	if err != nil {
		return Value{}, fmt.Errorf("a %T that JSON can't express: %w", x, err)
	}
	return Parse(string(text), depth)
}

func fromSlice[T any](x []T, depth int) (Value, error) {
	if depth == 0 {
		return Value{}, errors.New(tooDeep)
	}
	items := make([]Field, len(x))
	for i := range x {
		v, err := fromAny(x[i], depth-1)
		if err != nil {
			return Value{}, fmt.Errorf("%s: %w", "["+strconv.Itoa(i)+"]", err)
		}
		items[i].Value = v
	}
	return Value{kind: KindArray, items: items}, nil
}

func fromMap(x map[string]any, depth int) (Value, error) {
	if depth == 0 {
		return Value{}, errors.New(tooDeep)
	}
	names := names{exotic: true}
	items := make([]Field, 0, len(x))
	for _, name := range slices.Sorted(maps.Keys(x)) {
		if !utf8.ValidString(name) || strings.IndexByte(name, 0) >= 0 {
			return Value{}, errors.New("a name that is not UTF-8 or has a NUL in it")
		}
		if names.has(items, name) {
			return Value{}, errors.New(twice(name))
		}
		v, err := fromAny(x[name], depth-1)
		if err != nil {
			return Value{}, fmt.Errorf("%s: %w", short(name), err)
		}
		items = append(items, Field{name, v})
	}
	return Value{kind: KindObject, items: items}, nil
}
