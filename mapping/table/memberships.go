package table

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
)

// memberships is a MemberTable on a table of the product. Members are users.
type memberships[U, G any] struct {
	Memberships
	users  *mapped[U]
	groups *mapped[G]
	u      *sqlRows[U] // the repository of users; g is that of groups
	g      *sqlRows[G]
}

// These are the most owners and other ids in a statement. PostgreSQL allows 65,535 parameters, and SQLite 32,766.
const (
	mostOwners = 1_000
	mostNamed  = 30_000
)

// from returns the part of a statement that joins memberships with users and groups that aren't deleted.
func (m *memberships[U, G]) from(a *args, tenant string) string {
	at := a.add(tenant)
	return " FROM " + m.Table + " m JOIN " + m.g.Table + " g ON g." + m.g.ID + " = m." + m.Group + " JOIN " + m.u.Table + " u ON u." + m.u.ID +
		" = m." + m.User + " WHERE " + m.g.of("g.", at) + " AND " + m.u.of("u.", at)
}

// Members implements [MemberTable]. The rows of up to 1,000 owners are read at once, before the first is handed out.
func (m *memberships[U, G]) Members(ctx context.Context, q store.MemberQuery) iter.Seq2[store.Member, error] {
	return func(yield func(store.Member, error) bool) {
		owners, read := q.Groups, m.ofGroups
		if len(owners) == 0 {
			owners, read = q.Of, m.ofUsers
		}
		for part := range slices.Chunk(owners, mostOwners) {
			rows := map[string][]store.Member{}
			var err error
			if len(q.Groups) > 0 && len(q.IDs) > 0 {
				for ids := range slices.Chunk(q.IDs, mostNamed) {
					if err == nil {
						err = read(ctx, q.Tenant, part, ids, rows)
					}
				}
				for _, list := range rows { // rows that were read by several statements are sorted together
					slices.SortFunc(list, func(a, b store.Member) int { return strings.Compare(a.ID, b.ID) })
				}
			} else {
				err = read(ctx, q.Tenant, part, nil, rows)
			}
			if err != nil {
				yield(store.Member{}, err)
				return
			}
			for _, owner := range part {
				for _, row := range rows[owner] {
					if err := ctx.Err(); err != nil {
						yield(store.Member{}, err)
						return
					}
					if !yield(row, nil) {
						return
					}
				}
			}
		}
	}
}

// ofGroups reads the members of groups.
func (m *memberships[U, G]) ofGroups(ctx context.Context, tenant string, groups, ids []string, into map[string][]store.Member) error {
	a := args{dialect: m.u.dialect}
	condition := m.from(&a, tenant) + " AND " + m.g.keyOf("g.") + " IN " + a.in(groups)
	if len(ids) > 0 {
		condition += " AND " + m.u.keyOf("u.") + " IN " + a.in(ids)
	}
	if a.nobody {
		return ctx.Err()
	}
	s, _ := m.u.session(ctx)
	rows, err := s.Query(ctx, "SELECT "+m.u.selected("u.")+", "+m.g.keyOf("g.")+condition+" ORDER BY "+m.u.keyOf("u."), a.list...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var group string
		rec, err := m.u.scan(rows, &group)
		if err != nil {
			return err
		}
		user, err := m.users.load(rec)
		if err != nil {
			return err
		}
		into[group] = append(into[group], store.Member{Group: group, Type: "User", ID: rec.ID, Label: user.Label})
	}
	return rows.Err()
}

// ofUsers reads the groups of users.
func (m *memberships[U, G]) ofUsers(ctx context.Context, tenant string, users, _ []string, into map[string][]store.Member) error {
	a := args{dialect: m.u.dialect}
	condition := m.from(&a, tenant) + " AND " + m.u.keyOf("u.") + " IN " + a.in(users)
	if a.nobody {
		return ctx.Err()
	}
	s, _ := m.g.session(ctx)
	rows, err := s.Query(ctx, "SELECT "+m.g.selected("g.")+", "+m.u.keyOf("u.")+condition+" ORDER BY "+m.g.keyOf("g."), a.list...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var user string
		rec, err := m.g.scan(rows, &user)
		if err != nil {
			return err
		}
		group, err := m.groups.load(rec)
		if err != nil {
			return err
		}
		into[user] = append(into[user], store.Member{Group: rec.ID, Type: "User", ID: user, Label: group.Label})
	}
	return rows.Err()
}

// ChangeMembers implements [MemberTable].
func (m *memberships[U, G]) ChangeMembers(ctx context.Context, tenant string, d store.MemberDelta) error {
	return m.changeExactly(ctx, tenant, d)
}

func (m *memberships[U, G]) changeExactly(ctx context.Context, tenant string, d store.MemberDelta) error {
	for ids := range slices.Chunk(d.Remove, mostNamed) {
		if err := m.remove(ctx, tenant, d.Group, ids); err != nil {
			return err
		}
	}
	for refs := range slices.Chunk(d.Add, mostNamed) {
		ids := make([]string, len(refs))
		for i, ref := range refs {
			if ids[i] = ref.ID; ref.Type != "" && ref.Type != "User" {
				return &store.UnknownMemberError{ID: ref.ID}
			}
		}
		if err := m.add(ctx, tenant, d.Group, ids); err != nil {
			return err
		}
	}
	return nil
}

func (m *memberships[U, G]) remove(ctx context.Context, tenant, group string, ids []string) error {
	a := args{dialect: m.u.dialect}
	at := a.add(tenant)
	statement := "DELETE FROM " + m.Table + " WHERE " + m.Group + " IN (SELECT g." + m.g.ID + " FROM " + m.g.Table + " g WHERE " + m.g.of("g.", at) +
		" AND " + m.g.keyOf("g.") + " = " + a.add(group) + ") AND " + m.User + " IN (SELECT u." + m.u.ID + " FROM " + m.u.Table + " u WHERE " +
		m.u.of("u.", at) + " AND " + m.u.keyOf("u.") + " IN " + a.in(ids) + ")"
	if a.nobody {
		return store.ErrVersionMismatch
	}
	s, _ := m.u.session(ctx)
	n, err := s.Exec(ctx, statement, a.list...)
	if err == nil && int(n) != len(ids) {
		return store.ErrVersionMismatch
	}
	return err
}

func (m *memberships[U, G]) add(ctx context.Context, tenant, group string, ids []string) error {
	s, _ := m.u.session(ctx)
	a := args{dialect: m.u.dialect}
	are, err := column(ctx, s, "SELECT "+m.u.keyOf("u.")+m.from(&a, tenant)+" AND "+m.g.keyOf("g.")+" = "+a.add(group)+" AND "+m.u.keyOf("u.")+" IN "+a.in(ids)+" LIMIT 1", a)
	if err != nil {
		return err
	}
	if len(are) > 0 {
		return store.ErrVersionMismatch
	}
	for _, id := range ids {
		if !isText(id) {
			return &store.UnknownMemberError{ID: id}
		}
	}
	a = args{dialect: m.u.dialect}
	at := a.add(tenant)
	statement := "INSERT INTO " + m.Table + " (" + m.Group + ", " + m.User + ") SELECT g." + m.g.ID + ", u." + m.u.ID + " FROM " + m.g.Table + " g, " + m.u.Table +
		" u WHERE " + m.g.of("g.", at) + " AND " + m.g.keyOf("g.") + " = " + a.add(group) + " AND " + m.u.of("u.", at) + " AND " + m.u.keyOf("u.") + " IN " + a.in(ids)
	n, err := s.Exec(ctx, statement, a.list...)
	switch {
	case isUnique(err) || isReferred(err): // the product has changed the rows meanwhile
		return store.ErrVersionMismatch
	case err != nil || int(n) == len(ids):
		return err
	}
	a = args{dialect: m.u.dialect}
	there, err := column(ctx, s, "SELECT "+m.u.key+" FROM "+m.u.Table+m.u.where(&a, tenant)+" AND "+m.u.key+" IN "+a.in(ids), a)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !slices.Contains(there, id) {
			return &store.UnknownMemberError{ID: id}
		}
	}
	return store.ErrVersionMismatch
}

// column reads one column of text.
func column(ctx context.Context, s Session, query string, a args) (list []string, err error) {
	if a.nobody {
		return nil, ctx.Err()
	}
	rows, err := s.Query(ctx, query, a.list...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, rows.Err()
}

// Empty implements [MemberTable].
func (m *memberships[U, G]) Empty(ctx context.Context, tenant, group string) error {
	a := args{dialect: m.u.dialect}
	at := a.add(tenant)
	s, _ := m.g.session(ctx)
	_, err := s.Exec(ctx, "DELETE FROM "+m.Table+" WHERE "+m.Group+" IN (SELECT g."+m.g.ID+" FROM "+m.g.Table+" g WHERE "+m.g.of("g.", at)+
		" AND "+m.g.keyOf("g.")+" = "+a.add(group)+")", a.list...)
	return err
}
