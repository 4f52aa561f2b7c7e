package sets_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/examples/sets"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/feed"
	"github.com/rollcall-dev/rollcall/lifecycle/payload"
)

// A receiver polls, verifies, acknowledges, and gets again what it has not acknowledged (RFC 8936).
func TestPoll(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	s, err := lifecycle.New(memstore.New(), &lifecycle.Options{Feed: true})
	require.NoError(t, err)
	p, err := sets.New(s, sets.Options{Tenant: "acme", Authorize: feed.BearerToken("secret", "acme"), Key: private, KeyID: "1",
		Claims: payload.SETs{Issuer: "https://app.example", Audience: []string{"https://receiver.example"}}})
	require.NoError(t, err)
	type answer struct {
		Sets          map[string]string
		MoreAvailable bool
	}
	ask := func(status int, token, body string) (a answer) {
		t.Helper()
		r := httptest.NewRequest("POST", "/sets", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		require.Equal(t, status, w.Code, w.Body.String())
		if status == 200 {
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a))
		}
		return a
	}
	ask(401, "wrong", "{}")
	ask(400, "secret", "[")
	assert.Empty(t, ask(200, "secret", `{"returnImmediately":true}`).Sets)
	for _, tenant := range []string{"acme", "other"} {
		for _, name := range []string{"ann", "bob"} {
			_, err := s.Add(t.Context(), lifecycle.Request{Tenant: tenant}, lifecycle.Identity{UserName: name})
			require.NoError(t, err)
		}
	}
	one := ask(200, "secret", `{"maxEvents":1}`)
	require.Len(t, one.Sets, 1)
	assert.True(t, one.MoreAvailable)
	all := ask(200, "secret", `{}`)
	require.Len(t, all.Sets, 2, "only the tenant's, and what was not acknowledged again")
	assert.False(t, all.MoreAvailable)
	names := map[string]bool{}
	for jti, token := range all.Sets {
		parts := strings.Split(token, ".")
		require.Len(t, parts, 3)
		signature, err := base64.RawURLEncoding.DecodeString(parts[2])
		require.NoError(t, err)
		assert.True(t, ed25519.Verify(public, []byte(parts[0]+"."+parts[1]), signature))
		header, err := base64.RawURLEncoding.DecodeString(parts[0])
		require.NoError(t, err)
		assert.JSONEq(t, `{"typ":"secevent+jwt","alg":"EdDSA","kid":"1"}`, string(header))
		text, err := base64.RawURLEncoding.DecodeString(parts[1])
		require.NoError(t, err)
		var claims struct {
			Jti    string
			Events map[string]struct{ Data struct{ UserName string } }
		}
		require.NoError(t, json.Unmarshal(text, &claims))
		assert.Equal(t, jti, claims.Jti)
		names[claims.Events[payload.SETCreateFull].Data.UserName] = true
	}
	assert.Equal(t, map[string]bool{"ann": true, "bob": true}, names)
	var ids []string
	for jti := range all.Sets {
		ids = append(ids, jti)
	}
	assert.Empty(t, ask(200, "secret", `{"returnImmediately":true,"ack":["`+ids[0]+`"],"setErrs":{"`+ids[1]+`":{"err":"invalid_key"}}}`).Sets)
	_, err = sets.New(s, sets.Options{})
	assert.Error(t, err)
}
