package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// refusalsListed is how many refusals of a connection the journal lists in a minute, so that a client which repeats a wrong
// request can't fill the disk. The minutes are those of the clock, so that all processes count in the same ones.
const (
	refusalsListed = 100
	refusalsWindow = time.Minute
	refusalsGrace  = 5 * time.Second // after a minute, for all processes to say what they have not listed
)

// These counters of the store are followed by the id of a connection.
const (
	listedCounter   = "journal.refused."   // refusals listed in this minute
	unlistedCounter = "journal.unlisted."  // refusals ever that were not listed, by what the processes have said
	summedCounter   = "journal.summed."    // as many of those as entries have told of
	summaryCounter  = "journal.summaries." // entries in this minute that tell of them
)

// refusals counts the refusals of each connection in one process.
type refusals struct {
	summing     sync.Mutex // is held while the store is told
	mu          sync.Mutex
	connections map[connectionKey]*refused
}

type connectionKey struct{ tenant, connection string }

// refused is what a process knows of the refusals of a connection.
type refused struct {
	minute time.Time // in which listed, full and more count
	listed int
	full   bool      // all processes together have used up what may be listed
	more   int       // not listed
	owed   int       // not listed in the minutes before; the store doesn't know of them yet
	sum    time.Time // when to look what all processes have not listed; zero: there is nothing to look for
}

// at begins another minute if the one before has ended.
func (w *refused) at(now time.Time) {
	minute := now.UTC().Truncate(refusalsWindow)
	if minute.Equal(w.minute) {
		return
	}
	if w.listed+w.more > 0 {
		w.sum = w.minute.Add(refusalsWindow + refusalsGrace)
	}
	*w = refused{minute: minute, owed: w.owed + w.more, sum: w.sum}
}

// of calls f with what is known of a connection, and forgets it if nothing is left to know.
func (l *refusals) of(k connectionKey, now time.Time, f func(w *refused)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.connections[k]
	if w == nil {
		w = new(refused)
	}
	w.at(now)
	f(w)
	if *w == (refused{minute: w.minute}) {
		delete(l.connections, k)
		return
	}
	if l.connections == nil {
		l.connections = make(map[connectionKey]*refused)
	}
	l.connections[k] = w
}

// list says whether one more refusal may be listed.
func (l *refusals) list(k connectionKey, now time.Time) (ok bool) {
	l.of(k, now, func(w *refused) {
		if ok = !w.full && w.listed < refusalsListed; ok {
			w.listed++
		} else {
			w.more++
		}
	})
	return ok
}

// fill notes that the store has counted as many refusals of a connection as may be listed: other processes list some, too.
func (l *refusals) fill(k connectionKey, now time.Time) {
	l.of(k, now, func(w *refused) {
		w.full = true
		w.more++
	})
}

// known are the connections of which something is known.
func (l *refusals) known() []connectionKey {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.connections))
}

// forget leaves nothing to say of a tenant.
func (l *refusals) forget(tenant string) {
	l.summing.Lock() // what is being told is told before it returns
	defer l.summing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.connections, func(k connectionKey, _ *refused) bool { return k.tenant == tenant })
}

// commitRefusal writes the entry of a refusal, and tells of it. A refused sign-in writes nothing unless somebody is to be
// told: anybody may try to sign in, as often as they like. If nothing can be written the refusal holds all the same.
func (s *Service) commitRefusal(ctx context.Context, r *Request, d *Decision) {
	if r.DryRun || len(d.events) == 0 && r.By == SourceSSO {
		return
	}
	at, from := time.Now(), connectionKey{r.Tenant, r.Connection.ID}
	if s.delivery.running.Load() == 0 {
		s.sumUp(ctx, from, at)
	}
	listed := s.refusals.list(from, at)
	r.journalled = true
	change, events := d.Change, d.events
	if r.inShadow() { // nobody is told of what would be refused
		change.Events, change.Claims, events = nil, nil, nil
		s.noteRefusal(ctx, r, d)
	}
	counter := listedCounter + r.Connection.ID
	if listed {
		// The limit holds for all processes together, so the store counts.
		change.Claims = append(slices.Clone(change.Claims), store.Claim{Counter: counter, Take: 1, Limit: refusalsListed, Window: refusalsWindow,
			At: at.UTC().Truncate(refusalsWindow)})
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
			s.refusals.fill(from, at)
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
	if !s.traces.list(connectionKey{r.Tenant, r.Connection.ID}, time.Now()) {
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

// SummarizeRefusals has the journal say, in one entry for each connection and minute, how many refusals of all processes it doesn't
// list. It tells the store what this process has not listed in minutes that have ended, and writes the entry 5 seconds after the
// minute, unless another process has. Run calls it every second; a product that doesn't call Run gets the entry with the next
// refusal. What the store is told later is in the entry of a minute after. A process that dies takes with it what it hasn't told
// the store, which is what it refused in its last minute.
func (s *Service) SummarizeRefusals(ctx context.Context) {
	now := time.Now()
	for _, k := range s.traces.known() {
		s.traces.of(k, now, func(w *refused) { w.owed, w.sum = 0, time.Time{} }) // nobody counts those
	}
	for _, k := range s.refusals.known() {
		s.sumUp(ctx, k, now)
	}
}

// sumUp is SummarizeRefusals for one connection. What is due is left for later if it is being done, or if the store is away.
func (s *Service) sumUp(ctx context.Context, k connectionKey, now time.Time) {
	if !s.refusals.summing.TryLock() {
		return
	}
	defer s.refusals.summing.Unlock()
	owed, due := 0, false
	s.refusals.of(k, now, func(w *refused) {
		owed, due = w.owed, !w.sum.IsZero() && !now.Before(w.sum)
	})
	var err error
	if owed > 0 {
		err = s.owe(ctx, k, owed, now)
	}
	if due && err == nil {
		err = s.summarize(ctx, k, now)
		s.refusals.of(k, now, func(w *refused) {
			w.sum = time.Time{}
			if err != nil {
				w.sum = w.minute.Add(refusalsWindow + refusalsGrace)
			}
		})
	}
	if err != nil && !errors.As(err, new(*store.ClaimError)) {
		s.complain(ctx, "a count of refusals could not be written to the journal yet", "", err)
	}
}

// owe tells the store how many refusals this process has not listed. A store that can't be asked for its counters keeps an entry of
// each process instead.
func (s *Service) owe(ctx context.Context, k connectionKey, n int, now time.Time) error {
	change := store.Change{Tenant: k.tenant, Claims: []store.Claim{{Counter: unlistedCounter + k.connection, Take: n, Limit: -1}}}
	if _, counts := store.As[store.CounterReader](s.base); !counts {
		change = s.unlisted(k, n, now).Change
	}
	if err := s.base.Commit(ctx, &change); err != nil {
		return err
	}
	s.refusals.of(k, now, func(w *refused) { w.owed -= n })
	return nil
}

// summarize writes the entry that tells of all refusals which the store knows of and no entry has told of. A *ClaimError says that
// another process was faster, or has written an entry in this minute.
func (s *Service) summarize(ctx context.Context, k connectionKey, now time.Time) error {
	counter, ok := store.As[store.CounterReader](s.base)
	if !ok {
		return nil
	}
	counts, err := counter.Counters(ctx, k.tenant, unlistedCounter+k.connection, summedCounter+k.connection)
	if err != nil {
		return err
	}
	all, more := counts[0].Count, counts[0].Count-counts[1].Count
	if more <= 0 {
		return nil
	}
	d := s.unlisted(k, more, now)
	d.Change.Claims = []store.Claim{
		{Counter: summedCounter + k.connection, Take: more, Limit: all}, // so that no two entries tell of the same refusals
		{Counter: summaryCounter + k.connection, Take: 1, Limit: 1, Window: refusalsWindow, At: now.UTC().Truncate(refusalsWindow)},
	}
	return s.base.Commit(ctx, &d.Change)
}

// unlisted is the entry that tells of refusals which are not listed.
func (s *Service) unlisted(k connectionKey, n int, now time.Time) *Decision {
	many := "%d more requests of this connection were"
	if n == 1 {
		many = "%d more request of this connection was"
	}
	r := &Request{Tenant: k.tenant, By: SourceSCIM, Connection: Connection{ID: k.connection}, Action: "refusals"}
	return s.refuse(r, store.Key{}, &Refusal{Detail: fmt.Sprintf(many+" refused until %s, and not listed: the journal lists %d in a minute",
		n, now.UTC().Truncate(refusalsWindow).Format(time.RFC3339), refusalsListed)})
}

// summaries calls SummarizeRefusals until ctx ends. Then it tells the store what is left, for the entry that another process writes,
// or this one when it runs again and the connection is refused something.
func (s *Service) summaries(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.oweAll(ctx)
			return
		case <-tick.C:
			s.SummarizeRefusals(ctx)
		}
	}
}

// oweAll tells the store of all that is not listed, also of the minute that hasn't ended.
func (s *Service) oweAll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opts.Delivery.Stop)
	defer cancel()
	s.refusals.summing.Lock()
	defer s.refusals.summing.Unlock()
	now := time.Now()
	for _, k := range s.refusals.known() {
		owed := 0
		s.refusals.of(k, now, func(w *refused) {
			w.owed, w.more = w.owed+w.more, 0
			owed = w.owed
		})
		if owed == 0 {
			continue
		}
		if err := s.owe(ctx, k, owed, now); err != nil {
			s.opts.Logger.ErrorContext(ctx, "a count of refusals is lost: it could not be written to the journal before the process ended",
				slog.String("tenant", k.tenant), slog.Int("refusals", owed), slog.String("error", err.Error()))
			return
		}
	}
}
