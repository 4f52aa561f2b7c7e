package mapping

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// codec converts between a field and a value. set gets a value that isn't null. If it can't hold that, it returns which form it
// wants. get returns null for what counts as absent.
type codec struct {
	set  func(f reflect.Value, v document.Value) (want string)
	get  func(f reflect.Value) document.Value
	spec AttributeSpec // the attribute's type, whether it is multi-valued, and its sub-attributes
}

var (
	timeType      = reflect.TypeFor[time.Time]()
	rawType       = reflect.TypeFor[json.RawMessage]()
	bytesType     = reflect.TypeFor[[]byte]()
	stringType    = reflect.TypeFor[string]()
	marshalerType = reflect.TypeFor[encoding.TextMarshaler]()
	parserType    = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// codecOf makes the codec of a type.
func codecOf(t reflect.Type, depth int) (codec, error) {
	if depth > 4 { // RFC 7643 section 2.3.8 has two levels
		return codec{}, fmt.Errorf("a %s is nested too deep", t)
	}
	switch {
	case t == timeType:
		return codec{setTime, getTime, AttributeSpec{Type: filter.DateTime}}, nil
	case t == rawType:
		return codec{setRaw, getRaw, AttributeSpec{Type: filter.Complex}}, nil
	case t == bytesType:
		return codec{setBytes, getBytes, AttributeSpec{Type: filter.Binary}}, nil
	case t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(parserType):
		if !t.Implements(marshalerType) && !reflect.PointerTo(t).Implements(marshalerType) {
			return codec{}, fmt.Errorf("a %s has UnmarshalText but no MarshalText", t)
		}
		return codec{setText, getText, AttributeSpec{Type: filter.String}}, nil
	case t == stringType:
		return codec{setPlainString, getPlainString, AttributeSpec{Type: filter.String}}, nil
	}
	switch t.Kind() {
	case reflect.String:
		return codec{setString, getString, AttributeSpec{Type: filter.String}}, nil
	case reflect.Bool:
		return codec{setBool, getBool, AttributeSpec{Type: filter.Boolean}}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return codec{setInt, getInt, AttributeSpec{Type: filter.Integer}}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return codec{setUint, getUint, AttributeSpec{Type: filter.Integer}}, nil
	case reflect.Float32, reflect.Float64:
		return codec{setFloat, getFloat, AttributeSpec{Type: filter.Decimal}}, nil
	case reflect.Pointer:
		return pointerCodec(t, depth)
	case reflect.Slice:
		return sliceCodec(t, depth)
	case reflect.Struct:
		return structCodec(t, depth)
	}
	return codec{}, fmt.Errorf("a %s can't hold an attribute", t)
}

func setPlainString(f reflect.Value, v document.Value) string {
	if v.Kind() != document.KindString {
		return "a string"
	}
	*f.Addr().Interface().(*string) = v.Text()
	return ""
}

func getPlainString(f reflect.Value) document.Value { return absentIfEmpty(f.String()) }

func setString(f reflect.Value, v document.Value) string {
	if v.Kind() != document.KindString {
		return "a string"
	}
	f.SetString(v.Text())
	return ""
}

func getString(f reflect.Value) document.Value { return absentIfEmpty(f.String()) }

func absentIfEmpty(s string) document.Value {
	if s == "" {
		return document.Value{}
	}
	return document.String(s)
}

func setBool(f reflect.Value, v document.Value) string {
	if v.Kind() != document.KindBool {
		return "true or false"
	}
	f.SetBool(v.True())
	return ""
}

func getBool(f reflect.Value) document.Value { return document.Bool(f.Bool()) }

func setInt(f reflect.Value, v document.Value) string {
	i, err := strconv.ParseInt(v.Text(), 10, 64)
	if v.Kind() != document.KindNumber || err != nil || f.OverflowInt(i) {
		most := int64(math.MaxInt64) >> (64 - f.Type().Bits())
		return fmt.Sprintf("an integer between %d and %d", -most-1, most)
	}
	f.SetInt(i)
	return ""
}

func getInt(f reflect.Value) document.Value { return document.Int(f.Int()) }

func setUint(f reflect.Value, v document.Value) string {
	i, err := strconv.ParseUint(v.Text(), 10, 64)
	if v.Kind() != document.KindNumber || err != nil || f.OverflowUint(i) {
		return fmt.Sprintf("an integer between 0 and %d", uint64(math.MaxUint64)>>(64-f.Type().Bits()))
	}
	f.SetUint(i)
	return ""
}

func getUint(f reflect.Value) document.Value {
	return document.Number(strconv.FormatUint(f.Uint(), 10))
}

func setFloat(f reflect.Value, v document.Value) string {
	x, err := strconv.ParseFloat(v.Text(), 64)
	if v.Kind() != document.KindNumber || err != nil || f.OverflowFloat(x) {
		return "a number"
	}
	f.SetFloat(x)
	return ""
}

// getFloat returns null for infinities and NaN, because JSON can't write them.
func getFloat(f reflect.Value) document.Value {
	x := f.Float()
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return document.Value{}
	}
	return document.Number(strconv.FormatFloat(x, 'g', -1, f.Type().Bits()))
}

const timeForm = "a time such as 2026-01-31T15:04:05Z"

func setTime(f reflect.Value, v document.Value) string {
	if v.Kind() != document.KindString {
		return timeForm
	}
	t, ok := filter.ParseTime(v.Text())
	if !ok {
		return timeForm
	}
	*f.Addr().Interface().(*time.Time) = t.UTC()
	return ""
}

func getTime(f reflect.Value) document.Value {
	t := *f.Addr().Interface().(*time.Time)
	if t.IsZero() {
		return document.Value{}
	}
	return document.String(t.UTC().Format(time.RFC3339Nano))
}

func setText(f reflect.Value, v document.Value) string {
	if v.Kind() >= document.KindArray {
		return "a string"
	}
	if err := f.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(v.Text())); err != nil {
		var w interface{ Want() string }
		if errors.As(err, &w) {
			return w.Want()
		}
		return "a value that the product knows"
	}
	return ""
}

func getText(f reflect.Value) document.Value {
	m, ok := f.Interface().(encoding.TextMarshaler)
	if !ok { // the method has a pointer receiver
		p := reflect.New(f.Type())
		p.Elem().Set(f)
		m = p.Interface().(encoding.TextMarshaler)
	}
	text, err := m.MarshalText()
	if err != nil {
		return document.Value{}
	}
	return absentIfEmpty(string(text))
}

func setRaw(f reflect.Value, v document.Value) string {
	f.SetBytes(document.AppendJSON(nil, v))
	return ""
}

func getRaw(f reflect.Value) document.Value {
	v, err := document.Parse(string(f.Bytes()), 0)
	if err != nil {
		return document.Value{}
	}
	return v
}

func setBytes(f reflect.Value, v document.Value) string {
	b, err := base64.StdEncoding.DecodeString(v.Text())
	if v.Kind() != document.KindString || err != nil {
		return "base64" // RFC 7643 section 2.3.6
	}
	f.SetBytes(b)
	return ""
}

func getBytes(f reflect.Value) document.Value {
	return absentIfEmpty(base64.StdEncoding.EncodeToString(f.Bytes()))
}

func pointerCodec(t reflect.Type, depth int) (codec, error) {
	elem, err := codecOf(t.Elem(), depth)
	if err != nil {
		return codec{}, err
	}
	return codec{
		set: func(f reflect.Value, v document.Value) string {
			p := reflect.New(t.Elem())
			want := elem.set(p.Elem(), v)
			if want == "" {
				f.Set(p)
			}
			return want
		},
		get: func(f reflect.Value) document.Value {
			if f.IsNil() {
				return document.Value{}
			}
			if v := elem.get(f.Elem()); !v.IsNull() || t.Elem().Kind() != reflect.String {
				return v
			}
			return document.String("") // with a pointer, an empty string isn't absent
		},
		spec: elem.spec,
	}, nil
}

func sliceCodec(t reflect.Type, depth int) (codec, error) {
	elem, err := codecOf(t.Elem(), depth+1)
	if err != nil {
		return codec{}, err
	}
	spec := elem.spec
	spec.Multi = true
	return codec{
		set: func(f reflect.Value, v document.Value) string {
			if v.Kind() != document.KindArray {
				return "an array"
			}
			n := v.Len()
			s := reflect.MakeSlice(t, n, n)
			for i := range n {
				x := *v.At(i)
				if x.Kind() == document.KindObject && elem.spec.Type != filter.Complex {
					x = x.Get("value") // the sub-attribute that has the value of an element (RFC 7643 section 2.4)
				}
				if x.IsNull() {
					continue
				}
				if want := elem.set(s.Index(i), x); want != "" {
					return "an array, each element of which is " + want
				}
			}
			f.Set(s)
			return ""
		},
		get: func(f reflect.Value) document.Value {
			n := f.Len()
			if n == 0 {
				return document.Value{}
			}
			items := make([]document.Value, n)
			for i := range n {
				items[i] = elem.get(f.Index(i))
			}
			return document.Array(items...)
		},
		spec: spec,
	}, nil
}

// member is a tagged field of a nested struct.
type member struct {
	name  string
	index int
	codec codec
}

// structCodec makes the codec of a struct, which is a complex attribute. The tags of its fields are the names of sub-attributes.
func structCodec(t reflect.Type, depth int) (codec, error) {
	var members []member
	spec := AttributeSpec{Type: filter.Complex}
	for i := range t.NumField() {
		f := t.Field(i)
		text, tagged := f.Tag.Lookup("scim")
		if !tagged || text == "-" {
			continue
		}
		tag, err := parseTag(text)
		if err == nil && (tag.Authority != Always || len(tag.Apply) > 0) {
			err = errors.New("a sub-attribute has neither authority nor transformations of its own")
		}
		if err == nil && (tag.Path == "" || strings.ContainsAny(tag.Path, ".:[] ")) {
			err = errors.New("want the name of a sub-attribute")
		}
		if err == nil && !f.IsExported() {
			err = errors.New("the field is not exported")
		}
		var c codec
		if err == nil {
			c, err = codecOf(f.Type, depth+1)
		}
		if err != nil {
			return codec{}, fmt.Errorf("field %s.%s, tag %q: %w", t.Name(), f.Name, text, err)
		}
		members = append(members, member{tag.Path, i, c})
		sub := c.spec
		sub.Name, sub.Required, sub.field = tag.Path, tag.Required, f.Name
		spec.Sub = append(spec.Sub, sub)
	}
	if len(members) == 0 {
		return codec{}, fmt.Errorf("none of %s's fields has a scim tag", t)
	}
	return codec{
		set: func(f reflect.Value, v document.Value) string {
			if v.Kind() != document.KindObject {
				return "an object"
			}
			for i := range members {
				m := &members[i]
				x := v.Ref(m.name)
				if x == nil || x.IsNull() {
					f.Field(m.index).SetZero()
				} else if want := m.codec.set(f.Field(m.index), *x); want != "" {
					return "in " + m.name + " " + want
				}
			}
			return ""
		},
		get: func(f reflect.Value) document.Value {
			if f.IsZero() {
				return document.Value{}
			}
			items := make([]document.Field, 0, len(members))
			for i := range members {
				if x := members[i].codec.get(f.Field(members[i].index)); !x.IsNull() {
					items = append(items, document.Field{Name: members[i].name, Value: x})
				}
			}
			return document.Object(items...)
		},
		spec: spec,
	}, nil
}
