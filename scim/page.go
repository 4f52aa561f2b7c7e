package scim

import (
	"crypto/sha256"
	"net/http"
	"strconv"
	"strings"

	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// parseFilter parses a filter as the caller's dialect has it.
func (c *caller) parseFilter(text string) (filter.Expr, error) {
	limit := c.h.opts.Limits.Filter
	x, used, err := filter.Parse(text, filter.Options{MaxLength: limit})
	if err == nil && (used.Has(filter.UnquotedValue) && !c.mode.Tolerate(quirk.UnquotedFilterValue) ||
		used.Has(filter.ValuePathOperator) && !c.mode.Tolerate(quirk.FilterSubAttribute)) {
		x, _, err = filter.Parse(text, filter.Options{Strict: true, MaxLength: limit})
	}
	return x, err
}

// pageOf is the page that a query asks for, of all resources of the types.
func (c *caller) pageOf(q query, types ...string) store.Query {
	limits := &c.h.opts.Limits
	count := q.count
	if count < 0 {
		count = limits.PageSize
	}
	return store.Query{Tenant: c.who.Tenant, Types: types, Start: max(q.start, 1) - 1, Count: min(count, limits.MaxResults)}
}

// bind makes a query one that a store understands.
func (c *caller) bind(ep *endpoint, q query) (store.Query, error) {
	s := c.pageOf(q, ep.Name)
	if strings.TrimSpace(q.filter) != "" {
		x, err := c.parseFilter(q.filter)
		if err != nil {
			return s, err
		}
		if s.Filter, err = ep.Bind(x, &c.mode); err != nil {
			return s, err
		}
	}
	if q.sortBy != "" {
		by, err := ep.BindSort(q.sortBy, &c.mode)
		if err != nil {
			return s, err
		}
		s.Sort = &store.Sort{By: by, Descending: q.descending}
	}
	return s, nil
}

// mostRelated is how many membership rows are read together with a page.
const mostRelated = 1_000

// find reads the page that a query asks for, with the groups of its first resources if the answer is to show them.
func (c *caller) find(s store.Query, shows filter.Relation) (page *store.Page, known related, err error) {
	if c.showsIndirect(shows) {
		if page, err = c.store().List(c.ctx, s); err != nil {
			return nil, known, err
		}
		ids := make([]string, len(page.Resources))
		for i, r := range page.Resources {
			ids[i] = r.ID
		}
		if len(ids) > 0 {
			known.rows, err = c.groupRows(ids)
		}
		known.complete = len(ids)
		return page, known, err
	}
	if reader, ok := c.store().(store.RelatedReader); ok && shows == filter.Groups {
		page, known.rows, known.complete, err = reader.ListRelated(c.ctx, s, mostRelated)
		return page, known, err
	}
	page, err = c.store().List(c.ctx, s)
	return page, known, err
}

// answerQuery answers with a page of one type's resources.
func (x *exchange) answerQuery(ep *endpoint, q query) error {
	s, err := x.bind(ep, q)
	if err != nil {
		return err
	}
	walk, err := x.begin(ep.Name, &q, &s)
	if err != nil {
		return err
	}
	var page *store.Page
	var known related
	if ep.grants != nil {
		page, err = ep.grants.list(s)
	} else {
		page, known, err = x.find(s, q.projection.Relation())
	}
	if err != nil {
		return err
	}
	const few = 10 // that a look-up finds; whoever lists everybody knows nobody yet
	if s.Filter != nil && len(page.Resources) <= few {
		x.saw(page.Resources...)
	}
	if err := x.appendPageHead(q, page, walk); err != nil {
		return err
	}
	if x.buf, err = x.appendResources(x.buf, x.base, ep, q.projection, page.Resources, known, x.overflow(http.StatusOK)); err != nil {
		return err
	}
	x.buf = append(x.buf, "]}"...)
	return x.answer(http.StatusOK)
}

// walk is a walk by cursor at one of its pages.
type walk struct {
	query string // what its cursors are bound to
	place place
}

// begin finds where a page by cursor begins (RFC 9865 section 2). It returns nil for a page by index.
func (x *exchange) begin(of string, q *query, s *store.Query) (*walk, error) {
	if !q.byCursor {
		return nil, nil
	}
	w := &walk{query: q.identity(of)}
	var err error
	if w.place, err = x.h.cursors.open(x.ctx, x.who.Tenant, w.query, q.cursor); err != nil {
		return nil, err
	}
	if q.cursor == "" {
		w.place.count = s.Count
		return w, nil
	}
	if q.count >= 0 && s.Count != w.place.count {
		return nil, badRequest("invalidCount", "count: want the same as for the first page, which was %d", w.place.count)
	}
	s.Start, s.Cursor, s.Count = 0, w.place.at, w.place.count
	return w, nil
}

// identity is a sum of all that must stay the same while a client walks by cursor, but for count.
func (q *query) identity(of string) string {
	h := sha256.New()
	for _, text := range append(append([]string{of, q.filter, q.sortBy, strconv.FormatBool(q.descending), "+"}, q.attributes...), append([]string{"-"}, q.excluded...)...) {
		h.Write(strconv.AppendInt(nil, int64(len(text)), 10))
		h.Write([]byte(":" + text))
	}
	return string(h.Sum(nil))
}

// appendPageHead begins a list answer (RFC 7644 section 3.4.2), up to its resources.
func (x *exchange) appendPageHead(q query, page *store.Page, w *walk) error {
	x.buf = append(x.buf[:0], `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":`...)
	x.buf = strconv.AppendInt(x.buf, int64(page.Total), 10)
	if w == nil {
		x.buf = append(x.buf, `,"startIndex":`...)
		x.buf = strconv.AppendInt(x.buf, int64(max(q.start, 1)), 10)
	}
	x.buf = append(x.buf, `,"itemsPerPage":`...)
	x.buf = strconv.AppendInt(x.buf, int64(len(page.Resources)), 10)
	if w != nil && page.Next != "" {
		if err := x.appendCursor(`,"nextCursor":"`, w, w.place.next(page.Next)); err != nil {
			return err
		}
	}
	if w != nil {
		if before, ok := w.place.previous(); ok {
			if err := x.appendCursor(`,"previousCursor":"`, w, before); err != nil {
				return err
			}
		}
	}
	x.buf = append(x.buf, `,"Resources":[`...)
	return nil
}

func (x *exchange) appendCursor(name string, w *walk, p place) error {
	cursor, err := x.h.cursors.seal(x.ctx, x.who.Tenant, w.query, p)
	if err != nil {
		return err
	}
	x.buf = append(append(append(x.buf, name...), cursor...), '"')
	return nil
}
