package sqlstore

import (
	"context"
	"errors"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// keyOrder is an order of a list that the index of keys has. Resources without the attribute have another index, in the
// order of ids.
type keyOrder struct {
	attribute    string
	least, under []byte
	none         string // the condition that a resource has no key
	suspect      string // the condition that a resource without a key may have a value nevertheless
}

// errUnordered says that the index of keys doesn't have the order.
var errUnordered = errors.New("sqlstore: the index of keys isn't in the order")

// newKeyOrder returns the order of an attribute; nil if the index doesn't have it.
func newKeyOrder(c *compiler, by filter.Attr) *keyOrder {
	switch name := by.Name; {
	case by.URI != "" || by.Sub != "" || by.Multi || by.Type != filter.String || store.IsInternal(c.typ):
		return nil
	case name != "userName" && name != "displayName" && name != "externalId" || name == "userName" && c.typ == GroupType:
		return nil
	case !c.isIndexed(name):
		return nil
	}
	o := &keyOrder{attribute: by.Name, least: TenantHash(c.tenant).attribute(Enc(c.typ), by.Name, 0)}
	o.under = next(o.least)
	o.none, o.suspect = c.Without(by.Name)
	return o
}

// keyedPage makes a page of a list in the order of keys.
type keyedPage struct {
	*list
	*keyOrder
	where        string // the condition on a resource r
	least, under []byte
	hasNone      bool // whether resources without the attribute may be in the list
	rows         []*store.Resource
	places       []store.Position
}

func (l *list) pageByKey(ctx context.Context) (*store.Page, error) {
	t := &l.types[0]
	k := &keyedPage{list: l, keyOrder: l.byKey, where: t.SQL, least: l.byKey.least, under: l.byKey.under, hasNone: true}
	if l.isInSpan(t) && t.SQL == t.span.test {
		k.where, k.least, k.under, k.hasNone = "TRUE", t.span.least, t.span.under, false
	}
	if t.Ids != "" || l.after != nil && len(Enc(l.after.Key)) > wholeValue {
		return nil, errUnordered
	}
	none := 0
	if k.hasNone {
		var err error
		if none, err = k.countNone(ctx); err != nil {
			return nil, err
		}
	}
	if l.total < 0 && t.isCertain() {
		all, err := l.marks(ctx)
		if err != nil {
			return nil, err
		}
		l.total = all[t.name].total
	}
	var err error
	if l.desc {
		err = k.descend(ctx, none)
	} else {
		err = k.ascend(ctx, none)
	}
	if err != nil {
		return nil, err
	}
	p := &store.Page{Resources: k.rows, Total: -1}
	if len(p.Resources) > l.Count {
		p.Resources = p.Resources[:l.Count]
		p.Next = l.CursorAt(k.places[l.Count-1])
	}
	if l.NoTotal {
		return p, nil
	}
	return l.totalOnly(ctx, p)
}

func (k *keyedPage) ascend(ctx context.Context, none int) error {
	skip := 0
	if k.after == nil || k.after.Has {
		if err := k.withKey(ctx, k.Start); err != nil {
			return err
		}
		if len(k.rows) == 0 && k.Start > 0 && none > 0 {
			if k.where != "TRUE" {
				return errUnordered // the resources with a key would have to be counted
			}
			skip = max(0, k.Start-(int(k.total)-none))
		}
	}
	if len(k.rows) > k.Count || none == 0 {
		return nil
	}
	return k.withoutKey(ctx, skip)
}

func (k *keyedPage) descend(ctx context.Context, none int) error {
	skip := k.Start
	if none > 0 && (k.after == nil || !k.after.Has) {
		if err := k.withoutKey(ctx, k.Start); err != nil {
			return err
		}
		if skip = max(0, k.Start-none); len(k.rows) > k.Count {
			return nil
		}
	}
	return k.withKey(ctx, skip)
}

// countNone counts the resources of the list that have no value.
func (k *keyedPage) countNone(ctx context.Context) (n int, err error) {
	of := " FROM ~resource r WHERE r.tenant = $1 AND r.type = " + k.types[0].place + " AND " + k.none + " AND "
	for _, sql := range []string{"SELECT COUNT(*) FROM (SELECT 1" + of + k.suspect + " LIMIT 1) x", "SELECT COUNT(*)" + of + k.where} {
		if n > 0 {
			return 0, errUnordered
		}
		sql, args := compact(sql, k.args)
		if err := k.in.QueryOnce(ctx, sql, args, func(rw Row) error { return rw.Scan(&n) }); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// arguments are the parameters of a statement.
type arguments []any

func (a *arguments) place(v any) string {
	*a = append(*a, v)
	return Place(len(*a))
}

// withKey adds resources with a key to the page, and skips so many before.
func (k *keyedPage) withKey(ctx context.Context, skip int) error {
	args := append(arguments{}, k.args...)
	keys := "k.key >= " + args.place(k.least) + " AND k.key < " + args.place(k.under)
	direction := ""
	if k.desc {
		direction = " DESC"
	}
	if k.after != nil && k.after.Has {
		at, is := args.place(append(k.byKey.least[:ofAttribute:ofAttribute], Enc(k.after.Key)...)), " > "
		if k.desc {
			is = " < "
		}
		keys += " AND k.key" + is[:2] + "= " + at + " AND (k.key" + is + at + " OR k.id > " + args.place(Enc(k.after.ID)) + ")"
	}
	order := " ORDER BY k.key" + direction + ", k.id"
	limit := " LIMIT " + args.place(int64(k.Count+1-len(k.rows))) + " OFFSET " + args.place(int64(skip))
	ofType := "r.tenant = $1 AND r.type = " + k.types[0].place
	sql := "SELECT " + columns + ", r.type, r.id, k.key FROM " + k.engine.ByKey(ofType) + " WHERE " + keys + " AND " + k.where + order + limit
	if k.where == "TRUE" { // up to the page, only the keys are read
		sql = "SELECT " + columns + ", r.type, r.id, p.key FROM " + k.engine.ByKeys(ofType, "FROM ~keys k WHERE "+keys+order+limit) + " ORDER BY p.key" + direction + ", p.id"
	}
	var key []byte
	scan := k.scanner(&key)
	sql, asked := compact(sql, args)
	return k.in.QueryOnce(ctx, sql, asked, func(rw Row) error {
		found, err := scan(rw)
		if err != nil {
			return err
		}
		if isCut(key) {
			return errUnordered
		}
		return k.add(found, store.Position{Key: Dec(string(key[ofAttribute:])), Has: true})
	})
}

// withoutKey adds resources without a key to the page, and skips so many before.
func (k *keyedPage) withoutKey(ctx context.Context, skip int) error {
	args := append(arguments{}, k.args...)
	where := "r.tenant = $1 AND r.type = " + k.types[0].place + " AND " + k.none + " AND NOT " + k.suspect + " AND " + k.where
	if k.after != nil && !k.after.Has {
		where += " AND r.id > " + args.place(Enc(k.after.ID))
	}
	sql := "SELECT " + columns + ", r.type, r.id FROM ~resource r WHERE " + where + " ORDER BY r.id LIMIT " +
		args.place(int64(k.Count+1-len(k.rows))) + " OFFSET " + args.place(int64(skip))
	scan := k.scanner()
	sql, asked := compact(sql, args)
	return k.in.QueryOnce(ctx, sql, asked, func(rw Row) error {
		found, err := scan(rw)
		if err != nil {
			return err
		}
		return k.add(found, store.Position{})
	})
}

func (k *keyedPage) add(found *Record, at store.Position) error {
	r, err := found.whole()
	at.ID, at.Type = found.ID, found.Type
	k.rows, k.places = append(k.rows, r), append(k.places, at)
	return err
}
