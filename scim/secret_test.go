package scim_test

import (
	"context"
	"encoding/json"
	"testing"

	elimity "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	elimityschema "github.com/elimity-com/scim/schema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// What is writeOnly is in no event and no record, whatever way it comes in, the product's own attributes too.
func TestSecretsAreNotTold(t *testing.T) {
	const urn = "urn:example:params:scim:schemas:vault:2.0:User"
	fake := storetest.NewFake()
	var told []string
	c := serveStore(t, fake, func(o *scim.Options) {
		o.ResourceTypes = []elimity.ResourceType{scim.UserType(elimity.SchemaExtension{Schema: elimityschema.Schema{
			ID: urn, Name: optional.NewString("Vault"), Attributes: []elimityschema.CoreAttribute{
				elimityschema.SimpleCoreAttribute(elimityschema.SimpleStringParams(elimityschema.StringParams{
					Name: "pin", Mutability: elimityschema.AttributeMutabilityWriteOnly(), Returned: elimityschema.AttributeReturnedNever()})),
			}}})}
		settings := lifecycle.DefaultSettings()
		settings.JIT = true
		o.Lifecycle.Settings = lifecycle.FixedSettings(settings)
		o.Hooks.Any = func(_ context.Context, e *lifecycle.Event) error {
			text, err := json.Marshal(e)
			told = append(told, string(text))
			return err
		}
	})
	secrets := `"password":"TELLNOBODY","` + urn + `":{"pin":"TELLNOBODY"}`
	id := c.do("POST", "/Users", `{"userName":"ada",`+secrets+`}`).is(201).id()
	c.do("PUT", "/Users/"+id, `{"userName":"ada","title":"T",`+secrets+`}`).is(200)
	c.do("PATCH", "/Users/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[
		{"op":"replace","path":"password","value":"TELLNOBODY"},{"op":"add","path":"`+urn+`:pin","value":"TELLNOBODY"},{"op":"replace","path":"title","value":"U"}]}`).is(200)
	l, attributes := c.h.Lifecycle(), parsed(t, `{"title":"V",`+secrets+`}`)
	_, err := l.Add(t.Context(), lifecycle.Request{Tenant: "acme"}, lifecycle.Identity{UserName: "hand", Attributes: attributes})
	require.NoError(t, err)
	_, err = l.Login(t.Context(), "acme", lifecycle.Identity{UserName: "jit", Attributes: attributes})
	require.NoError(t, err)
	assert.Len(t, told, 3+1+3)
	for _, text := range told {
		assert.NotContains(t, text, "TELLNOBODY")
	}
	page, err := fake.List(t.Context(), store.Query{Tenant: "acme", Types: []string{"User"}, Count: 10})
	require.NoError(t, err)
	assert.Len(t, page.Resources, 3)
	for _, r := range page.Resources {
		assert.NotContains(t, string(r.Attributes)+string(r.Internal), "TELLNOBODY")
	}
}

func parsed(t *testing.T, text string) document.Document {
	v, err := document.Parse(text, 0)
	require.NoError(t, err)
	return v.Document()
}

// Who is made by hand or by a sign-in is a user like any other, or refused.
func TestAttributesByOtherWays(t *testing.T) {
	c := serve(t)
	l := c.h.Lifecycle()
	for attributes, words := range map[string]string{
		`{"active":"perhaps"}`:                        "active",
		`{"USERNAME":"eve"}`:                          "userName",
		`{"emails":[[1]]}`:                            "emails",
		`{"name":{"familyName":true}}`:                "name.familyName",
		`{"emails":[{"primary":true},{"primary":1}]}`: "emails",
	} {
		_, err := l.Add(t.Context(), lifecycle.Request{Tenant: "acme"}, lifecycle.Identity{UserName: "ada", Attributes: parsed(t, attributes)})
		var refusal *lifecycle.Refusal
		require.ErrorAs(t, err, &refusal, attributes)
		assert.Equal(t, lifecycle.Invalid, refusal.Reason)
		assert.Contains(t, refusal.Detail, words)
	}
	_, err := l.Add(t.Context(), lifecycle.Request{Tenant: "acme"}, lifecycle.Identity{})
	require.Error(t, err, "a userName is required")
	_, err = l.Add(t.Context(), lifecycle.Request{Tenant: "acme"}, lifecycle.Identity{UserName: "ada", Attributes: parsed(t,
		`{"id":"mine","meta":{},"bogus":1,"displayname":"Ada","emails":[{"value":"a@x.example","type":"work"}]}`)})
	require.NoError(t, err)
	u := c.do("GET", "/Users?filter=displayName%20eq%20%22ada%22", "").is(200).body["Resources"].([]any)[0].(map[string]any)
	assert.NotEqual(t, "mine", u["id"])
	delete(u, "id")
	delete(u, "meta")
	assert.Equal(t, map[string]any{"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": "ada", "displayName": "Ada", "active": true,
		"emails": []any{map[string]any{"value": "a@x.example", "type": "work"}}}, u)
}
