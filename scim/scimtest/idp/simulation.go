// Package idp simulates identity providers: each brings a company's people and groups to a SCIM service, as it really does, while the
// company lives: people are hired, renamed, marry, move, leave, return, are taken out of the scope by mistake and brought back. In the
// end, and every month, what the provider believes the service has is compared with what it has.
//
// Everything follows from a seed. Against a handler a year passes in seconds within testing/synctest; against a URL time can pass as
// fast as the service answers, or as slowly as one likes.
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

// Options say what is simulated, and against what. URL or Handler must be set.
type Options struct {
	IdP     string        // one of [Names]
	URL     string        // of the service
	Handler http.Handler  // called in process, in the place of a URL
	Token   string        // bearer token that may read and write
	Client  *http.Client  // for URL; the default has a timeout of a minute
	Seed    uint64        // of everything that happens
	People  int           // at the beginning; the default is 100
	Days    int           // that pass; the default is 365
	Day     time.Duration // how long a day takes; the default, 0, is as long as the requests take. In a synctest bubble use 24 hours.
	// Keep leaves in the service what the simulation has made. Otherwise it is deleted in the end.
	Keep bool
	// Each is called after each day.
	Each func(day int, r *Report)
}

// Report is what came of a simulation.
type Report struct {
	IdP           string         `json:"idp"`
	Seed          uint64         `json:"seed"`
	Days          int            `json:"days"`
	Users         int            `json:"users"`  // that the provider believes in the service
	Groups        int            `json:"groups"` // the same
	Events        map[string]int `json:"events"` // what has happened in the company
	Requests      int            `json:"requests"`
	Statuses      map[int]int    `json:"statuses"`
	Failed        int            `json:"failed"`   // requests that were answered with an error in the end
	Failures      []string       `json:"failures"` // the first of them
	Quarantines   int            `json:"quarantines"`
	Comparisons   int            `json:"comparisons"`
	Disagreements []Disagreement `json:"disagreements"`
}

// Disagreement is something that the provider believes and that isn't so.
type Disagreement struct {
	Day       int    `json:"day"`
	Path      string `json:"path"` // of the resource
	Who       string `json:"who"`
	Attribute string `json:"attribute,omitempty"`
	Believed  string `json:"believed"`
	Has       string `json:"has"`
}

func (d Disagreement) String() string {
	return fmt.Sprintf("day %d: %s (%s) %s: the provider believes %q, the service has %q", d.Day, d.Path, d.Who, d.Attribute, d.Believed, d.Has)
}

// OK says whether the provider was right about everything, and nothing that it sent was refused.
func (r *Report) OK() bool { return len(r.Disagreements) == 0 && r.Failed == 0 && r.Quarantines == 0 }

// Simulate lets a company live and a provider bring it over. Requests that are refused, and disagreements, are no errors but lines of
// the report; an error is that the service can't be reached, that its test of the connection fails, or that ctx ended.
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
	others  map[string]bool // paths of what was in the service before
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

// day is a day with all of its cycles.
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

// month brings over what the night has left, does what is done from time to time, and compares.
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
