package federation_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// entra is an identity provider that signs assertions: its keys rotate, and it may be away.
type entra struct {
	*httptest.Server
	mu      sync.Mutex
	keys    []jose.JSONWebKey // public
	key     *rsa.PrivateKey
	kid     string
	away    bool
	fetched int
}

// made are RSA keys, which take long to make.
var made = sync.OnceValue(func() (list [3]*rsa.PrivateKey) {
	for i, bits := range [...]int{2048, 2048, 1024} {
		list[i], _ = rsa.GenerateKey(rand.Reader, bits)
	}
	return list
})

func newEntra(t *testing.T) *entra {
	e := &entra{}
	e.rotate("k1", made()[0])
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.fetched++
		if e.away {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		switch r.URL.Path {
		case "/keys":
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: e.keys})
		case "/redirect":
			http.Redirect(w, r, "http://"+r.Host+"/keys", http.StatusFound)
		case "/huge":
			b := make([]byte, 1<<20)
			for i := range b {
				b[i] = ' '
			}
			_, _ = w.Write(b)
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: e.keys})
		case "/html":
			_, _ = w.Write([]byte("<html>"))
		case "/empty":
			_, _ = w.Write([]byte(`{"keys":[]}`))
		case "/weak":
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &made()[2].PublicKey, KeyID: e.kid}}})
		case "/encryption":
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &e.key.PublicKey, KeyID: e.kid, Use: "enc"}}})
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(e.Close)
	return e
}

// rotate makes a key the one that signs. Those before stay in the list.
func (e *entra) rotate(kid string, key *rsa.PrivateKey) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kid, e.key = kid, key
	e.keys = append(e.keys, jose.JSONWebKey{Key: &key.PublicKey, KeyID: kid, Use: "sig", Algorithm: "RS256"})
}

func (e *entra) set(away bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.away = away
}

func (e *entra) fetches() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.fetched
}

// claims are those of a right assertion.
func (e *entra) claims() map[string]any {
	now := time.Now()
	return map[string]any{"iss": e.URL, "sub": "app-1", "aud": "api://rollcall", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(), "jti": now.String()}
}

// sign signs claims as the header says.
func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, header, claims map[string]any) string {
	t.Helper()
	o := &jose.SignerOptions{}
	for name, value := range header {
		o.WithHeader(jose.HeaderKey(name), value)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(s).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (e *entra) assertion(t *testing.T, claims map[string]any) string {
	t.Helper()
	return sign(t, jose.RS256, e.key, map[string]any{"kid": e.kid, "typ": "JWT"}, claims)
}
