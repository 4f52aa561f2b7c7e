package sqlstore

import (
	"context"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
)

// mostNumbered is how many events get their positions at once.
const mostNumbered = 1000

// Feed implements [store.FeedReader]. Events get their positions here, from who reads: numbers that are given while a
// transaction is under way would become visible out of order, and who had read a later one would miss the earlier. One reader
// at a time gives them, to what is committed by then, and in the order of seq, in which the events of one subject are committed.
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
		page.Next = last // of all up to there each one was looked at
	}
	page.Events = slices.DeleteFunc(all, func(d store.Delivery) bool { return q.Kinds != nil && !slices.Contains(q.Kinds, d.Kind) })
	return page, nil
}

// numberFeed gives events their positions, if there are any without one, and says how many.
func (s *Store) numberFeed(ctx context.Context) (numbered int, err error) {
	found := false
	feed := Enc(store.FeedConsumer)
	const waits = "SELECT 1 FROM ~event WHERE consumer = $1 AND due IS NOT NULL ORDER BY seq LIMIT 1"
	if err := s.engine.Query(ctx, waits, []any{feed}, func(Row) error { found = true; return nil }); err != nil || !found {
		return 0, err
	}
	const greatest = "(SELECT MAX(pos) FROM ~event WHERE pos IS NOT NULL)"
	changed, err := s.engine.Apply(ctx, []Statement{
		{"UPDATE ~feed SET last = last WHERE id = 1", nil}, // and wait until nobody else does
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

// pruneFeed removes the beginning of the feed that is older than a time, so that what is left has no gap.
func (s *Store) pruneFeed(ctx context.Context, before int64) (removed int, err error) {
	for n := mostNumbered; n == mostNumbered; { // what nobody reads has no positions yet
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
