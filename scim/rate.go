package scim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// RateLimiter says how many requests a caller may make. [NewRateLimiter] makes one for a single process; one that several
// processes share is the product's, on whatever they share. It must be safe for concurrent use.
type RateLimiter interface {
	// Limit takes one request of the caller. It returns 0 if the request may go on, and otherwise how long the caller should wait.
	// It is called in each request, with its context, and concurrently. If it returns an error the answer is 500.
	Limit(ctx context.Context, p Principal) (wait time.Duration, err error)
}

// Rate bounds requests: how many a second there may be on average, and how many at once.
type Rate struct {
	PerSecond float64 // 0: no limit
	Burst     int     // how many at once; 0: twice PerSecond, and at least 1
}

// CallerLimits are those of one connection. Its rate is counted by each process for itself; beyond it comes 429.
type CallerLimits struct {
	Rate Rate
	Body int64 // bytes of a request's body; beyond it 413; 0: no more than Options.Limits say
}

func (r Rate) check(name string) error {
	if r.PerSecond < 0 || math.IsNaN(r.PerSecond) || math.IsInf(r.PerSecond, 0) || r.Burst < 0 || r.PerSecond == 0 && r.Burst > 0 {
		return fmt.Errorf("scim: NewRateLimiter: %s: want a positive number of requests a second, or none at all, got %v and a burst of %d", name, r.PerSecond, r.Burst)
	}
	return nil
}

// NewRateLimiter makes a RateLimiter in this process's memory: so many requests of a tenant, and so many of each of its
// connections. Microsoft asks for at least 25 requests a second of a tenant.
func NewRateLimiter(tenant, connection Rate) (RateLimiter, error) {
	if err := errors.Join(tenant.check("tenant"), connection.check("connection")); err != nil {
		return nil, err
	}
	if tenant.PerSecond == 0 && connection.PerSecond == 0 {
		return nil, errors.New("scim: NewRateLimiter: neither tenants nor connections have a limit: leave Options.RateLimit out")
	}
	return &rateLimiter{rates: [2]Rate{tenant, connection}, known: make(map[limited]*rate.Limiter)}, nil
}

// limited is who has a limit: a tenant, or one of its connections.
type limited struct {
	tenant, connection string
	isConnection       bool
}

type rateLimiter struct {
	rates [2]Rate // of a tenant, of a connection
	mu    sync.Mutex
	known map[limited]*rate.Limiter
}

// mostLimiters is how many are remembered before those that have nothing to remember are thrown away.
const mostLimiters = 10_000

// Limit implements RateLimiter. A request that is refused takes nothing.
func (l *rateLimiter) Limit(_ context.Context, p Principal) (wait time.Duration, err error) {
	now := time.Now()
	var taken []*rate.Reservation
	for i, who := range [...]limited{{tenant: p.Tenant}, {p.Tenant, p.Connection, true}} {
		if l.rates[i].PerSecond == 0 {
			continue
		}
		r := l.limiter(who, l.rates[i], now).ReserveN(now, 1)
		taken = append(taken, r)
		wait = max(wait, r.DelayFrom(now))
	}
	if wait > 0 {
		for _, r := range taken {
			r.CancelAt(now)
		}
	}
	return wait, nil
}

func (l *rateLimiter) limiter(who limited, r Rate, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.known[who]; ok && known.Limit() == rate.Limit(r.PerSecond) && known.Burst() == r.burst() {
		return known // unless its limit was changed since
	}
	if len(l.known) >= mostLimiters {
		for key, known := range l.known {
			if known.TokensAt(now) >= float64(known.Burst()) {
				delete(l.known, key)
			}
		}
	}
	l.known[who] = rate.NewLimiter(rate.Limit(r.PerSecond), r.burst())
	return l.known[who]
}

func (r Rate) burst() int {
	if r.Burst > 0 {
		return r.Burst
	}
	return max(1, int(2*r.PerSecond))
}

// limit takes one request of a connection that has a rate of its own.
func (l *rateLimiter) limit(p *Principal) (wait time.Duration) {
	now := time.Now()
	taken := l.limiter(limited{p.Tenant, p.Connection, true}, p.Limits.Rate, now).ReserveN(now, 1)
	if wait = taken.DelayFrom(now); wait > 0 {
		taken.CancelAt(now)
	}
	return wait
}

// limitRate asks whether the caller may make one more request, by the limits of its connection and by Options.RateLimit.
func (x *exchange) limitRate() error {
	if x.who.Limits.Rate.PerSecond > 0 {
		if wait := x.h.callers.limit(&x.who); wait > 0 {
			return tooMany("this connection", wait)
		}
	}
	if x.h.opts.RateLimit == nil {
		return nil
	}
	wait, err := x.h.opts.RateLimit.Limit(x.ctx, x.who)
	if err != nil || wait <= 0 {
		return err
	}
	return tooMany("this organization", wait)
}

func tooMany(who string, wait time.Duration) error {
	seconds := max(1, int(min(math.Ceil(wait.Seconds()), 3600)))
	return &Error{Status: http.StatusTooManyRequests, RetryAfter: seconds,
		Detail: fmt.Sprintf("%s makes more requests than it may; try again after %d s", who, seconds)}
}
