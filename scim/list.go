package scim

import (
	"errors"
	"math"
	"net/url"
	"strconv"
	"strings"

	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
)

// query is what a list request asks for, from a URL or from a SearchRequest (RFC 7644 sections 3.4.2 and 3.4.3).
type query struct {
	filter     string
	sortBy     string
	descending bool
	start      int // 1-based
	count      int // -1: not given
	byCursor   bool
	cursor     string // "" for the first page
	attributes []string
	excluded   []string
	projection *schema.Projection // of a query of one type
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
	return ep.projection(names(params["attributes"]), names(params["excludedAttributes"]))
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
	q.byCursor, q.cursor = params.Has("cursor"), params.Get("cursor")
	if q.count, err = q.readCount(params.Get("count")); err != nil {
		return q, err
	}
	q.attributes, q.excluded = names(params["attributes"]), names(params["excludedAttributes"])
	return q, q.check(ep)
}

// readCount reads count. A page by cursor has a type of error for it (RFC 9865 section 2.1).
func (q *query) readCount(text string) (int, error) {
	n, err := number("count", text, -1)
	if q.byCursor && (err != nil || strings.HasPrefix(text, "-")) {
		return 0, badRequest("invalidCount", "count: want a number of 0 or more, got %s", quoted(text))
	}
	return n, err
}

// check checks what a query says besides filter and sort; ep is nil for a query across types.
func (q *query) check(ep *endpoint) (err error) {
	if q.byCursor && q.start > 1 {
		return badRequest("invalidValue", "cursor and startIndex exclude each other; send one of them")
	}
	if ep != nil {
		q.projection, err = ep.projection(q.attributes, q.excluded)
	}
	return err
}

// projection compiles the attributes and excludedAttributes parameters.
func (ep *endpoint) projection(attributes, excluded []string) (*schema.Projection, error) {
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
	for _, name := range [...]string{"filter", "sortBy", "sortOrder", "cursor"} {
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
	q.byCursor, q.cursor = hasName(body, "cursor"), text["cursor"]
	start, count := body.Fold("startIndex"), body.Fold("count")
	if start.Kind() != document.KindNumber && !start.IsNull() {
		return q, badRequest("invalidValue", "startIndex: want a number, got %s", start.Kind())
	}
	if q.start, err = number("startIndex", start.Text(), 1); err != nil {
		return q, err
	}
	if count.Kind() != document.KindNumber && !count.IsNull() {
		scimType := "invalidValue"
		if q.byCursor {
			scimType = "invalidCount"
		}
		return q, badRequest(scimType, "count: want a number, got %s", count.Kind())
	}
	if q.count, err = q.readCount(count.Text()); err != nil {
		return q, err
	}
	for name, to := range map[string]*[]string{"attributes": &q.attributes, "excludedAttributes": &q.excluded} {
		v := body.Fold(name)
		switch v.Kind() {
		case document.KindNull:
		case document.KindString:
			*to = names([]string{v.Text()})
		case document.KindArray:
			var texts []string
			for _, e := range v.Items() {
				if e.Value.Kind() != document.KindString {
					return q, badRequest("invalidValue", "%s: want strings, got %s", name, e.Value.Kind())
				}
				texts = append(texts, e.Value.Text())
			}
			*to = names(texts)
		default:
			return q, badRequest("invalidValue", "%s: want an array of strings, got %s", name, v.Kind())
		}
	}
	return q, q.check(ep)
}

// hasName says whether an object has a member of that name, null or not.
func hasName(object document.Value, name string) bool {
	for _, m := range object.Items() {
		if strings.EqualFold(m.Name, name) {
			return true
		}
	}
	return false
}

func holds(array document.Value, text string) bool {
	for _, e := range array.Items() {
		if strings.EqualFold(e.Value.Text(), text) {
			return true
		}
	}
	return false
}
