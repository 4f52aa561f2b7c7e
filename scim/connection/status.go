package connection

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
)

// State is where a connection stands.
type State string

// The states.
const (
	NotSetUp       State = "notSetUp"       // it has no credential that is good
	WaitingForTest State = "waitingForTest" // nobody has used one
	TestReceived   State = "testReceived"   // the identity provider has asked, and nobody has come who stayed: some create and delete somebody as their test
	FirstPerson    State = "firstPerson"    // one person has come
	Syncing        State = "syncing"        // more have
	Attention      State = "attention"      // the last thing that it wanted to write was refused, or its last credential expires within 3 days
	Paused         State = "paused"
	Off            State = "off"
)

// Status is how a connection is doing. It is at most about 5 s old.
type Status struct {
	State         State     `json:"state"`
	People        bool      `json:"-"` // somebody has come by it, and stayed
	LastRequest   time.Time `json:"-"`
	LastSuccess   time.Time `json:"-"`
	LastError     *Problem  `json:"lastError"`
	Counts        Counts    `json:"counts"`
	ExpiresInDays *int      `json:"expiresInDays"` // to the first expiry of a credential that is good; nil: none expires
	Hours         []Bar     `json:"-"`             // of the last day, without those in which nothing was asked, the oldest first
	Days          []Bar     `json:"-"`             // of the last week, likewise
}

// Bar is how many requests had which outcome in an hour or a day (UTC).
type Bar struct {
	From   time.Time
	Counts map[string]int
}

// Problem is the last request that was refused.
type Problem struct {
	Time        time.Time `json:"time"`
	Status      int       `json:"status"`
	Detail      string    `json:"detail"`
	Explanation string    `json:"explanation"`
}

// Counts are how many requests had which outcome. Requests that only read are counted under "read".
type Counts struct {
	Hour map[string]int `json:"hour"`
	Day  map[string]int `json:"day"`
	Week map[string]int `json:"week"`
}

// statusRecord is what is kept of a connection, as Resource.Internal.
type statusRecord struct {
	LastRequest time.Time            `json:"lastRequest,omitzero"`
	LastSuccess time.Time            `json:"lastSuccess,omitzero"`
	LastRefused time.Time            `json:"lastRefused,omitzero"` // a write
	LastWritten time.Time            `json:"lastWritten,omitzero"`
	LastError   *Problem             `json:"lastError"`
	Erased      time.Time            `json:"erased,omitzero"` // errors before it are forgotten
	People      int                  `json:"people"`          // who have come and stayed: 0, 1, or many for ever; what is pending may be less or more
	Recognised  Provider             `json:"recognised"`
	Minutes     []bucket             `json:"minutes"` // of the last hour
	Hours       []bucket             `json:"hours"`   // of the last day
	Days        []bucket             `json:"days"`    // of the last week
	Used        map[string]time.Time `json:"used"`    // when each credential was used

	agent string // the User-Agent that told nothing of the provider last
}

// bucket are the counts of a minute, hour or day, by its number since 1970.
type bucket struct {
	At     int64          `json:"t"`
	Counts map[string]int `json:"c"`
}

// many is when it is not counted any more how many people have come.
const many = 2

const (
	statusType = "rollcall.Status"
	flushEvery = 2 * time.Second
	usedEvery  = 5 * time.Minute // how often the use of a credential is written
)

// stats are what connections did since it was last written down.
type stats struct {
	mu      sync.Mutex
	pending map[statKey]*statusRecord
	used    map[string]time.Time // by credential: what was written down last
	flushed time.Time
	turn    sync.Mutex
}

type statKey struct{ tenant, connection string }

// use notes that a token was shown.
func (s *Service) use(e *entry, now time.Time) {
	if at := s.hold.used.Load(); at == nil || now.Sub(*at) > time.Second {
		s.hold.used.Store(&now)
	}
	if unix := now.Unix(); e.refused == nil && unix-e.noted.Load() >= int64(usedEvery/time.Second) {
		e.noted.Store(unix)
		s.noteUse(e.principal.Tenant, e.principal.Connection, e.principal.Credential, now)
	}
}

func (s *Service) noteUse(tenant, connection, credential string, now time.Time) {
	st := &s.stats
	st.mu.Lock()
	defer st.mu.Unlock()
	if now.Sub(st.used[credential]) < usedEvery {
		return
	}
	if st.used == nil || len(st.used) > mostEntries {
		st.used = make(map[string]time.Time)
	}
	st.used[credential] = now
	d := st.of(statKey{tenant, connection})
	if d.Used == nil {
		d.Used = make(map[string]time.Time)
	}
	d.Used[credential] = now.UTC().Truncate(time.Microsecond)
}

// of is what is pending of a connection. The caller holds the lock.
func (st *stats) of(k statKey) *statusRecord {
	if st.pending == nil {
		st.pending = make(map[statKey]*statusRecord)
	}
	d := st.pending[k]
	if d == nil {
		d = &statusRecord{}
		st.pending[k] = d
	}
	return d
}

// Observe implements scim.Observer: it counts.
func (s *Service) Observe(p *scim.Principal, o scim.Observation) {
	if p.Connection == "" {
		return
	}
	st, at := &s.stats, o.Time.UTC().Truncate(time.Microsecond)
	st.mu.Lock()
	d := st.of(statKey{p.Tenant, p.Connection})
	d.LastRequest = later(d.LastRequest, at)
	outcome := string(o.Outcome)
	switch {
	case o.Status < 400:
		d.LastSuccess = later(d.LastSuccess, at)
		if !o.Read {
			d.LastWritten = later(d.LastWritten, at)
		} else if outcome == "" {
			outcome = "read"
		}
		switch {
		case o.Type != "User":
		case o.Outcome == lifecycle.Created || o.Outcome == lifecycle.Linked:
			d.People++
		case o.Outcome == lifecycle.Removed:
			d.People--
		}
	case o.Read && o.Status == 404: // it looked for somebody who isn't there yet
		outcome = "read"
		d.LastSuccess = later(d.LastSuccess, at)
	default:
		if outcome = string(lifecycle.Refused); o.Status >= 500 {
			outcome = "failed"
		}
		if d.LastError == nil || d.LastError.Time.Before(at) {
			d.LastError = &Problem{at, o.Status, o.Detail, o.Explained}
			if o.Explained == "" {
				d.LastError.Explanation = o.Detail
			}
		}
		if !o.Read {
			d.LastRefused = later(d.LastRefused, at)
		}
	}
	d.count(at, outcome, 1)
	if d.Recognised == "" && (o.UserAgent != d.agent || len(o.Quirks) > 0) {
		d.Recognised, d.agent = recognise(o), o.UserAgent
	}
	due := s.running.Load() == 0 && time.Since(st.flushed) > flushEvery
	st.mu.Unlock()
	if due {
		s.flush(context.Background())
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// recognise tells which provider it is by what it calls itself, and by the deviations that only one of them has.
func recognise(o scim.Observation) Provider {
	agent := strings.ToLower(o.UserAgent)
	for _, x := range [...]struct {
		word string
		p    Provider
	}{
		{"okta", Okta}, {"onelogin", OneLogin}, {"google-auto-provisioning", Google}, {"jumpcloud", JumpCloud}, {"pingone", Ping}, {"pingfederate", Ping},
		{"azure", Entra}, {"aad", Entra}, {"entra", Entra}, {"microsoft", Entra},
	} {
		if strings.Contains(agent, x.word) {
			return x.p
		}
	}
	for _, q := range o.Quirks {
		switch q {
		case "operation-case", "create-from-filter", "filter-sub-attribute", "string-boolean":
			return Entra
		}
	}
	return ""
}

// count adds to the buckets of a time.
func (d *statusRecord) count(at time.Time, outcome string, n int) {
	minute := at.Unix() / 60
	for _, x := range [...]struct {
		list *[]bucket
		at   int64
		most int
	}{{&d.Minutes, minute, 60}, {&d.Hours, minute / 60, 24}, {&d.Days, minute / 60 / 24, 7}} {
		l := *x.list
		i := slices.IndexFunc(l, func(b bucket) bool { return b.At == x.at })
		if i < 0 {
			l = append(l, bucket{x.at, make(map[string]int)})
			slices.SortFunc(l, func(a, b bucket) int { return int(a.At - b.At) })
			l = slices.DeleteFunc(l, func(b bucket) bool { return b.At <= l[len(l)-1].At-int64(x.most) })
			if i = slices.IndexFunc(l, func(b bucket) bool { return b.At == x.at }); i < 0 {
				*x.list = l
				continue
			}
		}
		if l[i].Counts == nil {
			l[i].Counts = make(map[string]int)
		}
		l[i].Counts[outcome] += n
		*x.list = l
	}
}

// add adds what is pending to what is kept.
func (d *statusRecord) add(o *statusRecord) {
	d.LastRequest, d.LastSuccess = later(d.LastRequest, o.LastRequest), later(d.LastSuccess, o.LastSuccess)
	d.LastRefused, d.LastWritten = later(d.LastRefused, o.LastRefused), later(d.LastWritten, o.LastWritten)
	if o.LastError != nil && !o.LastError.Time.Before(d.Erased) && (d.LastError == nil || d.LastError.Time.Before(o.LastError.Time)) {
		d.LastError = o.LastError
	}
	d.People += o.People
	if d.Recognised == "" {
		d.Recognised = o.Recognised
	}
	for _, b := range o.Minutes {
		for outcome, n := range b.Counts {
			d.count(time.Unix(b.At*60, 0), outcome, n)
		}
	}
	for id, at := range o.Used {
		if d.Used == nil {
			d.Used = make(map[string]time.Time)
		}
		d.Used[id] = later(d.Used[id], at)
	}
}

func (s *Service) status(ctx context.Context, tenant, id string) (statusRecord, *store.Resource, error) {
	r, err := s.store.Get(ctx, store.Key{Tenant: tenant, Type: statusType, ID: id})
	if errors.Is(err, store.ErrNotFound) {
		return statusRecord{}, nil, nil
	}
	var x statusRecord
	if err == nil {
		err = read(r, &x)
	}
	return x, r, err
}

// flush writes down what connections did. What can't be written is kept for the next time.
func (s *Service) flush(ctx context.Context) {
	st := &s.stats
	st.turn.Lock()
	defer st.turn.Unlock()
	st.mu.Lock()
	pending := st.pending
	st.pending, st.flushed = nil, time.Now()
	st.mu.Unlock()
	for k, d := range pending {
		err := again(ctx, func() error {
			x, old, err := s.status(ctx, k.tenant, k.connection)
			if errors.Is(err, store.ErrCorrupt) {
				x, err = statusRecord{}, nil // counts are worth less than that they go on
			}
			if err != nil {
				return err
			}
			if old == nil {
				if there, err := s.isThere(ctx, k); err != nil || !there {
					return err
				}
			}
			was := x.People
			x.add(d)
			if x.People = min(max(x.People, 0), many); was == many {
				x.People = many
			}
			r := &store.Resource{Key: store.Key{Tenant: k.tenant, Type: statusType, ID: k.connection}, Version: newID(), Created: now(), LastModified: now(), Internal: documentOf(x)}
			put := store.Put{Resource: r}
			if old != nil {
				put.IfVersion, put.Was, r.Created = old.Version, old, old.Created
			}
			return s.store.Commit(ctx, &store.Change{Tenant: k.tenant, Put: []store.Put{put}})
		})
		if err != nil {
			if ctx.Err() == nil {
				s.opts.Logger.WarnContext(ctx, "the status of a connection could not be written", slog.String("tenant", k.tenant), slog.String("connection", k.connection), slog.String("error", err.Error()))
			}
			st.mu.Lock()
			newer := st.of(k)
			newer.add(d)
			st.mu.Unlock()
		}
	}
}

// show makes of the record what an administrator sees.
func (d *statusRecord) show(c *Connection, now time.Time) Status {
	minute := now.Unix() / 60
	st := Status{People: d.People > 0, LastRequest: d.LastRequest, LastSuccess: d.LastSuccess, LastError: d.LastError, Counts: Counts{
		sum(d.Minutes, minute-60), sum(d.Hours, minute/60-24), sum(d.Days, minute/60/24-7)},
		Hours: bars(d.Hours, time.Hour, minute/60-24), Days: bars(d.Days, 24*time.Hour, minute/60/24-7)}
	good, soon := 0, false
	for i := range c.Credentials {
		k := &c.Credentials[i]
		if !k.Expires.IsZero() && !k.Expires.After(now) {
			continue
		}
		good++
		if !k.Expires.IsZero() {
			days := int(k.Expires.Sub(now) / (24 * time.Hour))
			if st.ExpiresInDays == nil || days < *st.ExpiresInDays {
				st.ExpiresInDays = &days
			}
			soon = soon || days < 3
		}
	}
	switch {
	case c.State == lifecycle.ConnectionOff:
		st.State = Off
	case c.State == lifecycle.ConnectionPaused:
		st.State = Paused
	case good == 0:
		st.State = NotSetUp
	case d.LastRequest.IsZero():
		st.State = WaitingForTest
	case d.LastRefused.After(d.LastWritten) || soon || d.LastSuccess.IsZero():
		st.State = Attention
	case d.People == 0:
		st.State = TestReceived
	case d.People == 1:
		st.State = FirstPerson
	default:
		st.State = Syncing
	}
	return st
}

// bars are the buckets after one, each of which is so long.
func bars(list []bucket, long time.Duration, after int64) (bars []Bar) {
	for _, b := range list {
		if b.At > after {
			bars = append(bars, Bar{time.Unix(b.At*int64(long/time.Second), 0).UTC(), maps.Clone(b.Counts)})
		}
	}
	return bars
}

// sum adds up the buckets after one.
func sum(list []bucket, after int64) map[string]int {
	total := make(map[string]int)
	for _, b := range list {
		if b.At > after {
			for outcome, n := range maps.All(b.Counts) {
				total[outcome] += n
			}
		}
	}
	return total
}
