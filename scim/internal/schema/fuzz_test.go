package schema

import (
	"errors"
	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"strings"
	"testing"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// hostile are inputs on which careless parsers and validators break.
var hostile = []string{
	`{}`, `[]`, `null`, `""`, `{"":""}`, `{"":{}}`, `{".":1}`, `{":":1}`, `{"a.b.c":1}`, `{"urn:":1}`, `{"[":1,"]":2}`, `{"emails[":1}`,
	`{"userName":["a"]}`, `{"userName":[["a"]]}`, `{"userName":{"value":"a"}}`, `{"schemas":[[]],"userName":"a"}`, `{"schemas":[null],"userName":"a"}`,
	`{"userName":"a","emails":[[[[]]]]}`, `{"userName":"a","emails":[{"value":[[]]}]}`, `{"userName":"a","emails":[{"primary":[true]}]}`,
	`{"userName":"a","name":[[]]}`, `{"userName":"a","name":[{}]}`, `{"userName":"a","name":[null]}`, `{"userName":"a","members":1,"groups":{},"meta":[],"id":null}`,
	`{"userName":"a","meta.location":1,"id.x":2,"schemas.y":3,"groups.value":4}`, `{"userName.x":"a"}`, `{"name":1,"name.givenName":"a","userName":"a"}`,
	`{"userName":"a","` + enterprise + `":[{"manager":[{"value":["x"]}]}]}`, `{"userName":"a","` + enterprise + `":{"` + enterprise + `:manager":"m"}}`,
	`{"userName":"a","` + enterprise + `:manager":{"value":"m"},"manager":"n","` + enterprise + `":5}`,
	`{"userName":"a","` + enterprise + `:":1,"` + coreUser + `":2,"` + coreUser + `:":3}`,
	`{"userName":"\u0001\ud83d\ude00\"\\\/"}`, `{"userName":"a","active":"TRUE ","x509Certificates":["="," ","====","YQ==","YQ=","\n"]}`,
	`{"userName":"a","displayName":"` + strings.Repeat(`\u0130`, 200) + `"}`, `{"userName":"` + strings.Repeat("\u212A", 340) + `"}`,
	`{"serial":"s","` + location + `":"r","ports":-0,"weight":-0.0e-0,"bought":"0001-01-01T00:00:00Z"}`,
	`{"serial":"s","` + location + `":{"room":["r"]},"ports":"1e3","weight":"0x10","bought":"9999-12-31T23:59:60Z","disks":{"slot":1}}`,
	`{"displayName":"g","members":[{"value":"a","$ref":"%zz"},{"value":"/","$ref":"//"},{"$ref":"Users/1"}]}`,
	`{"displayName":"g","members":[[]]}`, `{"displayName":"g","members":{"members":[]}}`, `{"displayName":["g"],"members":[{"value":["x"]}]}`,
}

func fuzzTypes(t testing.TB) []*Type { return []*Type{userType(t), groupType(t), deviceType(t)} }

// FuzzDecode shows that any body is refused with an *Error or becomes attributes that can be stored: in the order of the schema, without
// secrets, and so that a PUT of what a GET answers changes nothing.
func FuzzDecode(f *testing.F) {
	for _, body := range append([]string{entraUser, user(`"password":"p","name.givenName":"x"`), dev(`"pin":"p","notes":"n","owner":{"token":"t"}`)}, hostile...) {
		f.Add(body, false)
		f.Add(body, true)
	}
	types := fuzzTypes(f)
	f.Fuzz(func(t *testing.T, in string, strict bool) {
		body, err := document.Parse(in, 0)
		if err != nil {
			return
		}
		for _, typ := range types {
			checkDecode(t, typ, body, strict)
		}
	})
}

func checkDecode(t *testing.T, typ *Type, body document.Value, strict bool) {
	before := text(body)
	v, err := typ.Decode(body, &Mode{Refused: refused(strict)})
	if text(body) != before {
		t.Fatalf("%s: the body was changed", typ.Name)
	}
	if err != nil {
		var fault *Error
		if !errors.As(err, &fault) || fault.Type != "invalidValue" && fault.Type != "invalidSyntax" || fault.Detail == "" {
			t.Fatalf("%s: %#v", typ.Name, err)
		}
		return
	}
	if _, _, err := typ.TakeMembers(&v); err != nil {
		return
	}
	want := text(v)
	if doc := v.Document(); string(doc) != want {
		t.Fatalf("%s: stored as %s, decoded as %s", typ.Name, doc, want)
	}
	if finished, err := typ.Finish(v); err != nil || text(finished) != want {
		t.Fatalf("%s: %s, finished %s: %v", typ.Name, want, text(finished), err)
	}
	for _, a := range typ.all() {
		in := v
		if a.Path.URI != "" {
			in = v.Get(a.Path.URI)
		}
		if a.Parent != nil {
			in = in.Get(a.Parent.Name)
		}
		if a.Mutability == WriteOnly && !in.Get(a.Name).IsNull() {
			t.Fatalf("%s: %s is kept", typ.Name, a.Name)
		}
	}
	keys, _ := typ.Index(v)
	for _, k := range keys {
		if k.Attribute == "" || k.Value == "" || len(k.Value) > maxKey {
			t.Fatalf("%s: index key %v", typ.Name, k)
		}
	}
	p, _ := typ.Projection(nil, nil)
	r := &store.Resource{Key: store.Key{Type: typ.Name, ID: "1"}, Attributes: v.Document()}
	answer, err := document.Parse(string(p.AppendTail(p.AppendHead(nil, r), r, r.Version, "https://x.example"+typ.Endpoint)), 0)
	if err != nil {
		t.Fatalf("%s: the answer is no JSON: %v", typ.Name, err)
	}
	again, err := typ.Decode(answer, &Mode{Refused: quirk.All})
	if err != nil {
		t.Fatalf("%s: the answer is refused: %v", typ.Name, err)
	}
	put, err := typ.Replaces(v, again)
	if err != nil {
		t.Fatalf("%s: the answer can't be put: %v", typ.Name, err)
	}
	if typ.Name != "Device" && text(put) != want { // a Device has attributes that are never in an answer
		t.Fatalf("%s: %s, put as answered: %s", typ.Name, want, text(put))
	}
}

// FuzzBind shows that any filter that can be parsed is refused with an *Error or becomes one that can be evaluated.
func FuzzBind(f *testing.F) {
	for _, s := range []string{
		`userName eq "x"`, `emails[type eq "work" and not (value pr)]`, `emails.value ne null`, `manager eq "x"`, `members[value eq "x"] or members pr`,
		`groups.display sw "a"`, `schemas co "urn"`, `meta[location eq "/"]`, `meta.version eq "W/"`, enterprise + ` pr`, `name[name.familyName eq 1]`,
		`disks[labels eq "x" and size gt "1"]`, `bought le "2026-01-01T00:00:00"`, `password eq "x"`, `meta.location eq ""`, `members.$ref eq "%zz"`, `tags[value eq "x"]`,
	} {
		f.Add(s)
	}
	types := fuzzTypes(f)
	src := &source{Resource: store.Resource{Key: store.Key{Type: "User", ID: "1"}}, rows: []document.Value{parse(f, `{"value":"1","type":"User","display":"x"}`)}}
	f.Fuzz(func(t *testing.T, s string) {
		x, _, err := filter.Parse(s, filter.Options{})
		if err != nil {
			return
		}
		for _, typ := range types {
			bound, err := typ.Bind(x, nil)
			if err != nil {
				var fault *Error
				if !errors.As(err, &fault) || fault.Type != "invalidFilter" || fault.Detail == "" {
					t.Fatalf("%s: %#v", typ.Name, err)
				}
				continue
			}
			checkBound(t, bound, false)
			filter.Match(bound, src)
		}
	})
}

// checkBound checks that every attribute is bound, and that no comparison is about something that isn't in a document.
func checkBound(t *testing.T, x filter.Expr, element bool) {
	attr := func(a filter.Attr) {
		if a.Type == filter.Unbound {
			t.Fatalf("%v is unbound", a.Path)
		}
		switch {
		case element:
		case a.Name == "members", a.Name == "groups", a.Name == "schemas", a.Name == "password", a.Sub == "location" && a.Name == "meta":
			t.Fatalf("%v is not in a document", a.Path)
		}
	}
	switch x := x.(type) {
	case filter.And:
		for _, term := range x {
			checkBound(t, term, element)
		}
	case filter.Or:
		for _, term := range x {
			checkBound(t, term, element)
		}
	case filter.Not:
		checkBound(t, x.X, element)
	case filter.Compare:
		attr(x.Attr)
	case filter.Present:
		attr(x.Attr)
	case filter.Has:
		attr(x.Attr)
		checkBound(t, x.Where, true)
	case filter.Related:
		checkBound(t, x.Where, true)
	case filter.Const:
	default:
		t.Fatalf("%T", x)
	}
}

// FuzzProjection shows that any names in a projection are accepted, and never break the answer.
func FuzzProjection(f *testing.F) {
	for _, s := range []string{"userName", "emails.value", `emails[type eq "x"].value`, enterprise, enterprise + ":manager.value", "[", "]", "a]b[", ":", ".", "urn:x:", "$ref"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	types := fuzzTypes(f)
	f.Fuzz(func(t *testing.T, name string, only bool) {
		for _, typ := range types {
			r := &store.Resource{Key: store.Key{Type: typ.Name, ID: "1"}, Attributes: document.Document(`{"displayName":"d","emails":[{"value":"v"}],"` + enterprise + `":{"manager":{"value":"m"}}}`)}
			var attributes, excluded []string
			if only {
				attributes = []string{name}
			} else {
				excluded = []string{name}
			}
			p, err := typ.Projection(attributes, excluded)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := document.Parse(string(p.AppendTail(p.AppendHead(nil, r), r, r.Version, "/x")), 0); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	})
}
