package sqlstore

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
)

// Counters implements [store.CounterReader].
func (s *Store) Counters(ctx context.Context, tenant string, names ...string) ([]store.Counter, error) {
	args := []any{enc(tenant)}
	all := make([]counter, len(names))
	sql := "SELECT counter, claimed, began FROM ~count WHERE tenant = $1 AND counter " + s.list(&args, encAll(names))
	err := s.query(ctx, sql, args, func(rw row) error {
		var (
			name string
			part counter
		)
		err := rw.Scan(&name, &part.n, &part.began)
		for i, asked := range names {
			if asked == dec(name) {
				all[i].add(part)
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

// counter is what the tables have of one: the sum of the rows that belong to the latest window.
type counter struct {
	isThere  bool
	n, began int64
}

func (c *counter) add(part counter) {
	switch {
	case !c.isThere || part.began > c.began:
		*c = counter{true, part.n, part.began}
	case part.began == c.began:
		c.n += part.n
	}
}

// isFree says whether a claim waits for nobody, wherever it is made: it only adds, without a limit and without a window.
func isFree(c store.Claim) bool { return c.Take >= 0 && c.Limit < 0 && c.Window <= 0 }

// changesNothing says whether a claim takes nothing and begins no window.
func changesNothing(c store.Claim) bool { return c.Take == 0 && c.Window <= 0 }

// counted is a row of what is counted: a type's resources, and a counter. Either may be "".
type counted struct{ tenant, typ, counter string }

func (x counted) compare(y counted) int {
	return cmp.Or(cmp.Compare(x.tenant, y.tenant), cmp.Compare(x.typ, y.typ), cmp.Compare(x.counter, y.counter))
}

// delta is what is added to a row of what is counted.
type delta struct{ n, claimed int64 }

// counts are what transactions add to what is counted. Free claims are among them.
type counts map[counted]delta

func (all counts) add(k counted, d delta) {
	was := all[k]
	all[k] = delta{was.n + d.n, was.claimed + d.claimed}
}

// of adds what a change counts. A claim that comes with new resources shares the row of the first of them.
func (all counts) of(tenant string, c *store.Change) {
	typ, counter := "", ""
	for _, p := range c.Put {
		if p.IfVersion == "" {
			typ = enc(p.Resource.Type)
			break
		}
	}
	for _, x := range c.Claims {
		if isFree(x) && x.Take > 0 {
			counter = enc(x.Counter)
			all.add(counted{tenant, typ, counter}, delta{claimed: int64(x.Take)})
		}
	}
	for _, p := range c.Put {
		if p.IfVersion != "" {
			continue
		}
		k := counted{tenant, enc(p.Resource.Type), ""}
		if k.typ == typ {
			k.counter = counter
		}
		all.add(k, delta{n: 1})
	}
	for _, d := range c.Delete {
		all.add(counted{tenant, enc(d.Type), ""}, delta{n: -1})
	}
}

// inOrder are the rows and what is added to them, in the order in which all transactions write them.
func (all counts) inOrder() iter.Seq2[counted, delta] {
	return func(yield func(counted, delta) bool) {
		for _, k := range slices.SortedFunc(maps.Keys(all), counted.compare) {
			if !yield(k, all[k]) {
				return
			}
		}
	}
}

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
