package scimtest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// schemaClauses returns the clauses about the documents by which a service describes itself: RFC 7643 sections 2, 5, 6 and 7.
func schemaClauses() []clause {
	list := []clause{
		{id: "7643-5-schemas", section: "5", level: must, text: "ServiceProviderConfig names its schema in schemas.", once: func(c *check) {
			a := c.read("/ServiceProviderConfig")
			const urn = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
			if !containsFold(texts(at(a.body, "schemas")), urn) {
				c.fail("schemas", "want %s, got %s", urn, show(at(a.body, "schemas")))
			}
		}},
		{id: "7643-5-authenticationSchemes", section: "5", level: must, text: "authenticationSchemes is there, and each scheme has type, name and description.", once: func(c *check) {
			a := c.read("/ServiceProviderConfig")
			if _, ok := at(a.body, "authenticationSchemes").([]any); !ok {
				c.fatal("authenticationSchemes", "want an array, got %s", show(at(a.body, "authenticationSchemes")))
			}
			for _, scheme := range objects(at(a.body, "authenticationSchemes")) {
				for _, name := range []string{"type", "name", "description"} {
					if text(at(scheme, name)) == "" {
						c.fail("authenticationSchemes."+name, "want a text, got %s", show(at(scheme, name)))
					}
				}
			}
		}},
		{id: "7643-5-filter-maxResults", section: "5", level: must, text: "filter.maxResults is an integer.", once: func(c *check) {
			c.integer("/ServiceProviderConfig", "filter", "maxResults")
		}},
		{id: "7643-5-bulk-maxOperations", section: "5", level: must, text: "bulk.maxOperations is an integer.", once: func(c *check) {
			c.integer("/ServiceProviderConfig", "bulk", "maxOperations")
		}},
		{id: "7643-5-bulk-maxPayloadSize", section: "5", level: must, text: "bulk.maxPayloadSize is an integer.", once: func(c *check) {
			c.integer("/ServiceProviderConfig", "bulk", "maxPayloadSize")
		}},
	}
	for _, feature := range []string{"patch", "bulk", "filter", "changePassword", "sort", "etag"} {
		list = append(list, clause{id: "7643-5-" + feature, section: "5", level: must, text: feature + ".supported is a boolean.", once: func(c *check) {
			a := c.read("/ServiceProviderConfig")
			if _, ok := at(a.body, feature, "supported").(bool); !ok {
				c.fail(feature+".supported", "want a boolean, got %s", show(at(a.body, feature, "supported")))
			}
		}})
	}
	for _, name := range []string{"name", "endpoint", "schema"} {
		list = append(list, clause{id: "7643-6-" + name, section: "6", level: must, text: "Each resource type has its " + name + ".", once: func(c *check) {
			for _, t := range objects(at(c.read("/ResourceTypes").body, "Resources")) {
				if text(at(t, name)) == "" {
					c.fail(name, "want a text in the resource type %s, got %s", show(at(t, "id")), show(at(t, name)))
				}
			}
		}})
	}
	list = append(list, []clause{
		{id: "7643-6-schemaExtensions", section: "6", level: must, text: "Each of schemaExtensions has schema and required.", once: func(c *check) {
			any := false
			for _, t := range objects(at(c.read("/ResourceTypes").body, "Resources")) {
				for _, e := range objects(at(t, "schemaExtensions")) {
					any = true
					_, ok := at(e, "required").(bool)
					if text(at(e, "schema")) == "" || !ok {
						c.fail("schemaExtensions", "want schema and required in that of %s, got %s", show(at(t, "name")), show(e))
					}
				}
			}
			if !any {
				c.skip("no resource type has an extension")
			}
		}},
		{id: "7643-6-described", section: "6", level: must, text: "The schemas that resource types name are in /Schemas.", once: func(c *check) {
			var ids []string
			for _, s := range objects(at(c.read("/Schemas").body, "Resources")) {
				ids = append(ids, text(at(s, "id")))
			}
			for _, t := range objects(at(c.read("/ResourceTypes").body, "Resources")) {
				urns := []string{text(at(t, "schema"))}
				for _, e := range objects(at(t, "schemaExtensions")) {
					urns = append(urns, text(at(e, "schema")))
				}
				for _, urn := range urns {
					if !containsFold(ids, urn) {
						c.fail("schema", "want %s of the resource type %s in /Schemas, got %v", urn, show(at(t, "name")), ids)
					}
				}
			}
		}},
		{id: "7643-7-id", section: "7", level: must, text: "The id of a schema is its URI.", once: func(c *check) {
			for _, s := range objects(at(c.read("/Schemas").body, "Resources")) {
				if !strings.Contains(text(at(s, "id")), ":") {
					c.fail("id", "want a URI, got %s", show(at(s, "id")))
				}
			}
		}},
	}...)
	for _, rule := range attributeRules {
		list = append(list, clause{id: "7643-" + rule.section + "-" + rule.id, section: rule.section, level: rule.level, text: rule.text, once: func(c *check) {
			for _, s := range objects(at(c.read("/Schemas").body, "Resources")) {
				for _, a := range objects(at(s, "attributes")) {
					c.attributeRule(rule.wrong, a, text(at(a, "name")), false)
				}
			}
		}})
	}
	return list
}

// attributeRules are the clauses about each attribute's definition in /Schemas. wrong says what is wrong with a definition, or returns "".
var attributeRules = []struct {
	id, section, level, text string
	wrong                    func(a map[string]any, sub bool) string
}{
	{"attribute-name", "2.1", must, "The name of an attribute begins with a letter and has letters, digits, $, - and _ only.", func(a map[string]any, _ bool) string {
		return unless(attributeName.MatchString(text(at(a, "name"))), "name", at(a, "name"))
	}},
	{"attribute-type", "7", must, "The type of an attribute is one of the data types.", func(a map[string]any, _ bool) string {
		return word(a, "type", "string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex")
	}},
	{"attribute-multiValued", "7", must, "multiValued is a boolean.", func(a map[string]any, _ bool) string {
		_, ok := at(a, "multiValued").(bool)
		return unless(ok, "multiValued", at(a, "multiValued"))
	}},
	{"attribute-mutability", "7", must, "mutability is readOnly, readWrite, immutable or writeOnly.", func(a map[string]any, _ bool) string {
		return word(a, "mutability", "readOnly", "readWrite", "immutable", "writeOnly")
	}},
	{"attribute-returned", "7", must, "returned is always, never, default or request.", func(a map[string]any, _ bool) string {
		return word(a, "returned", "always", "never", "default", "request")
	}},
	{"attribute-uniqueness", "7", must, "uniqueness is none, server or global.", func(a map[string]any, _ bool) string {
		return word(a, "uniqueness", "none", "server", "global")
	}},
	{"attribute-subAttributes", "7", must, "A complex attribute says which sub-attributes it has.", func(a map[string]any, _ bool) string {
		return unless(text(at(a, "type")) != "complex" || len(objects(at(a, "subAttributes"))) > 0, "subAttributes", at(a, "subAttributes"))
	}},
	{"attribute-nesting", "2.3.8", must, "A complex attribute has no sub-attributes that are complex.", func(a map[string]any, sub bool) string {
		return unless(!sub || text(at(a, "type")) != "complex", "type", at(a, "type"))
	}},
	{"attribute-referenceTypes", "7", must, "A reference says to what it may refer.", func(a map[string]any, _ bool) string {
		return unless(text(at(a, "type")) != "reference" || len(texts(at(a, "referenceTypes"))) > 0, "referenceTypes", at(a, "referenceTypes"))
	}},
	{"attribute-writeOnly", "7", should, "What can't be read, by writeOnly, is never returned.", func(a map[string]any, _ bool) string {
		return unless(text(at(a, "mutability")) != "writeOnly" || text(at(a, "returned")) == "never", "returned", at(a, "returned"))
	}},
}

var attributeName = regexp.MustCompile(`^(\$ref|[A-Za-z][A-Za-z0-9$_-]*)$`)

func unless(ok bool, name string, got any) string {
	if ok {
		return ""
	}
	return name + ": got " + show(got)
}

// word returns "" if a field is one of the words. Any but type may be missing, because RFC 7643 section 2.2 has a default for it.
func word(a map[string]any, name string, words ...string) string {
	v := at(a, name)
	return unless(v == nil && name != "type" || slices.Contains(words, text(v)), name, v)
}

func (c *check) attributeRule(wrong func(map[string]any, bool) string, a map[string]any, path string, sub bool) {
	if w := wrong(a, sub); w != "" {
		c.fail(path, "%s", w)
	}
	for _, s := range objects(at(a, "subAttributes")) {
		c.attributeRule(wrong, s, path+"."+text(at(s, "name")), true)
	}
}

func (c *check) integer(path string, names ...string) {
	v := at(c.read(path).body, names...)
	if n, ok := v.(float64); !ok || n != float64(int64(n)) {
		c.fail(strings.Join(names, "."), "want an integer, got %s", show(v))
	}
}

// discoveryClauses returns the clauses of RFC 7644 section 4.
func discoveryClauses() []clause {
	var list []clause
	for _, path := range []string{"/ResourceTypes", "/Schemas"} {
		name := path[1:]
		list = append(list, []clause{
			{id: "7644-4-list-" + name, section: "4", level: must, text: path + " is answered with a ListResponse of all.", once: func(c *check) {
				a := c.read(path)
				c.isList(a.body)
				if total(a.body) != len(objects(at(a.body, "Resources"))) {
					c.fail("totalResults", "want the number of Resources, %d, got %s", len(objects(at(a.body, "Resources"))), show(at(a.body, "totalResults")))
				}
			}},
			{id: "7644-4-one-" + name, section: "4", level: must, text: "Each entry of " + path + " can be read by itself, under its id.", once: func(c *check) {
				for _, r := range objects(at(c.read(path).body, "Resources")) {
					id := text(at(r, "id"))
					if id == "" && path == "/ResourceTypes" {
						id = text(at(r, "name"))
					}
					if one := c.read(path + "/" + id); one.status != 200 || !sameDocument(r, one.body) {
						c.fail("id", "want the entry %s as the list has it, got %s", show(id), one.excerpt())
					}
				}
			}},
			{id: "7644-4-filter-" + name, section: "4", level: should, text: "A filter on " + path + " is answered with 403.", once: func(c *check) {
				c.refused(c.read(query(path, "filter", `id eq "x"`)), "filter", 403)
			}},
			{id: "7644-4-ignored-" + name, section: "4", level: must, text: "Attributes, sorting and paging are ignored for " + path + ".", once: func(c *check) {
				all := c.read(path)
				some := c.read(query(path, "startIndex", "2", "count", "1", "sortBy", "id", "attributes", "id"))
				if some.status != 200 || !sameDocument(all.body, some.body) {
					c.fail("", "want the same answer as without parameters, got %s", some.excerpt())
				}
			}},
			{id: "7644-4-unknown-" + name, section: "4", level: must, text: "An entry of " + path + " that isn't there is answered with 404.", once: func(c *check) {
				c.refused(c.read(path+"/urn:example:kit:nowhere"), "", 404)
			}},
			{id: "7643-3.1-meta-" + name, document: "RFC 7643", section: "3.1", level: must, text: "Each entry of " + path + " has its resourceType and its location in meta.", once: func(c *check) {
				want := map[string]string{"Schemas": "Schema", "ResourceTypes": "ResourceType"}[name]
				for _, r := range objects(at(c.read(path).body, "Resources")) {
					if got := at(r, "meta", "resourceType"); got != want {
						c.fail("meta.resourceType", "want %s, got %s", want, show(got))
					}
					if got := text(at(r, "meta", "location")); !strings.Contains(got, path+"/") {
						c.fail("meta.location", "want the address of the entry, got %s", show(got))
					}
				}
			}},
		}...)
	}
	return append(list, clause{id: "7644-4-config-one", section: "4", level: must, text: "ServiceProviderConfig is an object, not a list.", once: func(c *check) {
		a := c.read("/ServiceProviderConfig")
		if has(a.body, "Resources") {
			c.fail("", "want the configuration itself, got %s", a.excerpt())
		}
	}})
}

// sameDocument says whether discovery answers the same for an entry of a list as for the document by itself.
func sameDocument(a, b map[string]any) bool {
	x, y := clone(a), clone(b)
	for _, d := range []map[string]any{x, y} {
		delete(d, "schemas") // RFC 7644 leaves open whether the entries of such a list have this field
	}
	return show2(x) == show2(y)
}

func show2(v any) string { return fmt.Sprint(v) }

const listURN = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

// isList fails unless a body is a ListResponse.
func (c *check) isList(body map[string]any) {
	if !slices.Contains(texts(at(body, "schemas")), listURN) {
		c.fail("schemas", "want %s, got %s", listURN, show(at(body, "schemas")))
	}
	if total(body) < 0 {
		c.fail("totalResults", "want a number, got %s", show(at(body, "totalResults")))
	}
	if _, ok := at(body, "Resources").([]any); !ok && total(body) > 0 {
		c.fail("Resources", "want an array, got %s", show(at(body, "Resources")))
	}
}
