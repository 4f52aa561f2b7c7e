package federation

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The dialer sees the address that a name was resolved to, and refuses those inside.
func TestGuard(t *testing.T) {
	inside := httptest.NewTLSServer(http.NotFoundHandler())
	defer inside.Close()
	u, err := url.Parse(inside.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newKeys(nil).fetch(t.Context(), u); err == nil || !strings.Contains(err.Error(), "not public") {
		t.Error(err)
	}
}

// A minute after the last fetch an unknown key is fetched, and a key that is known stays good while the address is away.
func TestFetchAgain(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ids, away := []string{"k1"}, false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if away {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		var set jose.JSONWebKeySet
		for _, id := range ids {
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: &key.PublicKey, KeyID: id})
		}
		_ = json.NewEncoder(w).Encode(set)
	}))
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	k := newKeys([]string{u.Host})
	get := func(id string, ok bool) {
		t.Helper()
		if _, err := k.get(t.Context(), u, id); (err == nil) != ok {
			t.Errorf("%s: %v", id, err)
		}
	}
	older := func(d time.Duration) {
		set := k.sets[u.String()]
		set.fetched, set.tried = set.fetched.Add(-d), set.tried.Add(-d)
	}
	get("k1", true)
	ids = []string{"k2"}
	get("k2", false)
	older(fetchEvery)
	get("k2", true)
	get("k1", false)
	away = true
	older(2 * keysAge)
	get("k2", true)
	get("k3", false)
}
