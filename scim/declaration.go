package scim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	elimity "github.com/elimity-com/scim"

	"github.com/rollcall-dev/rollcall/lifecycle"
)

// Type is a resource type in one value: what is served, who may change it, and who is told. Package scim/typed makes one
// of a Go type of the product's own.
type Type interface {
	// Declare is called once, by NewHandler. An error of it is an error of NewHandler, so it should say what would be right.
	Declare() (Declaration, error)
}

// Declaration is what NewHandler wants to know of a resource type. Each field says for one type what the option of the same name
// says for all types, and the zero value of a field means the same as there.
type Declaration struct {
	ResourceType elimity.ResourceType
	Index        []string          // as in Options.Index
	Unique       []string          // as in Options.Unique; nil is the default, and an empty list is none
	Mutability   map[string]string // as in Options.Mutability
	Advertise    []string          // as in Options.Advertise; nil shows all
	Sensitive    []string          // as in Options.Sensitive
	Authority    map[string]string // who decides the value of a top-level attribute: see lifecycle.Options.Authority; always, where it isn't named
	Link         []string          // as in lifecycle.Options.Link
	Guards       []lifecycle.Guard // they are asked before those of Lifecycle.Guards, about resources of every type
	Hooks        lifecycle.Hooks   // they are told before Options.Hooks, and only of resources of this type
}

// withTypes puts what Options.Types says into the other options. The options that it was given stay as they are.
func (o Options) withTypes() (*Options, error) {
	if len(o.Types) == 0 {
		return &o, nil
	}
	byHand := o
	given := slices.Clone(o.ResourceTypes)
	if given == nil {
		given = []elimity.ResourceType{UserType(), GroupType()}
	}
	o.Index, o.Mutability, o.Sensitive = cloned(o.Index), cloned(o.Mutability), cloned(o.Sensitive)
	o.Advertise = cloned(o.Advertise)
	o.Lifecycle.Link = cloned(o.Lifecycle.Link)
	if o.Unique = maps.Clone(o.Unique); o.Unique == nil {
		o.Unique = maps.Clone(uniques)
	}
	o.ResourceTypes = nil
	var guards []lifecycle.Guard
	var told []lifecycle.Hooks
	authority := map[string]map[string]string{}
	for i, t := range o.Types {
		if isNil(t) {
			return nil, fmt.Errorf("scim: Options.Types: the value at %d is nil", i)
		}
		d, err := t.Declare()
		if err != nil {
			return nil, fmt.Errorf("scim: Options.Types: %w", err)
		}
		name := d.ResourceType.Name
		if option := byHand.about(name); option != "" {
			return nil, fmt.Errorf("scim: Options.Types has the resource type %s, and Options.%s says something of it too: say it in one of them", name, option)
		}
		if has(o.ResourceTypes, name) {
			return nil, fmt.Errorf("scim: the resource type %s is twice in Options.Types", name)
		}
		given = slices.DeleteFunc(given, func(rt elimity.ResourceType) bool { return rt.Name == name })
		o.ResourceTypes = append(o.ResourceTypes, d.ResourceType)
		set(o.Index, name, d.Index)
		set(o.Advertise, name, d.Advertise)
		set(o.Sensitive, name, d.Sensitive)
		set(o.Lifecycle.Link, name, d.Link)
		if len(d.Mutability) > 0 {
			o.Mutability[name] = d.Mutability
		}
		if o.Unique[name] = d.Unique; d.Unique == nil {
			o.Unique[name] = uniques[name]
		}
		authority[name] = d.Authority
		guards = append(guards, d.Guards...)
		told = append(told, only(name, d.Hooks))
	}
	o.ResourceTypes = append(o.ResourceTypes, given...)
	if byHand.Unique == nil { // the default is not about types that aren't served
		maps.DeleteFunc(o.Unique, func(name string, _ []string) bool { return !has(o.ResourceTypes, name) })
	}
	o.Lifecycle.Guards = append(guards, o.Lifecycle.Guards...)
	if o.Lifecycle.Authority == nil {
		o.Lifecycle.Authority = func(typ, attribute string) string { return cmp.Or(authority[typ][attribute], "always") }
	}
	if !reflect.ValueOf(o.Hooks).IsZero() && !reflect.ValueOf(o.Lifecycle.Hooks).IsZero() {
		return nil, errTwoHooks
	}
	o.Hooks = joined(append(told, o.Hooks, o.Lifecycle.Hooks)...)
	o.Lifecycle.Hooks = lifecycle.Hooks{}
	o.Types = nil
	return &o, nil
}

var errTwoHooks = errors.New("scim: Options.Hooks and Options.Lifecycle.Hooks are both set: set all hooks in one of them")

// about names an option that says something of a resource type by hand, or is empty.
func (o *Options) about(name string) string {
	_, index := o.Index[name]
	_, unique := o.Unique[name]
	_, mutability := o.Mutability[name]
	_, advertise := o.Advertise[name]
	_, sensitive := o.Sensitive[name]
	_, link := o.Lifecycle.Link[name]
	for _, option := range [...]struct {
		name string
		says bool
	}{
		{"ResourceTypes", has(o.ResourceTypes, name)}, {"Index", index}, {"Unique", unique},
		{"Mutability", mutability}, {"Advertise", advertise}, {"Sensitive", sensitive}, {"Lifecycle.Link", link},
	} {
		if option.says {
			return option.name
		}
	}
	return ""
}

func has(types []elimity.ResourceType, name string) bool {
	return slices.ContainsFunc(types, func(rt elimity.ResourceType) bool { return rt.Name == name })
}

func isNil(t Type) bool {
	v := reflect.ValueOf(t)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

func cloned[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return maps.Clone(m)
}

func set(m map[string][]string, name string, list []string) {
	if len(list) > 0 {
		m[name] = list
	}
}

// only makes hooks be told of resources of one type.
func only(typ string, h lifecycle.Hooks) lifecycle.Hooks {
	return eachHook(func(field int) lifecycle.Hook {
		hook := hookOf(&h, field)
		if hook == nil {
			return nil
		}
		return func(ctx context.Context, e *lifecycle.Event) error {
			if e.Subject.Type != typ {
				return nil
			}
			return hook(ctx, e)
		}
	})
}

// joined makes each hook call those of all in their order, until one fails.
func joined(all ...lifecycle.Hooks) lifecycle.Hooks {
	return eachHook(func(field int) lifecycle.Hook {
		var hooks []lifecycle.Hook
		for i := range all {
			if hook := hookOf(&all[i], field); hook != nil {
				hooks = append(hooks, hook)
			}
		}
		if len(hooks) < 2 {
			return append(hooks, nil)[0]
		}
		return func(ctx context.Context, e *lifecycle.Event) error {
			for _, hook := range hooks {
				if err := hook(ctx, e); err != nil {
					return err
				}
			}
			return nil
		}
	})
}

// eachHook makes Hooks field by field; all fields are a Hook.
func eachHook(hook func(field int) lifecycle.Hook) (h lifecycle.Hooks) {
	v := reflect.ValueOf(&h).Elem()
	for i := range v.NumField() {
		v.Field(i).Set(reflect.ValueOf(hook(i)))
	}
	return h
}

func hookOf(h *lifecycle.Hooks, field int) lifecycle.Hook {
	return reflect.ValueOf(h).Elem().Field(field).Interface().(lifecycle.Hook)
}
