package scim

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// rootTypes is what the cursors of queries across types are bound to, in the place of a type's name.
const rootTypes = "/"

// root answers requests of the base URL: queries across resource types (RFC 7644 sections 3.4.2.1 and 3.4.3). A GET that asks
// nothing comes from somebody who sets up a connection and tries the address: it lists the resource types that there are.
func (x *exchange) root(first string) error {
	var q query
	switch method := x.r.Method; {
	case first == "" && (method == http.MethodGet || method == http.MethodHead):
		params, err := x.params()
		if err != nil {
			return err
		}
		if !slices.ContainsFunc([]string{"filter", "sortBy", "startIndex", "count", "cursor", "attributes", "excludedAttributes"}, params.Has) {
			return x.discover("ResourceTypes", "")
		}
		if err := x.permit(ScopeRead); err != nil {
			return err
		}
		if q, err = x.queryFromURL(nil); err != nil {
			return err
		}
	case first == "":
		return x.notAllowed(http.MethodGet, http.MethodHead)
	case method != http.MethodPost:
		return x.notAllowed(http.MethodPost)
	default:
		if err := x.permit(ScopeRead); err != nil {
			return err
		}
		x.bodyLimit = x.h.opts.Limits.Body
		body, err := x.body()
		if err != nil {
			return err
		}
		if q, err = queryFromBody(nil, body); err != nil {
			return err
		}
	}
	return x.answerAcross(q)
}

// answerAcross answers with a page of resources of every type, in one order.
func (x *exchange) answerAcross(q query) error {
	s, err := x.bindAcross(q)
	if err != nil {
		return err
	}
	shown := make(map[string]*schema.Projection, len(x.h.types))
	for name, ep := range x.h.types {
		x.secret = x.secret || ep.secrets
		if shown[name], err = ep.projection(q.attributes, q.excluded); err != nil {
			return err
		}
	}
	walk, err := x.begin(rootTypes, &q, &s)
	if err != nil {
		return err
	}
	page := &store.Page{}
	if len(s.Types) > 0 {
		if page, err = x.store().List(x.ctx, s); err != nil {
			return err
		}
	}
	if err := x.appendPageHead(q, page, walk); err != nil {
		return err
	}
	rows, err := x.groupsOf(page.Resources, shown)
	if err != nil {
		return err
	}
	for i, rest := 0, page.Resources; len(rest) > 0; i++ {
		if i > 0 {
			x.buf = append(x.buf, ',')
		}
		typ, n := rest[0].Type, 1
		for n < len(rest) && rest[n].Type == typ {
			n++
		}
		known := related{}
		if shown[typ].Relation() == filter.Groups {
			turn := make(map[string]bool, n)
			for _, r := range rest[:n] {
				turn[r.ID] = true
			}
			end := 0
			for end < len(rows) && turn[rows[end].ID] {
				end++
			}
			known = related{rows: rows[:end], complete: n}
			rows = rows[end:]
		}
		if x.buf, err = x.appendResources(x.buf, x.base, x.h.types[typ], shown[typ], rest[:n], known, x.overflow(http.StatusOK)); err != nil {
			return err
		}
		rest = rest[n:]
	}
	x.buf = append(x.buf, "]}"...)
	return x.answer(http.StatusOK)
}

// groupsOf reads the groups of all resources of a page that are to show them at once: types take turns in a page, and a read for
// each turn would be many. Members are read by turn, as nobody knows how many there are.
func (x *exchange) groupsOf(page []*store.Resource, shown map[string]*schema.Projection) (rows []store.Member, err error) {
	var ids []string
	for _, r := range page {
		if x.h.types[r.Type] == nil {
			return nil, store.ErrCorrupt
		}
		if shown[r.Type].Relation() == filter.Groups {
			ids = append(ids, r.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return x.groupRows(ids)
}

// bindAcross makes a query across types one that a store understands. It has no types if none can match.
func (c *caller) bindAcross(q query) (store.Query, error) {
	all := make([]*endpoint, 0, len(c.h.types))
	for _, ep := range c.h.types {
		if ep.grants == nil { // those have no place in a store's order
			all = append(all, ep)
		}
	}
	slices.SortFunc(all, func(a, b *endpoint) int { return strings.Compare(a.Name, b.Name) })
	s := c.pageOf(q)
	if q.filter == "" {
		for _, ep := range all {
			s.Types = append(s.Types, ep.Name)
		}
	} else if err := c.filterAcross(q.filter, all, &s); err != nil {
		return s, err
	}
	if q.sortBy != "" {
		var by filter.Attr
		var err error
		for _, ep := range all { // the first type that has it says how it compares
			if by, err = ep.BindSort(q.sortBy, &c.mode); err == nil {
				break
			}
		}
		if err != nil {
			return s, err
		}
		s.Sort = &store.Sort{By: by, Descending: q.descending}
	}
	return s, nil
}

// filterAcross puts a filter into a query, and those types that can match it.
func (c *caller) filterAcross(text string, all []*endpoint, s *store.Query) error {
	x, err := c.parseFilter(text)
	if err != nil {
		return err
	}
	types := make([]*schema.Type, len(all))
	for i, ep := range all {
		types[i] = ep.Type
	}
	bound, err := schema.BindAmong(types, x, &c.mode)
	if err != nil {
		return err
	}
	var each filter.Or
	same := true
	var first filter.Expr
	for i, x := range bound {
		if x == filter.Expr(filter.Const(false)) {
			continue
		}
		if len(s.Types) == 0 {
			first = x
		}
		same = same && reflect.DeepEqual(first, x)
		s.Types = append(s.Types, types[i].Name)
		each = append(each, filter.And{filter.Compare{
			Attr:  filter.Attr{Path: filter.Path{Name: "meta", Sub: "resourceType"}, Type: filter.String, CaseExact: true},
			Op:    filter.Eq,
			Value: document.String(types[i].Name),
		}, x})
	}
	switch {
	case len(s.Types) == 0:
	case !same:
		s.Filter = each
	case first != filter.Expr(filter.Const(true)):
		s.Filter = first
	}
	return nil
}
