package mapping

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Transform converts a value between SCIM and the product. These are built in, and named in a tag or in [Rule.Apply]:
//
//	trim           removes white space at both ends
//	fold           makes the form in which the library compares userNames (document.Fold): lower case, without invisible characters
//	upper          makes upper case
//	default=x      gives the field x if there is no value
//	split=;        splits a string into the elements of a slice, and joins these with the separator for SCIM
//	join=;         joins the elements of a multi-valued attribute into one string, and splits that for SCIM
//	map            replaces the identity provider's word by the product's, as Rule.Map says, and refuses other words
//	map=a:b|c:d    does what map does; its words are in the tag
//	role=a:b|*:d   makes one word of a multi-valued attribute: that of the first pair whose left word is an element;
//	               * stands for an attribute that has none of them
//
// trim, fold, upper and map change each element of an array. If the field is a number or a boolean, the word that a transformation made is
// converted: map=full:100|half:50, default=true.
//
// Uniqueness is decided by the identity provider's values, as document.Fold compares them. So two different userNames may
// become the same value in the product, for example by map.
type Transform struct {
	// In makes the product's value. It gets null for an absent attribute. An error becomes an *[InvalidError], whose text is shown to the
	// administrator of the identity provider, so it should say which form is wanted. In may be called concurrently.
	In func(v document.Value) (document.Value, error)
	// Out makes SCIM's value from the product's. If it is nil, the value stays as it is. It may be called concurrently.
	Out func(v document.Value) document.Value

	makes []string // the words that In makes, which are tried when a rule is compiled
}

// builtIn makes a built-in transformation from its argument and the rule.
type builtIn func(argument string, rule *Rule) (Transform, error)

var builtIns = map[string]builtIn{
	"trim":    simple(strings.TrimSpace),
	"fold":    simple(document.Fold),
	"upper":   simple(strings.ToUpper),
	"default": makeDefault,
	"split":   makeSplit,
	"join":    makeJoin,
	"map":     makeMap,
	"role":    makeRole,
}

// transforms compiles the rule's transformations for a field.
func (r *rule) transforms(own map[string]Transform, field reflect.Type) error {
	makes := make([][]string, 0, len(r.Apply))
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
			r.in, makes = append(r.in, t.In), append(makes, t.makes)
		}
		if t.Out != nil {
			r.out = append(r.out, t.Out)
		}
	}
	slices.Reverse(r.out)
	for i, words := range makes {
		for _, word := range words {
			if err := r.try(i+1, word, reflect.New(field).Elem()); err != nil {
				return fmt.Errorf("%s: %q: %w", r.Apply[i], word, err)
			}
		}
	}
	return nil
}

// try returns an error if a word that a transformation makes is refused by a later transformation or by the field.
func (r *rule) try(from int, word string, field reflect.Value) (err error) {
	x := document.String(word)
	for _, f := range r.in[from:] {
		if x, err = f(x); err != nil {
			return err
		}
	}
	if field.Kind() == reflect.Slice && x.Kind() == document.KindString { // the word is an element of the field
		x = document.Array(x)
	}
	if want := r.codec.set(field, r.typed(x)); want != "" {
		return errors.New("want " + want)
	}
	return nil
}

// typed converts a value that transformations made to the type of the field.
func (r *rule) typed(x document.Value) document.Value {
	switch {
	case x.Kind() == document.KindArray:
		x, _ = eachOf(x, func(e document.Value) (document.Value, error) { return r.typed(e), nil })
	case x.Kind() != document.KindString:
	case r.codec.spec.Type == filter.Boolean && (x.Text() == "true" || x.Text() == "false"):
		return document.Bool(x.Text() == "true")
	case r.codec.spec.Type == filter.Integer || r.codec.spec.Type == filter.Decimal:
		if n, err := document.Parse(x.Text(), 0); err == nil && n.Kind() == document.KindNumber {
			return n
		}
	}
	return x
}

func splits(apply []string) bool { return hasTransform(apply, "split") }
func joins(apply []string) bool  { return hasTransform(apply, "join") || hasTransform(apply, "role") }

func hasTransform(apply []string, name string) bool {
	return slices.ContainsFunc(apply, func(s string) bool {
		s, _, _ = strings.Cut(s, "=")
		return s == name
	})
}

// simple makes a transformation that applies a function to a string, or to each string in an array. Values go to SCIM as they are.
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
	return Transform{makes: []string{argument}, In: func(v document.Value) (document.Value, error) {
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

// makeMap makes the transformation map. If several words of the identity provider mean one of the product, the first of them in order is
// used for SCIM.
func makeMap(argument string, r *Rule) (Transform, error) {
	in := r.Map
	if argument != "" {
		pairs, err := pairsOf(argument)
		if err != nil {
			return Transform{}, err
		}
		in = map[string]string{}
		for _, p := range pairs {
			in[p.theirs] = p.ours
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
		makes: slices.Sorted(maps.Values(in)),
		In:    func(v document.Value) (document.Value, error) { return eachOf(v, one) },
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

// pair is a word of the identity provider, and the one of the product that it means.
type pair struct{ theirs, ours string }

func pairsOf(argument string) (pairs []pair, err error) {
	for text := range strings.SplitSeq(argument, "|") {
		theirs, ours, ok := strings.Cut(text, ":")
		if !ok {
			return nil, fmt.Errorf("%q: want theirs:ours", text)
		}
		pairs = append(pairs, pair{theirs, ours})
	}
	return pairs, nil
}

// makeRole makes the transformation role. If several words mean one role, the first of them is used for SCIM. A role that is only behind * has
// no value in SCIM.
func makeRole(argument string, _ *Rule) (Transform, error) {
	pairs, err := pairsOf(argument)
	if err != nil {
		return Transform{}, err
	}
	makes := make([]string, len(pairs))
	for i, p := range pairs {
		makes[i], pairs[i].theirs = p.ours, document.Fold(p.theirs)
	}
	theirs := func(ours string) document.Value {
		for text := range strings.SplitSeq(argument, "|") {
			if word, is, _ := strings.Cut(text, ":"); is == ours && word != "*" {
				return document.Array(document.String(word))
			}
		}
		return document.Value{}
	}
	return Transform{
		makes: makes,
		In: func(v document.Value) (document.Value, error) {
			has := map[string]bool{"*": true}
			words := split(join(v, "\x00"), "\x00")
			for i := range words.Items() {
				has[document.Fold(words.At(i).Text())] = true
			}
			for _, p := range pairs {
				if has[p.theirs] {
					return document.String(p.ours), nil
				}
			}
			return document.Value{}, nil
		},
		Out: func(v document.Value) document.Value { return theirs(v.Text()) },
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
