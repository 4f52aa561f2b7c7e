package sqlstore

import (
	"cmp"
	"context"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// States of an event that isn't due any more.
const (
	stateDone   = 1
	stateParked = 2
)

// always is the due time of an event that was never leased.
const always = math.MinInt64

const eventColumns = "seq, tenant, id, kind, subject_type, subject_id, time, data, attempts, owner, reason"

// leaseSQL takes of each subject the first event that isn't settled, if it is due. Rows that another one is taking are
// passed over; a committed lease makes them not due.
const leaseSQL = `WITH picked AS MATERIALIZED (
	SELECT e.seq FROM ~event e
	WHERE e.due <= $3 AND NOT EXISTS (
		SELECT 1 FROM ~event p WHERE p.subject = e.subject AND p.seq < e.seq AND p.due IS NOT NULL)
	ORDER BY e.seq LIMIT $4`

// eventArgs are the columns of an event that a commit writes.
func eventArgs(tenant string, e store.Event) []any {
	typ, id := enc(e.Subject.Type), enc(e.Subject.ID)
	subject := binary.BigEndian.Uint64(hashOf(tenant, typ, id))
	return []any{tenant, enc(e.ID), enc(e.Kind), typ, id, int64(subject), e.Time.UnixMicro(), string(e.Data)}
}

// Lease implements [store.EventSource].
func (s *Store) Lease(ctx context.Context, l store.Lease) ([]store.Delivery, error) {
	if l.Max <= 0 {
		return nil, ctx.Err()
	}
	sql := leaseSQL + s.lock() + `)
	UPDATE ~event SET owner = $1, due = $2, attempts = attempts + 1
	WHERE due IS NOT NULL AND seq IN (SELECT seq FROM picked) RETURNING ` + eventColumns
	events, err := s.deliveries(ctx, sql, enc(l.Owner), l.Until.UnixMicro(), l.Now.UnixMicro(), int64(l.Max))
	for i := range events {
		events[i].Attempts-- // deliveries begun before this one
	}
	slices.SortFunc(events, func(a, b store.Delivery) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return events, err
}

func (s *Store) deliveries(ctx context.Context, sql string, args ...any) ([]store.Delivery, error) {
	var events []store.Delivery
	err := s.query(ctx, sql, args, func(rw row) error {
		var (
			d    store.Delivery
			at   int64
			k    = &d.Subject
			text = []*string{&d.ID, &d.Kind, &k.Tenant, &k.Type, &k.ID, &d.Owner, &d.Reason}
		)
		err := rw.Scan(&d.Sequence, &k.Tenant, &d.ID, &d.Kind, &k.Type, &k.ID, &at, &d.Data, &d.Attempts, &d.Owner, &d.Reason)
		for _, t := range text {
			*t = dec(*t)
		}
		d.Time = timeOf(at)
		events = append(events, d)
		return err
	})
	return events, err
}

const settleSQL = `UPDATE ~event SET state = $4, due = $5, reason = $6, owner = ''
	WHERE tenant = $1 AND id = $2 AND owner = $3 AND due IS NOT NULL`

// Settle implements [store.EventSource].
func (s *Store) Settle(ctx context.Context, settlements []store.Settlement) error {
	if len(settlements) == 0 {
		return ctx.Err()
	}
	var statements []statement
	for _, x := range settlements {
		var (
			state  int64
			due    any
			reason = x.Reason
		)
		switch x.Outcome {
		case store.Retry:
			due = x.RetryAt.UnixMicro()
		case store.Park:
			state = stateParked
		default:
			state, reason = stateDone, ""
		}
		statements = append(statements, statement{settleSQL, []any{enc(x.Tenant), enc(x.EventID), enc(x.Owner), state, due, enc(reason)}})
	}
	_, err := s.apply(ctx, statements)
	return err
}

// Parked implements [store.EventSource].
func (s *Store) Parked(ctx context.Context, tenant string, max int) ([]store.Delivery, error) {
	return s.deliveries(ctx, "SELECT "+eventColumns+" FROM ~event WHERE tenant = $1 AND state = 2 ORDER BY seq LIMIT $2",
		enc(tenant), int64(max))
}

// Replay implements [store.EventSource]. Whoever has one of the events in hand loses the lease, so that order holds.
func (s *Store) Replay(ctx context.Context, tenant string, from time.Time) error {
	_, err := s.apply(ctx, []statement{{
		"UPDATE ~event SET state = 0, due = $3, attempts = 0, owner = '', reason = '' WHERE tenant = $1 AND time >= $2",
		[]any{enc(tenant), ceilMicro(from), int64(always)},
	}})
	return err
}

// Prune implements [store.EventSource].
func (s *Store) Prune(ctx context.Context, before time.Time) (int, error) {
	n, err := s.apply(ctx, []statement{{"DELETE FROM ~event WHERE state = 1 AND time < $1", []any{ceilMicro(before)}}})
	if err != nil {
		return 0, err
	}
	return int(n[0]), nil
}

// ceilMicro is the first whole microsecond that isn't before t.
func ceilMicro(t time.Time) int64 {
	us := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		us++
	}
	return us
}
