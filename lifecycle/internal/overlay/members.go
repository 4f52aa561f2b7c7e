package overlay

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// delta is a record of a membership.
type delta struct {
	group, member, typ string
	begins             bool
	record             *store.Resource
}

// deltaID is the id of a record of a membership. Those of a group are in the order of its members, and those of a member in the order of
// its groups.
func deltaID(group, member string) string { return group + "/" + member }

func deltaOf(r *store.Resource) delta {
	v := r.Attributes
	return delta{v.Get("group").Text(), v.Get("member").Text(), v.Get("type").Text(), v.Get("begins").True(), r}
}

func (s *Store) deltaRecord(tenant string, d delta) *store.Resource {
	text := func(name, value string) document.Field {
		return document.Field{Name: name, Value: document.String(value)}
	}
	return &store.Resource{
		Key:     store.Key{Tenant: tenant, Type: s.member(), ID: deltaID(d.group, d.member)},
		Version: newID(),
		Index:   []store.IndexKey{{Attribute: "group", Value: d.group}, {Attribute: "member", Value: d.member}},
		Attributes: document.Object(text("group", d.group), text("member", d.member), text("type", d.typ),
			document.Field{Name: "begins", Value: document.Bool(d.begins)}).Document(),
	}
}

// ofEnd is the filter on the memberships of a group, or of a member.
func ofEnd(end, id string) filter.Expr {
	return filter.Compare{Attr: filter.Attr{Path: filter.Path{Name: end}, Type: filter.String, CaseExact: true}, Op: filter.Eq, Value: document.String(id)}
}

// deltas reads the memberships that begin and end, of the groups or members with the ids.
func (s *Store) deltas(ctx context.Context, tenant, end string, ids []string) (list []delta, err error) {
	var any filter.Or
	for _, id := range ids {
		any = append(any, ofEnd(end, id))
	}
	err = each(ctx, s.base, tenant, []string{s.member()}, any, func(r *store.Resource) error {
		list = append(list, deltaOf(r))
		return nil
	})
	return list, err
}

// Members implements [store.Store]. The memberships of the overlay are read before those below: whoever makes the overlay true moves
// them from here to there, and so none is missed.
func (s *Store) Members(ctx context.Context, q store.MemberQuery) iter.Seq2[store.Member, error] {
	return func(yield func(store.Member, error) bool) {
		const together = 100
		for chunk := range slices.Chunk(q.Of, together) {
			list, err := s.groupsOf(ctx, q.Tenant, chunk)
			if err != nil {
				yield(store.Member{}, err)
				return
			}
			for _, m := range list {
				if !yield(m, nil) {
					return
				}
			}
		}
		for _, group := range q.Groups {
			for m, err := range s.membersOf(ctx, q.Tenant, group, q.IDs) {
				if !yield(m, err) || err != nil {
					return
				}
			}
		}
	}
}

// membersOf streams the members of a group.
func (s *Store) membersOf(ctx context.Context, tenant, group string, ids []string) iter.Seq2[store.Member, error] {
	return func(yield func(store.Member, error) bool) {
		fail := func(err error) { yield(store.Member{}, err) }
		p, own, err := s.ownMembers(ctx, tenant, group, ids)
		if err != nil {
			fail(err)
			return
		}
		if p.not != nil {
			return
		}
		ends := map[string]bool{}
		var begin []store.Member
		for _, d := range own {
			if len(ids) > 0 && !slices.Contains(ids, d.member) {
				continue
			}
			if d.begins {
				begin = append(begin, store.Member{Group: group, Type: d.typ, ID: d.member})
			} else {
				ends[d.member] = true
			}
		}
		slices.SortFunc(begin, func(a, b store.Member) int { return strings.Compare(a.ID, b.ID) })
		below := rows(nil)
		if p.cut == nil {
			below = s.base.Members(ctx, store.MemberQuery{Tenant: tenant, Groups: []string{group}, IDs: ids})
		}
		var batch []store.Member
		flush := func() bool {
			list, err := s.labelled(ctx, tenant, batch)
			if err != nil {
				fail(err)
				return false
			}
			for _, m := range list {
				if !yield(m, nil) {
					return false
				}
			}
			batch = batch[:0]
			return true
		}
		add := func(m store.Member) bool {
			batch = append(batch, m)
			return len(batch) < some || flush()
		}
		for m, err := range below {
			if err != nil {
				fail(err)
				return
			}
			for len(begin) > 0 && begin[0].ID < m.ID {
				if !add(begin[0]) {
					return
				}
				begin = begin[1:]
			}
			if len(begin) > 0 && begin[0].ID == m.ID {
				begin = begin[1:] // it has become true meanwhile
			}
			if !ends[m.ID] && !add(m) {
				return
			}
		}
		for _, m := range begin {
			if !add(m) {
				return
			}
		}
		flush()
	}
}

// ownMembers reads what the overlay has of a group and of its memberships, all of one moment: whoever changes memberships gives the
// group another version.
func (s *Store) ownMembers(ctx context.Context, tenant, group string, ids []string) (p *place, own []delta, err error) {
	n := name{groupType, group}
	found, err := s.look(ctx, tenant, []name{n}, is, not, cut)
	for range tries {
		if err != nil {
			return nil, nil, err
		}
		p = found[n]
		if len(ids) == 0 || len(ids) > some {
			own, err = s.deltas(ctx, tenant, "group", []string{group})
		} else {
			own, err = s.deltasOf(ctx, tenant, group, ids)
		}
		if err != nil {
			return nil, nil, err
		}
		if found, err = s.look(ctx, tenant, []name{n}, is, not, cut); err == nil && p.version() == found[n].version() {
			return p, own, nil
		}
	}
	return nil, nil, fmt.Errorf("overlay: the members of a group change all the time: %w", store.ErrUnavailable)
}

// deltasOf reads the memberships of a group that begin and end, of the members with the ids.
func (s *Store) deltasOf(ctx context.Context, tenant, group string, ids []string) (list []delta, err error) {
	var records filter.Or
	for _, id := range ids {
		records = append(records, IDFilter(deltaID(group, id)))
	}
	err = each(ctx, s.base, tenant, []string{s.member()}, records, func(r *store.Resource) error {
		list = append(list, deltaOf(r))
		return nil
	})
	return list, err
}

// labelled gives members the labels that they would have, and leaves out who would be gone.
func (s *Store) labelled(ctx context.Context, tenant string, list []store.Member) ([]store.Member, error) {
	if len(list) == 0 {
		return nil, nil
	}
	names := make([]name, len(list))
	for i, m := range list {
		names[i] = name{m.Type, m.ID}
	}
	labels, err := s.labels(ctx, tenant, names, func(i int) bool { return list[i].Label == "" })
	if err != nil {
		return nil, err
	}
	var kept []store.Member
	for i, m := range list {
		if label, ok := labels[names[i]]; ok {
			if label == nil {
				continue
			}
			m.Label = *label
		}
		kept = append(kept, m)
	}
	return kept, nil
}

// labels are those of resources that the overlay decides about, and of those below that wanted asks for; nil: it isn't there.
func (s *Store) labels(ctx context.Context, tenant string, names []name, wanted func(i int) bool) (map[name]*string, error) {
	found, err := s.look(ctx, tenant, names, is, not)
	if err != nil {
		return nil, err
	}
	labels := make(map[name]*string, len(names))
	ids := map[string]filter.Or{}
	for i, n := range names {
		switch p := found[n]; {
		case p.is != nil:
			labels[n] = &p.is.Label
		case p.not != nil:
			labels[n] = nil
		case wanted(i):
			labels[n] = nil
			ids[n.typ] = append(ids[n.typ], IDFilter(n.id))
		}
	}
	for typ, any := range ids {
		for part := range slices.Chunk(any, some) {
			err := each(ctx, s.base, tenant, []string{typ}, part, func(r *store.Resource) error {
				labels[name{typ, r.ID}] = &r.Label
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return labels, nil
}

// groupsOf lists the groups of members, in the order of the members and then of the groups. A membership counts only while both ends are
// there: one that began at the moment at which its member was deleted has a record and no member.
func (s *Store) groupsOf(ctx context.Context, tenant string, ids []string) ([]store.Member, error) {
	own, err := s.deltas(ctx, tenant, "member", ids)
	if err != nil {
		return nil, err
	}
	ends := map[[2]string]bool{}
	begins := map[[2]string]bool{}
	list := map[string][]store.Member{}
	for _, d := range own {
		at := [2]string{d.member, d.group}
		if !d.begins {
			ends[at] = true
			continue
		}
		begins[at] = true
		list[d.member] = append(list[d.member], store.Member{Group: d.group, Type: d.typ, ID: d.member})
	}
	once := slices.Compact(slices.Sorted(slices.Values(ids)))
	for m, err := range s.base.Members(ctx, store.MemberQuery{Tenant: tenant, Of: once}) {
		if err != nil {
			return nil, err
		}
		if at := [2]string{m.ID, m.Group}; !ends[at] && !begins[at] {
			list[m.ID] = append(list[m.ID], m)
		}
	}
	var all []store.Member
	var groups, members []name
	for _, id := range ids {
		of := list[id]
		slices.SortFunc(of, func(a, b store.Member) int { return strings.Compare(a.Group, b.Group) })
		for _, m := range of {
			all = append(all, m)
			groups = append(groups, name{groupType, m.Group})
			members = append(members, name{m.Type, m.ID})
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	n := len(all)
	labels, err := s.labels(ctx, tenant, append(groups, members...), func(i int) bool {
		m := all[i%n]
		return begins[[2]string{m.ID, m.Group}]
	})
	if err != nil {
		return nil, err
	}
	places, err := s.look(ctx, tenant, groups[:n], cut)
	if err != nil {
		return nil, err
	}
	kept := all[:0]
	for i, m := range all {
		label, isKnown := labels[groups[i]]
		member, isMemberKnown := labels[members[i]]
		switch {
		case isKnown && label == nil, isMemberKnown && member == nil:
			continue
		case places[groups[i]].cut != nil && !begins[[2]string{m.ID, m.Group}]:
			continue
		case isKnown:
			m.Label = *label
		}
		kept = append(kept, m)
	}
	return kept, nil
}
