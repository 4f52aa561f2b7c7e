package scim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// Fault 9: what is a credential, to the letter (RFC 6750 section 2.1, RFC 7235 section 2.1).
func TestCredentials(t *testing.T) {
	const token = "aZ09-._~+/=="
	tokens := scim.BearerTokens{token: "acme"}
	for name, c := range map[string]struct {
		headers []string
		ok      bool
	}{
		"as it should be":             {[]string{"Bearer " + token}, true},
		"a scheme in other case":      {[]string{"bEARER " + token}, true},
		"more blanks":                 {[]string{"Bearer   " + token}, true},
		"blanks that HTTP strips":     {[]string{" \tBearer " + token + " \t"}, true},
		"no header":                   {nil, false},
		"two headers":                 {[]string{"Bearer " + token, "Bearer " + token}, false},
		"two headers, one is empty":   {[]string{"Bearer " + token, ""}, false},
		"two tokens":                  {[]string{"Bearer " + token + ", Bearer " + token}, false},
		"two words":                   {[]string{"Bearer " + token + " " + token}, false},
		"no token":                    {[]string{"Bearer "}, false},
		"only the end of one":         {[]string{"Bearer =="}, false},
		"no blank":                    {[]string{"Bearer" + token}, false},
		"a tab":                       {[]string{"Bearer\t" + token}, false},
		"a tab behind a blank":        {[]string{"Bearer \t" + token}, false},
		"NBSP before":                 {[]string{"Bearer \u00a0" + token}, false},
		"NBSP behind":                 {[]string{"Bearer " + token + "\u00a0"}, false},
		"NBSP as the blank":           {[]string{"Bearer\u00a0" + token}, false},
		"an em space":                 {[]string{"Bearer " + token + "\u2003"}, false},
		"a zero-width space":          {[]string{"Bearer " + token + "\u200b"}, false},
		"a byte of Latin-1":           {[]string{"Bearer \xa0" + token}, false},
		"a line break":                {[]string{"Bearer " + token + "\r\n"}, false},
		"a NUL":                       {[]string{"Bearer " + token + "\x00"}, false},
		"another control character":   {[]string{"Bearer \x1f" + token}, false},
		"= in the middle":             {[]string{"Bearer aZ09==-._~+/"}, false},
		"a quoted token":              {[]string{`Bearer "` + token + `"`}, false},
		"a scheme in full-width":      {[]string{"Ｂearer " + token}, false},
		"a scheme with a Kelvin sign": {[]string{"Bearer\u212a " + token}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: tokens})
			require.NoError(t, err)
			r := httptest.NewRequest("GET", "/Users", nil)
			r.Header["Authorization"] = c.headers
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			_, err = tokens.Authenticate(r)
			if c.ok {
				assert.Equal(t, 200, w.Code, w.Body.String())
				assert.NoError(t, err)
				return
			}
			assert.Equal(t, 401, w.Code, w.Body.String())
			assert.ErrorIs(t, err, scim.ErrUnauthorized)
		})
	}
}

// Fault 9: two credentials are refused whoever looks at them.
func TestTwoCredentials(t *testing.T) {
	for _, auth := range []scim.Authenticator{scim.NoAuth{Tenant: "acme"}, principal{Tenant: "acme"}} {
		h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: auth})
		require.NoError(t, err)
		for headers, status := range map[int]int{0: 200, 1: 200, 2: 401} {
			r := httptest.NewRequest("GET", "/Users", nil)
			for range headers {
				r.Header.Add("Authorization", "Bearer x")
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			assert.Equal(t, status, w.Code, "%T, %d headers", auth, headers)
		}
	}
}

// Tokens are secrets, and options are printed when something doesn't work.
func TestTokensAreHidden(t *testing.T) {
	tokens := scim.BearerTokens{"s3cr3t": "acme"}
	o := scim.Options{Auth: tokens}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{tokens, o, &o, map[string]any{"auth": tokens}} {
			text := fmt.Sprintf(verb, value)
			assert.NotContains(t, text, "s3cr3t", verb)
			assert.NotContains(t, text, "733363723374", verb)
		}
	}
	assert.Equal(t, "BearerTokens(1 hidden)", fmt.Sprint(tokens))
	var text, inJSON bytes.Buffer
	for _, log := range []*slog.Logger{slog.New(slog.NewTextHandler(&text, nil)), slog.New(slog.NewJSONHandler(&inJSON, nil))} {
		log.Info("start", "auth", tokens, "options", &o, "in", map[string]any{"auth": tokens})
	}
	assert.NotContains(t, text.String()+inJSON.String(), "s3cr3t")
	assert.Contains(t, inJSON.String(), `"auth":"BearerTokens(1 hidden)"`)
	out, err := json.Marshal(map[string]any{"auth": tokens})
	require.NoError(t, err)
	assert.JSONEq(t, `{"auth":"BearerTokens(1 hidden)"}`, string(out))
	h, err := scim.NewHandler(storetest.NewFake(), &o)
	require.NoError(t, err)
	assert.NotContains(t, fmt.Sprintf("%+v %#v", h, h), "s3cr3t")
}
