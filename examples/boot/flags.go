package boot

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// flags are those of every example server. Scripts drive them: they stay as they are.
type flags struct {
	addr     string
	store    string
	basePath string // with a slash in front and none behind, or ""
	baseURL  string // scim.Options.BaseURL
	trust    bool   // scim.Options.TrustForwarded
	demoAPI  string // loopback, open
	tokens   tokens
}

func parseFlags(app App, args []string, stderr io.Writer) (*flags, error) {
	f := &flags{tokens: tokens{}}
	set := flag.NewFlagSet(app.Name, flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&f.addr, "addr", "127.0.0.1:8080", "`address` to listen on; port 0 takes a free one")
	set.StringVar(&f.store, "store", defaultStore, "where to keep everything: "+storeNames)
	set.StringVar(&f.basePath, "base-path", "/scim/v2", "`path` of the SCIM service")
	set.StringVar(&f.baseURL, "base-url", "", "`URL` under which clients reach the SCIM service, if a proxy is in front of it; without one it is taken from each request")
	set.BoolVar(&f.trust, "trust-forwarded", false, "believe X-Forwarded-Proto, -Host and -Prefix; only behind a proxy that overwrites them")
	set.StringVar(&f.demoAPI, "demo-api", "loopback", "who may use the demo API under /app, which asks nobody for a credential: loopback (only if the server listens there) or open")
	set.Var(f.tokens, "token", "`TENANT=TOKEN`: a bearer token and whose it is; repeatable; without one a token is made for the tenant \"default\" and printed on stderr")
	if app.Flags != nil {
		app.Flags(set)
	}
	if err := set.Parse(args); err != nil {
		return nil, err
	}
	if set.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q; try -h", set.Arg(0))
	}
	if f.basePath = strings.Trim(f.basePath, "/"); f.basePath != "" {
		f.basePath = "/" + f.basePath
	}
	if strings.ContainsAny(f.basePath, "{}?# ") {
		return nil, fmt.Errorf("-base-path %s: not a plain path", f.basePath)
	}
	if f.demoAPI != "loopback" && f.demoAPI != "open" {
		return nil, fmt.Errorf("-demo-api %s: want loopback or open", f.demoAPI)
	}
	if len(f.tokens) == 0 {
		token := rand.Text()
		f.tokens[token] = "default"
		fmt.Fprintf(stderr, "token for tenant default: %s\n", token)
	}
	return f, nil
}

// tokens are token -> tenant, read as TENANT=TOKEN.
type tokens map[string]string

// String implements flag.Value. It shows no secret.
func (t tokens) String() string { return "" }

// Set implements flag.Value.
func (t tokens) Set(text string) error {
	tenant, token, ok := strings.Cut(text, "=")
	if !ok || tenant == "" || token == "" {
		return errors.New("want TENANT=TOKEN")
	}
	if owner, taken := t[token]; taken && owner != tenant {
		return fmt.Errorf("the token of %s can't be that of %s too", tenant, owner)
	}
	t[token] = tenant
	return nil
}
