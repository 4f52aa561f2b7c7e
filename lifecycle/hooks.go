package lifecycle

import (
	"context"
	"slices"
)

// Hook is told an event, after the commit that made it true.
//
// Which context it gets: while Service.Run runs in the process, one with the values of the context that Run was called
// with; otherwise one without values. It is never the context of the request that made the change, and it ends at the
// deadline Delivery.Timeout (I15). What a hook wants to know of the request is in Event.Origin. A hook should give up when
// its context ends. One that doesn't is abandoned shortly after: its goroutine goes on, but its result counts no more,
// and another call for the same event may begin meanwhile.
//
// What an error does: the event is told again after a while, and parked after Delivery.Attempts. Until then no later event
// of the same subject is told; those of other subjects go on (I10). A panic counts as an error, and its stack is in the log.
//
// Hooks are called concurrently for different subjects, so they must be safe for that. The events of one subject come one
// after the other, in the order of their commits. Each comes at least once: whoever must not act twice compares Event.ID.
type Hook func(ctx context.Context, e *Event) error

// Hooks are the functions that a product gives to be told what has happened. Each may be nil. An event that no hook wants is
// not even kept. See Hook for the context, errors, panics and concurrency.
type Hooks struct {
	Provisioned Hook // somebody is there: created, by whatever way
	Activated   Hook // somebody was let in: approved, or signed in for the first time
	Deactivated Hook // somebody lost access, by whatever way: end the sessions
	Reactivated Hook // somebody has access again
	Billed      Hook // a billing period of somebody's access begins
	Unbilled    Hook // that period ends
	Rejected    Hook // somebody who waited for review was not let in
	Updated     Hook // somebody's attributes differ
	Deleted     Hook // somebody is gone

	GroupCreated   Hook
	GroupUpdated   Hook // the attributes of a group differ; its members are not among them
	GroupDeleted   Hook
	MembersChanged Hook // the members of a group differ: see Event.Added and Event.Removed

	SeatRefused     Hook // the seat limit kept somebody out
	AccountConflict Hook // an account outside the organization has the name that somebody should get
	BrakeHeld       Hook // a brake has begun to hold an identity provider's changes back; once in a window

	ResourceCreated Hook // a resource of one of the product's own types is there
	ResourceUpdated Hook
	ResourceDeleted Hook

	// Any is told every event, after the hook of its kind. If it fails, that hook is told again, too.
	Any Hook
}

// of is the hook of a kind, or nil.
func (h *Hooks) of(k Kind) Hook {
	for _, one := range [...]struct {
		kind Kind
		hook Hook
	}{
		{KindProvisioned, h.Provisioned}, {KindActivated, h.Activated}, {KindDeactivated, h.Deactivated},
		{KindReactivated, h.Reactivated}, {KindBilled, h.Billed}, {KindUnbilled, h.Unbilled},
		{KindRejected, h.Rejected}, {KindUpdated, h.Updated}, {KindDeleted, h.Deleted},
		{KindGroupCreated, h.GroupCreated}, {KindGroupUpdated, h.GroupUpdated}, {KindGroupDeleted, h.GroupDeleted},
		{KindMembersChanged, h.MembersChanged}, {KindSeatRefused, h.SeatRefused}, {KindAccountConflict, h.AccountConflict},
		{KindBrakeHeld, h.BrakeHeld},
		{KindResourceCreated, h.ResourceCreated}, {KindResourceUpdated, h.ResourceUpdated}, {KindResourceDeleted, h.ResourceDeleted},
	} {
		if one.kind == k {
			return one.hook
		}
	}
	return nil
}

// any says whether there is any hook.
func (h *Hooks) any() bool {
	return slices.ContainsFunc(allKinds[:], h.wants)
}

func (h *Hooks) wants(k Kind) bool { return h.Any != nil || h.of(k) != nil }

// tell calls the hooks of an event.
func (h *Hooks) tell(ctx context.Context, e *Event) error {
	for _, hook := range [...]Hook{h.of(e.Kind), h.Any} {
		if hook == nil {
			continue
		}
		if err := hook(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// LifecycleHook is the same as an interface, for products that keep their hooks in a type of their own. The type may also
// have the methods of any of the optional interfaces; see HooksOf. Each method is a Hook.
type LifecycleHook interface {
	Provisioned(ctx context.Context, e *Event) error
	Activated(ctx context.Context, e *Event) error
	Deactivated(ctx context.Context, e *Event) error
	Billed(ctx context.Context, e *Event) error
}

// The optional interfaces of a LifecycleHook. Each method is a Hook that is told what the field of Hooks with its name is.
type (
	ReactivatedHook interface {
		Reactivated(ctx context.Context, e *Event) error
	}
	UnbilledHook interface {
		Unbilled(ctx context.Context, e *Event) error
	}
	RejectedHook interface {
		Rejected(ctx context.Context, e *Event) error
	}
	UpdatedHook interface {
		Updated(ctx context.Context, e *Event) error
	}
	DeletedHook interface {
		Deleted(ctx context.Context, e *Event) error
	}
	// GroupHook is told of groups and of their members.
	GroupHook interface {
		GroupCreated(ctx context.Context, e *Event) error
		GroupUpdated(ctx context.Context, e *Event) error
		GroupDeleted(ctx context.Context, e *Event) error
		MembersChanged(ctx context.Context, e *Event) error
	}
	SeatRefusedHook interface {
		SeatRefused(ctx context.Context, e *Event) error
	}
	AccountConflictHook interface {
		AccountConflict(ctx context.Context, e *Event) error
	}
	BrakeHeldHook interface {
		BrakeHeld(ctx context.Context, e *Event) error
	}
	// ResourceHook is told of resources of the product's own types.
	ResourceHook interface {
		ResourceCreated(ctx context.Context, e *Event) error
		ResourceUpdated(ctx context.Context, e *Event) error
		ResourceDeleted(ctx context.Context, e *Event) error
	}
	// AnyHook is told every event, after the method of its kind.
	AnyHook interface {
		Any(ctx context.Context, e *Event) error
	}
)

// HooksOf makes Hooks of the methods that h has.
func HooksOf(h LifecycleHook) Hooks {
	return Hooks{
		Provisioned: h.Provisioned, Activated: h.Activated, Deactivated: h.Deactivated, Billed: h.Billed,
		Reactivated:     optional(h, ReactivatedHook.Reactivated),
		Unbilled:        optional(h, UnbilledHook.Unbilled),
		Rejected:        optional(h, RejectedHook.Rejected),
		Updated:         optional(h, UpdatedHook.Updated),
		Deleted:         optional(h, DeletedHook.Deleted),
		GroupCreated:    optional(h, GroupHook.GroupCreated),
		GroupUpdated:    optional(h, GroupHook.GroupUpdated),
		GroupDeleted:    optional(h, GroupHook.GroupDeleted),
		MembersChanged:  optional(h, GroupHook.MembersChanged),
		SeatRefused:     optional(h, SeatRefusedHook.SeatRefused),
		AccountConflict: optional(h, AccountConflictHook.AccountConflict),
		BrakeHeld:       optional(h, BrakeHeldHook.BrakeHeld),
		ResourceCreated: optional(h, ResourceHook.ResourceCreated),
		ResourceUpdated: optional(h, ResourceHook.ResourceUpdated),
		ResourceDeleted: optional(h, ResourceHook.ResourceDeleted),
		Any:             optional(h, AnyHook.Any),
	}
}

// optional is a method of h as a hook, or nil if h doesn't have the interface T that the method belongs to.
func optional[T any](h LifecycleHook, method func(T, context.Context, *Event) error) Hook {
	t, ok := h.(T)
	if !ok {
		return nil
	}
	return func(ctx context.Context, e *Event) error { return method(t, ctx, e) }
}
