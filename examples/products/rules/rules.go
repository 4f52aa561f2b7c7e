// Package rules lets a mapping decide what identity providers may change: it is the guard that the four products share. A
// product copies these few lines.
package rules

import (
	"context"
	"errors"
	"fmt"

	elimity "github.com/elimity-com/scim"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Guard takes attributes of a resource type into T by the mapping's rules. What can't be is refused with 400 invalidValue,
// which names the attribute and the form that it must have; what the identity provider has no authority over stays as it
// is, and the journal says why. What the product itself does, by a sign-in or by hand, has the authority and must only be
// valid.
func Guard[T any](typ string, m *mapping.Mapping[T]) lifecycle.Guard {
	return GuardOf(typ, func(context.Context, string) (*mapping.Mapping[T], error) { return m, nil })
}

// GuardOf is Guard where each tenant has a mapping of its own, such as one compiled with rules that it configured. of is
// called for every change, so it should remember what it compiled.
func GuardOf[T any](typ string, of func(ctx context.Context, tenant string) (*mapping.Mapping[T], error)) lifecycle.Guard {
	return func(ctx context.Context, r *lifecycle.Request, p *lifecycle.Proposal) error {
		if p.Key.Type != typ || p.After.IsNull() {
			return nil
		}
		m, err := of(ctx, r.Tenant)
		if err != nil {
			return err
		}
		if r.By != lifecycle.SourceSCIM {
			var t T
			err := m.FromSCIM(p.After, &t)
			if err == nil {
				err = m.Validate(&t)
			}
			return refusal(err)
		}
		old := p.Before
		if old.IsNull() {
			old = document.Object()
		}
		out, err := m.Review(old, p.After)
		if err != nil {
			return refusal(err)
		}
		for _, i := range out.Ignored {
			r.AddNote(lifecycle.Note{Attribute: i.Path, Text: i.String()})
		}
		if len(out.Ignored) > 0 {
			p.After = out.Attributes
		}
		return nil
	}
}

// refusal tells an administrator what a mapping finds wrong.
func refusal(err error) error {
	var invalid *mapping.InvalidError
	if errors.As(err, &invalid) {
		return &lifecycle.Refusal{Reason: lifecycle.Invalid, Attribute: invalid.Path, Detail: invalid.What()}
	}
	return err
}

// Type makes a resource type tell what a mapping says: its extensions. Every field must be at an attribute that there
// is. Which of them are readOnly or immutable is scim.Options.Mutability's to say.
func Type[T any](rt elimity.ResourceType, m *mapping.Mapping[T]) (elimity.ResourceType, error) {
	for _, x := range m.Extensions() {
		extension, err := schema.Declare(x.Schema())
		if err != nil {
			return rt, err
		}
		rt.SchemaExtensions = append(rt.SchemaExtensions, extension)
	}
	compiled, err := schema.Compile(rt)
	if err != nil {
		return rt, err
	}
	for _, f := range m.Fields() {
		p, _, err := filter.ParsePath(f.Path, filter.Options{Strict: true})
		if p.Where != nil {
			p.Path.Sub = p.Sub
		}
		if err == nil {
			_, _, err = compiled.Resolve(p.Path, &schema.Mode{Refused: quirk.All})
		}
		if err != nil {
			return rt, fmt.Errorf("rules: field %s, %q: %w", f.Field, f.Path, err)
		}
	}
	return rt, nil
}
