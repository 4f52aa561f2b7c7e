package lifecycle

import "context"

// Hook is told an event. An error makes it be told again later.
type Hook func(ctx context.Context, e *Event) error

// Hooks are functions that are told what has happened, after the commit. Each may be nil. Any is told every event, after
// the hook of its kind. Events that no hook wants are not even kept.
type Hooks struct {
	Provisioned, Activated, Deactivated, Reactivated Hook
	Billed, Unbilled, Rejected, Updated, Deleted     Hook
	GroupCreated, GroupUpdated, GroupDeleted         Hook
	MembersChanged, SeatRefused, AccountConflict     Hook
	ResourceCreated, ResourceUpdated                 Hook
	ResourceDeleted, Any                             Hook
}

// LifecycleHook is the same as an interface, for products that keep their hooks in a type of their own. It may have any
// of the optional interfaces' methods too; see HooksOf.
type LifecycleHook interface {
	Provisioned(ctx context.Context, e *Event) error
	Activated(ctx context.Context, e *Event) error
	Deactivated(ctx context.Context, e *Event) error
	Billed(ctx context.Context, e *Event) error
}

// The optional interfaces of a LifecycleHook; their methods are told what the kinds of these names say.
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
	// ResourceHook is told of resources of the product's own types.
	ResourceHook interface {
		ResourceCreated(ctx context.Context, e *Event) error
		ResourceUpdated(ctx context.Context, e *Event) error
		ResourceDeleted(ctx context.Context, e *Event) error
	}
	// AnyHook is told every event.
	AnyHook interface {
		Any(ctx context.Context, e *Event) error
	}
)

// HooksOf are the methods of h as Hooks.
func HooksOf(h LifecycleHook) Hooks {
	hooks := Hooks{Provisioned: h.Provisioned, Activated: h.Activated, Deactivated: h.Deactivated, Billed: h.Billed}
	if x, ok := h.(ReactivatedHook); ok {
		hooks.Reactivated = x.Reactivated
	}
	if x, ok := h.(UnbilledHook); ok {
		hooks.Unbilled = x.Unbilled
	}
	if x, ok := h.(RejectedHook); ok {
		hooks.Rejected = x.Rejected
	}
	if x, ok := h.(UpdatedHook); ok {
		hooks.Updated = x.Updated
	}
	if x, ok := h.(DeletedHook); ok {
		hooks.Deleted = x.Deleted
	}
	if x, ok := h.(GroupHook); ok {
		hooks.GroupCreated, hooks.GroupUpdated, hooks.GroupDeleted = x.GroupCreated, x.GroupUpdated, x.GroupDeleted
		hooks.MembersChanged = x.MembersChanged
	}
	if x, ok := h.(SeatRefusedHook); ok {
		hooks.SeatRefused = x.SeatRefused
	}
	if x, ok := h.(AccountConflictHook); ok {
		hooks.AccountConflict = x.AccountConflict
	}
	if x, ok := h.(ResourceHook); ok {
		hooks.ResourceCreated, hooks.ResourceUpdated, hooks.ResourceDeleted = x.ResourceCreated, x.ResourceUpdated, x.ResourceDeleted
	}
	if x, ok := h.(AnyHook); ok {
		hooks.Any = x.Any
	}
	return hooks
}

// of is the hook of a kind, or nil.
func (h *Hooks) of(k Kind) Hook {
	switch k {
	case KindProvisioned:
		return h.Provisioned
	case KindActivated:
		return h.Activated
	case KindDeactivated:
		return h.Deactivated
	case KindReactivated:
		return h.Reactivated
	case KindBilled:
		return h.Billed
	case KindUnbilled:
		return h.Unbilled
	case KindRejected:
		return h.Rejected
	case KindUpdated:
		return h.Updated
	case KindDeleted:
		return h.Deleted
	case KindGroupCreated:
		return h.GroupCreated
	case KindGroupUpdated:
		return h.GroupUpdated
	case KindGroupDeleted:
		return h.GroupDeleted
	case KindMembersChanged:
		return h.MembersChanged
	case KindSeatRefused:
		return h.SeatRefused
	case KindAccountConflict:
		return h.AccountConflict
	case KindResourceCreated:
		return h.ResourceCreated
	case KindResourceUpdated:
		return h.ResourceUpdated
	case KindResourceDeleted:
		return h.ResourceDeleted
	}
	return nil
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
