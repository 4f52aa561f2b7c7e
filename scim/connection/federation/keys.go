package federation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-dev/rollcall/lifecycle/address"
	"github.com/rollcall-dev/rollcall/store"
)

const (
	mostSets    = 1_000     // addresses whose keys are remembered
	mostKeys    = 100       // of one address
	mostKeyText = 256 << 10 // bytes of an answer
	keysAge     = time.Hour // after which they are fetched again
	fetchEvery  = time.Minute
	retryEvery  = 5 * time.Second // after a fetch that failed
	fetchTime   = 5 * time.Second
)

// keys remembers the keys of addresses, by kid. An unknown kid has them fetched again, but not within a minute of the last
// fetch, so that nobody can make the product ask again and again. Keys stay good while their address doesn't answer.
type keys struct {
	hosts   []string
	guarded *http.Client // for addresses on the internet
	open    *http.Client // for hosts that are allowed by name

	mu   sync.Mutex
	sets map[string]*keySet
}

type keySet struct {
	mu      sync.Mutex
	byID    map[string]*jose.JSONWebKey
	fetched time.Time // successfully
	tried   time.Time
}

func newKeys(hosts []string) *keys {
	return &keys{hosts: hosts, guarded: newClient(address.Control), open: newClient(nil), sets: make(map[string]*keySet)}
}

// newClient makes a client that follows no redirect, as one could lead to where nobody may ask, and uses no proxy.
func newClient(control func(network, address string, c syscall.RawConn) error) *http.Client {
	return &http.Client{
		Timeout: fetchTime,
		Transport: &http.Transport{DialContext: (&net.Dialer{Timeout: fetchTime, Control: control}).DialContext,
			TLSHandshakeTimeout: fetchTime, ResponseHeaderTimeout: fetchTime, MaxResponseHeaderBytes: 64 << 10, MaxIdleConns: 10, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// get finds the key of an id.
func (k *keys) get(ctx context.Context, u *url.URL, id string) (*jose.JSONWebKey, error) {
	at := u.String()
	k.mu.Lock()
	set := k.sets[at]
	if set == nil {
		if len(k.sets) >= mostSets {
			clear(k.sets)
		}
		set = &keySet{}
		k.sets[at] = set
	}
	k.mu.Unlock()
	set.mu.Lock()
	defer set.mu.Unlock()
	key, now := set.byID[id], time.Now()
	due := now.Sub(set.fetched) >= keysAge || key == nil && now.Sub(set.fetched) >= fetchEvery
	var failed error
	if due && (set.tried.IsZero() || now.Sub(set.tried) >= retryEvery) {
		set.tried = now
		fresh, err := k.fetch(ctx, u)
		if err == nil {
			set.byID, set.fetched = fresh, now
			key = fresh[id]
		}
		failed = err
	}
	switch {
	case key != nil:
		return key, nil
	case failed != nil || set.fetched.IsZero():
		return nil, fmt.Errorf("%w: the keys of the identity provider can't be fetched", store.ErrUnavailable)
	}
	return nil, errors.New("the identity provider has no such key")
}

func (k *keys) fetch(ctx context.Context, u *url.URL) (map[string]*jose.JSONWebKey, error) {
	client := k.guarded
	if known(k.hosts, u) {
		client = k.open
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("federation: the answer is %d", answer.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, mostKeyText+1))
	if err != nil || len(text) > mostKeyText {
		return nil, errors.New("federation: the answer is too long, or broke off")
	}
	var list struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	found := make(map[string]*jose.JSONWebKey)
	for _, raw := range list.Keys {
		var key jose.JSONWebKey
		if len(found) < mostKeys && key.UnmarshalJSON(raw) == nil && usable(&key) { // others are for somebody else
			found[key.KeyID] = &key
		}
	}
	if len(found) == 0 {
		return nil, errors.New("federation: the answer has no key for RS256")
	}
	return found, nil
}
