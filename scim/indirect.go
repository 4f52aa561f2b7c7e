package scim

import (
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// These bound how far groups of groups are followed for the groups that a user is in indirectly: so many levels, and so many
// groups altogether. Of deeper nesting only a part is shown.
const (
	mostLevels   = 10
	mostIndirect = 5_000
)

// showsIndirect says whether an answer shows the groups that somebody is in by way of another group.
func (c *caller) showsIndirect(relation filter.Relation) bool {
	return relation == filter.Groups && c.h.opts.IndirectGroups != nil && c.h.opts.IndirectGroups(c.who.Tenant)
}

// groupRows are the rows of the groups that resources are in, in the order of ids, and of those that they are in indirectly, if
// the tenant's answers show them.
func (c *caller) groupRows(ids []string) (rows []store.Member, err error) {
	if rows, err = c.rowsOf(ids); err != nil || len(rows) == 0 || !c.showsIndirect(filter.Groups) {
		return rows, err
	}
	return c.withIndirect(rows)
}

func (c *caller) rowsOf(ids []string) (rows []store.Member, err error) {
	for row, err := range c.store().Members(c.ctx, store.MemberQuery{Tenant: c.who.Tenant, Of: ids}) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// withIndirect adds to the rows of resources those of the groups that their groups are in. It reads level by level, for all
// resources at once.
func (c *caller) withIndirect(rows []store.Member) ([]store.Member, error) {
	parents := make(map[string][]store.Member) // by the id of the group that is in them
	level := make([]string, 0, len(rows))
	for _, row := range rows {
		if _, ok := parents[row.Group]; !ok {
			parents[row.Group] = nil
			level = append(level, row.Group)
		}
	}
	for range mostLevels {
		if len(level) == 0 || len(parents) > mostIndirect {
			break
		}
		above, err := c.rowsOf(level)
		if err != nil {
			return nil, err
		}
		level = level[:0]
		for _, row := range above {
			parents[row.ID] = append(parents[row.ID], row)
			if _, ok := parents[row.Group]; !ok {
				parents[row.Group] = nil
				level = append(level, row.Group)
			}
		}
	}
	out := make([]store.Member, 0, 2*len(rows))
	for len(rows) > 0 {
		own := 1
		for own < len(rows) && rows[own].ID == rows[0].ID {
			own++
		}
		out = append(out, reached(rows[:own], parents)...)
		rows = rows[own:]
	}
	return out, nil
}

// reached are the rows of one resource and of all groups above its own, in the order of the groups' ids.
func reached(own []store.Member, parents map[string][]store.Member) []store.Member {
	all := slices.Clone(own)
	in := make(map[string]bool, len(own))
	for _, row := range own {
		in[row.Group] = true
	}
	for i := 0; i < len(all); i++ {
		for _, above := range parents[all[i].Group] {
			if in[above.Group] || above.Group == own[0].ID {
				continue
			}
			in[above.Group] = true
			all = append(all, store.Member{Group: above.Group, Type: schema.Indirect, ID: own[0].ID, Label: above.Label})
		}
	}
	slices.SortFunc(all, func(a, b store.Member) int { return strings.Compare(a.Group, b.Group) })
	return all
}
