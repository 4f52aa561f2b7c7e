package storetest

import (
	"fmt"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// The resources that the rules are checked with, and the little of a schema that binds filters on them.

// epoch is when everything in the tests begins.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 123_456_000, time.UTC)

// id makes the nth id. It is a UUIDv7, because a store may keep the ids of users and groups in a column of type UUID.
func id(n int) string { return fmt.Sprintf("0195514a-%04x-7000-8000-%012x", n>>16&0xffff, n) }

// badge is the extension of the resources.
const badge = "urn:example:2.0:Badge"

// attributes are the attributes that the resources of these tests may have, by path.
var attributes = func() map[string]filter.Attr {
	m := map[string]filter.Attr{}
	for _, a := range []filter.Attr{
		{Path: filter.Path{Name: "id"}, Type: filter.String, CaseExact: true},
		{Path: filter.Path{Name: "externalId"}, Type: filter.String, CaseExact: true},
		{Path: filter.Path{Name: "userName"}, Type: filter.String},
		{Path: filter.Path{Name: "displayName"}, Type: filter.String},
		{Path: filter.Path{Name: "title"}, Type: filter.String},
		{Path: filter.Path{Name: "code"}, Type: filter.String, CaseExact: true},
		{Path: filter.Path{Name: "active"}, Type: filter.Boolean},
		{Path: filter.Path{Name: "age"}, Type: filter.Integer},
		{Path: filter.Path{Name: "score"}, Type: filter.Decimal},
		{Path: filter.Path{Name: "hired"}, Type: filter.DateTime},
		{Path: filter.Path{Name: "profileUrl"}, Type: filter.Reference, CaseExact: true},
		{Path: filter.Path{Name: "key"}, Type: filter.Binary, CaseExact: true},
		{Path: filter.Path{Name: "name"}, Type: filter.Complex},
		{Path: filter.Path{Name: "name", Sub: "familyName"}, Type: filter.String},
		{Path: filter.Path{Name: "name", Sub: "givenName"}, Type: filter.String},
		{Path: filter.Path{Name: "tags"}, Type: filter.String, Multi: true},
		{Path: filter.Path{Name: "emails"}, Type: filter.Complex, Multi: true},
		{Path: filter.Path{Name: "emails", Sub: "value"}, Type: filter.String, Multi: true},
		{Path: filter.Path{Name: "emails", Sub: "type"}, Type: filter.String, Multi: true},
		{Path: filter.Path{Name: "emails", Sub: "primary"}, Type: filter.Boolean, Multi: true},
		{Path: filter.Path{Name: "meta", Sub: "resourceType"}, Type: filter.String, CaseExact: true},
		{Path: filter.Path{Name: "meta", Sub: "created"}, Type: filter.DateTime},
		{Path: filter.Path{Name: "meta", Sub: "lastModified"}, Type: filter.DateTime},
		{Path: filter.Path{Name: "meta", Sub: "version"}, Type: filter.String, CaseExact: true},
		{Path: filter.Path{URI: badge, Name: "number"}, Type: filter.String},
		{Path: filter.Path{URI: badge, Name: "level"}, Type: filter.Integer},
		{Path: filter.Path{URI: filter.InternalURI, Name: "state"}, Type: filter.String, CaseExact: true},
	} {
		m[a.Path.String()] = a
	}
	return m
}()

// attribute returns the bound attribute at a path.
func attribute(path string) filter.Attr {
	a, ok := attributes[path]
	if !ok {
		panic("storetest: no attribute " + path)
	}
	return a
}

// where parses and binds a filter. In its text, members and groups stand for the relations.
func where(text string) filter.Expr {
	x, _, err := filter.Parse(text, filter.Options{})
	if err != nil {
		panic(fmt.Sprintf("storetest: filter %s: %v", text, err))
	}
	return bind(x, "")
}

// bind binds a filter to the attributes above, as package scim does to those of a schema. If element is not empty, the names in the
// filter are sub-attributes of it.
func bind(x filter.Expr, element string) filter.Expr {
	switch x := x.(type) {
	case filter.And:
		out := make(filter.And, len(x))
		for i := range x {
			out[i] = bind(x[i], element)
		}
		return out
	case filter.Or:
		out := make(filter.Or, len(x))
		for i := range x {
			out[i] = bind(x[i], element)
		}
		return out
	case filter.Not:
		return filter.Not{X: bind(x.X, element)}
	case filter.Present:
		if r, ok := relations[x.Attr.Name]; ok && element == "" {
			return filter.Related{Relation: r, Where: filter.And{}}
		}
		return filter.Present{Attr: resolve(x.Attr, element)}
	case filter.Has:
		if r, ok := relations[x.Attr.Name]; ok {
			return filter.Related{Relation: r, Where: bind(x.Where, x.Attr.Name)}
		}
		return filter.Has{Attr: resolve(x.Attr, element), Where: bind(x.Where, x.Attr.Name)}
	case filter.Compare:
		if r, ok := relations[x.Attr.Name]; ok && element == "" {
			sub := x.Attr.Sub
			if sub == "" {
				sub = "value"
			}
			x.Attr.Path = filter.Path{Name: sub}
			return filter.Related{Relation: r, Where: bind(x, "members")}
		}
		x.Attr = resolve(x.Attr, element)
		switch {
		case x.Value.Kind() != document.KindString:
		case x.Attr.Type == filter.DateTime:
			t, err := time.Parse(time.RFC3339Nano, x.Value.Text())
			if err != nil {
				panic("storetest: " + err.Error())
			}
			x.Time = t
		case !x.Attr.CaseExact:
			x.Value = document.String(document.Fold(x.Value.Text()))
		}
		return x
	}
	return x
}

var relations = map[string]filter.Relation{"members": filter.Members, "groups": filter.Groups}

func resolve(a filter.Attr, element string) filter.Attr {
	if element == "" {
		return attribute(a.Path.String())
	}
	if _, ok := relations[element]; ok {
		return filter.Attr{Path: filter.Path{Name: a.Name}, Type: filter.String, CaseExact: a.Name != "display"}
	}
	bound := attribute(element + "." + a.Name)
	bound.Path, bound.Multi = filter.Path{Name: a.Name}, false
	return bound
}

// resource makes a resource of JSON attributes, in version v1, with its index keys and label.
func resource(typ, id, json string) *store.Resource {
	v, err := document.Parse(json, 0)
	if err != nil {
		panic("storetest: " + err.Error())
	}
	r := &store.Resource{
		Key:          store.Key{Type: typ, ID: id},
		Version:      "v1",
		Created:      epoch,
		LastModified: epoch,
		Attributes:   v.Document(),
	}
	if r.Label = v.Get("displayName").Text(); r.Label == "" {
		r.Label = v.Get("userName").Text()
	}
	key := func(attribute string, value document.Value, caseExact, unique bool) {
		s := value.Text()
		if s == "" {
			return
		}
		if !caseExact {
			s = document.Fold(s)
		}
		r.Index = append(r.Index, store.IndexKey{Attribute: attribute, Value: s, Unique: unique})
	}
	key("userName", v.Get("userName"), false, true)
	key("externalId", v.Get("externalId"), true, false)
	key("displayName", v.Get("displayName"), false, false)
	for _, m := range v.Get("emails").Items() {
		key("emails.value", m.Value.Get("value"), false, false)
	}
	return r
}

func user(n int) *store.Resource {
	return resource("User", id(n), fmt.Sprintf(`{"userName":"User-%d","displayName":"User number %d"}`, n, n))
}

func group(n int) *store.Resource {
	return resource("Group", id(n), fmt.Sprintf(`{"displayName":"Group %d"}`, n))
}

// plain makes a resource without attributes, for rules that need many resources.
func plain(typ string, n int) *store.Resource { return resource(typ, id(n), `{}`) }

// next makes the version that follows r, with other attributes.
func next(r *store.Resource, version, json string) *store.Resource {
	n := resource(r.Type, r.ID, json)
	n.Created, n.Version, n.LastModified = r.Created, version, r.LastModified.Add(time.Second)
	return n
}

func puts(resources ...*store.Resource) (p []store.Put) {
	for _, r := range resources {
		p = append(p, store.Put{Resource: r})
	}
	return p
}

func creates(resources ...*store.Resource) store.Change {
	return store.Change{Put: puts(resources...)}
}

func update(r *store.Resource, ifVersion string) store.Change {
	return store.Change{Put: []store.Put{{Resource: r, IfVersion: ifVersion}}}
}

func deletes(typ, id string) store.Change {
	return store.Change{Delete: []store.Delete{{Type: typ, ID: id}}}
}

// delta changes members of a group, whose next version is v.
func delta(group int, version string, add, remove []int) store.MemberDelta {
	d := store.MemberDelta{Group: id(group), Version: version, LastModified: epoch.Add(time.Minute)}
	for _, n := range add {
		d.Add = append(d.Add, store.MemberRef{Type: "User", ID: id(n)})
	}
	for _, n := range remove {
		d.Remove = append(d.Remove, id(n))
	}
	return d
}

func changeMembers(d store.MemberDelta) store.Change {
	return store.Change{Members: []store.MemberDelta{d}}
}

// hooks is the consumer that most rules tell.
const hooks = "hooks"

// fact makes an event about a resource, for the consumer hooks.
func fact(id, kind string, subject store.Key, at time.Time) store.Event {
	return store.Event{ID: id, Kind: kind, Subject: subject, Time: at, Data: `{"n":1}`, Consumers: []string{hooks}}
}

// quote writes a string literal of JSON, which is one of filters, too.
func quote(s string) string { return string(document.AppendString(nil, s)) }

// rebind returns a comparison of another attribute with the same value.
func rebind(x filter.Expr, a filter.Attr) filter.Expr {
	c := x.(filter.Compare)
	c.Attr = a
	return c
}

// constants are expressions without comparisons, which hold for all resources or for none.
var constants = []struct {
	name string
	x    filter.Expr
	want int
}{
	{"true", filter.Const(true), 2},
	{"false", filter.Const(false), 0},
	{"not true", filter.Not{X: filter.Const(true)}, 0},
	{"an And of nothing", filter.And{}, 2},
	{"an Or of nothing", filter.Or{}, 0},
	{"false or something", filter.Or{filter.Const(false), filter.Present{Attr: filter.Attr{Path: filter.Path{Name: "userName"}, Type: filter.String}}}, 2},
	{"false and something", filter.And{filter.Const(false), filter.Present{Attr: filter.Attr{Path: filter.Path{Name: "userName"}, Type: filter.String}}}, 0},
	{"true and an equality", filter.And{filter.Const(true), filter.Compare{
		Attr: filter.Attr{Path: filter.Path{Name: "userName"}, Type: filter.String}, Op: filter.Eq, Value: document.String("user-1"),
	}}, 1},
}
