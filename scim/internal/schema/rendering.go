package schema

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// A resource is rendered from the text of its document, in three parts, so that the caller can stream membership rows between them:
//
//	{"schemas":[...],"id":"...",attributes   AppendHead
//	,"members":[row,row]                     the caller, each row by AppendRow
//	,"meta":{...}}                           AppendTail

// AppendHead appends the beginning of a resource's JSON: schemas, id and the attributes, without the closing brace.
func (p *Projection) AppendHead(b []byte, r *store.Resource) []byte {
	if !p.whole || p.unsafe(string(r.Attributes)) {
		return p.appendPart(b, r)
	}
	doc := string(r.Attributes)
	b = append(b, p.start...)
	for _, x := range p.t.Extensions {
		if x.pattern.in(doc) {
			b = append(append(append(b, `,"`...), x.URN...), '"')
		}
	}
	b = document.AppendString(append(b, `],"id":`...), r.ID)
	if len(doc) > 2 {
		b = append(b, ',')
		b = append(b, doc[1:len(doc)-1]...)
	}
	return b
}

// unsafe says whether the document may have an attribute that is never shown. The schema prevents that, but a product's own store may
// not.
func (p *Projection) unsafe(doc string) bool {
	for _, pattern := range p.secrets {
		if pattern.in(doc) {
			return true
		}
	}
	return false
}

// appendPart does what AppendHead does if only parts of the document are shown.
func (p *Projection) appendPart(b []byte, r *store.Resource) []byte {
	start := len(b)
	head := append(make([]byte, 0, 256), p.start...)
	for name, raw := range r.Attributes.Fields() {
		mark := len(b)
		b = append(document.AppendString(append(b, ','), name), ':')
		var any bool
		if b, any = appendView(b, raw, p.shown.of(name)); !any {
			b = b[:mark]
			continue
		}
		if strings.IndexByte(name, ':') >= 0 && p.t.extension(name) != nil {
			head = document.AppendString(append(head, ','), name)
		}
	}
	head = document.AppendString(append(head, `],"id":`...), r.ID)
	return slices.Insert(b, start, head...)
}

// appendView appends what a view shows of a value's text, and says whether it appended anything.
func appendView(b []byte, raw string, v view) ([]byte, bool) {
	switch {
	case v.isNothing():
		return b, false
	case v.isEverything():
		return append(b, raw...), true
	}
	switch raw[0] {
	case '{':
		return appendObject(b, raw, v)
	case '[':
		return appendElements(b, raw, v)
	}
	return b, false // a simple value has no parts to show
}

func appendObject(b []byte, raw string, v view) ([]byte, bool) {
	start := len(b)
	for name, value := range document.Document(raw).Fields() {
		mark := len(b)
		b = append(document.AppendString(append(b, ','), name), ':')
		var any bool
		if b, any = appendView(b, value, v.of(name)); !any {
			b = b[:mark]
		}
	}
	if len(b) == start {
		return b, false
	}
	b[start] = '{'
	return append(b, '}'), true
}

func appendElements(b []byte, raw string, v view) ([]byte, bool) {
	start := len(b)
	elements := document.Document(`{"":` + raw + `}`).Get("")
	for _, e := range elements.Items() {
		mark := len(b)
		b = append(b, ',')
		var any bool
		if b, any = appendView(b, string(document.AppendJSON(nil, e.Value)), v); !any {
			b = b[:mark]
		}
	}
	if len(b) == start {
		return b, false
	}
	b[start] = '['
	return append(b, ']'), true
}

// AppendTail appends the end of a resource's JSON: meta, and the closing brace. collection is the URL of the type's endpoint, and version
// is the one that the client gets.
func (p *Projection) AppendTail(b []byte, r *store.Resource, version, collection string) []byte {
	if p.meta.isNothing() {
		return append(b, '}')
	}
	b = append(b, `,"meta":{`...)
	start := len(b)
	if p.shows("resourceType") {
		b = document.AppendString(append(b, `,"resourceType":`...), r.Type)
	}
	if p.shows("created") {
		b = append(appendTime(append(b, `,"created":"`...), r.Created), '"')
	}
	if p.shows("lastModified") {
		b = append(appendTime(append(b, `,"lastModified":"`...), r.LastModified), '"')
	}
	if p.shows("location") {
		b = appendURL(append(b, `,"location":`...), collection, "", r.ID)
	}
	if p.shows("version") {
		b = document.AppendString(append(b, `,"version":"W/\`...), version) // ETag(version) as JSON
		b = append(b[:len(b)-1], `\""`...)
	}
	if len(b) > start { // the first comma is left out
		b = append(b[:start], b[start+1:]...)
	}
	return append(b, "}}"...)
}

func (p *Projection) shows(name string) bool {
	return p.meta.isEverything() || !p.meta.of(name).isNothing()
}

// AppendRow appends an element of members or groups. base is the URL of the service.
func (p *Projection) AppendRow(b []byte, row store.Member, base string) []byte {
	id, typ, endpoint, a := row.ID, row.Type, row.Type, p.t.members
	if p.relation == filter.Groups {
		id, typ, endpoint, a = row.Group, directGroup, "Group", p.t.groups
		if row.Type == Indirect {
			typ = indirectGroup
		}
	}
	start := len(b)
	for _, s := range a.Sub {
		if !p.row.isEverything() && p.row.of(s.Name).isNothing() {
			continue
		}
		mark := len(b)
		b = append(document.AppendString(append(b, ','), s.Name), ':')
		switch {
		case s.Name == "value":
			b = document.AppendString(b, id)
		case s.Name == "$ref" && p.t.endpoints[endpoint] != "":
			b = appendURL(b, base, p.t.endpoints[endpoint], id)
		case s.Name == "display" && row.Label != "":
			b = document.AppendString(b, row.Label)
		case s.Name == "type" && typ != "":
			b = document.AppendString(b, typ)
		default:
			b = b[:mark]
		}
	}
	if len(b) == start {
		return append(b, "{}"...)
	}
	b[start] = '{'
	return append(b, '}')
}

// appendURL appends the quoted URL of a resource.
func appendURL(b []byte, base, endpoint, id string) []byte {
	b = document.AppendString(b, base)
	b = append(append(b[:len(b)-1], endpoint...), '/')
	for i := 0; i < len(id); i++ {
		if c := id[i]; c|0x20 < 'a' && c != '-' && (c < '0' || c > '9') || c|0x20 > 'z' {
			id = url.PathEscape(id)
			break
		}
	}
	return append(append(b, id...), '"')
}

// ETag returns the entity tag of a version, and meta.version: weak, as equal versions are not always the same bytes (RFC
// 7644 section 3.14).
func ETag(version string) string { return `W/"` + version + `"` }

// appendTime appends a time in full precision, so that a client can filter by a time that it has read.
func appendTime(b []byte, at time.Time) []byte { return at.UTC().AppendFormat(b, time.RFC3339Nano) }
