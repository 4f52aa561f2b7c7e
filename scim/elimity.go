package scim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	elimity "github.com/elimity-com/scim"
	elimityerrors "github.com/elimity-com/scim/errors"
	"github.com/elimity-com/scim/optional"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/schema"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// ResourceHandler is the resource type called name as an elimity.ResourceHandler, so that a product that runs an
// elimity.Server already can plug Rollcall's operations into it. Requests go through Options.Auth and the lifecycle
// like any other. What elimity's Server does itself (parsing, answering, paging) stays as it is there.
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
	if err := c.authenticate(r); err != nil {
		return nil, err
	}
	return c, c.permit(scope)
}

// Create implements elimity.ResourceHandler.
func (b bridge) Create(r *http.Request, attributes elimity.ResourceAttributes) (elimity.Resource, error) {
	return b.do(r, ScopeWrite, func(c *caller) (*store.Resource, error) {
		body, err := document.FromAny(map[string]any(attributes))
		if err != nil {
			return nil, err
		}
		return c.create(b.ep, body)
	})
}

// Get implements elimity.ResourceHandler.
func (b bridge) Get(r *http.Request, id string) (elimity.Resource, error) {
	return b.do(r, ScopeRead, func(c *caller) (*store.Resource, error) { return c.read(b.ep, id) })
}

// GetAll implements elimity.ResourceHandler. The filter is read from the request and evaluated by Rollcall.
func (b bridge) GetAll(r *http.Request, params elimity.ListRequestParams) (elimity.Page, error) {
	c, err := b.caller(r, ScopeRead)
	if err != nil {
		return elimity.Page{}, elimityError(err)
	}
	page, err := c.find(b.ep, query{filter: r.URL.Query().Get("filter"), start: params.StartIndex, count: params.Count})
	if err != nil {
		return elimity.Page{}, elimityError(err)
	}
	out := elimity.Page{TotalResults: page.Total, Resources: make([]elimity.Resource, len(page.Resources))}
	for i, res := range page.Resources {
		if out.Resources[i], err = b.resource(c, res); err != nil {
			return elimity.Page{}, elimityError(err)
		}
	}
	return out, nil
}

// Replace implements elimity.ResourceHandler.
func (b bridge) Replace(r *http.Request, id string, attributes elimity.ResourceAttributes) (elimity.Resource, error) {
	return b.do(r, ScopeWrite, func(c *caller) (*store.Resource, error) {
		body, err := document.FromAny(map[string]any(attributes))
		if err != nil {
			return nil, err
		}
		return c.resource(b.ep, id)(c.replace(b.ep, id, conditionsOf(r.Header), body))
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
	return b.do(r, ScopeWrite, func(c *caller) (*store.Resource, error) {
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
			return nil, err
		}
		return c.resource(b.ep, id)(c.patch(b.ep, id, conditionsOf(r.Header), body))
	})
}

// resource is the resource that a decision was about, read if that has not been done.
func (c *caller) resource(ep *endpoint, id string) func(*lifecycle.Decision, error) (*store.Resource, error) {
	return func(d *lifecycle.Decision, err error) (*store.Resource, error) {
		switch {
		case err != nil:
			return nil, err
		case d.Resource != nil:
			return d.Resource, nil
		}
		return c.read(ep, id)
	}
}

func (b bridge) do(r *http.Request, scope string, op func(*caller) (*store.Resource, error)) (elimity.Resource, error) {
	c, err := b.caller(r, scope)
	if err != nil {
		return elimity.Resource{}, elimityError(err)
	}
	res, err := op(c)
	if err != nil {
		return elimity.Resource{}, elimityError(err)
	}
	out, err := b.resource(c, res)
	return out, elimityError(err)
}

// resource is a resource as elimity's Server takes it: what it adds itself (id, externalId, schemas, meta) left out.
func (b bridge) resource(c *caller, r *store.Resource) (elimity.Resource, error) {
	text, err := c.appendResources(nil, "", b.ep, b.ep.standard, []*store.Resource{r}, nil)
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
