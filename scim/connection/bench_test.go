package connection_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// BenchmarkAuthenticate is what a request pays for its credential, and GET what it pays in all.
func BenchmarkAuthenticate(b *testing.B) {
	fake := storetest.NewFake()
	c, err := connection.New(fake, nil)
	require.NoError(b, err)
	h, err := scim.NewHandler(fake, &scim.Options{Auth: c})
	require.NoError(b, err)
	made, err := c.Create(b.Context(), by, "Okta", connection.Okta)
	require.NoError(b, err)
	k, err := c.Issue(b.Context(), by, made.ID, connection.Ask{Kind: connection.Bearer})
	require.NoError(b, err)
	go func() { _ = c.Run(b.Context()) }()
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/Users", nil)
	r.Header.Set("Authorization", "Bearer "+k.Token)
	fixed, err := scim.BearerTokens{"fixed": "acme"}.Hashed()
	require.NoError(b, err)
	plain := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/Users", nil)
	plain.Header.Set("Authorization", "Bearer fixed")
	b.Run("connection", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Authenticate(r); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("BearerTokens", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := fixed.Authenticate(plain); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("GET", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
	})
}
