package portal

import (
	"context"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

const (
	userType     = "User"
	groupType    = "Group"
	retainedType = "rollcall.Retained" // users whom the product keeps after a DELETE
)

// mostCounted is how many people are looked at to count them by state.
const mostCounted = 1_000

// countStates counts the people by state, the first mostCounted of them.
func (p *Portal) countStates(ctx context.Context, tenant string) ([]StateCount, error) {
	counts := make(map[lifecycle.State]int)
	q := store.Query{Tenant: tenant, Types: []string{userType, retainedType}, Count: 500, NoTotal: true}
	seen, more := 0, false
	for {
		page, err := p.store.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Resources {
			if a, err := lifecycle.AccountOf(r); err == nil {
				counts[a.State]++
			}
		}
		seen += len(page.Resources)
		if q.Cursor = page.Next; q.Cursor == "" || seen >= mostCounted {
			more = q.Cursor != ""
			break
		}
	}
	list := []StateCount{}
	for _, s := range lifecycle.States {
		if s != lifecycle.None {
			list = append(list, StateCount{s, counts[s], more})
		}
	}
	return list, nil
}
