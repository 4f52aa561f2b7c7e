package sqlstore

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// In the statements, the state of a delivery that is settled is 1 if it is done, 2 if it is parked, and 3 if it has a
// position in the feed.

// Always is the least time in the tables. A delivery that was never leased has it as the time at which it is due.
const Always = math.MinInt64

const eventColumns = "seq, tenant, id, consumer, kind, subject_type, subject_id, time, data, attempts, owner, reason, urgent"

// AddEvent adds the columns of an event's deliveries, one row for each consumer, to those that a commit writes.
func AddEvent(rows []any, tenant string, e store.Event) []any {
	typ, id := Enc(e.Subject.Type), Enc(e.Subject.ID)
	subject, data := Number(tenant, typ, id), string(e.Data)
	for i, consumer := range e.Consumers {
		if !slices.Contains(e.Consumers[:i], consumer) {
			rows = append(rows, tenant, Enc(e.ID), Enc(consumer), Enc(e.Kind), typ, id, subject, e.Time.UnixMicro(), data, e.Urgent)
		}
	}
	return rows
}

// Lease implements [store.EventSource]. It leases the first delivery of each subject that isn't settled, if it is due.
// It skips rows that another transaction is leasing; after that commits, they are not due any more.
func (s *Store) Lease(ctx context.Context, l store.Lease) ([]store.Delivery, error) {
	if l.Max <= 0 || l.Subjects != nil && len(l.Subjects) == 0 || l.Consumer == store.FeedConsumer {
		return nil, ctx.Err()
	}
	urgent, err := s.leaseSome(ctx, l, urgentOnly)
	if err != nil || len(urgent) == l.Max {
		return urgent, err
	}
	which := all
	if l.Max -= len(urgent); len(urgent) > 0 {
		which = notUrgent // a lease that runs out at once must not hand out the urgent ones again
	}
	others, err := s.leaseSome(ctx, l, which)
	if err != nil && len(urgent) > 0 {
		return urgent, nil // the urgent events are leased already, so they are handed out; the others follow with the next lease
	}
	return append(urgent, others...), err
}

// These say whose events a lease takes: those of subjects for whom an urgent event waits, of the other subjects, or of all.
const (
	all = iota
	urgentOnly
	notUrgent
)

// leaseSome leases events of all subjects, or of those that which says.
func (s *Store) leaseSome(ctx context.Context, l store.Lease, which int) ([]store.Delivery, error) {
	args := []any{Enc(l.Consumer), Enc(l.Owner), Micros64(l.For), int64(l.Max)}
	now := s.engine.Now(&args)
	from, where, order := "~event e", "e.consumer = $1 AND e.due <= "+now, "e.seq"
	switch which {
	case notUrgent:
		where += ` AND NOT EXISTS (SELECT 1 FROM ~event u WHERE u.consumer = $1 AND u.tenant = e.tenant AND u.subject = e.subject AND u.due IS NOT NULL AND u.urgent)`
	case urgentOnly: // it finds the few urgent events first, and then the first event of each one's subject
		from = "~event u CROSS JOIN ~event e"
		where = "u.consumer = $1 AND u.due IS NOT NULL AND u.urgent AND e.consumer = $1 AND e.tenant = u.tenant AND e.subject = u.subject AND e.due <= " + now + `
		AND NOT EXISTS (SELECT 1 FROM ~event w WHERE w.consumer = $1 AND w.tenant = u.tenant AND w.subject = u.subject AND w.seq < u.seq AND w.due IS NOT NULL AND w.urgent)`
	}
	if l.Tenant != "" {
		args = append(args, Enc(l.Tenant))
		where += " AND e.tenant = " + Place(len(args))
		order = "e.seq + 0" // so that the planner takes the index of the tenant's deliveries, and not the one of all in their order
	}
	if l.Subjects != nil {
		subjects := make([]int64, len(l.Subjects))
		for i, k := range l.Subjects {
			subjects[i] = Number(Enc(cmp.Or(l.Tenant, k.Tenant)), Enc(k.Type), Enc(k.ID))
		}
		where += " AND e.subject " + s.engine.List(&args, subjects)
	}
	events, err := s.deliveries(ctx, `WITH picked AS MATERIALIZED (
	SELECT e.seq FROM `+from+` WHERE `+where+` AND NOT EXISTS (
		SELECT 1 FROM ~event p WHERE p.consumer = $1 AND p.tenant = e.tenant AND p.subject = e.subject AND p.seq < e.seq AND p.due IS NOT NULL)
		AND NOT EXISTS (SELECT 1 FROM ~paused x WHERE x.tenant = e.tenant AND x.consumer = $1)
	ORDER BY `+order+` LIMIT $4`+s.engine.Lock()+`)
UPDATE ~event SET owner = $2, due = `+now+` + $3, attempts = attempts + 1
WHERE consumer = $1 AND due IS NOT NULL AND seq IN (SELECT seq FROM picked) RETURNING `+eventColumns, args...)
	for i := range events {
		events[i].Attempts-- // the statement has counted this attempt, but Attempts are those before it
	}
	slices.SortFunc(events, func(a, b store.Delivery) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return events, err
}

// Micros64 returns a duration in microseconds; 0 if it is negative.
func Micros64(d time.Duration) int64 { return max(d, 0).Microseconds() }

func (s *Store) deliveries(ctx context.Context, sql string, args ...any) ([]store.Delivery, error) {
	var events []store.Delivery
	err := s.engine.Query(ctx, sql, args, func(rw Row) error {
		var (
			d    store.Delivery
			at   int64
			k    = &d.Subject
			text = []*string{&d.ID, &d.Consumer, &d.Kind, &k.Tenant, &k.Type, &k.ID, &d.Owner, &d.Reason}
		)
		err := rw.Scan(&d.Sequence, &k.Tenant, &d.ID, &d.Consumer, &d.Kind, &k.Type, &k.ID, &at, &d.Data, &d.Attempts, &d.Owner, &d.Reason, &d.Urgent)
		for _, t := range text {
			*t = Dec(*t)
		}
		d.Time = timeOf(at)
		events = append(events, d)
		return err
	})
	return events, err
}

// Settle implements [store.EventSource]. Several settlements of one delivery are applied in their order.
func (s *Store) Settle(ctx context.Context, settlements []store.Settlement) error {
	type key struct{ tenant, id, consumer string }
	for len(settlements) > 0 {
		seen, n := make(map[key]bool, len(settlements)), 0
		for n < len(settlements) && n < mostSettled {
			x := &settlements[n]
			k := key{x.Tenant, x.EventID, x.Consumer}
			if seen[k] {
				break
			}
			seen[k] = true
			n++
		}
		if err := s.engine.Settle(ctx, settlements[:n]); err != nil {
			return err
		}
		settlements = settlements[n:]
	}
	return ctx.Err()
}

// mostSettled is how many deliveries one statement settles at most.
const mostSettled = 1000

// Parked implements [store.EventSource].
func (s *Store) Parked(ctx context.Context, tenant, consumer string, max int) ([]store.Delivery, error) {
	if max <= 0 {
		return nil, ctx.Err()
	}
	where, args := "tenant = $1 AND state = 2", []any{Enc(tenant), int64(max)}
	if consumer != "" {
		args = append(args, Enc(consumer))
		where += " AND consumer = $3"
	}
	return s.deliveries(ctx, "SELECT "+eventColumns+" FROM ~event WHERE "+where+" ORDER BY seq LIMIT $2", args...)
}

// Replay implements [store.EventSource]. The leases of the replayed deliveries end, so that the order holds.
func (s *Store) Replay(ctx context.Context, r store.Replay) error {
	if r.Consumer == store.FeedConsumer {
		return ctx.Err()
	}
	where, args := "tenant = $1 AND consumer = $2", []any{Enc(r.Tenant), Enc(r.Consumer), int64(Always)}
	also := func(condition string, v any) {
		args = append(args, v)
		where += " AND " + condition + " " + Place(len(args))
	}
	if !r.From.IsZero() {
		also("time >=", ceilMicro(r.From))
	}
	if r.Subject != nil {
		also("subject =", Number(Enc(r.Tenant), Enc(r.Subject.Type), Enc(r.Subject.ID)))
	}
	if r.EventID != "" {
		also("id =", Enc(r.EventID))
	}
	again := "UPDATE ~event SET state = 0, due = $3, attempts = 0, owner = '', reason = '' WHERE " + where
	_, err := s.engine.Apply(ctx, []Statement{{again + " AND due IS NOT NULL", args}, {again + " AND due IS NULL", args}}) // each is answered by its own index
	return err
}

// ceilMicro returns the first whole microsecond that isn't before t.
func ceilMicro(t time.Time) int64 {
	us := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		us++
	}
	return us
}
