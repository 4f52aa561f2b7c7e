// Package connection keeps the connections of tenants' identity providers and their credentials: it issues, rotates and revokes
// them, authenticates requests by them, and says how each connection is doing. A [Service] is a scim.Authenticator:
//
//	connections, err := connection.New(store, nil)
//	h, err := scim.NewHandler(store, &scim.Options{Auth: connections})
//	go connections.Run(ctx)
//
// Connections and credentials are resources of internal types in the tenant that they belong to. Of secrets only a SHA-256 is
// kept. How a token leads to its tenant is in lookup.go, and how a revocation holds in all processes in hold.go.
package connection

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
)

// Options configure a Service. The zero Options are sensible.
type Options struct {
	// Prefix begins every token, so that people see whose it is: letters and digits. Default rollcall.
	Prefix string

	// Hold is how long a process may go by what it remembers of credentials. A revocation, a pause and a switching off take that
	// long. It must be the same in all processes. Default 1 s.
	Hold time.Duration

	// Fallback authenticates requests whose token is none of the Service's, such as scim.BearerTokens. nil: they are refused.
	Fallback scim.Authenticator

	// Keys seal the access tokens of OAuth clients. They must be the same in all processes. nil: a ring that the Service keeps
	// in the store, with a new key every day.
	Keys lifecycle.Sealer

	// TokenLifetime is how long an access token is good: 1 to 6 hours. Default 1 hour.
	TokenLifetime time.Duration

	// Federation checks the assertions of federated clients; package federation has one. nil: there are none.
	Federation AssertionVerifier

	// Logger gets what an operator must know. The default discards it.
	Logger *slog.Logger
}

// Service keeps connections. It is safe for concurrent use, and any number of processes may work on one store.
type Service struct {
	store     store.Store
	opts      Options
	lifecycle atomic.Pointer[lifecycle.Service]
	hold      *hold
	running   atomic.Int32
	stats     stats
	limiter   failures
	ring      ring
}

var (
	_ scim.Authenticator            = (*Service)(nil)
	_ scim.Observer                 = (*Service)(nil)
	_ lifecycle.ConnectionDirectory = (*Service)(nil)
)

// New makes a Service on the store that the handler works on. It returns an error if an option is wrong.
func New(s store.Store, o *Options) (*Service, error) {
	if s == nil {
		return nil, errors.New("connection: New needs a store")
	}
	c := &Service{store: s, hold: newHold()}
	if o != nil {
		c.opts = *o
	}
	if c.opts.Prefix == "" {
		c.opts.Prefix = "rollcall"
	}
	if c.opts.Hold == 0 {
		c.opts.Hold = time.Second
	}
	if c.opts.TokenLifetime == 0 {
		c.opts.TokenLifetime = time.Hour
	}
	if c.opts.Logger == nil {
		c.opts.Logger = slog.New(slog.DiscardHandler)
	}
	if f, ok := c.opts.Fallback.(scim.BearerTokens); ok {
		hashed, err := f.Hashed()
		if err != nil {
			return nil, err
		}
		c.opts.Fallback = hashed
	}
	switch {
	case !isBase62(c.opts.Prefix) || len(c.opts.Prefix) > 20:
		return nil, errors.New("connection: Options.Prefix: want 1 to 20 letters and digits")
	case c.opts.Hold < 10*time.Millisecond || c.opts.Hold > 10*time.Second:
		return nil, errors.New("connection: Options.Hold: want 10 ms to 10 s")
	case c.opts.TokenLifetime < time.Hour || c.opts.TokenLifetime > 6*time.Hour:
		return nil, errors.New("connection: Options.TokenLifetime: want 1 to 6 hours")
	}
	return c, nil
}

// Attach gives the Service the lifecycle whose journal and events it writes. scim.NewHandler calls it.
func (s *Service) Attach(l *lifecycle.Service) { s.lifecycle.Store(l) }

// Run keeps what the process remembers good, so that no request has to wait for the store, writes down what connections did, and
// tells the product of credentials that expire soon. It ends when ctx does, and returns nil. Without Run, requests do the first
// two of these by the way, and nobody is told of an expiry.
func (s *Service) Run(ctx context.Context) error {
	s.running.Add(1)
	defer s.running.Add(-1)
	var work sync.WaitGroup
	work.Go(func() {
		every(ctx, s.opts.Hold/4, func() {
			if at := s.hold.used.Load(); at == nil || time.Since(*at) > time.Minute {
				return
			}
			select {
			case s.hold.turn <- struct{}{}:
				if err := s.readRoll(ctx); err != nil && ctx.Err() == nil {
					s.opts.Logger.DebugContext(ctx, "the roll of changes could not be read", slog.String("error", err.Error()))
				}
				<-s.hold.turn
			default:
			}
		})
	})
	work.Go(func() { every(ctx, flushEvery, func() { s.flush(ctx) }) })
	work.Go(func() { every(ctx, time.Minute, func() { s.warnOfExpiry(ctx) }) })
	work.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	s.flush(last)
	return nil
}

// every does something again and again until ctx ends.
func every(ctx context.Context, d time.Duration, do func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}
