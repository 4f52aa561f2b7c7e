package lifecycle

import (
	"context"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// This file has how administrators read the people of a tenant. Every query here is one that a store can answer from an index, however
// many people there are.

// AccountQuery says which users Accounts lists. Its zero value is all users, in the store's order.
type AccountQuery struct {
	State  State  // only those in this state; None: in whatever state
	Search string // only those whose userName, displayName or a mail address begins so, or whose externalId it is; "": all
	// Sort is an order that the store has an index of. Users whom the product retains come behind the others, in the order of their ids.
	Sort   *store.Sort
	Cursor string // "" at first, then the next of the page before
	Count  int    // how many users a page has at most
}

// filter is what the query asks of a user; nil: nothing.
func (q *AccountQuery) filter() filter.Expr {
	var all filter.And
	if q.State != None {
		all = append(all, inState(q.State))
	}
	if q.Search != "" {
		text := document.String(document.Fold(q.Search))
		begins := func(path filter.Path, multi bool) filter.Expr {
			return filter.Compare{Attr: filter.Attr{Path: path, Type: filter.String, Multi: multi}, Op: filter.Sw, Value: text}
		}
		all = append(all, filter.Or{
			begins(filter.Path{Name: "userName"}, false), begins(filter.Path{Name: "displayName"}, false),
			begins(filter.Path{Name: "emails", Sub: "value"}, true),
			filter.Compare{Attr: filter.Attr{Path: filter.Path{Name: "externalId"}, Type: filter.String, CaseExact: true},
				Op: filter.Eq, Value: document.String(q.Search)},
		})
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return all
}

// Accounts lists users. next is the cursor of the next page, and "" on the last one. Users whom the product retains, although they are
// deleted for the identity provider, come last. A cursor that is none of these is store.ErrCursor.
func (s *Service) Accounts(ctx context.Context, tenant string, q AccountQuery) (users []*store.Resource, next string, err error) {
	const behind = "retained." // in front of the cursors of those; no store's begin so
	ask := store.Query{Tenant: tenant, Types: []string{userType}, Filter: q.filter(), Sort: q.Sort, Cursor: q.Cursor, Count: q.Count, NoTotal: true}
	after, retained := strings.CutPrefix(q.Cursor, behind)
	if !retained {
		page, err := s.store.List(ctx, ask)
		if err != nil {
			return nil, "", err
		}
		if users = page.Resources; page.Next != "" || q.State != None && q.State != Deactivated {
			return users, page.Next, nil
		}
		if len(users) == q.Count {
			return users, behind, nil
		}
		after = ""
	}
	ask.Types, ask.Sort, ask.Cursor, ask.Count = []string{retainedType}, nil, after, q.Count-len(users)
	page, err := s.store.List(ctx, ask)
	if err != nil {
		return nil, "", err
	}
	if page.Next != "" {
		next = behind + page.Next
	}
	return append(users, page.Resources...), next, nil
}

// CountStates counts the users of a tenant by state. Those whom the product retains are deactivated.
func (s *Service) CountStates(ctx context.Context, tenant string) (map[State]int, error) {
	counts := make(map[State]int, len(States))
	for _, state := range States {
		if state == None {
			continue
		}
		types := []string{userType}
		if state == Deactivated {
			types = []string{userType, retainedType}
		}
		for _, typ := range types {
			page, err := s.store.List(ctx, store.Query{Tenant: tenant, Types: []string{typ}, Filter: inState(state)})
			if err != nil {
				return nil, err
			}
			counts[state] += page.Total
		}
	}
	return counts, nil
}
