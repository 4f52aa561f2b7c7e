package payload_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/payload"
	"github.com/rollcall-dev/rollcall/store"
)

var update = flag.Bool("update", false, "write the schemas of the documents anew")

const document = "../../docs/events.schema.json"

// event is one of a kind, with everything that it can have.
func event(k lifecycle.Kind) *lifecycle.Event {
	e := &lifecycle.Event{ID: "1", Kind: k, Subject: store.Key{Tenant: "acme", Type: "User", ID: "u"}, UserName: "a\"nn",
		Time: time.Date(2026, 3, 1, 12, 0, 0, 5000, time.UTC), Origin: lifecycle.Origin{By: "scim", Request: "r", Who: "w", Connection: "c"}}
	if k == lifecycle.KindMembersChanged {
		e.Added, e.Removed = []string{"x"}, []string{"y", "z"}
		return e
	}
	e.Before, e.After, e.Changed = `{"userName":"ann"}`, `{"userName":"a\"nn"}`, []string{"userName"}
	return e
}

// The schemas in the documents are those of this version.
func TestSchemasOfDocuments(t *testing.T) {
	if *update {
		require.NoError(t, os.WriteFile(document, payload.Schemas(), 0o644))
	}
	text, err := os.ReadFile(document)
	require.NoError(t, err)
	assert.Equal(t, string(payload.Schemas()), string(text), "go test ./lifecycle/payload -update writes it anew")
}

// What is sent of each kind matches its schema, in each form, and nothing else does.
func TestPayloadsMatchSchemas(t *testing.T) {
	for _, k := range lifecycle.Kinds() {
		var schema map[string]any
		require.NoError(t, json.Unmarshal(payload.Schema(k), &schema))
		bare := &lifecycle.Event{ID: "1", Kind: k, Subject: store.Key{Tenant: "acme", Type: "User"}}
		cut := event(k)
		cut.Before, cut.After, cut.Truncated = "", "", true
		for _, e := range []*lifecycle.Event{event(k), bare, cut} {
			for _, form := range []payload.Form{payload.Full, payload.Thin} {
				text := payload.Append(nil, e, form)
				assert.NoError(t, match(schema, text), string(text))
			}
		}
		whole := string(payload.Append(nil, event(k), payload.Full))
		for _, wrong := range []string{
			strings.Replace(whole, `"id":"1"`, `"id":1`, 1), strings.Replace(whole, `"userName":"a\"nn",`, ``, 1), strings.Replace(whole, `{"id"`, `{"more":1,"id"`, 1),
			strings.Replace(whole, string(`"kind":"`+k), `"kind":"other`, 1), strings.Replace(whole, `"by":"scim"`, `"by":1`, 1), strings.Replace(whole, `"type":"User"`, `"typ":"User"`, 1),
		} {
			require.NotEqual(t, whole, wrong)
			assert.Error(t, match(schema, []byte(wrong)), wrong)
		}
	}
	assert.Nil(t, payload.Schema("nothing"))
}

// match validates a text by the part of JSON Schema that the schemas use. It knows no other words, so that none is passed by.
func match(schema map[string]any, text []byte) error {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	return matches(schema, v, "$")
}

func matches(schema map[string]any, v any, at string) error {
	for word, want := range schema {
		switch word {
		case "$schema", "title", "description", "additionalProperties", "format":
		case "const":
			if v != want {
				return fmt.Errorf("%s is %v, want %v", at, v, want)
			}
		case "type":
			kind := map[string]bool{"string": is[string](v), "object": is[map[string]any](v), "array": is[[]any](v)}
			if !kind[want.(string)] {
				return fmt.Errorf("%s is no %s", at, want)
			}
		case "required":
			o, _ := v.(map[string]any)
			for _, name := range want.([]any) {
				if _, ok := o[name.(string)]; !ok {
					return fmt.Errorf("%s has no %s", at, name)
				}
			}
		case "properties":
			o, _ := v.(map[string]any)
			for name, value := range o {
				own, ok := want.(map[string]any)[name].(map[string]any)
				if !ok && schema["additionalProperties"] == false {
					return fmt.Errorf("%s has %s", at, name)
				}
				if ok {
					if err := matches(own, value, at+"."+name); err != nil {
						return err
					}
				}
			}
		case "items", "minItems":
			list, _ := v.([]any)
			if len(list) == 0 {
				return fmt.Errorf("%s is empty", at)
			}
			for i, item := range list {
				if err := matches(schema["items"].(map[string]any), item, fmt.Sprint(at, "[", i, "]")); err != nil {
					return err
				}
			}
		default:
			return fmt.Errorf("the test doesn't know the word %s", word)
		}
	}
	return nil
}

func is[T any](v any) bool { _, ok := v.(T); return ok }

func TestForms(t *testing.T) {
	full := string(payload.Append(nil, event(lifecycle.KindUpdated), payload.Full))
	assert.Equal(t, `{"id":"1","kind":"updated","tenant":"acme","subject":"u","userName":"a\"nn","time":"2026-03-01T12:00:00.000005Z","data":{"type":"User",`+
		`"origin":{"by":"scim","request":"r","who":"w","connection":"c"},"changed":["userName"],"before":{"userName":"ann"},"after":{"userName":"a\"nn"}}}`, full)
	thin := string(payload.Append(nil, event(lifecycle.KindUpdated), payload.Thin))
	assert.NotContains(t, thin, "before")
	assert.Contains(t, thin, `"changed":["userName"],"truncated":true`)
}

func TestCloudEvent(t *testing.T) {
	var c map[string]any
	require.NoError(t, json.Unmarshal(payload.CloudEvent(nil, event(lifecycle.KindGroupCreated), "https://app.example/scim", payload.Full), &c))
	data := c["data"].(map[string]any)
	delete(c, "data")
	assert.Equal(t, map[string]any{"specversion": "1.0", "id": "1", "source": "https://app.example/scim", "type": "dev.rollcall.group.created", "subject": "u",
		"time": "2026-03-01T12:00:00.000005Z", "tenant": "acme", "datacontenttype": "application/json"}, c)
	assert.Equal(t, "group.created", data["kind"])
}

// No tenant can be told as another one, or as more than itself.
func TestSubject(t *testing.T) {
	seen := []string{}
	for tenant, want := range map[string]string{"acme": "rollcall.acme.deleted", "a.b": "rollcall.a%2eb.deleted", "a*": "rollcall.a%2a.deleted", ">": "rollcall.%3e.deleted",
		"a b\n": "rollcall.a%20b%0a.deleted", "a%2eb": "rollcall.a%252eb.deleted", "#": "rollcall.%23.deleted", "ä": "rollcall.ä.deleted"} {
		e := &lifecycle.Event{Kind: lifecycle.KindDeleted}
		e.Subject.Tenant = tenant
		got := payload.Subject("rollcall", e)
		assert.Equal(t, want, got)
		assert.False(t, slices.Contains(seen, got))
		seen = append(seen, got)
	}
}

// Whoever adds a kind describes it.
func TestEveryKindIsDescribed(t *testing.T) {
	for _, k := range lifecycle.Kinds() {
		assert.NotContains(t, string(payload.Schema(k)), `"description": "",`, "%s has no description in schema.go", k)
	}
}
