package sqlstore

import (
	"context"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
)

// Counters implements [store.CounterReader].
func (s *Store) Counters(ctx context.Context, tenant string, names ...string) ([]store.Counter, error) {
	args := []any{enc(tenant)}
	all := make([]counter, len(names))
	sql := "SELECT counter, n, began FROM ~count WHERE tenant = $1 AND type = '' AND counter " + s.list(&args, encAll(names))
	err := s.query(ctx, sql, args, func(rw row) error {
		var (
			name  string
			shard counter
		)
		err := rw.Scan(&name, &shard.n, &shard.began)
		for i, asked := range names {
			if asked == dec(name) {
				all[i].add(shard)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	counters := make([]store.Counter, len(names))
	for i, c := range all {
		counters[i] = store.Counter{Name: names[i], Count: int(c.n)}
		if c.isThere && c.began != always {
			counters[i].Began = timeOf(c.began)
		}
	}
	return counters, nil
}

// counter is what the tables have of one: the sum of the shards that belong to the latest window.
type counter struct {
	isThere  bool
	n, began int64
}

func (c *counter) add(shard counter) {
	switch {
	case !c.isThere || shard.began > c.began:
		*c = counter{true, shard.n, shard.began}
	case shard.began == c.began:
		c.n += shard.n
	}
}

// isFree says whether a claim waits for nobody, wherever it is made: it only adds, without a limit and without a window.
func isFree(c store.Claim) bool { return c.Take >= 0 && c.Limit < 0 && c.Window <= 0 }

// changesNothing says whether a claim takes nothing and begins no window.
func changesNothing(c store.Claim) bool { return c.Take == 0 && c.Window <= 0 }

// inOrder are claims in the order in which all changes take counters, so that they wait for each other and never in a circle.
func inOrder(claims []store.Claim) []store.Claim {
	if len(claims) < 2 {
		return claims
	}
	return slices.SortedStableFunc(slices.Values(claims), func(a, b store.Claim) int { return strings.Compare(a.Counter, b.Counter) })
}

// claimArgs are the parameters of a claim: the tenant, the counter, what it takes, the limit, the time and the window.
func claimArgs(tenant string, c store.Claim) []any {
	at, window := int64(always), int64(0)
	if c.Window > 0 {
		at, window = c.At.UnixMicro(), max(c.Window.Microseconds(), 1)
	}
	return []any{tenant, enc(c.Counter), int64(c.Take), int64(max(c.Limit, -1)), at, window}
}
