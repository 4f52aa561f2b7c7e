// Package payload writes events as other systems read them: as the JSON of the feed and of webhooks, in a CloudEvents envelope,
// and as Security Event Tokens; and it describes that JSON by JSON Schemas.
package payload

import (
	"strconv"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Form says how much of an event a payload has.
type Form int

// The forms.
const (
	// Full is with the attributes as they were and are.
	Full Form = iota
	// Thin is without the attributes: a receiver that needs more reads the resource. It has the names of the attributes that
	// differ.
	Thin
)

// Append appends an event as JSON:
//
//	{"id","kind","tenant","subject","userName","time","data":{...}}
//
// "subject" is the id of the resource, "userName" is "" for other resources than users, and "time" is RFC 3339 in UTC with
// microseconds. "data" has "type" (the subject's resource type), "origin" (of the change), and what the kind tells: "changed",
// "before", "after", "truncated", "added", "removed". See Schema.
func Append(b []byte, e *lifecycle.Event, form Form) []byte {
	b = member(b, `{"id":`, e.ID)
	b = member(b, `,"kind":`, string(e.Kind))
	b = member(b, `,"tenant":`, e.Subject.Tenant)
	b = member(b, `,"subject":`, e.Subject.ID)
	b = member(b, `,"userName":`, e.UserName)
	b = member(b, `,"time":`, Time(e.Time))
	b = append(b, `,"data":`...)
	b = appendData(b, e, form)
	return append(b, '}')
}

// Time is a time as payloads have it.
func Time(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func appendData(b []byte, e *lifecycle.Event, form Form) []byte {
	b = member(b, `{"type":`, e.Subject.Type)
	b = append(b, `,"origin":{`...)
	begin := len(b)
	for _, m := range [...]struct{ name, value string }{
		{`"by":`, string(e.Origin.By)}, {`"request":`, e.Origin.Request}, {`"who":`, e.Origin.Who}, {`"connection":`, e.Origin.Connection},
	} {
		if m.value != "" {
			if len(b) > begin {
				b = append(b, ',')
			}
			b = member(b, m.name, m.value)
		}
	}
	b = append(b, '}')
	b = list(b, `,"changed":`, e.Changed)
	if form == Full {
		b = raw(b, `,"before":`, e.Before)
		b = raw(b, `,"after":`, e.After)
	}
	if e.Truncated || form == Thin && e.Before+e.After != "" {
		b = append(b, `,"truncated":true`...)
	}
	b = list(b, `,"added":`, e.Added)
	b = list(b, `,"removed":`, e.Removed)
	return append(b, '}')
}

func member(b []byte, name, value string) []byte {
	return document.AppendString(append(b, name...), value)
}

func raw(b []byte, name string, d document.Document) []byte {
	if d == "" {
		return b
	}
	return append(append(b, name...), d...)
}

func list(b []byte, name string, values []string) []byte {
	if len(values) == 0 {
		return b
	}
	b = append(append(b, name...), '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = document.AppendString(b, v)
	}
	return append(b, ']')
}

// CloudEvent appends an event in an envelope of CloudEvents 1.0 in JSON. source says who tells it, as a URI reference, such as
// "https://app.example.com/scim/v2". The type is "dev.rollcall." and the kind; tenant, as an attribute of its own, is "tenant".
func CloudEvent(b []byte, e *lifecycle.Event, source string, form Form) []byte {
	b = member(b, `{"specversion":"1.0","id":`, e.ID)
	b = member(b, `,"source":`, source)
	b = member(b, `,"type":`, CloudEventType(e.Kind))
	if e.Subject.ID != "" {
		b = member(b, `,"subject":`, e.Subject.ID)
	}
	b = member(b, `,"time":`, Time(e.Time))
	b = member(b, `,"tenant":`, e.Subject.Tenant)
	b = append(b, `,"datacontenttype":"application/json","data":`...)
	b = Append(b, e, form)
	return append(b, '}')
}

// CloudEventType is the CloudEvents type of a kind.
func CloudEventType(k lifecycle.Kind) string { return "dev.rollcall." + string(k) }

// CloudEventsType is the media type of a CloudEvents envelope in JSON.
const CloudEventsType = "application/cloudevents+json"

// Subject is the name under which a message broker takes an event: the prefix, the tenant and the kind, joined by dots, as NATS and
// AMQP have it: "rollcall.acme.group.created". What would be a wildcard, a separator or white space in the tenant's name is written as
// "%" and two hexadecimal digits.
func Subject(prefix string, e *lifecycle.Event) string {
	b := make([]byte, 0, len(prefix)+len(e.Subject.Tenant)+len(e.Kind)+2)
	b = append(append(b, prefix...), '.')
	for i := range len(e.Subject.Tenant) {
		switch c := e.Subject.Tenant[i]; {
		case c <= ' ', c == 0x7f, c == '.', c == '*', c == '>', c == '#', c == '%':
			const digits = 16
			b = append(b, '%')
			if c < digits {
				b = append(b, '0')
			}
			b = strconv.AppendUint(b, uint64(c), digits)
		default:
			b = append(b, c)
		}
	}
	return string(append(append(b, '.'), e.Kind...))
}
