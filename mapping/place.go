package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// place says where in a resource's attributes the value of a field is.
type place struct {
	path           string // the path in a rule, without the URN of a core schema and without a filter
	uri, name, sub string
	where          filter.Expr      // of name[where].sub
	seed           []document.Field // the sub-attributes that a new element needs to satisfy where
	multi          bool             // whether the attribute is multi-valued
	all            bool             // whether the field holds the values of all elements
	subs           []string         // the sub-attributes that the field holds, if it is a struct; others are not changed
}

// multiValued are the multi-valued attributes of RFC 7643 section 4.1.2.
var multiValued = map[string]bool{
	"emails": true, "phoneNumbers": true, "ims": true, "photos": true, "addresses": true, "groups": true,
	"entitlements": true, "roles": true, "x509Certificates": true, "members": true,
}

// known are the names of the attributes of RFC 7643 section 4, by which a rule is refused that spells one in another case.
var known = []string{
	"userName", "externalId", "name", "displayName", "nickName", "profileUrl", "title", "userType", "preferredLanguage",
	"locale", "timezone", "active", "emails", "phoneNumbers", "ims", "photos", "addresses", "entitlements", "roles",
	"x509Certificates",
}

// reserved are the attributes that no field can hold, because the library or the store makes their values.
var reserved = []string{"id", "schemas", "meta", "groups", "members", "password"}

// parsePlace parses the path of a rule. extension says that the path is the URN of a whole extension, which can't be told from the path of an
// attribute.
func parsePlace(path string, extension bool) (place, error) {
	if path == "" {
		return place{}, errors.New("want the path of an attribute")
	}
	if extension {
		if len(path) < 5 || !strings.EqualFold(path[:4], "urn:") || strings.ContainsAny(path, "[] \"") {
			return place{}, errors.New("want the URN of an extension")
		}
		return place{path: path, uri: path}, nil
	}
	p, _, err := filter.ParsePath(path, filter.Options{Strict: true})
	if err != nil {
		return place{}, err
	}
	l := place{uri: p.Path.URI, name: p.Path.Name, sub: p.Path.Sub}
	if core, ok := corePath(l.uri + ":"); ok {
		l.uri = core
	}
	if p.Sub != "" {
		l.sub = p.Sub
	}
	if l.name == "" {
		return place{}, errors.New("want an attribute behind the URN")
	}
	if l.uri != "" && !strings.Contains(l.uri, ":") { // without a colon it could be the name of an attribute
		return place{}, fmt.Errorf("%s is no URN: want one as in urn:x:y:attribute", l.uri)
	}
	l.path = filter.Path{URI: l.uri, Name: l.name, Sub: l.sub}.String()
	if l.uri == "" {
		l.multi = multiValued[l.name]
		for _, name := range slices.Concat(known, reserved) {
			if strings.EqualFold(name, l.name) && name != l.name {
				return place{}, fmt.Errorf("%s is spelled %s", l.name, name)
			}
		}
		if slices.Contains(reserved, l.name) {
			return place{}, fmt.Errorf("%s can't be mapped", l.name)
		}
	}
	if p.Where == nil {
		return l, nil
	}
	l.multi = true
	l.where = folded(p.Where)
	l.seed, err = seed(p.Where, nil)
	return l, err
}

// corePath says whether a path has the URN of a core schema, and returns the path without it, because documents have no such URN.
func corePath(path string) (rest string, ok bool) {
	for _, core := range []string{"urn:ietf:params:scim:schemas:core:2.0:User:", "urn:ietf:params:scim:schemas:core:2.0:Group:"} {
		if len(path) >= len(core) && strings.EqualFold(path[:len(core)], core) {
			return path[len(core):], true
		}
	}
	return "", false
}

// folded binds an expression for filter.Match without a schema: nothing is caseExact, so all literals are folded.
func folded(x filter.Expr) filter.Expr {
	switch x := x.(type) {
	case filter.And:
		return filter.And(foldedAll(x))
	case filter.Or:
		return filter.Or(foldedAll(x))
	case filter.Not:
		return filter.Not{X: folded(x.X)}
	case filter.Compare:
		if x.Value.Kind() == document.KindString {
			x.Value = document.String(filter.Fold(x.Op, x.Value.Text()))
		}
		return x
	}
	return x
}

func foldedAll(terms []filter.Expr) []filter.Expr {
	out := make([]filter.Expr, len(terms))
	for i, x := range terms {
		out[i] = folded(x)
	}
	return out
}

// seed returns the sub-attributes that an element must have to satisfy an expression. The expression may only have terms of eq, joined by and.
func seed(x filter.Expr, members []document.Field) ([]document.Field, error) {
	switch x := x.(type) {
	case filter.And:
		for _, term := range x {
			var err error
			if members, err = seed(term, members); err != nil {
				return nil, err
			}
		}
		return members, nil
	case filter.Compare:
		if x.Op == filter.Eq && !x.Value.IsNull() {
			return append(members, document.Field{Name: x.Attr.Name, Value: x.Value}), nil
		}
	}
	return nil, fmt.Errorf("[%s]: want comparisons with eq, joined by and, so that an element can be made", x)
}

// same says whether two places are the same. The case of names doesn't count (RFC 7643 section 2.1).
func (l *place) same(o *place) bool {
	return strings.EqualFold(l.uri, o.uri) && strings.EqualFold(l.name, o.name) && strings.EqualFold(l.sub, o.sub) &&
		l.all == o.all && text(l.where) == text(o.where)
}

func text(x filter.Expr) string {
	if x == nil {
		return ""
	}
	return x.String()
}

// get returns the value at the place; null if there is none.
func (l *place) get(v *document.Value) document.Value {
	if l.uri != "" {
		if v = v.Ref(l.uri); v == nil || l.name == "" {
			return orNull(v)
		}
	}
	if v = v.Ref(l.name); v == nil || !l.multi && l.sub == "" {
		return orNull(v)
	}
	if v.Kind() == document.KindArray {
		if l.all {
			return l.gather(v)
		}
		i := l.element(v)
		if i < 0 {
			return document.Value{}
		}
		v = v.At(i)
	}
	if l.sub == "" {
		return *v
	}
	if v.Kind() == document.KindObject {
		return orNull(v.Ref(l.sub))
	}
	if l.sub == "value" {
		return *v
	}
	return document.Value{}
}

func orNull(v *document.Value) document.Value {
	if v == nil {
		return document.Value{}
	}
	return *v
}

// gather returns an array of the values of all elements.
func (l *place) gather(v *document.Value) document.Value {
	if l.sub == "" && l.where == nil {
		return *v
	}
	out := make([]document.Value, 0, v.Len())
	for i := range v.Items() {
		e := *v.At(i)
		if l.where != nil && !filter.MatchElement(l.where, e) {
			continue
		}
		if l.sub != "" && e.Kind() == document.KindObject {
			e = e.Get(l.sub)
		}
		if !e.IsEmpty() {
			out = append(out, e)
		}
	}
	if len(out) == 0 {
		return document.Value{}
	}
	return document.Array(out...)
}

// element returns the index of the element that the place means: the first that satisfies where, or without where the primary one, else
// the first. It returns -1 if there is none.
func (l *place) element(v *document.Value) int {
	if l.where == nil {
		for i := range v.Items() {
			if v.At(i).Get("primary").True() {
				return i
			}
		}
		return min(v.Len(), 1) - 1
	}
	for i := range v.Items() {
		if filter.MatchElement(l.where, *v.At(i)) {
			return i
		}
	}
	return -1
}

// set sets the value at the place, and makes the objects and arrays that it is in. An empty value removes the old one, and also the element or
// object around it if nothing else is in that. v must be an object, and is changed in place.
func (l *place) set(v *document.Value, x document.Value) {
	if l.uri == "" {
		l.setIn(v, x)
		return
	}
	if l.name == "" {
		l.fill(v, l.uri, x)
		return
	}
	extension := objectOf(v.Get(l.uri))
	l.setIn(&extension, x)
	put(v, l.uri, extension)
}

func put(v *document.Value, name string, x document.Value) {
	if x.IsEmpty() {
		v.Delete(name)
	} else {
		v.Set(name, x)
	}
}

// fill sets the field of an object. If that is an object itself, only the sub-attributes that the place holds are changed.
func (l *place) fill(v *document.Value, name string, x document.Value) {
	object := v.Ref(name)
	if len(l.subs) == 0 || object == nil || object.Kind() != document.KindObject {
		put(v, name, x)
		return
	}
	for _, sub := range l.subs {
		put(object, sub, x.Get(sub))
	}
	if object.IsEmpty() {
		v.Delete(name)
	}
}

func (l *place) setIn(v *document.Value, x document.Value) {
	switch {
	case l.all && (l.sub != "" || l.where != nil):
		put(v, l.name, l.scatter(v.Get(l.name), x))
	case l.multi && !l.all:
		put(v, l.name, l.setElement(v.Get(l.name), x))
		for x.IsEmpty() && l.where == nil && !l.get(v).IsEmpty() { // otherwise the value of another element would be read next
			put(v, l.name, l.setElement(v.Get(l.name), x))
		}
	case l.sub == "":
		l.fill(v, l.name, x)
	default:
		object := v.Ref(l.name)
		if object == nil || object.Kind() != document.KindObject {
			if x.IsEmpty() {
				return
			}
			v.Set(l.name, document.Object(append(make([]document.Field, 0, 4), document.Field{Name: l.sub, Value: x})...))
			return
		}
		if put(object, l.sub, x); object.IsEmpty() {
			v.Delete(l.name)
		}
	}
}

// setElement sets the value of the element that the place means.
func (l *place) setElement(array, x document.Value) document.Value {
	if array.Kind() != document.KindArray {
		array = document.Array()
	}
	i := l.element(&array)
	if i < 0 {
		if !x.IsEmpty() {
			array.Append(l.make(x, nil))
		}
		return array
	}
	e := array.At(i)
	switch {
	case e.Kind() != document.KindObject || l.sub == "" && len(l.subs) == 0:
		*e = l.make(x, nil)
	case l.sub != "":
		put(e, l.sub, x)
	default:
		for _, sub := range l.subs {
			if y := x.Get(sub); !y.IsEmpty() || !l.seeds(sub) {
				put(e, sub, y)
			}
		}
	}
	if x.IsEmpty() && (e.Kind() != document.KindObject || l.bare(e)) {
		array.DeleteAt(i)
	}
	return array
}

// seeds says whether elements are chosen by a sub-attribute.
func (l *place) seeds(sub string) bool {
	return slices.ContainsFunc(l.seed, func(m document.Field) bool { return m.Name == sub })
}

// most returns how many fields a new element usually has at most.
func (l *place) most() int { return len(l.seed) + max(1, len(l.subs)) }

// make makes an element of a value. room is memory for its fields, and may be nil.
func (l *place) make(x document.Value, room []document.Field) document.Value {
	if l.sub == "" && x.Kind() != document.KindObject {
		return x
	}
	members := append(room, l.seed...)
	if l.sub != "" {
		return document.Object(append(members, document.Field{Name: l.sub, Value: x})...)
	}
	e := document.Object(members...)
	for _, m := range x.Items() {
		e.Set(m.Name, m.Value)
	}
	return e
}

// bare says whether an element has nothing but the sub-attributes that it is chosen by, and primary.
func (l *place) bare(e *document.Value) bool {
	for i := range e.Items() {
		m := &e.Items()[i]
		if !l.seeds(m.Name) && m.Name != "primary" && m.Name != "type" && !m.Value.IsEmpty() {
			return false
		}
	}
	return true
}

// scatter makes an array of elements with the given values, each once. Elements that have one of the values stay as they are, and the others
// are removed.
func (l *place) scatter(array, values document.Value) document.Value {
	out := make([]document.Value, 0, values.Len())
	taken := make([]bool, array.Len())
	for _, m := range values.Items() {
		e := l.make(m.Value, nil)
		for i := range array.Items() {
			was := *array.At(i)
			if !taken[i] && (l.where == nil || filter.MatchElement(l.where, was)) && document.Equal(l.of(was), l.of(e)) {
				e, taken[i] = was, true
				break
			}
		}
		out = append(out, e)
	}
	if l.where != nil { // elements that don't satisfy where stay, because this place doesn't hold them
		for i := range array.Items() {
			if e := *array.At(i); !filter.MatchElement(l.where, e) {
				out = append(out, e)
			}
		}
	}
	return document.Array(out...)
}

func (l *place) of(e document.Value) document.Value {
	if l.sub != "" && e.Kind() == document.KindObject {
		return e.Get(l.sub)
	}
	return e
}
