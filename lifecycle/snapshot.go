package lifecycle

import (
	"context"
	"errors"
	"fmt"

	"github.com/rollcall-dev/rollcall/store"
)

// SourceSnapshot is the origin of the events that Snapshot makes.
const SourceSnapshot Source = "snapshot"

// Snapshot tells one consumer everything that is true of a tenant now, as events: for a consumer that is new, or that has lost
// what it knew. Of each user it tells KindProvisioned, and then KindActivated, KindBilled or KindDeactivated as the account
// stands; of each group KindGroupCreated and its members as KindMembersChanged; of each other resource KindResourceCreated. After
// has the attributes, and Origin.By is SourceSnapshot.
//
// The events of a resource are committed only if it still is as it was read, so a change that happens meanwhile is told after
// them. Snapshot returns how many resources it told of, when their events are committed; they are delivered as all others. It may
// be called again if it was interrupted.
func (s *Service) Snapshot(ctx context.Context, tenant, consumer string) (resources int, err error) {
	if s.source == nil {
		return 0, errNoEvents
	}
	c := s.consumerOf(consumer)
	if c == nil {
		return 0, fmt.Errorf("%w: %s", ErrNoConsumer, quoted(consumer))
	}
	types := s.opts.Types
	if types == nil {
		types = []string{userType, groupType}
	}
	const page = 100
	for _, typ := range types {
		q := store.Query{Tenant: tenant, Types: []string{typ}, Count: page, NoTotal: true}
		for more := true; more; more = q.Cursor != "" {
			found, err := s.store.List(ctx, q)
			if err != nil {
				return resources, err
			}
			for _, r := range found.Resources {
				if err := s.snapshotOf(ctx, c, consumer, r); err != nil {
					return resources, err
				}
				resources++
			}
			q.Cursor = found.Next
		}
	}
	return resources, nil
}

// snapshotOf tells what is true of one resource.
func (s *Service) snapshotOf(ctx context.Context, c *consumer, name string, r *store.Resource) error {
	for {
		events, err := s.truths(ctx, r)
		if err != nil {
			return err
		}
		change := store.Change{Tenant: r.Tenant, Put: []store.Put{{Resource: r, IfVersion: r.Version, Was: r}}}
		var told []*Event
		for _, e := range events {
			if !c.wants(e.Kind) {
				continue
			}
			e.ID, e.Time, e.Subject, e.consumers = newID(), now(), r.Key, []string{name}
			e.Origin = Origin{By: SourceSnapshot}
			told = append(told, e)
			change.Events = append(change.Events, e.stored(s.opts.Delivery.Snapshot))
		}
		if len(told) == 0 {
			return nil
		}
		err = s.store.Commit(ctx, &change)
		if err == nil {
			s.deliver(ctx, told)
			return nil
		}
		if !errors.Is(err, store.ErrVersionMismatch) {
			return err
		}
		if r, err = s.store.Get(ctx, r.Key); errors.Is(err, store.ErrNotFound) {
			return nil // it is gone, and that was told
		}
		if err != nil {
			return err
		}
	}
}

// truths are the events that say what is true of a resource.
func (s *Service) truths(ctx context.Context, r *store.Resource) (events []*Event, err error) {
	switch r.Type {
	case userType:
		account, err := AccountOf(r)
		if err != nil {
			return nil, err
		}
		kinds := []Kind{KindProvisioned}
		switch account.State {
		case Active:
			kinds = append(kinds, KindActivated)
		case Suspended, Deactivated:
			kinds = append(kinds, KindDeactivated)
		}
		if account.Billed {
			kinds = append(kinds, KindBilled)
		}
		for _, k := range kinds {
			events = append(events, &Event{Kind: k, UserName: userName(r), After: r.Attributes})
		}
		return events, nil
	case groupType:
		const most = 1000 // members of one event
		events = append(events, &Event{Kind: KindGroupCreated, After: r.Attributes})
		var members *Event
		for row, err := range s.store.Members(ctx, store.MemberQuery{Tenant: r.Tenant, Groups: []string{r.ID}}) {
			if err != nil {
				return nil, err
			}
			if members == nil || len(members.Added) == most {
				members = &Event{Kind: KindMembersChanged}
				events = append(events, members)
			}
			members.Added = append(members.Added, row.ID)
		}
		return events, nil
	}
	return []*Event{{Kind: KindResourceCreated, After: r.Attributes}}, nil
}
