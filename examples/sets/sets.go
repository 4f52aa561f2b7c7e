// Package sets offers the events of a tenant as Security Event Tokens (RFC 8417) of SCIM (RFC 9967), by poll (RFC 8936): a receiver
// asks for tokens by POST, and acknowledges those that it has kept.
//
//	mux.Handle("POST /sets", sets.New(service, sets.Options{Tenant: "acme", Authorize: feed.BearerToken(token, "acme"), Key: key, ...}))
//
// It reads the feed, so lifecycle.Options.Feed must be set. It remembers in memory what a receiver has acknowledged. After a restart of
// the process, the receiver gets all tokens of the feed again, with the same jti.
package sets

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/payload"
	"github.com/rollcall-dev/rollcall/store"
)

// Options are the options of a Poller. All fields except for Claims.Form, Claims.Endpoint, Claims.Schemas and Logger must be set.
type Options struct {
	Tenant    string
	Authorize func(r *http.Request) (tenant string, ok bool) // see feed.BearerToken
	Claims    payload.SETs
	Key       ed25519.PrivateKey // signs the tokens (EdDSA)
	KeyID     string             // the header kid, by which the receiver finds the public key
	Logger    *slog.Logger
}

// Poller is an http.Handler for one stream: the events of one tenant for one receiver. Make it with New. It is safe for concurrent use.
type Poller struct {
	Options
	service *lifecycle.Service

	mu      sync.Mutex
	after   int64     // the position in the feed behind which no event was offered yet
	offered []offered // the tokens that are not acknowledged yet, the oldest first
}

// offered is a token that the receiver has yet to acknowledge.
type offered struct{ jti, token string }

// New makes a poller. It returns an error if an option is missing.
func New(s *lifecycle.Service, o Options) (*Poller, error) {
	if o.Tenant == "" || o.Authorize == nil || len(o.Key) != ed25519.PrivateKeySize || o.Claims.Issuer == "" || !s.HasFeed() {
		return nil, errors.New("sets: want Tenant, Authorize, Key and Claims.Issuer, and a service with lifecycle.Options.Feed")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Poller{Options: o, service: s}, nil
}

// These are the limits of a request.
const (
	maxBody   = 256 << 10
	maxTokens = 100
	patience  = 30 * time.Second // how long a poll waits (RFC 8936 section 2.4)
	look      = time.Second / 2
)

// poll is a request (RFC 8936 section 2.4).
type poll struct {
	MaxEvents         *int     `json:"maxEvents"`
	ReturnImmediately bool     `json:"returnImmediately"`
	Ack               []string `json:"ack"`
	SetErrs           map[string]struct {
		Err         string `json:"err"`
		Description string `json:"description"`
	} `json:"setErrs"`
}

// ServeHTTP implements http.Handler.
func (p *Poller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if tenant, ok := p.Authorize(r); !ok || tenant != "" && tenant != p.Tenant {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "want a bearer token that may poll", http.StatusUnauthorized)
		return
	}
	var q poll
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil || json.Unmarshal(body, &q) != nil || q.MaxEvents != nil && *q.MaxEvents < 0 {
		http.Error(w, "want an object of JSON as RFC 8936 section 2.4 has it", http.StatusBadRequest)
		return
	}
	p.settle(r.Context(), q)
	most := maxTokens
	if q.MaxEvents != nil {
		most = min(most, *q.MaxEvents)
	}
	sets, more, err := p.next(r.Context(), most, q.ReturnImmediately || most == 0)
	if err != nil {
		p.Logger.ErrorContext(r.Context(), "security event tokens could not be made", slog.String("error", err.Error()))
		http.Error(w, "the events can't be read now", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]any{"sets": sets, "moreAvailable": more})
}

// settle forgets what was acknowledged, and what the receiver can't use, which the log tells.
func (p *Poller) settle(ctx context.Context, q poll) {
	done := make(map[string]bool, len(q.Ack)+len(q.SetErrs))
	for _, jti := range q.Ack {
		done[jti] = true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	left := p.offered[:0:0]
	for _, o := range p.offered {
		if e, failed := q.SetErrs[o.jti]; failed {
			p.Logger.WarnContext(ctx, "a receiver refused a security event token", slog.String("tenant", p.Tenant), slog.String("event", o.jti), slog.String("err", e.Err))
		} else if !done[o.jti] {
			left = append(left, o)
		}
	}
	p.offered = left
}

// next returns the tokens that are not acknowledged yet, the oldest first. It waits for the first one, unless atOnce is set.
func (p *Poller) next(ctx context.Context, most int, atOnce bool) (sets map[string]string, more bool, err error) {
	end := time.Now().Add(patience)
	for {
		changed := p.service.Changed()
		sets, more, err = p.waiting(ctx, most)
		if err != nil || len(sets) > 0 || atOnce || !time.Now().Before(end) {
			return sets, more, err
		}
		pause := time.NewTimer(look)
		select {
		case <-ctx.Done():
			return sets, false, ctx.Err()
		case <-changed:
		case <-pause.C:
		}
		pause.Stop()
	}
}

// waiting reads on in the feed until there are enough tokens, or no more events.
func (p *Poller) waiting(ctx context.Context, most int) (sets map[string]string, more bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for more = true; more && len(p.offered) <= most; {
		page, err := p.service.Feed(ctx, store.FeedQuery{After: p.after, Tenant: p.Tenant, Max: maxTokens})
		if err != nil {
			return nil, false, err
		}
		for _, d := range page.Events {
			e, err := lifecycle.EventOf(d.Event)
			if err != nil {
				return nil, false, err
			}
			if claims, ok := p.Claims.Event(e); ok {
				p.offered = append(p.offered, offered{e.ID, p.sign(claims)})
			}
		}
		p.after, more = page.Next, page.More
	}
	sets = make(map[string]string)
	for _, o := range p.offered[:min(most, len(p.offered))] {
		sets[o.jti] = o.token
	}
	return sets, len(p.offered) > most, nil
}

// sign makes a token of claims: a JWS in compact form (RFC 7515), of the type that RFC 8417 section 2.3 has.
func (p *Poller) sign(claims []byte) string {
	header, _ := json.Marshal(map[string]string{"typ": "secevent+jwt", "alg": "EdDSA", "kid": p.KeyID}) // never fails
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(p.Key, []byte(text)))
}
