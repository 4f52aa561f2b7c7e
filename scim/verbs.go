package scim

import (
	"net/http"

	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// post answers POST on a collection: 201 with the resource, its Location and its version (RFC 7644 section 3.3).
func (x *exchange) post(ep *endpoint, _ string) error {
	body, projection, err := x.wanted(ep)
	if err != nil {
		return err
	}
	f, err := x.create(ep, body)
	if err != nil {
		return err
	}
	return x.answerResource(ep, http.StatusCreated, f, projection)
}

// wanted reads the body of a request, and which attributes the answer shall show.
func (x *exchange) wanted(ep *endpoint) (body document.Value, p *schema.Projection, err error) {
	if body, err = x.body(); err != nil {
		return body, nil, err
	}
	if !ep.onRequest {
		p, err = x.projection(ep)
		return body, p, err
	}
	params, err := x.params()
	if err != nil {
		return body, nil, err
	}
	p, err = ep.ProjectionOfWrite(names(params["attributes"]), names(params["excludedAttributes"]), written(ep, x.r.Method, body))
	return body, p, err
}

// written are the attributes that a request writes.
func written(ep *endpoint, method string, body document.Value) (all []*schema.Attribute) {
	if method != http.MethodPatch {
		return ep.Written(body)
	}
	for _, o := range body.Fold("Operations").Items() {
		value := o.Value.Fold("value")
		path := o.Value.Fold("path").Text()
		if path == "" {
			all = append(all, ep.Written(value)...)
		} else if p, _, err := filter.ParsePath(path, filter.Options{}); err == nil {
			all = append(all, ep.WrittenAt(p, value)...)
		}
	}
	return all
}

// get answers GET on a resource, or 304 if the client has it (RFC 7644 section 3.14).
func (x *exchange) get(ep *endpoint, id string) error {
	projection, err := x.projection(ep)
	if err != nil {
		return err
	}
	f, err := x.read(ep, id, projection.Relation())
	if err != nil {
		return err
	}
	x.saw(f.resource)
	on := conditionsOf(x.r.Header)
	if on.match.given && !on.match.hasOwn(f.version) {
		return on.allow(f.version)
	}
	if on.noneMatch.given {
		version, err := x.versionShown(&f, projection)
		if err != nil {
			return err
		}
		if on.noneMatch.has(version) {
			return x.answerVersion(http.StatusNotModified, version)
		}
	}
	if projection.Relation() == filter.Members {
		stop, err := x.withMembers(ep, &f)
		if err != nil {
			return err
		}
		defer stop()
	}
	return x.answerResource(ep, http.StatusOK, f, projection)
}

// put answers PUT on a resource; it never creates one (RFC 7644 section 3.5.1).
func (x *exchange) put(ep *endpoint, id string) error {
	body, projection, err := x.wanted(ep)
	if err != nil {
		return err
	}
	f, err := x.replace(ep, id, conditionsOf(x.r.Header), body, projection.Relation())
	if err != nil {
		return err
	}
	return x.answerResource(ep, http.StatusOK, f, projection)
}

// patch answers PATCH on a resource. A group is answered with 204 unless the client asks for attributes: its members
// may be many, and no client wants them back (RFC 7644 section 3.5.2).
func (x *exchange) patch(ep *endpoint, id string) error {
	body, projection, err := x.wanted(ep)
	if err != nil {
		return err
	}
	f, err := x.caller.patch(ep, id, conditionsOf(x.r.Header), body, projection.Relation())
	if err != nil {
		return err
	}
	if ep.HasMembers() && projection == ep.standard {
		small := false
		if x.h.opts.GroupPatchBody {
			if small, err = x.isSmall(id); err != nil {
				return err
			}
		}
		if !small {
			return x.answerVersion(http.StatusNoContent, f.version)
		}
	}
	if f.resource == nil {
		if f, err = x.read(ep, id, projection.Relation()); err != nil {
			return err
		}
	}
	return x.answerResource(ep, http.StatusOK, f, projection)
}

// smallGroup is up to how many members a group has that is answered to a PATCH with Options.GroupPatchBody.
const smallGroup = 100

// isSmall says whether a group has few members.
func (x *exchange) isSmall(group string) (bool, error) {
	n := 0
	for _, err := range x.store().Members(x.ctx, store.MemberQuery{Tenant: x.who.Tenant, Groups: []string{group}}) {
		if err != nil {
			return false, err
		}
		if n++; n > smallGroup {
			return false, nil
		}
	}
	return true, nil
}

// delete answers DELETE on a resource (RFC 7644 section 3.6).
func (x *exchange) delete(ep *endpoint, id string) error {
	if err := x.remove(ep, id, conditionsOf(x.r.Header)); err != nil {
		return err
	}
	return x.answerVersion(http.StatusNoContent, "")
}
