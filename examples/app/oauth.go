package app

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"flag"
	"net/http"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/scim/connection/federation"
	"github.com/rollcall-dev/rollcall/store"
)

// secrets are the flags of what has to do with credentials.
type secrets struct {
	bodyKey string
	hosts   hosts
}

// hosts are a flag that may be given several times: hosts that may be called although their address is private.
type hosts []string

// String implements flag.Value.
func (h *hosts) String() string { return "" }

// Set implements flag.Value.
func (h *hosts) Set(host string) error {
	if host == "" {
		return errors.New("want a host")
	}
	*h = append(*h, host)
	return nil
}

func (s *secrets) flags(set *flag.FlagSet) {
	set.StringVar(&s.bodyKey, "body-key", "", "`base64` of the 32 bytes of the key that seals kept bodies; without it a key is made, and what it sealed can't be opened after the process's end")
	set.Var(&s.hosts, "jwks-host", "`HOST` that may be asked for the keys of an identity provider, by http and at a private address too; for tests; repeatable")
}

// configureConnections makes the connections authenticate, and the tokens of the flags beside them.
func (a *App) configureConnections(s store.Store, o *scim.Options) (err error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	if a.secrets.bodyKey != "" {
		if key, err = base64.StdEncoding.DecodeString(a.secrets.bodyKey); err != nil || len(key) != 32 {
			return errors.New("-body-key: want the base64 of 32 bytes")
		}
	}
	if o.Lifecycle.Bodies, err = lifecycle.NewKeyRing("flag", map[string][]byte{"flag": key}); err != nil {
		return err
	}
	a.connections, err = connection.New(s, &connection.Options{Fallback: o.Auth, Logger: o.Logger, Federation: a.verifier()})
	o.Auth = a.connections
	return err
}

func (a *App) mountOAuth(mux *http.ServeMux, _ *boot.Service) {
	mux.Handle("/oauth/token", a.connections.TokenEndpoint())
	mux.Handle("GET /.well-known/oauth-authorization-server", a.connections.Metadata("", "/oauth/token"))
}

// runConnections keeps what the process knows of credentials good, until ctx ends.
func (a *App) runConnections(ctx context.Context) error { return a.connections.Run(ctx) }

func (a *App) verifier() connection.AssertionVerifier {
	return federation.New(&federation.Options{Hosts: a.secrets.hosts})
}
