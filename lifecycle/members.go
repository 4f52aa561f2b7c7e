package lifecycle

import (
	"context"
	"errors"
	"fmt"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// members plans a delta and tells of it.
func (p *plan) members(group store.Key, d store.MemberDelta) {
	p.Change.Members = append(p.Change.Members, d)
	if !p.wants(KindMembersChanged) {
		return
	}
	e := &Event{Kind: KindMembersChanged, Subject: group, Removed: d.Remove}
	for _, ref := range d.Add {
		e.Added = append(e.Added, ref.ID)
	}
	p.tell(e)
}

// delta compares the members that the draft asks for with those that there are, and returns what differs. Only the members that the
// draft names are read. If it replaces all members, or removes those that match a filter, all are read. Then the delta is bound
// to the version that the group had, because two clients that replace the members at once must not get a mixture (I11).
func (p *plan) delta(ctx context.Context) (store.MemberDelta, error) {
	if p.d.Members == nil {
		return store.MemberDelta{Group: p.d.Key.ID}, nil
	}
	return p.deltaOf(ctx, p.d.Members)
}

func (p *plan) deltaOf(ctx context.Context, m *Members) (store.MemberDelta, error) {
	group := p.d.Key
	d := store.MemberDelta{Group: group.ID}
	all := m.Replace || len(m.RemoveWhere) > 0
	if all {
		cur := p.d.Before
		if cur == nil {
			var err error
			if cur, err = p.s.store.Get(ctx, group); err != nil {
				return d, missing(group, err)
			}
			p.d.Before = cur
		}
		d.IfVersion = cur.Version
		if p.d.IfVersion != "" && p.d.IfVersion != cur.Version {
			return d, store.ErrVersionMismatch
		}
	} else {
		d.IfVersion = p.d.IfVersion
	}
	q := store.MemberQuery{Tenant: group.Tenant, Groups: []string{group.ID}}
	wanted := make(map[string]bool, len(m.Add))
	for _, ref := range m.Add {
		if ref.ID == group.ID && (ref.Type == "" || ref.Type == groupType) {
			return d, &Refusal{Reason: Invalid, Attribute: "members.value", Detail: "a group can't be a member of itself; leave its own id out"}
		}
		wanted[ref.ID] = true
	}
	removed := make(map[string]bool, len(m.Remove))
	for _, id := range m.Remove {
		removed[id] = true
	}
	if !all {
		for _, ref := range m.Add {
			q.IDs = append(q.IDs, ref.ID)
		}
		if q.IDs = append(q.IDs, m.Remove...); len(q.IDs) == 0 {
			return d, nil
		}
	}
	is, budget := make(map[string]bool), filter.Budget(mostComparisons)
	for row, err := range p.s.store.Members(ctx, q) {
		if err != nil {
			return d, err
		}
		is[row.ID] = true
		if !wanted[row.ID] && (m.Replace || removed[row.ID] || matches(&budget, m.RemoveWhere, row)) {
			d.Remove = append(d.Remove, row.ID)
			p.noteLeft(row)
		}
		if budget.Exceeded() {
			return d, &Refusal{Reason: TooLarge, Attribute: "members", Detail: fmt.Sprintf("the filters need more than %d comparisons with the members that there are; name the members by their values", mostComparisons)}
		}
	}
	for _, ref := range m.Add {
		if !is[ref.ID] {
			d.Add = append(d.Add, ref)
			is[ref.ID] = true
		}
	}
	return d, nil
}

// mostComparisons bounds the work of RemoveWhere (I18).
const mostComparisons = 2_000_000

func matches(budget *filter.Budget, where []filter.Expr, row store.Member) bool {
	if len(where) == 0 {
		return false
	}
	value := row.Row()
	for _, x := range where {
		if budget.MatchElement(x, value) {
			return true
		}
	}
	return false
}

// missing turns the error that a resource doesn't exist into a refusal, if a request has named that resource. It returns other
// errors, and nil, as they are.
func missing(k store.Key, err error) error {
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return &Refusal{Reason: NotFound, Detail: fmt.Sprintf("there is no %s with the id %s", k.Type, quoted(k.ID)), Err: store.ErrNotFound}
}
