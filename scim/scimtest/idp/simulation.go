// Package idp simulates identity providers: each provisions the people and groups of a company to a SCIM service by the requests that it
// really sends, while the company changes: people are hired, are renamed, move, leave, return, are taken out of the scope by mistake and
// brought back. Every month, and at the end, what the provider believes that the service has is compared with what the service has.
//
// The same seed gives the same events. Against a handler, a year passes in seconds within a bubble of testing/synctest; against a URL, a day
// takes as long as [Options.Day] says.
package idp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/scim/scimtest/replay"
)

// Options say what is simulated, and against which service. Exactly one of URL and Handler must be set.
type Options struct {
	IdP     string        // the identity provider, one of [Names]
	URL     string        // the service's address
	Handler http.Handler  // the service, if it is called without a network; its paths begin with /Users
	Token   string        // a bearer token that may read and write
	Client  *http.Client  // sends the requests to URL; the default has a timeout of a minute
	Seed    uint64        // the seed of all random events
	People  int           // the number of people at the beginning; the default is 100
	Days    int           // how many days are simulated; the default is 365
	Day     time.Duration // how long a day takes; by default, as long as its requests take. In a bubble of testing/synctest use 24 hours.
	// Keep leaves in the service what the simulation has made. Otherwise it is deleted at the end.
	Keep bool
	// Each, if set, is called after each day, from the goroutine of [Simulate], with the report so far. It must not keep or change that.
	Each func(day int, r *Report)
}

// Report is the outcome of a simulation.
type Report struct {
	IdP           string         `json:"idp"`
	Seed          uint64         `json:"seed"`
	Days          int            `json:"days"`
	Users         int            `json:"users"`  // how many users the provider believes to be in the service
	Groups        int            `json:"groups"` // how many groups it believes to be there
	Events        map[string]int `json:"events"` // how many events there were in the company, by their names
	Requests      int            `json:"requests"`
	Statuses      map[int]int    `json:"statuses"`
	Failed        int            `json:"failed"`   // how many requests failed in spite of retries
	Failures      []string       `json:"failures"` // the messages of the first of these
	Quarantines   int            `json:"quarantines"`
	Comparisons   int            `json:"comparisons"`
	Disagreements []Disagreement `json:"disagreements"`
}

// Disagreement is something that the provider believes of the service and that isn't true.
type Disagreement struct {
	Day       int    `json:"day"`
	Path      string `json:"path"` // the resource's path
	Who       string `json:"who"`
	Attribute string `json:"attribute,omitempty"`
	Believed  string `json:"believed"`
	Has       string `json:"has"`
}

func (d Disagreement) String() string {
	return fmt.Sprintf("day %d: %s (%s) %s: the provider believes %q, the service has %q", d.Day, d.Path, d.Who, d.Attribute, d.Believed, d.Has)
}

// OK says whether there was no disagreement, no request that failed, and no quarantine.
func (r *Report) OK() bool { return len(r.Disagreements) == 0 && r.Failed == 0 && r.Quarantines == 0 }

// Simulate simulates a company and its identity provider. Requests that fail, and disagreements, are no errors: the report has them. It
// returns an error if the service can't be reached, if the provider's test of the connection fails, or if ctx ends.
func Simulate(ctx context.Context, o Options) (*Report, error) {
	style, err := styleOf(o.IdP)
	if err != nil {
		return nil, err
	}
	c := &client{base: strings.TrimRight(o.URL, "/"), token: o.Token, http: o.Client, style: style, statuses: map[int]int{}}
	switch {
	case (o.Handler == nil) == (o.URL == ""):
		return nil, errors.New("want URL or Handler, and not both")
	case o.Handler != nil:
		c.base, c.http = "http://scim.example.com", &http.Client{Transport: replay.InProcess(o.Handler)}
	case c.http == nil:
		c.http = &http.Client{Timeout: time.Minute}
	}
	if o.People == 0 {
		o.People = 100
	}
	if o.Days == 0 {
		o.Days = 365
	}
	dir := newDirectory(o.Seed, o.People)
	if style.deletes {
		dir.keepsNames = 30
	}
	s := &simulation{provider: newProvider(c, dir), options: o, report: &Report{IdP: o.IdP, Seed: o.Seed}}
	return s.report, s.run(ctx)
}

type simulation struct {
	*provider
	options Options
	report  *Report
	others  map[string]bool // the paths of the resources that were in the service before
}

func (s *simulation) run(ctx context.Context) error {
	if err := s.test(ctx); err != nil {
		return err
	}
	if err := s.remember(ctx); err != nil {
		return err
	}
	if err := s.cycle(ctx); err != nil { // the initial one
		return err
	}
	for day := 1; day <= s.options.Days; day++ {
		if err := s.day(ctx); err != nil {
			return err
		}
		s.report.Days = day
		if day%30 == 0 || day == s.options.Days {
			if err := s.month(ctx); err != nil {
				return err
			}
		}
		s.sum()
		if s.options.Each != nil {
			s.options.Each(day, s.report)
		}
	}
	if s.options.Keep {
		return nil
	}
	return s.clean(ctx)
}

// day simulates a day with all of its cycles.
func (s *simulation) day(ctx context.Context) error {
	const whole = 24 * time.Hour
	for passed := time.Duration(0); passed < whole; passed += s.style.interval {
		s.dir.live(s.style.interval)
		s.now += s.style.interval
		if err := s.wait(ctx, s.style.interval); err != nil {
			return err
		}
		if err := s.cycle(ctx); err != nil {
			return err
		}
	}
	s.dir.night()
	return nil
}

func (s *simulation) wait(ctx context.Context, d time.Duration) error {
	if s.options.Day == 0 {
		return ctx.Err()
	}
	t := time.NewTimer(time.Duration(float64(d) / float64(24*time.Hour) * float64(s.options.Day)))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// month runs a last cycle, does what the provider does once a month, and compares.
func (s *simulation) month(ctx context.Context) error {
	if err := s.cycle(ctx); err != nil {
		return err
	}
	if s.style.monthly == monthlyPushNow {
		s.pushNow(ctx)
	}
	if s.style.monthly != monthlyNothing {
		if err := s.list(ctx, "/Users", func(map[string]any) {}); err != nil {
			return err
		}
	}
	return s.compare(ctx)
}

func (s *simulation) sum() {
	r := s.report
	r.Users, r.Groups = 0, 0
	for _, l := range s.links {
		if l.id != "" && !l.gone {
			r.Users++
		}
	}
	for _, l := range s.teams {
		if l.id != "" && !l.gone {
			r.Groups++
		}
	}
	r.Events, r.Requests, r.Statuses, r.Failed, r.Failures, r.Quarantines = s.dir.Events, s.requests, s.statuses, s.wrong, s.failures, s.quarantines
}
