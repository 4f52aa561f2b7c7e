package scimtest

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// tour sends requests of all kinds, valid and invalid ones, and returns the answers. It does so once in a run. What it makes is deleted
// in the end.
func (c *check) tour() []*answer {
	if c.tourDone {
		return c.toured
	}
	c.tourDone = true
	note := func(a *answer) *answer {
		c.toured = append(c.toured, a)
		return a
	}
	for _, path := range []string{"/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/kit-nowhere"} {
		note(c.read(path))
	}
	for _, k := range c.kinds {
		created := note(c.post(k, c.full(k)))
		path := k.endpoint + "/" + text(at(created.body, "id"))
		note(c.read(path))
		note(c.read(query(k.endpoint, "count", "2")))
		note(c.req("POST", k.endpoint+"/.search", map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:SearchRequest"}, "count": 1}, nil))
		note(c.req("PUT", path, clone(created.body), nil))
		note(c.patch(path, op("replace", k.string().path(), c.unique())))
		note(c.patch(path, op("replace", "", "kit")))
		note(c.post(k, `{`))
		note(c.read(k.endpoint + "/kit-nowhere"))
		note(c.read(query(k.endpoint, "filter", "externalId zz 1")))
		note(c.req("DELETE", path, nil, nil))
		note(c.read(path))
	}
	return c.toured
}

const errorURN = "urn:ietf:params:scim:api:messages:2.0:Error"

// scimTypes are the values of scimType of RFC 7644 section 3.12 and RFC 9865 section 2.
var scimTypes = []string{"invalidFilter", "tooMany", "uniqueness", "mutability", "invalidSyntax", "invalidPath", "noTarget", "invalidValue",
	"invalidVers", "sensitive", "invalidCursor", "expiredCursor", "invalidCount"}

// httpClauses returns the clauses of RFC 7644 sections 2, 3.1, 3.8, 3.11 and 3.12.
func httpClauses() []clause {
	// errors makes a case that runs a test on every error of the tour.
	errors := func(test func(c *check, a *answer)) func(*check) {
		return func(c *check) {
			n := 0
			for _, a := range c.tour() {
				if a.status >= 400 {
					n++
					c.last = a
					test(c, a)
				}
			}
			if n == 0 {
				c.fail("", "want that wrong requests are refused, and all were answered with success")
			}
		}
	}
	return []clause{
		{id: "7644-3.1-media-type", section: "3.1", level: must, text: "Answers are of the type application/scim+json.", once: func(c *check) {
			for _, a := range c.tour() {
				if t, _, err := mime.ParseMediaType(a.header.Get("Content-Type")); len(a.text) > 0 && (err != nil || t != contentType) {
					c.last = a
					c.fail("header Content-Type", "want %s, got %s", contentType, show(a.header.Get("Content-Type")))
				}
			}
		}},
		{id: "7644-3.1-schemas", section: "3.1", level: must, text: "The JSON of every answer names its schema in schemas.", once: func(c *check) {
			for _, a := range c.tour() {
				if len(a.text) > 0 && len(texts(at(a.body, "schemas"))) == 0 {
					c.last = a
					c.fail("schemas", "want a URN, got %s", a.excerpt())
				}
			}
		}},
		{id: "7644-3.8-accept", section: "3.8", level: must, text: "Accept: application/scim+json is understood.", each: func(c *check, k *kind) {
			c.status(c.req("GET", c.create(k).path, nil, headers("Accept", contentType)), 200)
		}},
		{id: "7644-3.8-accept-json", section: "3.8", level: should, text: "Accept: application/json is understood.", each: func(c *check, k *kind) {
			c.status(c.req("GET", c.create(k).path, nil, headers("Accept", "application/json")), 200)
		}},
		{id: "7644-3.8-json", section: "3.8", level: should, text: "A body of the type application/json is understood.", each: func(c *check, k *kind) {
			m := c.create(k)
			c.status(c.req("PUT", m.path, m.sent, headers("Content-Type", "application/json")), 200)
		}},
		{id: "7644-3.8-charset", section: "3.8", level: must, text: "A body with charset=utf-8 is understood.", each: func(c *check, k *kind) {
			m := c.create(k)
			c.status(c.req("PUT", m.path, m.sent, headers("Content-Type", contentType+"; charset=utf-8")), 200)
		}},
		{id: "7644-3.8-utf8", section: "3.8", level: must, text: "Answers are in UTF-8.", each: func(c *check, k *kind) {
			value := "Ünïcödé 名 " + c.unique()
			m := c.create(k, with(externalID, value))
			a := c.read(m.path)
			if !strings.Contains(string(a.text), value) && text(at(a.body, "externalId")) != value {
				c.fail("externalId", "want %s, got %s", value, show(at(a.body, "externalId")))
			}
		}},
		{id: "7644-3.12-schemas", section: "3.12", level: must, text: "An error names the schema of errors.", once: errors(func(c *check, a *answer) {
			if !slices.Contains(texts(at(a.body, "schemas")), errorURN) {
				c.fail("schemas", "want %s, got %s", errorURN, a.excerpt())
			}
		})},
		{id: "7644-3.12-status", section: "3.12", level: must, text: "An error has its HTTP status as a text.", once: errors(func(c *check, a *answer) {
			if got := at(a.body, "status"); got != strconv.Itoa(a.status) {
				c.fail("status", "want %q, got %s", strconv.Itoa(a.status), show(got))
			}
		})},
		{id: "7644-3.12-detail", section: "3.12", level: should, text: "An error says in detail what is wrong.", once: errors(func(c *check, a *answer) {
			if text(at(a.body, "detail")) == "" {
				c.fail("detail", "want a text, got %s", show(at(a.body, "detail")))
			}
		})},
		{id: "7644-3.12-scimType", section: "3.12", level: must, text: "The scimType of an error is one that there is.", once: errors(func(c *check, a *answer) {
			if got := at(a.body, "scimType"); got != nil && !slices.Contains(scimTypes, text(got)) {
				c.fail("scimType", "want one of %v, got %s", scimTypes, show(got))
			}
		})},
		{id: "7644-3.12-internal", section: "3.12", level: must, text: "No request of a client is answered with 500.", once: errors(func(c *check, a *answer) {
			if a.status >= 500 && a.status != http.StatusNotImplemented {
				c.fail("", "want a 4xx for what the client did wrong, got %s", a.excerpt())
			}
		})},
		{id: "7644-3.12-endpoint", section: "3.12", level: must, text: "An endpoint that there isn't is answered with 404.", once: func(c *check) {
			c.refused(c.read("/kit-nowhere"), "", 404)
		}},
		{id: "7644-2-unauthenticated", section: "2", level: must, text: "A request with a wrong credential is answered with 401.", once: func(c *check) {
			c.authorized()
			c.refused(c.req("GET", c.kinds[0].endpoint, nil, headers("Authorization", "Bearer kit-wrong")), "header Authorization", 401)
		}},
		{id: "7644-2-anonymous", section: "2", level: must, text: "A request without a credential changes nothing, and is answered with 401.", once: func(c *check) {
			c.authorized()
			k := c.kinds[0]
			body := c.minimal(k)
			a := c.req("POST", k.endpoint, body, http.Header{"Authorization": nil})
			if id := text(at(a.body, "id")); a.status == 201 && id != "" {
				c.made = append(c.made, k.endpoint+"/"+id)
			}
			c.refused(a, "header Authorization", 401)
		}},
		{id: "7644-2-challenge", section: "2", level: must, text: "A 401 says in WWW-Authenticate which ways to authenticate there are.", once: func(c *check) {
			c.authorized()
			if a := c.req("GET", c.kinds[0].endpoint, nil, http.Header{"Authorization": nil}); a.header.Get("WWW-Authenticate") == "" {
				c.fail("header WWW-Authenticate", "want a scheme, such as Bearer, got nothing")
			}
		}},
		{id: "7644-3.11-me", section: "3.11", level: should, text: "/Me is the caller's own resource; a service without it answers 501.", once: func(c *check) {
			if a := c.read("/Me"); !slices.Contains([]int{200, 308, 404, 501}, a.status) {
				c.fail("", "want 501 from a service that doesn't offer it, got %s", a.excerpt())
			}
		}},
	}
}

// authorized skips a case about credentials if the target is tested without any.
func (c *check) authorized() {
	if c.header.Get("Authorization") == "" {
		c.skip("the target needs no credential")
	}
}

// strictClauses returns clauses about requests that the RFCs forbid, and that a service tolerates because identity providers send
// them. They are not in the profile rfc, because a client that keeps to the RFCs never sends such requests.
func strictClauses() []clause {
	return []clause{
		{id: "strict-3.5.2-op-case", section: "3.5.2", level: must, needs: needsPatch, text: "An op is written in lower case.", each: func(c *check, k *kind) {
			c.refused(c.patch(c.create(k).path, op("Replace", k.string().path(), "x")), "op", 400)
		}},
		{id: "strict-3.5.2-schemas", section: "3.5.2", level: must, needs: needsPatch, text: "The body of a PATCH names its schema.", each: func(c *check, k *kind) {
			c.refused(c.req("PATCH", c.create(k).path, map[string]any{"Operations": []any{op("replace", k.string().path(), "x")}}, nil), "schemas", 400)
		}},
		{id: "strict-3.5.2-empty", section: "3.5.2", level: must, needs: needsPatch, text: "A PATCH has one operation or more.", each: func(c *check, k *kind) {
			c.refused(c.req("PATCH", c.create(k).path, map[string]any{"schemas": []any{patchURN}, "Operations": []any{}}, nil), "Operations", 400)
		}},
		{id: "strict-3.5.2.3-no-target", section: "3.5.2.3", level: must, needs: needsPatch, text: "replace with a filter that matches nothing is answered with 400 noTarget.", each: func(c *check, k *kind) {
			a := c.need(k.list(), "multi-valued attribute with type and value")
			c.refused(c.patch(c.create(k).path, op("replace", a.path()+`[type eq "work"].value`, c.one(a.find("value"), false))), a.path(), 400, "noTarget")
		}},
		{id: "strict-3.3-schemas", section: "3.1", level: must, text: "A resource that is created names its schema.", each: func(c *check, k *kind) {
			body := c.minimal(k)
			delete(body, "schemas")
			c.refused(c.post(k, body), "schemas", 400)
		}},
		{id: "strict-7643-boolean", section: "3.3", level: must, text: "A boolean isn't a text.", each: func(c *check, k *kind) {
			a := c.need(k.pick(func(a *attribute) bool { return a.kind == "boolean" && !a.multi && a.free() && a.urn == "" }, "active"), "boolean")
			c.refused(c.postWith(k, a, "True"), a.path(), 400)
		}},
		{id: "strict-3.4.2.2-unquoted", section: "3.4.2.2", level: must, needs: needsFilter, text: "A text in a filter is in quotes.", each: func(c *check, k *kind) {
			c.refused(c.read(query(k.endpoint, "filter", "externalId eq kit")), "filter", 400, "invalidFilter")
		}},
	}
}
