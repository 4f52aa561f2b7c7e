// Package try runs a product's server for its tests, on each store, and is a client of it.
package try

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/scim/scimtest/replay"
)

// Token is the credential of the tenant acme, and Other that of umbrella.
const (
	Token = "token-of-acme"
	Other = "token-of-umbrella"
)

// Product is a running server.
type Product struct {
	t    *testing.T
	Base string // of the SCIM service
}

// Start runs an app until the test ends, on memory unless the flags say otherwise.
func Start(t *testing.T, app boot.App, flags ...string) *Product {
	t.Helper()
	return Run(t, func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		return boot.Run(ctx, app, args, stdout, stderr)
	}, flags...)
}

// Run does what Start does for a program that is given as a function: it gets the command line, prints the ready line on stdout, and
// ends when the context does.
func Run(t *testing.T, program func(ctx context.Context, args []string, stdout, stderr io.Writer) error, flags ...string) *Product {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- program(ctx, append([]string{"-addr", "127.0.0.1:0", "-store", "memory",
			"-token", "acme=" + Token, "-token", "umbrella=" + Other}, flags...), in, io.Discard)
		in.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-done)
	})
	base, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	require.True(t, ok, line)
	return &Product{t, base}
}

// Replay replays a conversation of testdata/idp/products.
func (p *Product) Replay(file string) {
	p.t.Helper()
	s, err := replay.Load(os.DirFS("../../../testdata/idp/products"), file)
	require.NoError(p.t, err)
	runner := &replay.Runner{BaseURL: p.Base, Token: Token, Conventions: true, Optional: true}
	for _, result := range runner.Run(p.t.Context(), s) {
		if !result.OK() {
			p.t.Errorf("%s\n    sent: %s", result, result.Sent)
		}
	}
}

// Do sends a request of acme's: to the demo API if path is under /app, else to the SCIM service. It returns the answer,
// which must have the status.
func (p *Product) Do(status int, method, path, body string) map[string]any {
	p.t.Helper()
	return p.As(Token, status, method, path, body)
}

// As does what Do does, with another credential.
func (p *Product) As(token string, status int, method, path, body string) map[string]any {
	p.t.Helper()
	got, answer, err := Send(p.t.Context(), p.Base, token, method, path, body)
	require.NoError(p.t, err)
	require.Equal(p.t, status, got, "%s %s: %v", method, path, answer)
	return answer
}

// Send sends a request to the server whose SCIM service has the address, and reads the answer.
func Send(ctx context.Context, base, token, method, path, body string) (status int, answer map[string]any, err error) {
	if strings.HasPrefix(path, "/app/") {
		base = base[:strings.Index(base[len("http://"):], "/")+len("http://")]
	}
	r, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, &answer)
	}
	return res.StatusCode, answer, err
}

// Patch sends a PATCH with one operation, whose value is JSON.
func (p *Product) Patch(status int, path, op, attribute, value string) map[string]any {
	p.t.Helper()
	return p.Do(status, http.MethodPatch, path, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"`+op+
		`","path":`+quote(attribute)+`,"value":`+value+`}]}`)
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// Status returns the state of acme's account with that name.
func (p *Product) Status(userName string) string {
	p.t.Helper()
	for _, u := range p.Do(200, http.MethodGet, "/app/users?tenant=acme", "")["users"].([]any) {
		if u := u.(map[string]any); u["userName"] == userName {
			return u["status"].(string)
		}
	}
	return ""
}

// Heard waits until the product was told so many events of acme, and returns their kinds.
func (p *Product) Heard(n int) (kinds []string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		kinds = nil
		for _, e := range p.Do(200, http.MethodGet, "/app/events?tenant=acme", "")["events"].([]any) {
			kinds = append(kinds, e.(map[string]any)["kind"].(string))
		}
		return len(kinds) >= n
	}, 10*time.Second, 20*time.Millisecond)
	return kinds
}
