package sqlstore

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// States of a delivery that isn't due any more.
const (
	stateDone   = 1
	stateParked = 2
)

// always is the lowest time there is: that at which a delivery is due that was never leased.
const always = math.MinInt64

const eventColumns = "seq, tenant, id, consumer, kind, subject_type, subject_id, time, data, attempts, owner, reason"

// addEvent adds the columns of an event's deliveries, one for each consumer, to those that a commit writes.
func addEvent(rows []any, tenant string, e store.Event) []any {
	typ, id := enc(e.Subject.Type), enc(e.Subject.ID)
	subject, data := number(tenant, typ, id), string(e.Data)
	for i, consumer := range e.Consumers {
		if !slices.Contains(e.Consumers[:i], consumer) {
			rows = append(rows, tenant, enc(e.ID), enc(consumer), enc(e.Kind), typ, id, subject, e.Time.UnixMicro(), data)
		}
	}
	return rows
}

// Lease implements [store.EventSource]. It takes of each subject the first delivery that isn't settled, if it is due.
// Rows that another one is taking are passed over; a committed lease makes them not due.
func (s *Store) Lease(ctx context.Context, l store.Lease) ([]store.Delivery, error) {
	if l.Max <= 0 || l.Subjects != nil && len(l.Subjects) == 0 {
		return nil, ctx.Err()
	}
	args := []any{enc(l.Consumer), enc(l.Owner), micros64(l.For), int64(l.Max)}
	now := s.now(&args)
	where, order := "e.consumer = $1 AND e.due <= "+now, "e.seq"
	if l.Tenant != "" {
		args = append(args, enc(l.Tenant))
		where += " AND e.tenant = " + place(len(args))
		order = "e.seq + 0" // the index of the tenant's deliveries is meant, and not the one of all in their order
	}
	if l.Subjects != nil {
		subjects := make([]int64, len(l.Subjects))
		for i, k := range l.Subjects {
			subjects[i] = number(enc(cmp.Or(l.Tenant, k.Tenant)), enc(k.Type), enc(k.ID))
		}
		where += " AND e.subject " + s.list(&args, subjects)
	}
	events, err := s.deliveries(ctx, `WITH picked AS MATERIALIZED (
	SELECT e.seq FROM ~event e WHERE `+where+` AND NOT EXISTS (
		SELECT 1 FROM ~event p WHERE p.consumer = $1 AND p.tenant = e.tenant AND p.subject = e.subject AND p.seq < e.seq AND p.due IS NOT NULL)
	ORDER BY `+order+` LIMIT $4`+s.lock()+`)
UPDATE ~event SET owner = $2, due = `+now+` + $3, attempts = attempts + 1
WHERE consumer = $1 AND due IS NOT NULL AND seq IN (SELECT seq FROM picked) RETURNING `+eventColumns, args...)
	for i := range events {
		events[i].Attempts-- // deliveries begun before this one
	}
	slices.SortFunc(events, func(a, b store.Delivery) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return events, err
}

// micros64 is a duration from now on as the tables have it.
func micros64(d time.Duration) int64 { return max(d, 0).Microseconds() }

func (s *Store) deliveries(ctx context.Context, sql string, args ...any) ([]store.Delivery, error) {
	var events []store.Delivery
	err := s.query(ctx, sql, args, func(rw row) error {
		var (
			d    store.Delivery
			at   int64
			k    = &d.Subject
			text = []*string{&d.ID, &d.Consumer, &d.Kind, &k.Tenant, &k.Type, &k.ID, &d.Owner, &d.Reason}
		)
		err := rw.Scan(&d.Sequence, &k.Tenant, &d.ID, &d.Consumer, &d.Kind, &k.Type, &k.ID, &at, &d.Data, &d.Attempts, &d.Owner, &d.Reason)
		for _, t := range text {
			*t = dec(*t)
		}
		d.Time = timeOf(at)
		events = append(events, d)
		return err
	})
	return events, err
}

// ofLease is the delivery that somebody has in hand.
const ofLease = " WHERE tenant = $1 AND id = $2 AND consumer = $3 AND owner = $4 AND owner <> '' AND due IS NOT NULL"

// Settle implements [store.EventSource].
func (s *Store) Settle(ctx context.Context, settlements []store.Settlement) error {
	if len(settlements) == 0 {
		return ctx.Err()
	}
	statements := make([]statement, len(settlements))
	for i, x := range settlements {
		args := []any{enc(x.Tenant), enc(x.EventID), enc(x.Consumer), enc(x.Owner)}
		var set string
		switch x.Outcome {
		case store.Retry:
			args = append(args, micros64(x.After), enc(x.Reason))
			set = "due = " + s.now(&args) + " + $5, reason = $6, owner = ''"
		case store.Park:
			args = append(args, enc(x.Reason))
			set = "state = 2, due = NULL, reason = $5, owner = ''"
		case store.Renew:
			args = append(args, micros64(x.After))
			set = "due = " + s.now(&args) + " + $5"
		case store.HandBack:
			args = append(args, int64(always))
			set = "due = $5, attempts = attempts - 1, owner = ''"
		default:
			set = "state = 1, due = NULL, reason = '', owner = ''"
		}
		statements[i] = statement{"UPDATE ~event SET " + set + ofLease, args}
	}
	_, err := s.apply(ctx, statements)
	return err
}

// Parked implements [store.EventSource].
func (s *Store) Parked(ctx context.Context, tenant, consumer string, max int) ([]store.Delivery, error) {
	if max <= 0 {
		return nil, ctx.Err()
	}
	where, args := "tenant = $1 AND state = 2", []any{enc(tenant), int64(max)}
	if consumer != "" {
		args = append(args, enc(consumer))
		where += " AND consumer = $3"
	}
	return s.deliveries(ctx, "SELECT "+eventColumns+" FROM ~event WHERE "+where+" ORDER BY seq LIMIT $2", args...)
}

// Replay implements [store.EventSource]. Whoever has one of the deliveries in hand loses the lease, so that order holds.
func (s *Store) Replay(ctx context.Context, r store.Replay) error {
	where, args := "tenant = $1 AND consumer = $2", []any{enc(r.Tenant), enc(r.Consumer), int64(always)}
	also := func(condition string, v any) {
		args = append(args, v)
		where += " AND " + condition + " " + place(len(args))
	}
	if !r.From.IsZero() {
		also("time >=", ceilMicro(r.From))
	}
	if r.Subject != nil {
		also("subject =", number(enc(r.Tenant), enc(r.Subject.Type), enc(r.Subject.ID)))
	}
	if r.EventID != "" {
		also("id =", enc(r.EventID))
	}
	again := "UPDATE ~event SET state = 0, due = $3, attempts = 0, owner = '', reason = '' WHERE " + where
	_, err := s.apply(ctx, []statement{{again + " AND due IS NOT NULL", args}, {again + " AND due IS NULL", args}}) // an index has each
	return err
}

// ceilMicro is the first whole microsecond that isn't before t.
func ceilMicro(t time.Time) int64 {
	us := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		us++
	}
	return us
}
