package lifecycle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Safety says how much of an accident an identity provider may cause (I17). It is data of a tenant. The zero Safety allows
// everything.
type Safety struct {
	// People bounds how many people lose access by one connection: by active=false, by DELETE, or by a policy that removes.
	// nil: no bound.
	People *Brake `json:"people"`
	// Members bounds how many memberships one connection takes away. Its share is one of each group's members. nil: no bound.
	Members *Brake `json:"members"`
	// Protected are the ids of users whose access no request by SCIM takes: the last owner, the account for emergencies.
	Protected []string `json:"protected"`
	// Connections have brakes of their own, by the connection's id, in the place of People and Members.
	Connections map[string]Brakes `json:"connections,omitempty"`
}

// Brakes are those of one connection.
type Brakes struct {
	People  *Brake `json:"people"`
	Members *Brake `json:"members"`
}

// Brake is a bound within a window of time. Where both Max and Share are set, whichever is reached first holds.
type Brake struct {
	Max *int `json:"max"` // how many at most; nil: no such bound. A bound on people must be 10 or more
	// Share is a part, over 0 up to 1, of those who had access, or were members, when the window began. What it comes to is
	// rounded up, and of people it is never less than 10. nil: no such bound.
	Share  *float64 `json:"share"`
	Window Window   `json:"window"`
}

// Window is how long a brake counts, from the first loss on. In JSON it is a text such as "1h".
type Window time.Duration

// MarshalText implements encoding.TextMarshaler.
func (w Window) MarshalText() ([]byte, error) {
	text := time.Duration(w).String()
	if rest, ok := bytes.CutSuffix([]byte(text), []byte("m0s")); ok {
		text = string(rest) + "m"
	}
	if rest, ok := bytes.CutSuffix([]byte(text), []byte("h0m")); ok {
		text = string(rest) + "h"
	}
	return []byte(text), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (w *Window) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf(`window: want a duration such as "1h" or "30m", got %s`, quoted(string(text)))
	}
	*w = Window(d)
	return nil
}

const (
	leastPeople  = 10 // what a brake on people always lets through, so that a small organization isn't held up
	mostWindow   = 30 * 24 * time.Hour
	mostGuarded  = 1_000 // ids of Protected, and connections
	mostReleases = 20
	safetyType   = "rollcall.Safety"
)

// Validate says what is wrong and what would be right.
func (s Safety) Validate() error {
	if len(s.Protected) > mostGuarded {
		return fmt.Errorf("protected: want at most %d ids, got %d", mostGuarded, len(s.Protected))
	}
	for _, id := range s.Protected {
		if id == "" || len(id) > 200 {
			return errors.New("protected: want ids of users")
		}
	}
	if len(s.Connections) > mostGuarded {
		return fmt.Errorf("connections: want at most %d, got %d", mostGuarded, len(s.Connections))
	}
	all := []Brakes{{s.People, s.Members}}
	for _, b := range s.Connections {
		all = append(all, b)
	}
	for _, b := range all {
		if err := b.People.check("people", leastPeople); err != nil {
			return err
		}
		if err := b.Members.check("members", 1); err != nil {
			return err
		}
	}
	return nil
}

func (b *Brake) check(name string, least int) error {
	switch {
	case b == nil:
		return nil
	case b.Max == nil && b.Share == nil:
		return fmt.Errorf("%s: want max, share or both; to switch it off make %s null", name, name)
	case b.Max != nil && (*b.Max < least || *b.Max > math.MaxInt32):
		return fmt.Errorf("%s.max: want at least %d, or null for none, got %d", name, least, *b.Max)
	case b.Share != nil && !(*b.Share > 0 && *b.Share <= 1):
		return fmt.Errorf("%s.share: want a number over 0 and up to 1, or null for none, got %v", name, *b.Share)
	case time.Duration(b.Window) < time.Second || time.Duration(b.Window) > mostWindow:
		return fmt.Errorf("%s.window: want a duration from 1s to %dh, got %s", name, int(mostWindow.Hours()), time.Duration(b.Window))
	}
	return nil
}

// of is the brakes of a connection.
func (s *Safety) of(connection string) Brakes {
	if b, ok := s.Connections[connection]; ok {
		return b
	}
	return Brakes{s.People, s.Members}
}

// safety is what is kept of a tenant.
type safety struct {
	V int `json:"v"` // 1, so that a record which allows everything is not an empty document, as one that was lost is
	Safety
	Releases []release `json:"releases,omitempty"`
}

func safetyKey(tenant string) store.Key {
	return store.Key{Tenant: tenant, Type: safetyType, ID: "safety"}
}

// readSafety reads what is kept of a tenant, and the record, which is nil if there is none.
func (s *Service) readSafety(ctx context.Context, tenant string) (kept safety, record *store.Resource, err error) {
	record, err = s.store.Get(ctx, safetyKey(tenant))
	if errors.Is(err, store.ErrNotFound) {
		if s.opts.Safety != nil {
			kept.Safety = s.opts.Safety()
		}
		return kept, nil, kept.Validate()
	}
	if err != nil {
		return kept, nil, err
	}
	d := json.NewDecoder(bytes.NewReader([]byte(record.Internal)))
	d.DisallowUnknownFields() // to ignore what another version knows would be another policy
	if err := d.Decode(&kept); err != nil {
		return kept, nil, fmt.Errorf("%w: the safety of the tenant %q: %w", store.ErrCorrupt, tenant, err)
	}
	return kept, record, kept.Validate()
}

// Safety is what a tenant has set, or Options.Safety.
func (s *Service) Safety(ctx context.Context, tenant string) (Safety, error) {
	kept, _, err := s.readSafety(ctx, tenant)
	return kept.Safety, err
}

var errNoSafety = errors.New("lifecycle: Options.Safety is not set, so that no brake holds")

// SetSafety changes what is kept of a tenant's safety: change gets what holds now, and edits it. The result holds for every decision that
// begins from then on, in all processes; one that is under way may be committed by what held before. The journal says who set it. If change
// or Validate returns an error, SetSafety returns it and keeps nothing.
// change may be called more than once, when others write at the same time.
func (s *Service) SetSafety(ctx context.Context, by Request, change func(*Safety) error) (Safety, error) {
	var set Safety
	err := s.updateSafety(ctx, by.click(SourceManual, "set safety"), func(kept *safety) error {
		if err := change(&kept.Safety); err != nil {
			return err
		}
		set = kept.Safety
		return kept.Validate()
	})
	return set, err
}

// updateSafety changes what is kept of a tenant, and again if others did meanwhile.
func (s *Service) updateSafety(ctx context.Context, r *Request, change func(*safety) error) error {
	if s.opts.Safety == nil {
		return errNoSafety
	}
	for range manyTimes {
		kept, old, err := s.readSafety(ctx, r.Tenant)
		if err != nil {
			return err
		}
		kept.Protected = slices.Clone(kept.Protected)
		if err := change(&kept); err != nil {
			return err
		}
		if kept.Protected == nil {
			kept.Protected = []string{}
		}
		kept.V = 1
		text, err := json.Marshal(kept)
		if err != nil {
			return err
		}
		v, err := document.Parse(string(text), 0)
		if err != nil {
			return err
		}
		next := &store.Resource{Key: safetyKey(r.Tenant), Version: newID(), Created: now(), LastModified: now(), Internal: v.Document()}
		put := store.Put{Resource: next, Was: old}
		if old != nil {
			put.IfVersion, next.Created = old.Version, old.Created
		}
		d := &Decision{Outcome: Updated, Change: store.Change{Tenant: r.Tenant, Put: []store.Put{put}}}
		s.record(r, d, next.Key)
		err = s.store.Commit(ctx, &d.Change)
		if !errors.Is(err, store.ErrVersionMismatch) && !errors.As(err, new(*store.ConflictError)) {
			return err
		}
	}
	return ErrContended
}
