package webhook_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/webhook"
)

// verified says whether one of the signatures of a webhook is by a public key, as the specification has it: "v1a," and base64 of the
// ed25519 signature of the id, the timestamp and the body, joined by dots; the key is "whpk_" and base64. The specification's
// Go library knows HMAC alone (examples/app tests that).
func verified(t *testing.T, public string, head http.Header, body string) bool {
	t.Helper()
	text, ok := strings.CutPrefix(public, "whpk_")
	require.True(t, ok, public)
	key, err := base64.StdEncoding.DecodeString(text)
	require.NoError(t, err)
	require.Len(t, key, ed25519.PublicKeySize)
	content := head.Get("webhook-id") + "." + head.Get("webhook-timestamp") + "." + body
	return slices.ContainsFunc(strings.Split(head.Get("webhook-signature"), " "), func(one string) bool {
		version, text, _ := strings.Cut(one, ",")
		signature, err := base64.StdEncoding.DecodeString(text)
		return err == nil && version == "v1a" && ed25519.Verify(key, []byte(content), signature)
	})
}

// An endpoint that verifies by a public key gets signatures that are by its private one, also while keys are rotated.
func TestEd25519(t *testing.T) {
	r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	p := newPusher(t, webhook.Options{HTTP: true, Allow: []string{"127.0.0.1"}})
	add := func() (webhook.Endpoint, string) {
		e, public, err := p.hooks.Add(t.Context(), "acme", r.URL, []lifecycle.Kind{lifecycle.KindProvisioned}, webhook.Ed25519)
		require.NoError(t, err)
		return e, public
	}
	e, public := add()
	told := func(name string) (http.Header, string) {
		t.Helper()
		before := r.count()
		p.user(name)
		require.Eventually(t, func() bool { return r.count() > before }, 10*time.Second, time.Millisecond)
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.heads[before], r.bodies[before]
	}
	head, body := told("ada")
	assert.True(t, verified(t, public, head, body))
	assert.False(t, verified(t, public, head, body+" "), "the body was changed")
	for _, name := range []string{"webhook-id", "webhook-timestamp"} {
		forged := head.Clone()
		forged.Set(name, "1"+forged.Get(name))
		assert.False(t, verified(t, public, forged, body), name)
	}
	second, other := add()
	assert.False(t, verified(t, other, head, body), "another endpoint's key")
	require.NoError(t, p.hooks.Remove(t.Context(), "acme", second.ID))

	next, err := p.hooks.Rotate(t.Context(), "acme", e.ID, webhook.Ed25519)
	require.NoError(t, err)
	assert.NotEqual(t, public, next)
	head, body = told("bob")
	assert.True(t, verified(t, next, head, body))
	assert.True(t, verified(t, public, head, body), "the old key is signed with for a while, too")
	assert.Len(t, strings.Fields(head.Get("webhook-signature")), 2)
}
