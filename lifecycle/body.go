package lifecycle

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Body is a request as it was sent: what is needed to try it again. It is kept only while the tenant's settings say so.
type Body struct {
	Method, Path, Query string
	Match, NoneMatch    string // the headers If-Match and If-None-Match
	Text                string
}

// mostBody is how many bytes of a body are kept; of a larger one nothing is.
const mostBody = 64 << 10

// Sealer encrypts what the journal keeps. It must be safe for concurrent use. KeyRing is one.
type Sealer interface {
	// Seal encrypts and authenticates a text, and binds it to a context: it can be opened for the same context only.
	Seal(text, context string) (string, error)
	// Open is the reverse of Seal. An error says nothing about the text.
	Open(sealed, context string) (string, error)
}

// KeyRing seals by AES-256-GCM under the key that is current, and opens what was sealed under any of its keys. To rotate, add
// a key in all processes, make it current, and take the old one away when nothing that was sealed under it is needed.
type KeyRing struct {
	current string
	keys    map[string]cipher.AEAD
}

// NewKeyRing makes a ring of keys of 32 random bytes, by their ids. An id has letters, digits, - and _ only.
func NewKeyRing(current string, keys map[string][]byte) (*KeyRing, error) {
	k := &KeyRing{current: current, keys: make(map[string]cipher.AEAD, len(keys))}
	for id, key := range keys {
		if id == "" || len(id) > 64 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			return nil, fmt.Errorf("lifecycle: NewKeyRing: the id %q of a key: want 1 to 64 letters, digits, - and _", id)
		}
		if len(key) != 32 {
			return nil, fmt.Errorf("lifecycle: NewKeyRing: the key %q has %d bytes; want 32 random ones", id, len(key))
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		if k.keys[id], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, err
		}
	}
	if k.keys[current] == nil {
		return nil, fmt.Errorf("lifecycle: NewKeyRing: there is no key %q to be the current one", current)
	}
	return k, nil
}

// RandomKeyRing has one new key. What it seals can be opened only as long as the process lives.
func RandomKeyRing() *KeyRing {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	k, err := NewKeyRing("random", map[string][]byte{"random": key})
	if err != nil {
		panic(err) // it can't be: the key is right
	}
	return k
}

var errSealed = errors.New("lifecycle: it can't be opened: it was sealed for something else, by another key, or is damaged")

// Seal implements Sealer. What it returns has the characters of a bearer token.
func (k *KeyRing) Seal(text, context string) (string, error) {
	sealed := k.keys[k.current].Seal(nil, nil, []byte(text), []byte(context))
	return k.current + "." + base64.RawURLEncoding.EncodeToString(sealed), nil
}

// Open implements Sealer.
func (k *KeyRing) Open(sealed, context string) (string, error) {
	id, text, _ := strings.Cut(sealed, ".")
	aead := k.keys[id]
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if aead == nil || err != nil {
		return "", errSealed
	}
	plain, err := aead.Open(nil, nil, raw, []byte(context))
	if err != nil {
		return "", errSealed
	}
	return string(plain), nil
}

// keepBody writes the sealed body of a request into its entry, where the tenant wants that.
func (s *Service) keepBody(w *dataWriter, r *Request, subject store.Key) {
	until := r.Settings.KeepBodiesUntil
	if s.opts.Bodies == nil || until == nil || r.Body.Method == "" || r.DryRun || len(r.Body.Text) > mostBody || !time.Now().Before(*until) {
		return
	}
	b := r.Body
	text := string(document.AppendJSON(nil, document.Array(document.String(b.Method), document.String(b.Path), document.String(b.Query), document.String(b.Match),
		document.String(b.NoneMatch), document.String(b.Text))))
	if sealed, err := s.opts.Bodies.Seal(text, bodyContext(r.Tenant)); err == nil {
		w.text(`,"body":`, sealed)
	}
}

func bodyContext(tenant string) string { return "rollcall body of " + tenant }

// openBody is the request that an entry kept. ok is false if it kept none.
func (s *Service) openBody(tenant string, data document.Document) (b Body, ok bool, err error) {
	sealed := data.Get("body").Text()
	if sealed == "" || s.opts.Bodies == nil {
		return b, false, nil
	}
	text, err := s.opts.Bodies.Open(sealed, bodyContext(tenant))
	if err != nil {
		return b, false, err
	}
	v, err := document.Parse(text, 0)
	if err != nil || v.Len() != 6 {
		return b, false, store.ErrCorrupt
	}
	for i, field := range [...]*string{&b.Method, &b.Path, &b.Query, &b.Match, &b.NoneMatch, &b.Text} {
		*field = v.At(i).Text()
	}
	return b, true, nil
}
