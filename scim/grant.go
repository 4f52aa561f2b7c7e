package scim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	elimity "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	elimityschema "github.com/elimity-com/scim/schema"

	"github.com/google/uuid"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// The URNs of roles and entitlements, as Okta knows them.
const (
	RoleSchema        = "urn:okta:scim:schemas:core:1.0:Role"
	EntitlementSchema = "urn:okta:scim:schemas:core:1.0:Entitlement"
)

// Grant is a role or an entitlement of the product: what the attributes roles and entitlements of users may have as a value.
type Grant struct {
	Value       string // in users' roles or entitlements, and the id; never empty
	DisplayName string // what administrators see; default Value
	Type        string // a word for the kind; may be empty
	Description string // may be empty
}

// grantType is the resource type of grants. Nobody but the product changes them, so everything is readOnly.
func grantType(name, urn, description string) elimity.ResourceType {
	text := func(name, description string) elimityschema.CoreAttribute {
		return elimityschema.SimpleCoreAttribute(elimityschema.SimpleStringParams(elimityschema.StringParams{
			Name: name, Description: optional.NewString(description), Mutability: elimityschema.AttributeMutabilityReadOnly(),
		}))
	}
	plural := name + "s"
	return elimity.ResourceType{
		ID: optional.NewString(name), Name: name, Endpoint: "/" + plural, Description: optional.NewString(description),
		Schema: elimityschema.Schema{ID: urn, Name: optional.NewString(name), Description: optional.NewString(description), Attributes: elimityschema.Attributes{
			text("value", "What a user's "+strings.ToLower(plural)+" have as a value"), text("displayName", "What administrators see"),
			text("type", "The kind"), text("description", "What it lets somebody do"),
		}},
	}
}

// grants is a list of grants as resources. They have no store behind them: they are the product's code.
type grants []*store.Resource

// newGrants makes resources of grants, in the order of their ids. began is when the process did: they may differ from before.
func newGrants(option, typ string, list []Grant, began time.Time) (grants, error) {
	out := make(grants, len(list))
	for i, g := range list {
		if document.IsBlank(g.Value) || strings.ContainsAny(g.Value, "/?#") || slices.ContainsFunc(out[:i], func(r *store.Resource) bool { return r.ID == g.Value }) {
			return nil, fmt.Errorf("scim: Options.%s: want a value that is not empty, has none of / ? and #, and stands there once, got %q", option, g.Value)
		}
		if g.DisplayName == "" {
			g.DisplayName = g.Value
		}
		v := document.Object()
		for _, m := range [...]struct{ name, text string }{{"value", g.Value}, {"displayName", g.DisplayName}, {"type", g.Type}, {"description", g.Description}} {
			if m.text != "" {
				v.Set(m.name, document.String(m.text))
			}
		}
		doc := v.Document()
		out[i] = &store.Resource{Key: store.Key{Type: typ, ID: g.Value}, Version: uuid.NewSHA1(uuid.NameSpaceURL, []byte(doc)).String(),
			Created: began, LastModified: began, Label: g.DisplayName, Attributes: doc}
	}
	slices.SortFunc(out, func(a, b *store.Resource) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// addGrants adds the types of the grants to what is served, and returns the grants by type.
func (h *Handler) addGrants() (map[string]grants, error) {
	all := make(map[string]grants)
	now := time.Now().UTC().Truncate(time.Second)
	for _, kind := range [...]struct {
		option, name, urn, description string
		list                           []Grant
	}{
		{"Roles", "Role", RoleSchema, "A role of the product", h.opts.Roles},
		{"Entitlements", "Entitlement", EntitlementSchema, "Something that the product grants one by one", h.opts.Entitlements},
	} {
		if len(kind.list) == 0 {
			continue
		}
		resources, err := newGrants(kind.option, kind.name, kind.list, now)
		if err != nil {
			return nil, err
		}
		all[kind.name] = resources
		h.opts.ResourceTypes = append(slices.Clip(h.opts.ResourceTypes), grantType(kind.name, kind.urn, kind.description))
	}
	return all, nil
}

// find is the one with the id.
func (g grants) find(id string) (*store.Resource, error) {
	for _, r := range g {
		if r.ID == id {
			return r, nil
		}
	}
	return nil, store.ErrNotFound
}

// list is the page that a query asks for. There are few, so they are looked through.
func (g grants) list(q store.Query) (*store.Page, error) {
	var found []*store.Resource
	for _, r := range g {
		if q.Filter == nil || filter.Match(q.Filter, grantSource{r}) {
			found = append(found, r)
		}
	}
	if q.Sort != nil {
		slices.SortStableFunc(found, func(a, b *store.Resource) int {
			order := strings.Compare(sortText(a, q.Sort.By), sortText(b, q.Sort.By))
			if q.Sort.Descending {
				order = -order
			}
			return order
		})
	}
	start := q.Start
	if q.Cursor != "" {
		var err error
		if start, err = strconv.Atoi(q.Cursor); err != nil || start < 0 {
			return nil, store.ErrCursor
		}
	}
	page := &store.Page{Total: len(found)}
	if start < len(found) {
		end := min(start+q.Count, len(found))
		if page.Resources = found[start:end]; end < len(found) && end > start {
			page.Next = strconv.Itoa(end)
		}
	}
	return page, nil
}

func sortText(r *store.Resource, by filter.Attr) string {
	v := r.Attribute(by.Path)
	if by.Path.Sub != "" {
		v = v.Get(by.Path.Sub)
	}
	return document.Fold(v.Text())
}

// grantSource is a grant as filters see it. It has no members and is in no group.
type grantSource struct{ *store.Resource }

// Related implements filter.Source.
func (grantSource) Related(filter.Relation, func(document.Value) bool) bool { return false }

// errGrant says that clients don't change grants.
var errGrant = &Error{Status: http.StatusMethodNotAllowed, Detail: "the product says which of these there are; they can be read only", allow: "GET, HEAD"}

// withCanonical tells in the schema of users which values their roles and entitlements can have.
func (h *Handler) withCanonical(v *document.Value) {
	for name, list := range map[string][]Grant{"roles": h.opts.Roles, "entitlements": h.opts.Entitlements} {
		attributes := v.Ref("attributes")
		for i := range attributes.Items() {
			if a := attributes.At(i); len(list) > 0 && a.Get("name").Text() == name {
				subs := a.Ref("subAttributes")
				for j := range subs.Items() {
					if sub := subs.At(j); sub.Get("name").Text() == "value" {
						values := document.Array()
						for _, g := range list {
							values.Append(document.String(g.Value))
						}
						sub.Set("canonicalValues", values)
					}
				}
			}
		}
	}
}
