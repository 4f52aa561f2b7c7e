package browser_test

import (
	"bufio"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/browser"
	"github.com/rollcall-dev/rollcall/examples/try"
)

// The four products have the portal with themes, words and mappings of their own, and each of their pages can be used by everybody, too.
func TestProducts(t *testing.T) {
	t.Parallel()
	axe := browser.NeedAxe(t)
	browser.Need(t)
	for name, guide := range map[string]string{"zenkit": "entra", "z8": "entra", "zenzap": "okta", "zkipster": "okta"} {
		t.Run(name, func(t *testing.T) {
			base := run(t, name)
			at, err := url.Parse(base)
			require.NoError(t, err)
			status, answer, err := try.Send(t.Context(), base, try.Token, "POST", "/app/portal-link", `{"tenant":"acme"}`)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status, answer)
			tab := browser.Open(t, at.Scheme+"://"+at.Host, browser.Look{})
			tab.Go(answer["url"].(string))
			tab.Press(`form[action*="/begin/"] button`)
			tab.Press("main a.main")
			tab.Press(`form:has(input[name="guide"][value="` + guide + `"]) button`)
			status, answer, err = try.Send(t.Context(), base, try.Token, "POST", "/Users", users+`"userName":"ada@acme.example","displayName":"Ada","active":true}`)
			require.NoError(t, err)
			require.Equal(t, http.StatusCreated, status, answer)
			seen := walk(t, tab, func(page string) {
				if strings.HasPrefix(page, "connect-") && page != "connect-"+guide { // the same in all
					return
				}
				for _, dark := range []bool{false, true} {
					tab.Scheme(dark)
					for _, v := range tab.Axe(axe) {
						t.Errorf("%s, dark: %v: %s", page, dark, v)
					}
				}
				tab.Scheme(false)
				if *update && page == "overview" {
					require.NoError(t, os.WriteFile(filepath.Join(*screen, name+".png"), tab.Screen(), 0o644))
				}
			})
			assert.Greater(t, len(seen), 15)
			assert.Empty(t, tab.Faults())
		})
	}
}

// run builds a product and runs it until the test ends. It returns the address of its SCIM service.
func run(t *testing.T, name string) (base string) {
	program := filepath.Join(t.TempDir(), name)
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/rollcall-dev/rollcall/examples/products/"+name).CombinedOutput()
	require.NoError(t, err, string(out))
	c := exec.Command(program, "-addr", "127.0.0.1:0", "-store", "memory", "-token", "acme="+try.Token)
	said, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt)
		_ = c.Wait()
	})
	line, err := bufio.NewReader(said).ReadString('\n')
	require.NoError(t, err)
	base, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	require.True(t, ok, line)
	return base
}
