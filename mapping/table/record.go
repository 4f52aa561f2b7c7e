package table

import (
	"encoding/json"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// row is a record that was read as a resource.
type row struct {
	*store.Resource
	members string // the members of a group that has them in its record: a JSON array of [type, id], in the order of the ids
	record  any    // the *Record[T] that it was read from
}

// memberRefs parses the members.
func (r *row) memberRefs() (refs []store.MemberRef, err error) {
	if r.members == "" {
		return nil, nil
	}
	var pairs [][2]string
	if json.Unmarshal([]byte(r.members), &pairs) != nil {
		return nil, store.ErrCorrupt
	}
	for _, p := range pairs {
		if p[0] == "" || p[1] == "" {
			return nil, store.ErrCorrupt
		}
		refs = append(refs, store.MemberRef{Type: p[0], ID: p[1]})
	}
	return refs, nil
}

// setMembers sets the members of a group, in the order of their ids.
func (r *row) setMembers(types map[string]string) {
	if len(types) == 0 {
		r.members = ""
		return
	}
	ids := make([]string, 0, len(types))
	for id := range types {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	b := []byte{'['}
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(document.AppendString(append(b, '['), types[id]), ',')
		b = append(document.AppendString(b, id), ']')
	}
	r.members = string(append(b, ']'))
}

// encode makes Record.Rest of a resource. Documents are copied as they are.
func (r *row) encode() string {
	b := make([]byte, 0, 256+len(r.Attributes)+len(r.Internal)+len(r.members))
	member := func(name, raw string) {
		if raw == "" {
			return
		}
		if len(b) > 0 {
			b = append(b, ',')
		} else {
			b = append(b, '{')
		}
		b = append(append(append(b, '"'), name...), `":`...)
		b = append(b, raw...)
	}
	quoted := func(name, s string) {
		if s != "" {
			member(name, string(document.AppendString(nil, s)))
		}
	}
	at := func(name string, t time.Time) { quoted(name, t.UTC().Format(time.RFC3339Nano)) }
	quoted("version", r.Version)
	at("created", r.Created)
	at("lastModified", r.LastModified)
	quoted("label", r.Label)
	member("index", encodeIndex(r.Index))
	member("attributes", string(r.Attributes))
	member("internal", string(r.Internal))
	member("members", r.members)
	return string(append(b, '}'))
}

// encodeIndex makes a JSON array of index keys, each as [attribute, value, "unique" or ""].
func encodeIndex(keys []store.IndexKey) string {
	if len(keys) == 0 {
		return ""
	}
	out := make([]document.Value, len(keys))
	for i, k := range keys {
		unique := ""
		if k.Unique {
			unique = "unique"
		}
		out[i] = document.Array(document.String(k.Attribute), document.String(k.Value), document.String(unique))
	}
	return string(document.AppendJSON(nil, document.Array(out...)))
}

// decode reads Record.Rest. It returns store.ErrCorrupt if that can't be read whole (I12).
func (r *row) decode(rest document.Document) error {
	if rest.Check() != nil {
		return store.ErrCorrupt
	}
	broken := false
	text := func(raw string) string {
		v, err := document.Parse(raw, 0)
		broken = broken || err != nil || v.Kind() != document.KindString
		return v.Text()
	}
	at := func(raw string) time.Time {
		t, err := time.Parse(time.RFC3339Nano, text(raw))
		broken = broken || err != nil
		return t
	}
	object := func(raw string) document.Document {
		broken = broken || raw[0] != '{'
		return document.Document(raw)
	}
	for name, raw := range rest.Fields() {
		switch name {
		case "version":
			r.Version = text(raw)
		case "created":
			r.Created = at(raw)
		case "lastModified":
			r.LastModified = at(raw)
		case "label":
			r.Label = text(raw)
		case "index":
			keys, err := document.Parse(raw, 0)
			broken = broken || err != nil || keys.Kind() != document.KindArray
			for i := range keys.Items() {
				k := keys.At(i)
				if k.Len() != 3 {
					broken = true
					continue
				}
				r.Index = append(r.Index, store.IndexKey{Attribute: k.At(0).Text(), Value: k.At(1).Text(), Unique: k.At(2).Text() != ""})
			}
		case "attributes":
			r.Attributes = object(raw)
		case "internal":
			r.Internal = object(raw)
		case "members":
			r.members = raw
		}
	}
	if broken {
		return store.ErrCorrupt
	}
	return nil
}

// became gives a resource attributes that the product has changed, and the version and index keys that follow from them.
func (r *row) became(attributes document.Value) {
	r.Attributes = attributes.Document()
	h := fnv.New64a()
	_, _ = h.Write([]byte(r.Attributes))
	r.Version += "." + strconv.FormatUint(h.Sum64(), 36)
	r.Label = ""
	for _, name := range []string{"displayName", "userName"} {
		if s := attributes.Get(name).Text(); s != "" {
			r.Label = s
			break
		}
	}
	r.Index = slices.DeleteFunc(r.Index, func(k store.IndexKey) bool { return slices.Contains(indexed, k.Attribute) })
	for _, path := range indexed {
		name, sub, _ := strings.Cut(path, ".")
		for _, s := range texts(attributes.Get(name), sub) {
			k := store.IndexKey{Attribute: path, Value: s, Unique: path == "userName"}
			if path != "externalId" { // externalId is the only one of these that is caseExact (RFC 7643 section 3.1)
				k.Value = document.Fold(s)
			}
			if k.Value != "" && !slices.Contains(r.Index, k) {
				r.Index = append(r.Index, k)
			}
		}
	}
}

// indexed are the attributes by which identity providers look for resources. Their values become index keys if the product has changed a row.
var indexed = []string{"userName", "externalId", "displayName", "emails.value"}

// texts returns the strings of an attribute: its value, or the sub-attributes sub of its elements.
func texts(v document.Value, sub string) (list []string) {
	if v.Kind() == document.KindString && v.Text() != "" {
		return []string{v.Text()}
	}
	for i := range v.Items() {
		if v.Kind() == document.KindArray {
			list = append(list, texts(v.At(i).Get(sub), "")...)
		}
	}
	return list
}

// lookup returns a comparison that every match must satisfy and that an index may answer.
func lookup(x filter.Expr) (path, value string, ok bool) {
	for _, c := range filter.Conjuncts(x) {
		if c.Op == filter.Eq && c.Value.Kind() == document.KindString && c.Attr.Type != filter.DateTime && c.Attr.URI != filter.InternalURI {
			return c.Attr.Path.String(), c.Value.Text(), true
		}
	}
	return "", "", false
}
