package scim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	elimity "github.com/elimity-com/scim"
	elimityerrors "github.com/elimity-com/scim/errors"
	"github.com/elimity-com/scim/optional"

	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// ResourceHandler returns the resource type called name as an elimity.ResourceHandler, so that a product that runs an
// elimity.Server already can plug Rollcall's operations into it. Requests go through Options.Auth and the lifecycle like any
// other. What elimity's Server does itself (parsing, answering, paging) stays as it is there. It returns an error if there is no
// such type.
func (h *Handler) ResourceHandler(name string) (elimity.ResourceHandler, error) {
	for _, ep := range h.endpoints {
		if ep.Name == name {
			return bridge{h, ep}, nil
		}
	}
	return nil, fmt.Errorf("scim: there is no resource type %q", name)
}

// bridge does the operations of one resource type for an elimity.Server.
type bridge struct {
	h  *Handler
	ep *endpoint
}

func (b bridge) caller(r *http.Request, scope string) (*caller, error) {
	c := &caller{h: b.h}
	c.request.ID = requestID(r.Header)
	if err := c.authenticate(r); err != nil {
		return nil, err
	}
	return c, c.permit(scope)
}

// Create implements elimity.ResourceHandler.
func (b bridge) Create(r *http.Request, attributes elimity.ResourceAttributes) (elimity.Resource, error) {
	return b.do(r, ScopeWrite, func(c *caller) (found, error) {
		body, err := document.FromAny(map[string]any(attributes))
		if err != nil {
			return found{}, err
		}
		return c.create(b.ep, body)
	})
}

// Get implements elimity.ResourceHandler.
func (b bridge) Get(r *http.Request, id string) (elimity.Resource, error) {
	return b.do(r, ScopeRead, func(c *caller) (found, error) { return c.read(b.ep, id, b.ep.standard.Relation()) })
}

// GetAll implements elimity.ResourceHandler. The filter is read from the request and evaluated by Rollcall.
func (b bridge) GetAll(r *http.Request, params elimity.ListRequestParams) (elimity.Page, error) {
	c, err := b.caller(r, ScopeRead)
	if err != nil {
		return elimity.Page{}, elimityError(err)
	}
	asked, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return elimity.Page{}, elimityError(err)
	}
	s, err := c.bind(b.ep, query{filter: asked.Get("filter"), start: params.StartIndex, count: params.Count})
	if err != nil {
		return elimity.Page{}, elimityError(err)
	}
	page, _, err := c.find(s, 0)
	if err != nil {
		return elimity.Page{}, elimityError(err)
	}
	out := elimity.Page{TotalResults: page.Total, Resources: make([]elimity.Resource, len(page.Resources))}
	for i, res := range page.Resources {
		if out.Resources[i], err = b.resource(c, found{resource: res}); err != nil {
			return elimity.Page{}, elimityError(err)
		}
	}
	return out, nil
}

// Replace implements elimity.ResourceHandler.
func (b bridge) Replace(r *http.Request, id string, attributes elimity.ResourceAttributes) (elimity.Resource, error) {
	return b.do(r, ScopeWrite, func(c *caller) (found, error) {
		body, err := document.FromAny(map[string]any(attributes))
		if err != nil {
			return found{}, err
		}
		return c.replace(b.ep, id, conditionsOf(r.Header), body, 0)
	})
}

// Delete implements elimity.ResourceHandler.
func (b bridge) Delete(r *http.Request, id string) error {
	c, err := b.caller(r, ScopeWrite)
	if err != nil {
		return elimityError(err)
	}
	return elimityError(c.remove(b.ep, id, conditionsOf(r.Header)))
}

// Patch implements elimity.ResourceHandler.
func (b bridge) Patch(r *http.Request, id string, operations []elimity.PatchOperation) (elimity.Resource, error) {
	return b.do(r, ScopeWrite, func(c *caller) (found, error) {
		list := make([]any, len(operations))
		for i, op := range operations {
			o := map[string]any{"op": op.Op, "value": op.Value}
			if op.Path != nil {
				o["path"] = op.Path.String()
			}
			list[i] = o
		}
		body, err := document.FromAny(map[string]any{"schemas": []any{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": list})
		if err != nil {
			return found{}, err
		}
		f, err := c.patch(b.ep, id, conditionsOf(r.Header), body, 0)
		if err == nil && f.resource == nil {
			f, err = c.read(b.ep, id, 0)
		}
		return f, err
	})
}

func (b bridge) do(r *http.Request, scope string, op func(*caller) (found, error)) (elimity.Resource, error) {
	c, err := b.caller(r, scope)
	if err != nil {
		return elimity.Resource{}, elimityError(err)
	}
	f, err := op(c)
	if err != nil {
		return elimity.Resource{}, elimityError(err)
	}
	out, err := b.resource(c, f)
	return out, elimityError(err)
}

// resource is a resource as elimity's Server takes it: what it adds itself (id, externalId, schemas, meta) left out.
func (b bridge) resource(c *caller, f found) (elimity.Resource, error) {
	r := f.resource
	text, err := c.appendResources(nil, "", b.ep, b.ep.standard, []*store.Resource{r}, f.related, nil)
	if err != nil {
		return elimity.Resource{}, err
	}
	attributes := elimity.ResourceAttributes{}
	if err := json.Unmarshal(text, &attributes); err != nil {
		return elimity.Resource{}, err
	}
	out := elimity.Resource{
		ID:         r.ID,
		Attributes: attributes,
		Meta:       elimity.Meta{Created: &r.Created, LastModified: &r.LastModified, Version: schema.ETag(r.Version)},
	}
	if id, ok := attributes["externalId"].(string); ok {
		out.ExternalID = optional.NewString(id)
	}
	for _, name := range [...]string{"id", "externalId", "schemas", "meta"} {
		delete(attributes, name)
	}
	return out, nil
}

// elimityError makes an error one that elimity's Server shows.
func elimityError(err error) error {
	if err == nil {
		return nil
	}
	e := describe(err)
	if e == nil {
		return elimityerrors.ScimErrorInternal
	}
	return elimityerrors.ScimError{ScimType: elimityerrors.ScimType(e.Type), Detail: strings.TrimSpace(e.Detail), Status: e.Status}
}
