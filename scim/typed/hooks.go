package typed

import (
	"context"
	"fmt"
	"reflect"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Hook is told an event with the values before and after, after the commit that made it true. before is nil at a creation, and
// after when the resource is gone. Both are nil where the event has no attributes: when only members have changed, and when the
// event is Truncated. A value that was written under other rules, and doesn't fit those of today, is nil too; its attributes are
// in the event.
//
// For the context, errors, panics and concurrency see lifecycle.Hook. A hook may change before and after; nobody else sees that.
type Hook[T any] func(ctx context.Context, e *lifecycle.Event, before, after *T) error

// Hooks are told what has happened to resources of a type. Each may be nil.
type Hooks[T any] struct {
	Created Hook[T] // a resource is there: of users, lifecycle.Hooks.Provisioned
	Updated Hook[T] // attributes differ
	Deleted Hook[T] // a resource is gone

	// Only users have these. See the fields of lifecycle.Hooks with these names.
	Activated   Hook[T]
	Deactivated Hook[T] // somebody lost access, by whatever way: end the sessions
	Reactivated Hook[T]
	Billed      Hook[T]
	Unbilled    Hook[T]
	Rejected    Hook[T]

	// Only groups have this one: the members differ, see lifecycle.Event.Added and Removed.
	MembersChanged Hook[T]

	// Any is told every event of the type, after the hook of its kind.
	Any Hook[T]
}

// kinds says which field of lifecycle.Hooks a field of Hooks is, by the kind of the resource type.
var (
	common      = map[string]string{"Any": "Any"}
	ofUsers     = map[string]string{"Created": "Provisioned", "Updated": "Updated", "Deleted": "Deleted", "Activated": "Activated", "Deactivated": "Deactivated", "Reactivated": "Reactivated", "Billed": "Billed", "Unbilled": "Unbilled", "Rejected": "Rejected"}
	ofGroups    = map[string]string{"Created": "GroupCreated", "Updated": "GroupUpdated", "Deleted": "GroupDeleted", "MembersChanged": "MembersChanged"}
	ofResources = map[string]string{"Created": "ResourceCreated", "Updated": "ResourceUpdated", "Deleted": "ResourceDeleted"}
)

// field is the field of lifecycle.Hooks that a field of Hooks is told by.
func (t *Type[T]) field(name string) (string, bool) {
	if to, ok := common[name]; ok {
		return to, true
	}
	kinds := ofResources
	switch t.Name() {
	case "User":
		kinds = ofUsers
	case "Group":
		kinds = ofGroups
	}
	to, ok := kinds[name]
	return to, ok
}

// checkHooks says which hook would never be told.
func (t *Type[T]) checkHooks() error {
	for i := range t.hooks {
		for name := range each(&t.hooks[i]) {
			if _, ok := t.field(name); !ok {
				return fmt.Errorf("typed: the hook %s is never told of the resource type %s: leave it out", name, t.Name())
			}
		}
	}
	return nil
}

// each is the hooks that are set, by the names of their fields.
func each[T any](h *Hooks[T]) func(func(string, Hook[T]) bool) {
	return func(yield func(string, Hook[T]) bool) {
		v := reflect.ValueOf(h).Elem()
		for i := range v.NumField() {
			if hook := v.Field(i).Interface().(Hook[T]); hook != nil && !yield(v.Type().Field(i).Name, hook) {
				return
			}
		}
	}
}

// told is the type's hooks as the lifecycle knows them.
func (t *Type[T]) told() (h lifecycle.Hooks) {
	all := map[string][]Hook[T]{}
	for i := range t.hooks {
		for name, hook := range each(&t.hooks[i]) {
			if to, ok := t.field(name); ok {
				all[to] = append(all[to], hook)
			}
		}
	}
	v := reflect.ValueOf(&h).Elem()
	for to, hooks := range all {
		v.FieldByName(to).Set(reflect.ValueOf(t.tell(hooks)))
	}
	return h
}

// tell reads an event for hooks, each of which gets values of its own.
func (t *Type[T]) tell(hooks []Hook[T]) lifecycle.Hook {
	return func(ctx context.Context, e *lifecycle.Event) error {
		m, err := t.For(ctx, e.Subject.Tenant)
		if err != nil {
			return err
		}
		for _, hook := range hooks {
			if err := hook(ctx, e, read(m, e.Before), read(m, e.After)); err != nil {
				return err
			}
		}
		return nil
	}
}

// read is what attributes are to the product, or nil.
func read[T any](m *mapping.Mapping[T], d document.Document) *T {
	if d == "" {
		return nil
	}
	v, err := d.Tree()
	if err != nil {
		return nil
	}
	t := new(T)
	if m.FromSCIM(v, t) != nil {
		return nil
	}
	return t
}
