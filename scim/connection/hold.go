package connection

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// Every process remembers the credentials that it has seen, so that a request costs no look-up. What it remembers counts only
// while it knows that nothing was revoked: one record of the library's own, the roll of changes, has a number that grows with
// each revocation. A process must have read that record within the last Options.Hold, and a read counts from when it began.
// So who revokes a credential
//
//  1. commits that it is revoked,
//  2. commits the next number of the roll,
//  3. waits for a little more than Hold.
//
// Then each process has either read the new number, and with it the credential anew, or has not read anything for longer than
// Hold, because it stood still or has lost the database, and accepts nobody. Clocks of different machines are never compared:
// both times are measured by each process's own monotonic clock, and the little more is for clocks that go at different speeds.
//
// If a process dies between the first two steps the call has failed, and the others notice the revocation after entryAge.

const (
	rollType = "rollcall.Roll"
	// recentChanges is how many changes the roll lists. A process that missed more reads everything anew.
	recentChanges = 50
	// entryAge is how long a credential is remembered at most, whatever the roll says.
	entryAge = 30 * time.Second
)

func rollKey() store.Key { return store.Key{Tenant: libraryTenant, Type: rollType, ID: "roll"} }

// roll is what the record says.
type roll struct {
	N      int64    `json:"n"`
	Recent []string `json:"recent"` // hashes of the tenants of the last changes, newest first
}

func tenantHash(tenant string) string {
	sum := sha256.Sum256([]byte("tenant\x00" + tenant))
	return hex.EncodeToString(sum[:12])
}

// hold is what a process knows of the roll.
type hold struct {
	turn      chan struct{} // who has it may read the roll
	confirmed atomic.Pointer[time.Time]
	used      atomic.Pointer[time.Time] // when somebody asked last, within some seconds
	mu        sync.RWMutex
	n         int64
	entries   map[[32]byte]*entry
	changes   int64 // how often n was seen to change
}

func newHold() *hold {
	return &hold{turn: make(chan struct{}, 1), entries: make(map[[32]byte]*entry), n: -1}
}

// age is how long ago the roll was read. It goes by the clock that shows more: the monotonic one stops while a machine sleeps, and
// the other one can be set back.
func age(since, now time.Time) time.Duration {
	return max(now.Sub(since), now.Round(0).Sub(since.Round(0)))
}

// fresh says whether the process's knowledge still counts, and whether it should be renewed.
func (s *Service) fresh(now time.Time) (counts, renew bool) {
	at := s.hold.confirmed.Load()
	if at == nil {
		return false, true
	}
	old := age(*at, now)
	return old < s.opts.Hold, old > s.opts.Hold/2
}

// confirm makes sure that what the process remembers counts. Mostly it does already, which costs nothing. The first request that
// finds the knowledge half as old as it may be reads the roll; the others go on.
func (s *Service) confirm(ctx context.Context, now time.Time) error {
	counts, renew := s.fresh(now)
	if !renew || counts && s.running.Load() > 0 {
		return nil
	}
	if counts {
		select {
		case s.hold.turn <- struct{}{}:
		default:
			return nil
		}
	} else {
		select {
		case s.hold.turn <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", store.ErrUnavailable, ctx.Err())
		}
		if counts, _ := s.fresh(time.Now()); counts { // somebody else was faster
			<-s.hold.turn
			return nil
		}
	}
	defer func() { <-s.hold.turn }()
	err := s.readRoll(ctx)
	if err != nil && counts {
		return nil // there is time for another try
	}
	return err
}

// readRoll reads the roll, and forgets what was changed since. The caller has the turn.
func (s *Service) readRoll(ctx context.Context) error {
	began := time.Now()
	now, _, err := s.getRoll(ctx)
	if err != nil {
		return err
	}
	h := s.hold
	h.mu.Lock()
	if now.N != h.n {
		missed := now.N - h.n
		if h.n < 0 || missed < 0 || missed > int64(len(now.Recent)) {
			clear(h.entries)
		} else {
			gone := now.Recent[:missed]
			for sum, e := range h.entries {
				if slices.Contains(gone, e.tenantHash) {
					delete(h.entries, sum)
				}
			}
		}
		h.n = now.N
		h.changes++
	}
	h.mu.Unlock()
	h.confirmed.Store(&began)
	return nil
}

func (s *Service) getRoll(ctx context.Context) (roll, *store.Resource, error) {
	r, err := s.store.Get(ctx, rollKey())
	if errors.Is(err, store.ErrNotFound) {
		return roll{}, nil, nil
	}
	if err != nil {
		return roll{}, nil, err
	}
	var x roll
	if err := read(r, &x); err != nil {
		return roll{}, nil, err
	}
	return x, r, nil
}

// patience is how long a revocation may take.
const patience = 30 * time.Second

// everywhere returns when no process goes by what was before any more. It must be called after the change is committed. If that
// can't be made certain it returns ErrUncertain.
func (s *Service) everywhere(ctx context.Context, tenant string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := again(ctx, func() error {
		x, old, err := s.getRoll(ctx)
		if err != nil {
			return err
		}
		x.N++
		x.Recent = append([]string{tenantHash(tenant)}, x.Recent[:min(len(x.Recent), recentChanges-1)]...)
		text, err := json.Marshal(x)
		if err != nil {
			return err
		}
		r := &store.Resource{Key: rollKey(), Version: newID(), Created: now(), LastModified: now(), Internal: documentOf(json.RawMessage(text))}
		put := store.Put{Resource: r}
		if old != nil {
			put.IfVersion, put.Was, r.Created = old.Version, old, old.Created
		}
		return s.store.Commit(ctx, &store.Change{Tenant: libraryTenant, Put: []store.Put{put}})
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUncertain, err)
	}
	s.forget(tenant)
	timer := time.NewTimer(s.opts.Hold + s.opts.Hold/8)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUncertain, ctx.Err())
	}
}

// forget makes this process read everything of a tenant anew.
func (s *Service) forget(tenant string) {
	hash := tenantHash(tenant)
	s.hold.mu.Lock()
	defer s.hold.mu.Unlock()
	s.hold.changes++
	for sum, e := range s.hold.entries {
		if e.tenantHash == hash {
			delete(s.hold.entries, sum)
		}
	}
}
