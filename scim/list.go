package scim

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/rollcall-dev/rollcall/scim/quirk"
	"github.com/rollcall-dev/rollcall/scim/schema"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// query is what a list request asks for, from a URL or from a SearchRequest (RFC 7644 sections 3.4.2 and 3.4.3).
type query struct {
	filter     string
	sortBy     string
	descending bool
	start      int // 1-based
	count      int // -1: not given
	projection *schema.Projection
}

// list answers GET on a collection.
func (x *exchange) list(ep *endpoint, _ string) error {
	q, err := x.queryFromURL(ep)
	if err != nil {
		return err
	}
	return x.answerQuery(ep, q)
}

// search answers POST .search.
func (x *exchange) search(ep *endpoint, _ string) error {
	body, err := x.body()
	if err != nil {
		return err
	}
	q, err := queryFromBody(ep, body)
	if err != nil {
		return err
	}
	return x.answerQuery(ep, q)
}

// params are the parameters of the URL. Those that nobody knows are ignored (RFC 7644 section 3.4.2).
func (x *exchange) params() (url.Values, error) {
	if x.r.URL.RawQuery == "" {
		return nil, nil
	}
	params, err := parseQuery(x.r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("invalidSyntax", "the query string can't be read: %s", err)
	}
	return params, nil
}

// projection is what the request's URL wants to see of a resource.
func (x *exchange) projection(ep *endpoint) (*schema.Projection, error) {
	params, err := x.params()
	if err != nil {
		return nil, err
	}
	return ep.projection(params)
}

func (x *exchange) queryFromURL(ep *endpoint) (q query, err error) {
	params, err := x.params()
	if err != nil {
		return q, err
	}
	q.filter, q.sortBy = params.Get("filter"), params.Get("sortBy")
	if q.descending, err = sortOrder(params.Get("sortOrder")); err != nil {
		return q, err
	}
	if q.start, err = number("startIndex", params.Get("startIndex"), 1); err != nil {
		return q, err
	}
	if q.count, err = number("count", params.Get("count"), -1); err != nil {
		return q, err
	}
	q.projection, err = ep.projection(params)
	return q, err
}

// projection compiles the attributes and excludedAttributes parameters.
func (ep *endpoint) projection(params url.Values) (*schema.Projection, error) {
	attributes, excluded := names(params["attributes"]), names(params["excludedAttributes"])
	if attributes == nil && excluded == nil {
		return ep.standard, nil
	}
	return ep.Projection(attributes, excluded)
}

// names splits comma-separated lists of attribute names; a comma in the brackets of a value filter splits nothing.
func names(values []string) (list []string) {
	for _, v := range values {
		depth := 0
		for name := range strings.FieldsFuncSeq(v, func(r rune) bool {
			switch r {
			case '[':
				depth++
			case ']':
				depth--
			}
			return r == ',' && depth <= 0
		}) {
			if name = strings.TrimSpace(name); name != "" {
				list = append(list, name)
			}
		}
	}
	return list
}

// number reads an integer parameter. One too large for an int is as good as the largest.
func number(name, text string, otherwise int) (int, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, badRequest("invalidValue", "%s: want an integer, got %s", name, quoted(text))
	}
	n = max(n, math.MinInt32)
	if name == "count" {
		n = max(n, 0) // RFC 7644 section 3.4.2.4: negative is 0
	}
	return int(min(n, math.MaxInt32)), nil
}

func sortOrder(text string) (descending bool, err error) {
	switch {
	case text == "" || strings.EqualFold(text, "ascending"):
		return false, nil
	case strings.EqualFold(text, "descending"):
		return true, nil
	}
	return false, badRequest("invalidValue", "sortOrder: want ascending or descending, got %s", quoted(text))
}

// searchSchema is the URN of a SearchRequest.
const searchSchema = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

func queryFromBody(ep *endpoint, body document.Value) (q query, err error) {
	if schemas := body.Fold("schemas"); !schemas.IsNull() && !holds(schemas, searchSchema) {
		return q, badRequest("invalidSyntax", "schemas: want %s", searchSchema)
	}
	text := map[string]string{}
	for _, name := range [...]string{"filter", "sortBy", "sortOrder"} {
		v := body.Fold(name)
		if v.Kind() != document.KindString && !v.IsNull() {
			return q, badRequest("invalidValue", "%s: want a string, got %s", name, v.Kind())
		}
		text[name] = v.Text()
	}
	q.filter, q.sortBy = text["filter"], text["sortBy"]
	if q.descending, err = sortOrder(text["sortOrder"]); err != nil {
		return q, err
	}
	for _, n := range [...]struct {
		name      string
		to        *int
		otherwise int
	}{{"startIndex", &q.start, 1}, {"count", &q.count, -1}} {
		v := body.Fold(n.name)
		if v.Kind() != document.KindNumber && !v.IsNull() {
			return q, badRequest("invalidValue", "%s: want a number, got %s", n.name, v.Kind())
		}
		if *n.to, err = number(n.name, v.Text(), n.otherwise); err != nil {
			return q, err
		}
	}
	params := url.Values{}
	for _, name := range [...]string{"attributes", "excludedAttributes"} {
		v := body.Fold(name)
		switch v.Kind() {
		case document.KindNull:
		case document.KindString:
			params.Add(name, v.Text())
		case document.KindArray:
			for _, e := range v.Items() {
				if e.Value.Kind() != document.KindString {
					return q, badRequest("invalidValue", "%s: want strings, got %s", name, e.Value.Kind())
				}
				params.Add(name, e.Value.Text())
			}
		default:
			return q, badRequest("invalidValue", "%s: want an array of strings, got %s", name, v.Kind())
		}
	}
	q.projection, err = ep.projection(params)
	return q, err
}

func holds(array document.Value, text string) bool {
	for _, e := range array.Items() {
		if strings.EqualFold(e.Value.Text(), text) {
			return true
		}
	}
	return false
}

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

// bind makes a query one that a store understands.
func (c *caller) bind(ep *endpoint, q query) (store.Query, error) {
	limits := c.h.opts.Limits
	count := q.count
	if count < 0 {
		count = limits.PageSize
	}
	s := store.Query{
		Tenant: c.who.Tenant,
		Types:  []string{ep.Name},
		Start:  max(q.start, 1) - 1,
		Count:  min(count, limits.MaxResults),
	}
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
func (c *caller) find(ep *endpoint, q query, shows filter.Relation) (page *store.Page, known related, err error) {
	s, err := c.bind(ep, q)
	if err != nil {
		return nil, known, err
	}
	if reader, ok := c.h.store.(store.RelatedReader); ok && shows == filter.Groups {
		page, known.rows, known.complete, err = reader.ListRelated(c.ctx, s, mostRelated)
		return page, known, err
	}
	page, err = c.h.store.List(c.ctx, s)
	return page, known, err
}

func (x *exchange) answerQuery(ep *endpoint, q query) error {
	page, known, err := x.find(ep, q, q.projection.Relation())
	if err != nil {
		return err
	}
	x.buf = append(x.buf[:0], `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":`...)
	x.buf = strconv.AppendInt(x.buf, int64(page.Total), 10)
	x.buf = append(x.buf, `,"startIndex":`...)
	x.buf = strconv.AppendInt(x.buf, int64(max(q.start, 1)), 10)
	x.buf = append(x.buf, `,"itemsPerPage":`...)
	x.buf = strconv.AppendInt(x.buf, int64(len(page.Resources)), 10)
	x.buf = append(x.buf, `,"Resources":[`...)
	if x.buf, err = x.appendResources(x.buf, x.base, ep, q.projection, page.Resources, known, x.overflow(http.StatusOK)); err != nil {
		return err
	}
	x.buf = append(x.buf, "]}"...)
	return x.answer(http.StatusOK)
}
