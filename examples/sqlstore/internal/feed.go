package sqlstore

import (
	"context"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
)

// mostNumbered is how many events get their positions in one transaction.
const mostNumbered = 1000

// Feed implements [store.FeedReader]. Events get their positions from the reader. If the commits gave them, a later position could become
// visible before an earlier one, which a reader would miss then. One reader at a time gives positions to the events that are committed by
// then, in the order of seq, in which the events of one subject are committed.
func (s *Store) Feed(ctx context.Context, q store.FeedQuery) (store.FeedPage, error) {
	page := store.FeedPage{Next: q.After}
	numbered, err := s.numberFeed(ctx)
	if err != nil {
		return page, err
	}
	var last int64
	const head = "SELECT last, pruned FROM ~feed WHERE id = 1"
	if err := s.engine.Query(ctx, head, nil, func(rw Row) error { return rw.Scan(&last, &page.Pruned) }); err != nil {
		return page, err
	}
	page.Next = max(q.After, page.Pruned)
	if q.Max <= 0 || page.Next >= last {
		return page, ctx.Err()
	}
	where, args := "pos > $1 AND pos <= $2", []any{page.Next, last, int64(q.Max)}
	if q.Tenant != "" {
		where += " AND tenant = $4"
		args = append(args, Enc(q.Tenant))
	}
	const columns = "pos, tenant, id, consumer, kind, subject_type, subject_id, time, data, attempts, owner, reason, urgent"
	all, err := s.deliveries(ctx, "SELECT "+columns+" FROM ~event WHERE "+where+" ORDER BY pos LIMIT $3", args...)
	if err != nil {
		return page, err
	}
	page.More = numbered == mostNumbered
	if len(all) == q.Max {
		page.Next, page.More = all[len(all)-1].Sequence, true
	} else {
		page.Next = last // all events up to this position were looked at
	}
	page.Events = slices.DeleteFunc(all, func(d store.Delivery) bool { return q.Kinds != nil && !slices.Contains(q.Kinds, d.Kind) })
	return page, nil
}

// numberFeed gives positions to events that have none, and returns how many these were.
func (s *Store) numberFeed(ctx context.Context) (numbered int, err error) {
	found := false
	feed := Enc(store.FeedConsumer)
	const waits = "SELECT 1 FROM ~event WHERE consumer = $1 AND due IS NOT NULL ORDER BY seq LIMIT 1"
	if err := s.engine.Query(ctx, waits, []any{feed}, func(Row) error { found = true; return nil }); err != nil || !found {
		return 0, err
	}
	const greatest = "(SELECT MAX(pos) FROM ~event WHERE pos IS NOT NULL)"
	changed, err := s.engine.Apply(ctx, []Statement{
		{"UPDATE ~feed SET last = last WHERE id = 1", nil}, // this waits until no other reader gives positions
		{`UPDATE ~event AS t SET pos = x.last + x.n, state = 3, due = NULL FROM (
	SELECT e.seq AS s, f.last AS last, row_number() OVER (ORDER BY e.seq) AS n FROM ~feed f CROSS JOIN (
		SELECT seq FROM ~event WHERE consumer = $1 AND due IS NOT NULL ORDER BY seq LIMIT $2) e WHERE f.id = 1) x WHERE t.seq = x.s`, []any{feed, int64(mostNumbered)}},
		{"UPDATE ~feed SET last = " + greatest + " WHERE id = 1 AND last < " + greatest, nil},
	})
	if err != nil {
		return 0, err
	}
	return int(changed[1]), nil
}

// pruneFeed removes events that are older than a time, but only from the beginning of the feed, so that what is left has no gap.
func (s *Store) pruneFeed(ctx context.Context, before int64) (removed int, err error) {
	for n := mostNumbered; n == mostNumbered; { // events that nobody has read have no positions yet
		if n, err = s.numberFeed(ctx); err != nil {
			return 0, err
		}
	}
	const first = "COALESCE((SELECT pos - 1 FROM ~event WHERE pos IS NOT NULL AND time >= $1 ORDER BY pos LIMIT 1), last)"
	if _, err := s.engine.Apply(ctx, []Statement{{"UPDATE ~feed SET pruned = " + first + " WHERE id = 1 AND pruned < " + first, []any{before}}}); err != nil {
		return 0, err
	}
	var pruned int64
	if err := s.engine.Query(ctx, "SELECT pruned FROM ~feed WHERE id = 1", nil, func(rw Row) error { return rw.Scan(&pruned) }); err != nil {
		return 0, err
	}
	return s.removeAll(ctx, "event", "seq", "pos IS NOT NULL AND pos <= $1 ORDER BY pos", pruned)
}
