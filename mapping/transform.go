package mapping

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
)

// Transform changes a value on its way between SCIM and the product. Built in, and named in a tag or in [Rule.Apply]:
//
//	trim           without white space around it
//	fold           in lower case, as the library folds a userName
//	upper          in upper case
//	default=x      x where there is nothing
//	split=;        one string into the elements of a slice; back with the separator between them
//	join=;         the elements of a multi-valued attribute into one string; back at the separators
//	map            by Rule.Map, from the identity provider's word to the product's; other words are refused
//	map=a:b|c:d    the same in a tag
//
// Trim, fold and upper change the elements of an array each.
type Transform struct {
	// In makes the product's value. An error's text is shown to the administrator of the identity provider: say what
	// form is wanted. It gets null for an absent attribute.
	In func(v document.Value) (document.Value, error)
	// Out makes SCIM's value of the product's; nil leaves it.
	Out func(v document.Value) document.Value
}

// builtIn makes a built-in transformation of its argument and the rule's map.
type builtIn func(argument string, rule *Rule) (Transform, error)

var builtIns = map[string]builtIn{
	"trim":    simple(strings.TrimSpace),
	"fold":    simple(document.Fold),
	"upper":   simple(strings.ToUpper),
	"default": makeDefault,
	"split":   makeSplit,
	"join":    makeJoin,
	"map":     makeMap,
}

// transforms compiles the rule's transformations.
func (r *rule) transforms(own map[string]Transform) error {
	for _, text := range r.Apply {
		name, argument, _ := strings.Cut(text, "=")
		t, ok := own[name]
		if !ok {
			build, known := builtIns[name]
			if !known {
				names := append(slices.Collect(maps.Keys(builtIns)), slices.Collect(maps.Keys(own))...)
				slices.Sort(names)
				return fmt.Errorf("there is no option or transformation %q; want always, create, ifEmpty, product, ignore, required, sensitive, extension, %s",
					name, strings.Join(names, ", "))
			}
			var err error
			if t, err = build(argument, &r.Rule); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		if t.In != nil {
			r.in = append(r.in, t.In)
		}
		if t.Out != nil {
			r.out = append(r.out, t.Out)
		}
	}
	slices.Reverse(r.out)
	return nil
}

func splits(apply []string) bool { return hasTransform(apply, "split") }
func joins(apply []string) bool  { return hasTransform(apply, "join") }

func hasTransform(apply []string, name string) bool {
	return slices.ContainsFunc(apply, func(s string) bool {
		s, _, _ = strings.Cut(s, "=")
		return s == name
	})
}

// simple is a transformation of strings that is its own opposite: what it has made once it leaves.
func simple(f func(string) string) builtIn {
	var in func(v document.Value) (document.Value, error)
	in = func(v document.Value) (document.Value, error) {
		switch v.Kind() {
		case document.KindString:
			return document.String(f(v.Text())), nil
		case document.KindArray:
			out := make([]document.Value, v.Len())
			for i := range out {
				out[i], _ = in(*v.At(i))
			}
			return document.Array(out...), nil
		}
		return v, nil
	}
	return func(argument string, _ *Rule) (Transform, error) {
		if argument != "" {
			return Transform{}, errors.New("it takes no argument")
		}
		return Transform{In: in}, nil
	}
}

func makeDefault(argument string, _ *Rule) (Transform, error) {
	if argument == "" {
		return Transform{}, errors.New("want default=value")
	}
	return Transform{In: func(v document.Value) (document.Value, error) {
		if v.IsEmpty() || v.Kind() == document.KindString && v.Text() == "" {
			return document.String(argument), nil
		}
		return v, nil
	}}, nil
}

func split(v document.Value, separator string) document.Value {
	if v.Kind() != document.KindString || v.Text() == "" {
		return document.Value{}
	}
	var out []document.Value
	for s := range strings.SplitSeq(v.Text(), separator) {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, document.String(s))
		}
	}
	if out == nil {
		return document.Value{}
	}
	return document.Array(out...)
}

func join(v document.Value, separator string) document.Value {
	if v.IsEmpty() {
		return document.Value{}
	}
	if v.Kind() != document.KindArray {
		return v
	}
	parts := make([]string, 0, v.Len())
	for i := range v.Items() {
		x := *v.At(i)
		if x.Kind() == document.KindObject {
			x = x.Get("value")
		}
		parts = append(parts, x.Text())
	}
	return document.String(strings.Join(parts, separator))
}

func makeSplit(separator string, _ *Rule) (Transform, error) {
	if separator == "" {
		return Transform{}, errors.New("want split=separator")
	}
	return Transform{
		In: func(v document.Value) (document.Value, error) {
			if v.Kind() > document.KindString {
				return v, errors.New("want a string")
			}
			return split(v, separator), nil
		},
		Out: func(v document.Value) document.Value { return join(v, separator) },
	}, nil
}

func makeJoin(separator string, _ *Rule) (Transform, error) {
	if separator == "" {
		return Transform{}, errors.New("want join=separator")
	}
	return Transform{
		In:  func(v document.Value) (document.Value, error) { return join(v, separator), nil },
		Out: func(v document.Value) document.Value { return split(v, separator) },
	}, nil
}

// makeMap makes the transformation by a table. The first of several words with one meaning, in their order, is the one
// that goes back.
func makeMap(argument string, r *Rule) (Transform, error) {
	in := r.Map
	if argument != "" {
		in = map[string]string{}
		for pair := range strings.SplitSeq(argument, "|") {
			from, to, ok := strings.Cut(pair, ":")
			if !ok {
				return Transform{}, fmt.Errorf("%q: want theirs:ours", pair)
			}
			in[from] = to
		}
	}
	if len(in) == 0 {
		return Transform{}, errors.New("want a map")
	}
	words := slices.Sorted(maps.Keys(in))
	ours, theirs := map[string]string{}, map[string]string{}
	for _, w := range words {
		ours[document.Fold(w)] = in[w]
		if _, had := theirs[in[w]]; !had {
			theirs[in[w]] = w
		}
	}
	want := errors.New("want one of " + strings.Join(words, ", "))
	one := func(v document.Value) (document.Value, error) {
		if v.IsNull() {
			return v, nil
		}
		if to, ok := ours[document.Fold(v.Text())]; ok && v.Kind() == document.KindString {
			return document.String(to), nil
		}
		return v, want
	}
	return Transform{
		In: func(v document.Value) (document.Value, error) { return eachOf(v, one) },
		Out: func(v document.Value) document.Value {
			v, _ = eachOf(v, func(x document.Value) (document.Value, error) {
				if w, ok := theirs[x.Text()]; ok {
					return document.String(w), nil
				}
				return x, nil
			})
			return v
		},
	}, nil
}

func eachOf(v document.Value, f func(document.Value) (document.Value, error)) (document.Value, error) {
	if v.Kind() != document.KindArray {
		return f(v)
	}
	out := make([]document.Value, v.Len())
	for i := range out {
		x, err := f(*v.At(i))
		if err != nil {
			return v, err
		}
		out[i] = x
	}
	return document.Array(out...), nil
}
