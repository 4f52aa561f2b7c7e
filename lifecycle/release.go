package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Release lets through what a brake holds. With neither Count nor For it is for one request, however many it takes access from.
type Release struct {
	Connection string        // of which connection; "": of all
	Count      int           // how many people may lose access, and how many memberships may end
	For        time.Duration // how long everything is let through
	Reason     string        // why, for the journal; at most 500 bytes, and it may be empty
}

// release is a Release as it is kept.
type release struct {
	ID         string    `json:"id"` // its counters are named by it
	Connection string    `json:"connection,omitempty"`
	Count      int       `json:"count,omitempty"` // 0 with Open false: one request
	Open       bool      `json:"open,omitempty"`  // nothing is held until Until
	Until      time.Time `json:"until"`
	Who        string    `json:"who"`
}

// Release lets a tenant's identity provider go on beyond its brakes. by.Who names the administrator who allows it, and the journal
// has who released what. A release for a count or for one request ends, whatever is left of it, when the longest window of the
// tenant's brakes is over.
func (s *Service) Release(ctx context.Context, by Request, what Release) error {
	const most, mostCount = 7 * 24 * time.Hour, 1_000_000
	switch {
	case by.Who == "":
		return &Refusal{Reason: Invalid, Attribute: "who", Detail: "want the administrator who releases the brake"}
	case what.Count < 0 || what.Count > mostCount:
		return &Refusal{Reason: Invalid, Attribute: "count", Detail: fmt.Sprintf("want from 1 to %d people", mostCount)}
	case what.For < 0 || what.For > most:
		return &Refusal{Reason: Invalid, Attribute: "minutes", Detail: fmt.Sprintf("want from 1 to %d minutes", int(most.Minutes()))}
	case len(what.Reason) > 500:
		return &Refusal{Reason: Invalid, Attribute: "reason", Detail: "want at most 500 bytes"}
	case what.Count > 0 && what.For > 0:
		return &Refusal{Reason: Invalid, Detail: "want a count or a time, not both"}
	}
	action := "release the brake once"
	switch {
	case what.Count > 0:
		action = fmt.Sprintf("release the brake for %d", what.Count)
	case what.For > 0:
		action = fmt.Sprintf("release the brake for %s", what.For)
	}
	r := by.click(SourceManual, action)
	if what.Reason != "" {
		r.AddNote(Note{Text: "reason: " + what.Reason})
	}
	return s.updateSafety(ctx, r, func(kept *safety) error {
		at := now()
		kept.Releases = slices.DeleteFunc(slices.Clone(kept.Releases), func(r release) bool { return !at.Before(r.Until) })
		if len(kept.Releases) >= mostReleases {
			return &Refusal{Reason: Invalid, Detail: fmt.Sprintf("%d releases hold already; wait until one has ended", mostReleases)}
		}
		ends := kept.longest()
		if what.For > 0 {
			ends = what.For
		}
		kept.Releases = append(kept.Releases, release{ID: newID(), Connection: what.Connection, Count: what.Count, Open: what.For > 0, Until: at.Add(ends), Who: by.Who})
		return nil
	})
}

// longest is the longest window of a tenant's brakes.
func (s *Safety) longest() time.Duration {
	longest := time.Minute
	all := []*Brake{s.People, s.Members}
	for _, b := range s.Connections {
		all = append(all, b.People, b.Members)
	}
	for _, b := range all {
		if b != nil {
			longest = max(longest, time.Duration(b.Window))
		}
	}
	return longest
}

// releases are those that hold for a connection at a time.
func (s *safety) releases(connection string, at time.Time) (list []release) {
	for _, r := range s.Releases {
		if at.Before(r.Until) && (r.Connection == "" || r.Connection == connection) {
			list = append(list, r)
		}
	}
	return list
}
