package connection

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// A token doesn't say whose it is, and no call to a store looks into all tenants (I4). So a record in a tenant of the
// library's own leads from the SHA-256 of a token, or of a client's id, to the tenant. Where it leads is sealed under a key
// that is derived from what is looked up, so that without the token nobody learns from the record whose it is, and a
// tenant that is forgotten leaves nothing that can be read.

// libraryTenant is the tenant of what belongs to no customer. A product must not have a tenant of this name.
const libraryTenant = "rollcall.library"

const lookupType = "rollcall.Lookup"

// target is where a look-up leads.
type target struct {
	Tenant     string `json:"t"`
	Credential string `json:"c"`
}

// mostTargets is how many credentials may have the same issuer and subject.
const mostTargets = 10

func lookupKey(id string) store.Key {
	return store.Key{Tenant: libraryTenant, Type: lookupType, ID: id}
}

// sumText is the SHA-256 of a text in hexadecimal digits.
func sumText(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func clientLookup(clientID string) string { return "client\x00" + clientID }

func trustLookup(issuer, subject string) string { return "trust\x00" + issuer + "\x00" + subject }

func lookupCipher(text string) cipher.AEAD {
	key := sha256.Sum256([]byte("rollcall look-up\x00" + text))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the key has the right length
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// find reads where a text leads. It returns nothing, and no error, if it leads nowhere.
func (s *Service) find(ctx context.Context, text string) ([]target, *store.Resource, error) {
	r, err := s.store.Get(ctx, lookupKey(sumText(text)))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	sealed, err := base64.RawStdEncoding.DecodeString(r.Internal.Get("to").Text())
	if err == nil {
		sealed, err = lookupCipher(text).Open(nil, nil, sealed, []byte(r.ID))
	}
	var list []target
	if err == nil {
		err = json.Unmarshal(sealed, &list)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %s %s", store.ErrCorrupt, r.Type, r.ID)
	}
	return list, r, nil
}

// lead makes a text lead to a target, too.
func (s *Service) lead(ctx context.Context, text string, to target) error {
	return s.changeLookup(ctx, text, func(list []target) ([]target, error) {
		if slices.Contains(list, to) {
			return list, nil
		}
		if len(list) >= mostTargets {
			return nil, invalid("subject: %d credentials have this issuer and subject already", mostTargets)
		}
		return append(list, to), nil
	})
}

// unlead makes a text lead to a credential no more.
func (s *Service) unlead(ctx context.Context, text string, to target) error {
	return s.changeLookup(ctx, text, func(list []target) ([]target, error) {
		return slices.DeleteFunc(list, func(t target) bool { return t == to }), nil
	})
}

func (s *Service) changeLookup(ctx context.Context, text string, change func([]target) ([]target, error)) error {
	return again(ctx, func() error {
		list, old, err := s.find(ctx, text)
		if err != nil {
			return err
		}
		before := len(list)
		if list, err = change(list); err != nil || len(list) == before && old != nil {
			return err
		}
		c := &store.Change{Tenant: libraryTenant}
		if len(list) == 0 {
			if old != nil {
				c.Delete = []store.Delete{{Type: lookupType, ID: old.ID, IfVersion: old.Version}}
			}
			return s.store.Commit(ctx, c)
		}
		plain, err := json.Marshal(list)
		if err != nil {
			return err
		}
		r := &store.Resource{Key: lookupKey(sumText(text)), Version: newID(), Created: now(), LastModified: now()}
		sealed := lookupCipher(text).Seal(nil, nil, plain, []byte(r.ID))
		r.Internal = document.Object(document.Field{Name: "to", Value: document.String(base64.RawStdEncoding.EncodeToString(sealed))}).Document()
		put := store.Put{Resource: r}
		if old != nil {
			put.IfVersion, put.Was, r.Created = old.Version, old, old.Created
		}
		c.Put = []store.Put{put}
		return s.store.Commit(ctx, c)
	})
}

// again does something until it doesn't lose a race any more.
func again(ctx context.Context, do func() error) error {
	for {
		err := do()
		var exists *store.ConflictError
		if !errors.Is(err, store.ErrVersionMismatch) && !(errors.As(err, &exists) && exists.Attribute == "id") {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
