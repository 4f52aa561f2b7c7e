package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// refusalsListed is how many refusals of a connection the journal lists in a minute, so that a client which repeats a wrong
// request can't fill the disk.
const (
	refusalsListed = 100
	refusalsWindow = time.Minute
)

// refusals counts the refusals of each connection, in windows of a minute that begin with a refusal.
type refusals struct {
	mu      sync.Mutex
	windows map[[2]string]*window // by tenant and connection
}

// window is a minute of a connection.
type window struct {
	began  time.Time
	listed int
	full   bool      // another process has used up what may be listed
	more   int       // how many were refused and not listed
	last   time.Time // of those
}

// unlisted is how many refusals of a connection the journal doesn't list.
type unlisted struct {
	tenant, connection string
	window             window
}

// list says whether one more refusal may be listed. It returns what the window before has left to say, once that has ended.
func (l *refusals) list(r *Request, at time.Time) (ok bool, before *unlisted) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.windows == nil {
		l.windows = make(map[[2]string]*window)
	}
	key := [2]string{r.Tenant, r.Connection.ID}
	w := l.windows[key]
	if w != nil && at.Sub(w.began) >= refusalsWindow {
		if w.more > 0 {
			before = &unlisted{key[0], key[1], *w}
		}
		w = nil
	}
	if w == nil {
		w = &window{began: at}
		l.windows[key] = w
	}
	if w.full || w.listed >= refusalsListed {
		w.more++
		w.last = at
		return false, before
	}
	w.listed++
	return true, before
}

// fill notes that the store has counted as many refusals of a connection as may be listed: other processes list some, too.
func (l *refusals) fill(r *Request, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.windows[[2]string{r.Tenant, r.Connection.ID}]; w != nil {
		w.full, w.last = true, at
		w.more++
	}
}

// ended takes out the windows that have ended, and returns those with something to say.
func (l *refusals) ended(at time.Time) (list []*unlisted) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, w := range l.windows {
		if at.Sub(w.began) < refusalsWindow {
			continue
		}
		if w.more > 0 {
			list = append(list, &unlisted{key[0], key[1], *w})
		}
		delete(l.windows, key)
	}
	return list
}

// commitRefusal writes the entry of a refusal, and tells of it. A refused sign-in writes nothing unless somebody is to be
// told: anybody may try to sign in, as often as they like. If nothing can be written the refusal holds all the same.
func (s *Service) commitRefusal(ctx context.Context, r *Request, d *Decision) {
	if r.DryRun || len(d.events) == 0 && r.By == SourceSSO {
		return
	}
	at := time.Now()
	listed, before := s.refusals.list(r, at)
	r.journalled = true
	if before != nil {
		s.summarize(ctx, before)
	}
	change, events := d.Change, d.events
	if r.inShadow() { // nobody is told of what would be refused
		change.Events, change.Claims, events = nil, nil, nil
		s.noteRefusal(ctx, r, d)
	}
	counter := "journal.refused." + r.Connection.ID
	if listed {
		// The limit holds for all processes together, so the store counts.
		change.Claims = append(slices.Clone(change.Claims), store.Claim{Counter: counter, Take: 1, Limit: refusalsListed, Window: refusalsWindow,
			At: at.UTC().Truncate(time.Microsecond)})
	} else {
		change.Journal = nil
	}
	var err error
	for len(change.Journal)+len(change.Events) > 0 {
		err = s.base.Commit(ctx, &change)
		full := (*store.ClaimError)(nil)
		if !errors.As(err, &full) {
			break
		}
		if full.Counter == counter {
			s.refusals.fill(r, at)
			change.Journal = nil
		} else { // somebody else has told of it in the same window
			change.Events, events = nil, nil
		}
		change.Claims = slices.DeleteFunc(change.Claims, func(c store.Claim) bool { return (c.Counter == counter) == (full.Counter == counter) })
		err = nil
	}
	if err != nil {
		s.opts.Logger.ErrorContext(ctx, "a refusal could not be written to the journal", slog.String("tenant", r.Tenant),
			slog.String("request", r.ID), slog.String("error", err.Error()))
		return
	}
	s.deliver(ctx, events)
}

// Refuse writes down that a request was refused for a reason that was found before there was a draft, such as a body that can't be
// read. Package scim calls it. err is what the client is told, and may be a *Refusal. The same limit holds as for all refusals.
func (s *Service) Refuse(ctx context.Context, r *Request, err error) {
	if r.journalled {
		return
	}
	_ = s.settle(ctx, r) // without settings neither body nor values are kept
	d := s.refuse(r, r.Subject, err)
	s.commitRefusal(ctx, r, d)
}

// Trace writes down a request that only read, for a connection whose trace is switched on. At most 100 a minute are listed.
func (s *Service) Trace(ctx context.Context, r *Request, status int) {
	if listed, _ := s.traces.list(r, time.Now()); !listed {
		return
	}
	r.Status = func(*Request, *Decision) int { return status }
	d := &Decision{Outcome: Unchanged, Change: store.Change{Tenant: r.Tenant}}
	subject := r.Subject
	subject.Tenant = r.Tenant
	s.record(r, d, subject)
	if err := s.base.Commit(ctx, &d.Change); err != nil {
		s.opts.Logger.WarnContext(ctx, "a traced request could not be written to the journal", slog.String("tenant", r.Tenant), slog.String("error", err.Error()))
	}
}

// SummarizeRefusals writes, for each connection whose minute has ended, one entry that says how many refusals are not listed.
// Run does so every second; a product that doesn't call Run gets the entry with the next refusal.
func (s *Service) SummarizeRefusals(ctx context.Context) {
	s.traces.ended(time.Now())
	for _, u := range s.refusals.ended(time.Now()) {
		s.summarize(ctx, u)
	}
}

func (s *Service) summarize(ctx context.Context, u *unlisted) {
	r := &Request{Tenant: u.tenant, By: SourceSCIM, Connection: Connection{ID: u.connection}, Action: "refusals"}
	many := "%d more requests of this connection were"
	if u.window.more == 1 {
		many = "%d more request of this connection was"
	}
	d := s.refuse(r, store.Key{}, &Refusal{Detail: fmt.Sprintf(many+" refused until %s, and not listed: the journal lists %d in a minute",
		u.window.more, u.window.last.UTC().Format(time.RFC3339), refusalsListed)})
	if err := s.base.Commit(ctx, &d.Change); err != nil {
		s.opts.Logger.ErrorContext(ctx, "a count of refusals could not be written to the journal", slog.String("tenant", r.Tenant),
			slog.String("error", err.Error()))
	}
}

// summaries calls SummarizeRefusals until ctx ends, and once more then.
func (s *Service) summaries(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.SummarizeRefusals(ctx)
		}
	}
}
