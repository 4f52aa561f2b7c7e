package sqlstore

import (
	"context"
	"slices"
	"sync"

	"github.com/rollcall-dev/rollcall/store"
)

// ranks remembers the id of every thousandth resource of a type, in the order of ids, so that a page far behind is found
// without a walk over all resources before it. What it remembers of a type is right as long as the counts in the tables say that nothing was
// deleted, and as long as all resources that were created since have greater ids.
type ranks struct {
	mu    sync.Mutex
	known map[store.Key]rank // the ranks by tenant and type
}

// rank has the remembered ids of a type.
type rank struct {
	total, moves int64    // the counts in the tables at that time
	last         string   // the greatest id at that time
	ids          []string // the nth is the id of the resource that has n*rankStep resources before it
}

const (
	rankStep  = 1_000
	mostRanks = 200 // how many types, of all tenants, are remembered
)

func (r *ranks) get(k store.Key) rank {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known[k]
}

func (r *ranks) set(k store.Key, is rank) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil || len(r.known) >= mostRanks {
		r.known = map[store.Key]rank{}
	}
	r.known[k] = is
}

// isFar says whether the page is far behind in a list of all resources of a type, in the order of ids.
func (l *list) isFar() bool {
	return l.plain && l.mark == nil && len(l.types) == 1 && l.column == "id" && !l.desc && l.after == nil && l.Start >= Far
}

// skip makes a list whose page is far behind begin at a remembered id close before the page.
func (l *list) skip(ctx context.Context) error {
	all, err := l.marks(ctx)
	if err != nil {
		return err
	}
	t := &l.types[0]
	of := all[t.name]
	if l.total = of.total; int64(l.Start) >= of.total {
		return nil // the page is behind the last resource
	}
	k := store.Key{Tenant: l.Tenant, Type: t.name}
	is := l.ranks.get(k)
	if is.moves != of.moves || is.total > of.total || is.total == 0 {
		is = rank{}
	}
	ofType := " FROM ~resource r WHERE r.tenant = $1 AND r.type = $2"
	args := []any{Enc(l.Tenant), Enc(t.name)}
	if created := of.total - is.total; created > 0 && is.total > 0 { // all that were created must have greater ids
		behind := int64(-1)
		if created <= rankStep {
			err = l.in.Query(ctx, "SELECT COUNT(*) FROM (SELECT 1"+ofType+" AND r.id > $3 LIMIT $4) x", append(args, is.last, created+1), func(rw Row) error { return rw.Scan(&behind) })
		}
		if behind != created {
			is = rank{}
		}
	}
	if is.total != of.total && err == nil {
		is.total, is.moves = of.total, of.moves
		err = l.in.Query(ctx, "SELECT r.id"+ofType+" ORDER BY r.id DESC LIMIT 1", args, func(rw Row) error { return rw.Scan(&is.last) })
	}
	if err != nil {
		return err
	}
	if want := l.Start / rankStep; len(is.ids) < want {
		from := ""
		if n := len(is.ids); n > 0 {
			from = is.ids[n-1]
		}
		is.ids = slices.Clip(is.ids)
		const at = "(SELECT r.id FROM ~resource r WHERE r.tenant = $1 AND r.type = $2 AND r.id > "
		const by = " ORDER BY r.id LIMIT 1 OFFSET $4)"
		const hop = "WITH RECURSIVE m (id, n) AS (SELECT " + at + "$3" + by + ", CAST(1 AS bigint) UNION ALL SELECT " + at + "m.id" + by +
			", n + 1 FROM m WHERE n < $5 AND id IS NOT NULL) SELECT id FROM m WHERE id IS NOT NULL ORDER BY n"
		err = l.in.Query(ctx, hop, append(args, from, int64(rankStep-1), int64(want-len(is.ids))), func(rw Row) error {
			var id string
			err := rw.Scan(&id)
			is.ids = append(is.ids, id)
			return err
		})
		if err != nil {
			return err
		}
	}
	l.ranks.set(k, is)
	if n := min(l.Start/rankStep, len(is.ids)); n > 0 {
		l.after, l.Start = &store.Position{ID: Dec(is.ids[n-1]), Type: t.name}, l.Start-n*rankStep
	}
	return nil
}
