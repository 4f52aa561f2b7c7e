package app

import (
	"encoding/base64"
	"errors"
	"flag"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/scim/connection/federation"
)

// secrets are the flags about credentials. The hosts are for the connections that Boot makes.
type secrets struct {
	bodyKey string
	hosts   hosts
}

// hosts is a flag that may be given several times, with hosts that may be called although their address is private.
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
}

// bodies returns the keys that seal the bodies of requests in the journal.
func (s *secrets) bodies() (lifecycle.Sealer, error) {
	if s.bodyKey == "" {
		return lifecycle.RandomKeyRing(), nil
	}
	key, err := base64.StdEncoding.DecodeString(s.bodyKey)
	if err != nil || len(key) != 32 {
		return nil, errors.New("-body-key: want the base64 of 32 bytes")
	}
	return lifecycle.NewKeyRing("flag", map[string][]byte{"flag": key})
}

func (a *App) verifier() connection.AssertionVerifier {
	return federation.New(&federation.Options{Hosts: a.secrets.hosts})
}
