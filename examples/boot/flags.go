package boot

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
)

// Flags are the flags of every example server. They must not change, because scripts use them.
type Flags struct {
	Addr           string
	Store          string // the name for OpenStore
	BasePath       string // the path of the service, with a slash at its beginning and none at its end; or ""
	BaseURL        string // scim.Options.BaseURL
	TrustForwarded bool   // scim.Options.TrustForwarded
	Tokens         map[string]string

	demoAPI string // loopback or open
}

// ParseFlags parses the command line of a server. name is the command's, for its usage text. Each of more adds flags.
// If no token is given, it makes one and prints that on stderr. The error is flag.ErrHelp if only the usage was asked for.
func ParseFlags(name string, args []string, stderr io.Writer, more ...func(*flag.FlagSet)) (*Flags, error) {
	f := &Flags{Tokens: map[string]string{}}
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&f.Addr, "addr", "127.0.0.1:8080", "`address` to listen on; port 0 takes a free one")
	set.StringVar(&f.Store, "store", defaultStore, "where to keep everything: "+storeNames)
	set.StringVar(&f.BasePath, "base-path", "/scim/v2", "`path` of the SCIM service")
	set.StringVar(&f.BaseURL, "base-url", "", "`URL` under which clients reach the SCIM service, if a proxy is in front of it; without one it is taken from each request")
	set.BoolVar(&f.TrustForwarded, "trust-forwarded", false, "believe X-Forwarded-Proto, -Host and -Prefix; only behind a proxy that overwrites them")
	set.StringVar(&f.demoAPI, "demo-api", "loopback", "who may use the demo API under /app, which asks nobody for a credential: loopback (only if the server listens there) or open")
	set.Var(tokens(f.Tokens), "token", "`TENANT=TOKEN`: a bearer token and whose it is; repeatable; without one a token is made for the tenant \"default\" and printed on stderr")
	for _, add := range more {
		add(set)
	}
	if err := set.Parse(args); err != nil {
		return nil, err
	}
	if set.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q; try -h", set.Arg(0))
	}
	if f.BasePath = strings.Trim(f.BasePath, "/"); f.BasePath != "" {
		f.BasePath = "/" + f.BasePath
	}
	if strings.ContainsAny(f.BasePath, "{}?# ") {
		return nil, fmt.Errorf("-base-path %s: not a plain path", f.BasePath)
	}
	if f.demoAPI != "loopback" && f.demoAPI != "open" {
		return nil, fmt.Errorf("-demo-api %s: want loopback or open", f.demoAPI)
	}
	if len(f.Tokens) == 0 {
		token := rand.Text()
		f.Tokens[token] = "default"
		fmt.Fprintf(stderr, "token for tenant default: %s\n", token)
	}
	return f, nil
}

// Public returns the address of the SCIM service as clients reach it, and the origin of the server: by the flag -base-url if there is one,
// else by what it listens on.
func (f *Flags) Public(l net.Listener) (service, origin string) {
	if u, err := url.Parse(f.BaseURL); err == nil && u.Host != "" {
		return strings.TrimRight(f.BaseURL, "/"), u.Scheme + "://" + u.Host
	}
	origin = "http://" + l.Addr().String()
	return origin + f.BasePath, origin
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
