package payload

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// The event types of SCIM (RFC 9967 section 7.3).
const (
	SETFeedAdd      = "urn:ietf:params:scim:event:feed:add"
	SETFeedRemove   = "urn:ietf:params:scim:event:feed:remove"
	SETCreateNotice = "urn:ietf:params:scim:event:prov:create:notice"
	SETCreateFull   = "urn:ietf:params:scim:event:prov:create:full"
	SETPatchNotice  = "urn:ietf:params:scim:event:prov:patch:notice"
	SETPatchFull    = "urn:ietf:params:scim:event:prov:patch:full"
	SETPutNotice    = "urn:ietf:params:scim:event:prov:put:notice"
	SETPutFull      = "urn:ietf:params:scim:event:prov:put:full"
	SETDelete       = "urn:ietf:params:scim:event:prov:delete"
	SETActivate     = "urn:ietf:params:scim:event:prov:activate"
	SETDeactivate   = "urn:ietf:params:scim:event:prov:deactivate"
	SETAsyncResp    = "urn:ietf:params:scim:event:misc:asyncresp"
)

// SETEvents are the URIs of the events that SETs.Event makes in a form, for scim.Options.SecurityEvents. With Full there may be
// notices, too, where a resource is too large. SETAsyncResp comes to these where the product takes asynchronous requests.
func SETEvents(form Form) []string {
	always := []string{SETCreateNotice, SETPatchNotice, SETPutNotice, SETDelete, SETActivate, SETDeactivate}
	if form == Thin {
		return always
	}
	return append(always, SETCreateFull, SETPatchFull, SETPutFull)
}

// SETs builds the claims of Security Event Tokens (RFC 8417) of SCIM (RFC 9967). It signs nothing: the product signs them as a JWT
// of the type secevent+jwt and sends them.
type SETs struct {
	Issuer   string   // the claim iss
	Audience []string // the claim aud
	// Form says whether events are full, with the attributes as they are, or thin: notices of what differs.
	Form Form
	// Endpoint is the endpoint of a resource type, without slashes. nil: the type with an s behind it.
	Endpoint func(typ string) string
	// Schemas are the URNs of a resource type. nil: those of RFC 7643 for User and Group. Extensions add themselves.
	Schemas func(typ string) []string
}

// Event returns the claims of an event. ok is false for a kind that RFC 9967 has no event type for, such as billed. An update is
// told as put, because the whole resource is told; changed members of a group are told as patch.
func (s *SETs) Event(e *lifecycle.Event) (claims []byte, ok bool) {
	var name, payload string
	full := s.Form == Full && e.After != "" && !e.Truncated
	switch e.Kind {
	case lifecycle.KindProvisioned, lifecycle.KindGroupCreated, lifecycle.KindResourceCreated:
		name, payload = s.state(e, SETCreateFull, SETCreateNotice, full)
	case lifecycle.KindUpdated, lifecycle.KindGroupUpdated, lifecycle.KindResourceUpdated:
		name, payload = s.state(e, SETPutFull, SETPutNotice, full)
	case lifecycle.KindMembersChanged:
		name, payload = SETPatchNotice, `{"attributes":["members"]}`
		if s.Form == Full {
			name, payload = SETPatchFull, s.members(e)
		}
	case lifecycle.KindDeleted, lifecycle.KindGroupDeleted, lifecycle.KindResourceDeleted:
		name, payload = SETDelete, "{}"
	case lifecycle.KindActivated, lifecycle.KindReactivated:
		name, payload = SETActivate, "{}"
	case lifecycle.KindDeactivated:
		name, payload = SETDeactivate, "{}"
	case lifecycle.KindRequestCompleted:
		return s.AsyncResponse(e.ID, e.Origin.Request, e.Subject, e.Time, cmp.Or(e.After, "{}")), true
	default:
		return nil, false
	}
	external := e.After.Get("externalId").Text()
	if external == "" {
		external = e.Before.Get("externalId").Text()
	}
	return s.claims(e.ID, e.Origin.Request, e.Time, e.Subject, external, name, payload), true
}

// FeedAdd returns the claims which tell that a resource is in a feed from now on (RFC 9967 section 2.3).
func (s *SETs) FeedAdd(id string, subject store.Key, at time.Time) []byte {
	return s.claims(id, "", at, subject, "", SETFeedAdd, "{}")
}

// FeedRemove returns the claims which tell that a resource is in a feed no longer.
func (s *SETs) FeedRemove(id string, subject store.Key, at time.Time) []byte {
	return s.claims(id, "", at, subject, "", SETFeedRemove, "{}")
}

// AsyncResponse returns the claims which tell how a request ended that was answered before it was done (RFC 9967 section 2.5.1.3).
// txn is the identifier that its answer had; response is an object like those in a bulk response.
func (s *SETs) AsyncResponse(id, txn string, subject store.Key, at time.Time, response document.Document) []byte {
	return s.claims(id, txn, at, subject, "", SETAsyncResp, string(response))
}

// state is the payload of an event that tells a resource.
func (s *SETs) state(e *lifecycle.Event, full, notice string, isFull bool) (name, payload string) {
	if !isFull {
		return notice, string(append(list(nil, `{"attributes":`, orNone(e.Changed)), '}'))
	}
	b := list([]byte(`{"data":{`), `"schemas":`, s.schemas(e))
	b = member(b, `,"id":`, e.Subject.ID)
	if inner := strings.TrimSuffix(strings.TrimPrefix(string(e.After), "{"), "}"); inner != "" {
		b = append(append(b, ','), inner...)
	}
	return full, string(append(b, "}}"...))
}

// orNone is a list that is never empty: RFC 9967 section 2.4 wants one.
func orNone(names []string) []string {
	if len(names) == 0 {
		return []string{"id"}
	}
	return names
}

func (s *SETs) schemas(e *lifecycle.Event) (urns []string) {
	if s.Schemas != nil {
		urns = slices.Clone(s.Schemas(e.Subject.Type))
	} else if e.Subject.Type == "User" || e.Subject.Type == "Group" {
		urns = []string{"urn:ietf:params:scim:schemas:core:2.0:" + e.Subject.Type}
	}
	for name := range e.After.Fields() {
		if strings.HasPrefix(strings.ToLower(name), "urn:") && !slices.Contains(urns, name) {
			urns = append(urns, name)
		}
	}
	return urns
}

// members is the PATCH that has the same effect.
func (s *SETs) members(e *lifecycle.Event) string {
	b := []byte(`{"data":{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`)
	next := func() {
		if b[len(b)-1] == '}' {
			b = append(b, ',')
		}
	}
	if len(e.Added) > 0 {
		b = append(b, `{"op":"add","path":"members","value":[`...)
		for _, id := range e.Added {
			next()
			b = append(member(b, `{"value":`, id), '}')
		}
		b = append(b, "]}"...)
	}
	for _, id := range e.Removed { // each by a filter: a remove with values has no meaning in RFC 7644
		next()
		b = append(member(b, `{"op":"remove","path":`, "members[value eq "+string(document.AppendString(nil, id))+"]"), '}')
	}
	return string(append(b, "]}}"...))
}

func (s *SETs) claims(id, txn string, at time.Time, subject store.Key, external, name, payload string) []byte {
	uri := "/" + subject.Type + "s"
	switch {
	case subject.Type == "Bulk": // an operation of a bulk request whose path names no resource type
		uri = "/Bulk"
	case s.Endpoint != nil:
		uri = "/" + s.Endpoint(subject.Type)
	}
	if subject.ID != "" { // else what a creation that failed was sent to
		uri += "/" + subject.ID
	}
	b := member(nil, `{"jti":`, id)
	b = member(b, `,"iss":`, s.Issuer)
	b = strconv.AppendInt(append(b, `,"iat":`...), at.Unix(), 10)
	b = list(b, `,"aud":`, s.Audience)
	if txn == "" {
		txn = id
	}
	b = member(b, `,"txn":`, txn)
	b = member(b, `,"sub_id":{"format":"scim","uri":`, uri)
	if external != "" {
		b = member(b, `,"externalId":`, external)
	}
	b = member(append(b, "},"...), `"events":{`, name)
	return append(append(append(b, ':'), payload...), "}}"...)
}
