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
	args := []any{Enc(tenant)}
	all := make([]Counter, len(names))
	sql := "SELECT counter, claimed, began FROM ~count WHERE tenant = $1 AND counter " + s.engine.List(&args, EncAll(names))
	err := s.engine.Query(ctx, sql, args, func(rw Row) error {
		var (
			name string
			part Counter
		)
		err := rw.Scan(&name, &part.N, &part.Began)
		for i, asked := range names {
			if asked == Dec(name) {
				all[i].Add(part)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	counters := make([]store.Counter, len(names))
	for i, c := range all {
		counters[i] = store.Counter{Name: names[i], Count: int(c.N)}
		if c.IsThere && c.Began != Always {
			counters[i].Began = timeOf(c.Began)
		}
	}
	return counters, nil
}

// Counter is a counter as it is read from the tables: the sum of the rows that belong to the latest window.
type Counter struct {
	IsThere  bool
	N, Began int64
}

func (c *Counter) Add(part Counter) {
	switch {
	case !c.IsThere || part.Began > c.Began:
		*c = Counter{true, part.N, part.Began}
	case part.Began == c.Began:
		c.N += part.N
	}
}

// IsFree says whether a claim needs to wait for no other one, because it only adds, without a limit and without a window.
func IsFree(c store.Claim) bool { return c.Take >= 0 && c.Limit < 0 && c.Window <= 0 }

// ChangesNothing says whether a claim takes nothing and begins no window.
func ChangesNothing(c store.Claim) bool { return c.Take == 0 && c.Window <= 0 }

// counted is the key of a row of counts. It counts the resources of a type with a mark, or a counter, or both; the others are "".
type counted struct{ Tenant, Typ, Counter, Mark string }

func (x counted) compare(y counted) int {
	return cmp.Or(cmp.Compare(x.Tenant, y.Tenant), cmp.Compare(x.Typ, y.Typ), cmp.Compare(x.Counter, y.Counter), cmp.Compare(x.Mark, y.Mark))
}

// delta is what is added to a row of counts.
type delta struct{ N, Claimed, Moves int64 }

// Counts are what transactions add to the rows of counts. They include free claims.
type Counts map[counted]delta

func (all Counts) add(k counted, d delta) {
	was := all[k]
	all[k] = delta{was.N + d.N, was.Claimed + d.Claimed, was.Moves + d.Moves}
}

// Of adds what a change counts. A claim in a change with new resources is counted in the row of the first of them. Triggers count deletions
// and changes of marks, because only they know the old row.
func (all Counts) Of(tenant string, c *store.Change) {
	var first counted // the row of the first new resource, which also counts the claim
	for _, p := range c.Put {
		if p.IfVersion == "" {
			first.Typ, first.Mark = Enc(p.Resource.Type), MarkOf(p.Resource)
			break
		}
	}
	first.Tenant = tenant
	for _, x := range c.Claims {
		if IsFree(x) && x.Take > 0 {
			first.Counter = Enc(x.Counter)
			all.add(first, delta{Claimed: int64(x.Take)})
		}
	}
	for _, p := range c.Put {
		k := counted{Tenant: tenant, Typ: Enc(p.Resource.Type), Mark: MarkOf(p.Resource)}
		if p.IfVersion != "" {
			if p.Was == nil || !KeysOf(p.Resource.Index).IsSame(KeysOf(p.Was.Index)) { // other filters may match it now
				all.add(k, delta{Moves: 1})
			}
			continue
		}
		if k.Typ == first.Typ && k.Mark == first.Mark {
			k.Counter = first.Counter
		}
		all.add(k, delta{N: 1})
	}
}

// InOrder returns the rows and what is added to them, in the order in which all transactions write them.
func (all Counts) InOrder() iter.Seq2[counted, delta] {
	return func(yield func(counted, delta) bool) {
		for _, k := range slices.SortedFunc(maps.Keys(all), counted.compare) {
			if !yield(k, all[k]) {
				return
			}
		}
	}
}

// InOrder returns claims in the order in which all changes lock counters, so that they never wait for each other in a circle.
func InOrder(claims []store.Claim) []store.Claim {
	if len(claims) < 2 {
		return claims
	}
	return slices.SortedStableFunc(slices.Values(claims), func(a, b store.Claim) int { return strings.Compare(a.Counter, b.Counter) })
}

// ClaimArgs returns the parameters of a claim: the tenant, the counter, what it takes, the limit, the time and the window.
func ClaimArgs(tenant string, c store.Claim) []any {
	at, window := int64(Always), int64(0)
	if c.Window > 0 {
		at, window = c.At.UnixMicro(), max(c.Window.Microseconds(), 1)
	}
	return []any{tenant, Enc(c.Counter), int64(c.Take), int64(max(c.Limit, -1)), at, window}
}
