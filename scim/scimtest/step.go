package scimtest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

const patchURN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// made is a resource that a case has made.
type made struct {
	path string
	id   string
	sent map[string]any
	body map[string]any // the resource as the service answered it
}

// req sends a request of the case. The case ends if there is no answer.
func (c *check) req(method, target string, body any, header http.Header) *answer {
	a := c.send(method, target, body, header)
	c.last = a
	if a.err != nil {
		c.fatal("", "no answer: %v", a.err)
	}
	return a
}

func (c *check) read(target string) *answer { return c.req(http.MethodGet, target, nil, nil) }

// post sends a POST, and notes the resource that it has made.
func (c *check) post(k *kind, body any, params ...string) *answer {
	a := c.req(http.MethodPost, query(k.endpoint, params...), body, nil)
	if a.status == http.StatusCreated {
		if id := text(at(a.body, "id")); id != "" {
			c.made = append(c.made, k.endpoint+"/"+id)
		}
	}
	return a
}

// create makes a resource with the attributes that its schema requires and those that the edits add. The case ends if that fails.
func (c *check) create(k *kind, edits ...func(map[string]any)) *made {
	r := c.minimal(k)
	for _, edit := range edits {
		edit(r)
	}
	return c.createOf(k, r)
}

func (c *check) createOf(k *kind, body map[string]any) *made {
	a := c.post(k, body)
	id := text(at(a.body, "id"))
	if a.status != http.StatusCreated || id == "" {
		c.fatal("", "want 201 and a resource with an id for a valid %s, got %s; sent %s", k.name, a.excerpt(), a.sent)
	}
	return &made{path: k.endpoint + "/" + id, id: id, sent: body, body: a.body}
}

// with returns an edit that gives an attribute a value.
func with(a *attribute, value any) func(map[string]any) {
	return func(r map[string]any) { a.set(r, value) }
}

// now reads the resource and returns it. The case ends if that fails.
func (c *check) now(m *made, params ...string) map[string]any {
	a := c.read(query(m.path, params...))
	if a.status != http.StatusOK || a.body == nil {
		c.fatal("", "want 200 with the resource, got %s", a.excerpt())
	}
	return a.body
}

// op returns an operation of a PATCH. It has no path if that is empty, and no value if that is noValue.
func op(name, path string, value any) map[string]any {
	o := map[string]any{"op": name}
	if path != "" {
		o["path"] = path
	}
	if value != noValue {
		o["value"] = value
	}
	return o
}

const noValue = "\x00"

// patch sends operations and returns the answer.
func (c *check) patch(path string, ops ...map[string]any) *answer {
	return c.req(http.MethodPatch, path, patchBody(ops...), nil)
}

func patchBody(ops ...map[string]any) map[string]any {
	return map[string]any{"schemas": []string{patchURN}, "Operations": ops}
}

// change sends a PATCH that must succeed, and returns the resource as it is afterwards.
func (c *check) change(m *made, ops ...map[string]any) map[string]any {
	a := c.patch(m.path, ops...)
	if a.status != http.StatusOK && a.status != http.StatusNoContent {
		c.fatal("", "want 200 or 204 for %s, got %s", a.sent, a.excerpt())
	}
	patched := a
	body := c.now(m)
	c.last = patched
	return body
}

// want notes a failure unless the attribute has the value in the resource.
func (c *check) want(a *attribute, resource map[string]any, value any) {
	got := a.of(resource)
	if none(value) {
		if !none(got) {
			c.fail(a.path(), "want it unassigned, got %s", show(got))
		}
		return
	}
	if !holds(value, got) {
		c.fail(a.path(), "want %s, got %s", show(value), show(got))
	}
}

// status ends the case unless the answer has one of the statuses.
func (c *check) status(a *answer, want ...int) {
	if !slices.Contains(want, a.status) {
		c.fatal("", "want the status %v, got %s; sent %s", want, a.excerpt(), a.sent)
	}
}

// refused fails unless the answer is an error with the status, and with one of the scimTypes if any is named.
func (c *check) refused(a *answer, attribute string, status int, scimTypes ...string) {
	if a.status != status {
		c.fail(attribute, "want the status %d, got %s; sent %s", status, a.excerpt(), a.sent)
		return
	}
	if got := text(at(a.body, "scimType")); len(scimTypes) > 0 && !slices.Contains(scimTypes, got) {
		c.fail("scimType", "want %s, got %s", strings.Join(scimTypes, " or "), show(at(a.body, "scimType")))
	}
}

// pause waits. It ends the case if the context of the run ends meanwhile.
func (c *check) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx.Done():
		panic(stop{})
	}
}

// list reads a list. The case ends if the answer is no ListResponse.
func (c *check) list(path string, params ...string) map[string]any {
	return c.listed(c.read(query(path, params...)))
}

func (c *check) listed(a *answer) map[string]any {
	if a.status != http.StatusOK || a.body == nil {
		c.fatal("", "want 200 with a list, got %s", a.excerpt())
	}
	return a.body
}

// found returns the ids in a list.
func found(list map[string]any) (ids []string) {
	for _, r := range objects(at(list, "Resources")) {
		ids = append(ids, text(at(r, "id")))
	}
	return ids
}

// finds fails unless a filter finds exactly these of the resources that the case has made.
func (c *check) finds(k *kind, attribute, filter string, all []*made, want ...*made) {
	list := c.list(k.endpoint, "filter", filter, "count", "200")
	ids := found(list)
	for _, m := range all {
		if got, wanted := slices.Contains(ids, m.id), slices.Contains(want, m); got != wanted {
			c.fail(attribute, "the filter %s: want that it finds %s, got that it finds %v", filter, count(len(want), len(all)), len(ids))
			return
		}
	}
}

func count(n, of int) string {
	return string(rune('0'+n)) + " of the " + string(rune('0'+of)) + " that were made for it"
}

// total returns a list's totalResults; -1 if it has none.
func total(list map[string]any) int {
	if n, ok := at(list, "totalResults").(float64); ok {
		return int(n)
	}
	return -1
}

// need skips the case if an attribute is nil, because the service has none of that kind.
func (c *check) need(a *attribute, what string) *attribute {
	if a == nil {
		c.skip("Schemas have no " + what)
	}
	return a
}

// user returns the resource type of RFC 7643 section 4.1. The case is skipped if there is none.
func (c *check) user() *kind { return c.core(userURN) }

// group returns the resource type of RFC 7643 section 4.2. The case is skipped if there is none.
func (c *check) group() *kind { return c.core(groupURN) }

func (c *check) core(urn string) *kind {
	for _, k := range c.kinds {
		if strings.EqualFold(k.urn, urn) {
			c.kind = k
			return k
		}
	}
	c.skip("there is no resource type of " + urn)
	return nil
}

// both returns a filter that finds what two filters both find, such as the one under test and one for the resources of the case.
func both(a, b string) string { return "(" + a + ") and (" + b + ")" }

func quote(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }
