package typed

import (
	"context"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Guard may veto a change of a resource before it is committed, or amend it by changing after. before is nil at a creation, and
// after at a removal. At a change neither is nil, even if only attributes change that T has no field for.
//
// It is asked when the mapping has decided what holds. If it returns a *lifecycle.Refusal or a *mapping.InvalidError, that tells
// the identity provider's administrator why; another error is a failure of the service. A guard runs in the request, with its
// context. It may be called more than once for one change, when a race was lost, and concurrently for different ones. It must have
// no effects.
type Guard[T any] func(ctx context.Context, r *lifecycle.Request, before, after *T) error

// guard is the type's lifecycle.Guard. What the product itself does, by a sign-in or by hand, has authority over everything, and
// must only be valid.
func (t *Type[T]) guard(ctx context.Context, r *lifecycle.Request, p *lifecycle.Proposal) error {
	if p.Key.Type != t.Name() || p.After.IsNull() && (!p.Removal || len(t.guards) == 0) {
		return nil
	}
	m, err := t.For(ctx, r.Tenant)
	if err != nil {
		return err
	}
	if !p.Removal {
		if err := review(m, r, p); err != nil {
			return refusal(err)
		}
	}
	if len(t.guards) == 0 {
		return nil
	}
	before, after, err := values(m, p)
	if err != nil {
		return refusal(err)
	}
	for _, g := range t.guards {
		if err := g(ctx, r, before, after); err != nil {
			return refusal(err)
		}
	}
	if after != nil {
		if amended, changed := m.Merge(p.After, after); changed {
			if err := m.Validate(after); err != nil {
				return refusal(err)
			}
			p.After = amended
		}
	}
	return nil
}

// review lets the mapping decide what holds of what is wanted.
func review[T any](m *mapping.Mapping[T], r *lifecycle.Request, p *lifecycle.Proposal) error {
	if r.By != lifecycle.SourceSCIM {
		var v T
		if err := m.FromSCIM(p.After, &v); err != nil {
			return err
		}
		return m.Validate(&v)
	}
	old := p.Before
	if old.IsNull() {
		old = document.Object()
	}
	out, err := m.Review(old, p.After)
	if err != nil {
		return err
	}
	for _, i := range out.Ignored {
		r.AddNote(lifecycle.Note{Attribute: i.Path, Text: i.String()})
	}
	if len(out.Ignored) > 0 {
		p.After = out.Attributes
	}
	return nil
}

// values are what a proposal is about, as the product knows it. A resource that was written under other rules, and can't be read
// by those of today, is read as far as it can be.
func values[T any](m *mapping.Mapping[T], p *lifecycle.Proposal) (before, after *T, err error) {
	if !p.Before.IsNull() {
		before = new(T)
		_ = m.FromSCIM(p.Before, before)
	}
	if !p.After.IsNull() {
		after = new(T)
		err = m.FromSCIM(p.After, after)
	}
	return before, after, err
}
