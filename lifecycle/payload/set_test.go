package payload_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/payload"
	"github.com/rollcall-dev/rollcall/store"
)

// Each of the 12 event types of RFC 9967 is built as its figures show it, with the subject in sub_id and exactly one of data and
// attributes.
func TestSETs(t *testing.T) {
	subject := store.Key{Tenant: "acme", Type: "User", ID: "44f6"}
	group := store.Key{Tenant: "acme", Type: "Group", ID: "176f"}
	of := func(k lifecycle.Kind) *lifecycle.Event {
		e := &lifecycle.Event{ID: "jti", Kind: k, Subject: subject, Time: time.Unix(1458496404, 5), Origin: lifecycle.Origin{Request: "txn"},
			After: `{"userName":"jdoe","externalId":"x1","urn:example:2.0:Badge":{"n":1}}`, Changed: []string{"userName", "externalId"}}
		if k == lifecycle.KindDeleted {
			e.Before, e.After = e.After, ""
		}
		if k == lifecycle.KindMembersChanged {
			e = &lifecycle.Event{ID: "jti", Kind: k, Subject: group, Time: e.Time, Added: []string{"a", "b"}, Removed: []string{"c"}}
		}
		return e
	}
	data := `{"data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:example:2.0:Badge"],"id":"44f6","userName":"jdoe","externalId":"x1","urn:example:2.0:Badge":{"n":1}}}`
	full := &payload.SETs{Issuer: "https://scim.example.com", Audience: []string{"https://a.example"}}
	thin := &payload.SETs{Issuer: "https://scim.example.com", Form: payload.Thin}
	event := func(s *payload.SETs, k lifecycle.Kind) []byte {
		claims, ok := s.Event(of(k))
		require.True(t, ok, k)
		return claims
	}
	seen := map[string]bool{}
	for _, c := range []struct {
		claims        []byte
		name, payload string
	}{
		{event(full, lifecycle.KindProvisioned), payload.SETCreateFull, data},
		{event(thin, lifecycle.KindProvisioned), payload.SETCreateNotice, `{"attributes":["userName","externalId"]}`},
		{event(full, lifecycle.KindUpdated), payload.SETPutFull, data},
		{event(thin, lifecycle.KindUpdated), payload.SETPutNotice, `{"attributes":["userName","externalId"]}`},
		{event(full, lifecycle.KindMembersChanged), payload.SETPatchFull, `{"data":{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` +
			`{"op":"add","path":"members","value":[{"value":"a"},{"value":"b"}]},{"op":"remove","path":"members[value eq \"c\"]"}]}}`},
		{event(thin, lifecycle.KindMembersChanged), payload.SETPatchNotice, `{"attributes":["members"]}`},
		{event(full, lifecycle.KindDeleted), payload.SETDelete, `{}`},
		{event(full, lifecycle.KindActivated), payload.SETActivate, `{}`},
		{event(thin, lifecycle.KindReactivated), payload.SETActivate, `{}`},
		{event(full, lifecycle.KindDeactivated), payload.SETDeactivate, `{}`},
		{full.FeedAdd("jti", subject, time.Unix(1458496404, 0)), payload.SETFeedAdd, `{}`},
		{full.FeedRemove("jti", subject, time.Unix(1458496404, 0)), payload.SETFeedRemove, `{}`},
		{full.AsyncResponse("jti", "txn", subject, time.Unix(1458496404, 0), `{"method":"POST","status":"201"}`), payload.SETAsyncResp, `{"method":"POST","status":"201"}`},
	} {
		var v struct {
			Jti, Iss, Txn string
			Iat           int64
			Aud           []string
			Sub           *string
			SubID         map[string]string `json:"sub_id"`
			Events        map[string]json.RawMessage
		}
		require.NoError(t, json.Unmarshal(c.claims, &v), string(c.claims))
		require.Len(t, v.Events, 1)
		assert.JSONEq(t, c.payload, string(v.Events[c.name]), c.name)
		assert.Equal(t, "scim", v.SubID["format"])
		assert.Contains(t, []string{"/Users/44f6", "/Groups/176f"}, v.SubID["uri"])
		assert.Nil(t, v.Sub, "RFC 9967 section 2.1 forbids it")
		assert.EqualValues(t, 1458496404, v.Iat)
		assert.Equal(t, "jti", v.Jti)
		assert.NotEmpty(t, v.Txn)
		seen[c.name] = true
	}
	assert.Len(t, seen, 12)
	var deleted struct {
		SubID map[string]string `json:"sub_id"`
	}
	require.NoError(t, json.Unmarshal(event(full, lifecycle.KindDeleted), &deleted))
	assert.Equal(t, "x1", deleted.SubID["externalId"])
	_, ok := full.Event(&lifecycle.Event{Kind: lifecycle.KindBilled})
	assert.False(t, ok)
	cut, _ := full.Event(&lifecycle.Event{Kind: lifecycle.KindUpdated, Subject: subject, Truncated: true, Changed: []string{"title"}})
	assert.Contains(t, string(cut), payload.SETPutNotice, "what is left out can't be full")
}
