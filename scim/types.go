package scim

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	elimity "github.com/elimity-com/scim"
	elimityschema "github.com/elimity-com/scim/schema"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// UserType is the resource type User with the enterprise extension, and with any further extensions of the product's.
func UserType(extensions ...elimity.SchemaExtension) elimity.ResourceType {
	t := schema.User()
	t.SchemaExtensions = append(t.SchemaExtensions, extensions...)
	return t
}

// GroupType is the resource type Group, with any extensions of the product's.
func GroupType(extensions ...elimity.SchemaExtension) elimity.ResourceType {
	t := schema.Group()
	t.SchemaExtensions = append(t.SchemaExtensions, extensions...)
	return t
}

// lookups are the attributes that are indexed beside the unique ones and externalId.
var lookups = map[string][]string{"User": {"emails.value", "displayName"}, "Group": {"displayName"}}

// uniques are the attributes that are unique beyond what the schema says unless Options.Unique says otherwise.
var uniques = map[string][]string{"Group": {"displayName"}}

// compile makes a resource type one that can be served.
func (h *Handler) compile(rt elimity.ResourceType) (*endpoint, error) {
	name := strings.Trim(rt.Endpoint, "/")
	if _, taken := h.endpoints[name]; taken || name == "" || strings.Contains(name, "/") {
		return nil, fmt.Errorf("scim: resource type %s: the endpoint %q must be one path segment of its own", rt.Name, rt.Endpoint)
	}
	if store.IsInternal(rt.Name) {
		return nil, fmt.Errorf("scim: resource type %s: the name must have no dot in it; those with a dot are the library's own", rt.Name)
	}
	unique := uniques
	if h.opts.Unique != nil {
		unique = h.opts.Unique
	}
	ep := &endpoint{actions: make(map[string]string)}
	for _, m := range slices.Concat(collectionMethods, resourceMethods) {
		ep.actions[m.name] = m.name + " " + rt.Endpoint
	}
	for _, path := range unique[rt.Name] {
		if path == externalID || strings.ContainsRune(path, '[') { // every type has it, or only some elements are meant: no schema can say this
			ep.unique = append(ep.unique, path)
			continue
		}
		var err error
		if rt, err = schema.SetUnique(rt, path, true); err != nil {
			return nil, fmt.Errorf("scim: Options.Unique: %w", err)
		}
	}
	ep.declared = rt
	for path, mutability := range h.opts.Mutability[rt.Name] {
		var err error
		if ep.declared, err = schema.SetMutability(ep.declared, path, mutability); err == nil {
			rt, err = schema.SetMutability(rt, path, "readWrite")
		}
		if err != nil {
			return nil, fmt.Errorf("scim: Options.Mutability: %w", err)
		}
	}
	if paths := h.opts.Advertise[rt.Name]; paths != nil {
		ep.declared = schema.Narrow(ep.declared, paths)
	}
	var err error
	if ep.Type, err = schema.Compile(rt, slices.Concat(lookups[rt.Name], h.opts.Index[rt.Name], h.opts.Lifecycle.Link[rt.Name], ep.unique)...); err != nil {
		return nil, fmt.Errorf("scim: resource type %s: %w", rt.Name, err)
	}
	if err := ep.checkLink(h.opts.Lifecycle.Link[rt.Name]); err != nil {
		return nil, err
	}
	for _, path := range h.opts.Sensitive[rt.Name] {
		if err := ep.Hide(path); err != nil {
			return nil, fmt.Errorf("scim: Options.Sensitive: %w", err)
		}
		ep.secrets = true
	}
	if ep.standard, err = ep.Projection(nil, nil); err != nil {
		return nil, fmt.Errorf("scim: resource type %s: %w", rt.Name, err)
	}
	ep.onRequest = ep.OnRequest()
	return ep, nil
}

// checkLink returns an error for an attribute of Lifecycle.Link that isn't named as its index keys are, because by another name it
// would never find anybody.
func (ep *endpoint) checkLink(link []string) error {
	for _, path := range link {
		if strings.ContainsRune(path, '[') { // the keys of some elements have the name that was given
			continue
		}
		p, _, err := filter.ParsePath(path, filter.Options{Strict: true})
		if err != nil {
			return fmt.Errorf("scim: Options.Lifecycle.Link: %s: %w", path, err)
		}
		a, _, err := ep.Resolve(p.Path, nil)
		if err != nil {
			return fmt.Errorf("scim: Options.Lifecycle.Link: %w", err)
		}
		name := a.Path.String()
		if a.Find("value") != nil {
			name += ".value"
		}
		if name != path {
			return fmt.Errorf("scim: Options.Lifecycle.Link: the resource type %s has no attribute %q; it is called %q", ep.Name, path, name)
		}
		if !slices.Contains(ep.Indexed(), name) {
			return fmt.Errorf("scim: Options.Lifecycle.Link: nobody can be found by %q of the resource type %s; name an attribute that clients set", path, ep.Name)
		}
	}
	return nil
}

const externalID = "externalId"

// endpoint is a resource type as the handler serves it.
type endpoint struct {
	*schema.Type
	declared elimity.ResourceType
	standard *schema.Projection // of a request that names no attributes
	actions  map[string]string  // what a method on it is called in the journal, such as PATCH /Users
	unique   []string           // keys that are unique beside those that the schema says so of
	secrets  bool               // it has attributes in Options.Sensitive

	grants    grants // of a type that only the product writes
	onRequest bool   // it has attributes that are returned on request only
}

// index computes a resource's index keys and label.
func (ep *endpoint) index(attributes document.Value) ([]store.IndexKey, string) {
	keys, label := ep.Index(attributes)
	if len(ep.unique) > 0 {
		for i := range keys {
			keys[i].Unique = keys[i].Unique || slices.Contains(ep.unique, keys[i].Attribute)
		}
	}
	return keys, label
}

// withActive gives a user whose active was left out the value that holds: nobody is let in or shut out by leaving it out, or by
// taking it away in a PATCH.
func (ep *endpoint) withActive(v, active document.Value) (document.Value, error) {
	if ep.URN != elimityschema.UserSchema || active.IsNull() || !v.Get("active").IsNull() {
		return v, nil
	}
	v.Set("active", active)
	return ep.Finish(v)
}

// lifecycleOptions hands the lifecycle what it needs to know of schemas and logging.
func (h *Handler) lifecycleOptions(types map[string]*endpoint) *lifecycle.Options {
	o := h.opts.Lifecycle
	if reflect.ValueOf(o.Hooks).IsZero() {
		o.Hooks = h.opts.Hooks
	}
	if o.Logger == nil {
		o.Logger = h.opts.Logger
	}
	if o.Connections == nil {
		o.Connections, _ = h.opts.Auth.(singleCredential).Authenticator.(lifecycle.ConnectionDirectory)
	}
	if o.Secret == nil {
		o.Secret = func(typ, attribute string) bool {
			ep, ok := types[typ]
			return !ok || ep.secret(attribute) || slices.Contains(h.opts.Sensitive[typ], attribute)
		}
	}
	o.MaxResource = h.opts.Limits.Resource
	if u := h.opts.UnknownManager; u != TakeUnknownManager {
		o.Guards = append(slices.Clone(o.Guards), u.guard())
	}
	o.Types = slices.Sorted(maps.Keys(types))
	o.Index = func(typ string, attributes document.Value) ([]store.IndexKey, string) {
		if ep, ok := types[typ]; ok {
			return ep.index(attributes)
		}
		return nil, ""
	}
	o.Check = func(typ string, attributes document.Value) (document.Value, error) {
		ep, ok := types[typ]
		if !ok {
			return attributes, nil
		}
		v, err := ep.Decode(attributes, &schema.Mode{})
		if err == nil {
			v, err = ep.withActive(v, document.Bool(true))
		}
		if err != nil {
			err = &lifecycle.Refusal{Reason: lifecycle.Invalid, Detail: err.Error()}
		}
		return v, err
	}
	return &o
}
