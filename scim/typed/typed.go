// Package typed makes a resource type of a Go type of the product's own. One value carries what SCIM, the lifecycle and the
// product must know of it: the mapping, the schemas that follow from it, who may change what, what is unique, and functions
// of the product that get the product's own type.
//
//	type Employee struct {
//		Email  string `scim:"userName" validate:"email"`
//		Name   string `scim:"displayName,create"`
//		Badge  string `scim:"urn:example:acme:badge,product"`
//		Active bool   `scim:"active"`
//	}
//	employees := typed.Users(mapping.Must(mapping.For[Employee]()), typed.LinkBy("externalId", "emails.value"))
//	h, err := scim.NewHandler(store, &scim.Options{Auth: auth, Types: []scim.Type{employees}})
//
// What a tag says of authority and validation is decided by a guard, before anything is written. What an identity provider has
// no authority over stays as it is, and the journal says why (see mapping.Authority).
package typed

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	elimity "github.com/elimity-com/scim"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Type is a resource type whose resources the product knows as T. It is a scim.Type for scim.Options.Types. Complete it with
// its methods before it is given to scim.NewHandler; from then on it is safe for concurrent use, and must not be changed.
type Type[T any] struct {
	mapping  *mapping.Mapping[T]
	declared scim.Declaration
	tenants  func(ctx context.Context, tenant string) (*mapping.Mapping[T], error) // nil: mapping is that of all
	guards   []Guard[T]
	hooks    []Hooks[T]
	compiled *schema.Type // with the mapping's extensions; nil if err is not
	err      error        // why it can't be served
}

// Option says something of a resource type.
type Option func(*scim.Declaration)

// LinkBy names the attributes by which a creation finds somebody who is there already, the most important first: externalId,
// emails.value. See lifecycle.Options.Link.
func LinkBy(paths ...string) Option {
	return func(d *scim.Declaration) { d.Link = append(d.Link, paths...) }
}

// Index names attributes that equality filters should find fast, beside those that are indexed anyway. See scim.Options.Index.
func Index(paths ...string) Option {
	return func(d *scim.Declaration) { d.Index = append(d.Index, paths...) }
}

// Unique names the attributes that no two resources of a tenant may share, beside those that are unique by the schema. Without
// this option it is the displayName of groups; with no paths it is none. See scim.Options.Unique.
func Unique(paths ...string) Option {
	return func(d *scim.Declaration) {
		if d.Unique == nil {
			d.Unique = []string{}
		}
		d.Unique = append(d.Unique, paths...)
	}
}

// Users makes the resource type User of a mapping, with the enterprise extension and with those that the mapping has fields of.
func Users[T any](m *mapping.Mapping[T], o ...Option) *Type[T] {
	return Resources(scim.UserType(), m, o...)
}

// Groups makes the resource type Group of a mapping. Members are no field of T: they can be too many.
func Groups[T any](m *mapping.Mapping[T], o ...Option) *Type[T] {
	return Resources(scim.GroupType(), m, o...)
}

// Resources makes any resource type of a mapping. Extensions that the mapping has fields of are declared, but for those that
// the resource type declares itself.
func Resources[T any](rt elimity.ResourceType, m *mapping.Mapping[T], o ...Option) *Type[T] {
	t := &Type[T]{mapping: m}
	if m == nil {
		t.err = fmt.Errorf("typed: the resource type %s has no mapping: make one with mapping.For, and look at its error", rt.Name)
		return t
	}
	for _, option := range o {
		option(&t.declared)
	}
	t.declared.ResourceType, t.err = withExtensions(rt, m)
	t.declared.Mutability, t.declared.Sensitive = m.Mutability(), m.Sensitive()
	t.declared.Authority = map[string]string{}
	for name, a := range m.Authorities() {
		t.declared.Authority[name] = a.String()
	}
	if t.err == nil {
		t.compiled, t.err = schema.Compile(t.declared.ResourceType)
	}
	if t.err == nil {
		t.err = t.Check(m)
	}
	return t
}

// withExtensions declares the extensions that a mapping has fields of.
func withExtensions[T any](rt elimity.ResourceType, m *mapping.Mapping[T]) (elimity.ResourceType, error) {
	declared := map[string]bool{rt.Schema.ID: true}
	for _, x := range rt.SchemaExtensions {
		declared[x.Schema.ID] = true
	}
	own := rt.SchemaExtensions[:len(rt.SchemaExtensions):len(rt.SchemaExtensions)] // appending must not write into the caller's
	for _, x := range m.Extensions() {
		if declared[x.URN] {
			continue
		}
		extension, err := schema.Declare(x.Schema())
		if err != nil {
			return rt, fmt.Errorf("typed: %w", err)
		}
		own = append(own, extension)
	}
	rt.SchemaExtensions = own
	return rt, nil
}

// PerTenant gives each tenant a mapping of its own, such as one compiled with rules that an administrator configured
// (mapping.LoadRules). of is called for every change and every hook, so it should remember what it compiled; it may be called
// concurrently. A nil mapping without an error means that of the type. What /Schemas shows is the same for all tenants, so let [Type.Check] look
// at rules before you keep them.
func (t *Type[T]) PerTenant(of func(ctx context.Context, tenant string) (*mapping.Mapping[T], error)) *Type[T] {
	t.tenants = of
	return t
}

// Guard adds a guard, which is asked after those that were added before. It changes t and returns it.
func (t *Type[T]) Guard(g Guard[T]) *Type[T] {
	t.guards = append(t.guards, g)
	return t
}

// Hooks adds hooks, which are told after those that were added before. It changes t and returns it.
func (t *Type[T]) Hooks(h Hooks[T]) *Type[T] {
	t.hooks = append(t.hooks, h)
	return t
}

// Check returns an error for a field of a mapping that is at an attribute which the resource type doesn't have, and says what was
// probably meant. Call it before you keep rules of a tenant.
func (t *Type[T]) Check(m *mapping.Mapping[T]) error {
	if t.compiled == nil {
		return t.err
	}
	for _, f := range m.Fields() {
		if err := t.resolve(f.Path); err != nil {
			right := ""
			if path := t.compiled.Nearest(f.Path); path != "" {
				right = "; it is called " + path
			} else if !strings.ContainsAny(f.Path, ":.[") {
				right = "; an attribute of your own has a URN before its name, such as urn:example:acme:" + f.Path
			}
			return fmt.Errorf("typed: field %s of %s is at %q: %w%s", f.Field, reflect.TypeFor[T](), f.Path, err, right)
		}
	}
	return nil
}

func (t *Type[T]) resolve(path string) error {
	for _, x := range t.declared.ResourceType.SchemaExtensions {
		if x.Schema.ID == path { // the extension as a whole, which is no attribute's path
			return nil
		}
	}
	p, _, err := filter.ParsePath(path, filter.Options{Strict: true})
	if err != nil {
		return err
	}
	if p.Where != nil {
		p.Path.Sub = p.Sub
	}
	_, _, err = t.compiled.Resolve(p.Path, &schema.Mode{Refused: quirk.All})
	return err
}

// Declare implements scim.Type. scim.NewHandler calls it.
func (t *Type[T]) Declare() (scim.Declaration, error) {
	d := t.declared
	if t.err == nil {
		t.err = t.checkHooks()
	}
	if t.tenants == nil && t.mapping != nil { // with rules of its own a tenant may keep other attributes
		d.Advertise = t.mapping.Kept()
	}
	d.Guards = []lifecycle.Guard{t.guard}
	d.Hooks = t.told()
	return d, t.err
}

// Name returns the resource type's name.
func (t *Type[T]) Name() string { return t.declared.ResourceType.Name }

// Attributes returns the attributes that the type's mapping has, for the set-up pages: see portal.Options.People. A mapping of a
// tenant's own may have others.
func (t *Type[T]) Attributes() []mapping.Attribute {
	if t.mapping == nil {
		return nil
	}
	return t.mapping.Attributes()
}

// For returns the mapping of a tenant: that of PerTenant, or else that of the type.
func (t *Type[T]) For(ctx context.Context, tenant string) (*mapping.Mapping[T], error) {
	if t.tenants != nil {
		if m, err := t.tenants(ctx, tenant); m != nil || err != nil {
			return m, err
		}
	}
	return t.mapping, nil
}

// Value reads a resource as the product knows it, by the mapping of the resource's tenant. It returns an error if the resource
// doesn't fit that mapping.
func (t *Type[T]) Value(ctx context.Context, r *store.Resource) (*T, error) {
	m, err := t.For(ctx, r.Tenant)
	if err != nil {
		return nil, err
	}
	attributes, err := r.Attributes.Tree()
	if err != nil {
		return nil, fmt.Errorf("%w: attributes of %s %s", store.ErrCorrupt, r.Type, r.ID)
	}
	v := new(T)
	if err := m.FromSCIM(attributes, v); err != nil {
		return nil, err
	}
	return v, nil
}

// refusal tells an administrator what a mapping finds wrong.
func refusal(err error) error {
	var invalid *mapping.InvalidError
	if errors.As(err, &invalid) {
		return &lifecycle.Refusal{Reason: lifecycle.Invalid, Attribute: invalid.Path, Detail: invalid.What()}
	}
	return err
}
