// Package lifecycle decides what a change means for the product: who gets in, who is billed, who is told, what
// happens on the way out. It knows nothing of HTTP and is usable without it.
//
// Everything goes one way: a [Request] says who asks, a [Draft] what for, [Service.Decide] makes of it a [Decision], with the
// [store.Change] and its events and its entry of the journal, and [Service.Do] commits that and has the events delivered.
//
// An account moves by one table, [Table]; a tenant's policy is data, [Settings]. The state of an account lives in the
// user's own record, so that one version guards both and two causes can't both win a race.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Options configure a Service. The zero Options provision everybody and tell nobody.
type Options struct {
	// Hooks are told what has happened, after the commit.
	Hooks Hooks

	// Consumers are others who are told, each in its own time. See Consumer.
	Consumers []Consumer

	// Feed says that all events are also kept in one order, to be read by package lifecycle/feed. It needs a store that is a
	// store.FeedReader.
	Feed bool

	// Guards may refuse or amend a change before it is committed, in this order.
	Guards []Guard

	// Settings are the tenants' policies. The default is DefaultSettings for every tenant.
	Settings SettingsSource

	// Safety is what holds for a tenant that has set nothing by SetSafety: brakes, and who is protected. nil, the default:
	// nothing is held back, whatever a tenant has set. It needs a store that is a store.CounterReader.
	Safety func() Safety

	// GivesAccess says whether being in a group gives people their access to the product. SCIM then takes nobody out of that group
	// who is protected (Safety.Protected). It is called in the request, with its context, and concurrently; if it returns an error
	// the request fails. nil means that no group gives access.
	GivesAccess func(ctx context.Context, group store.Key) (bool, error)

	// Accounts knows the accounts outside any organization. nil: there are none.
	Accounts AccountDirectory

	// Link names, by resource type, the attributes by which a creation finds a resource that is there already, the most important
	// first: "externalId", "emails.value". The resource that is found takes the attributes that were sent, instead of a second one
	// or a conflict; a group keeps its members and gets those that were sent. Index must make keys of these attributes.
	Link map[string][]string

	// Index computes the index keys and the label of a user that the lifecycle makes itself (JIT, by hand). scim.NewHandler
	// sets it; the default knows userName and externalId.
	Index func(typ string, attributes document.Value) ([]store.IndexKey, string)

	// Check makes the attributes of a user that the lifecycle makes itself what the schema wants, without what may not be kept,
	// or returns a *Refusal. scim.NewHandler sets it; by default they stay as they are.
	Check func(typ string, attributes document.Value) (document.Value, error)

	// Types are the resource types that there are, for the explanations of refusals. scim.NewHandler sets it.
	Types []string

	// ShadowSize is how many bytes a connection in the state shadow may write; beyond it a change is refused. The default is 256 MiB.
	ShadowSize int

	// MaxResource is how many bytes the attributes of one resource may have; beyond it a change is refused. The default is
	// 1 MiB.
	MaxResource int

	// Connections knows which connections of a tenant there are. scim.NewHandler sets it where Options.Auth is one; nil: a
	// connection manages its people for good.
	Connections ConnectionDirectory

	// Bodies seals the bodies of requests that the journal keeps where a tenant's settings say so (Settings.KeepBodiesUntil).
	// nil: none are kept.
	Bodies Sealer

	// Secret says of a top-level attribute of a resource type that the journal never has its values. scim.NewHandler sets it.
	Secret func(typ, attribute string) bool

	// Authority says who decides the value of a top-level attribute of a resource type, for previews, in the words of mapping.Authority: always (the
	// identity provider), create, ifEmpty, product or ignore. nil: the identity provider, always.
	Authority func(typ, attribute string) string

	// Delivery says how events reach the hooks.
	Delivery Delivery

	// Observer sees requests, decisions, calls of the store, deliveries and hooks. nil: nobody does, and that costs nothing.
	Observer Observer

	// Logger gets the failures of hooks. The default discards them.
	Logger *slog.Logger
}

// Service is the lifecycle of all tenants' people. It is safe for concurrent use, and any number of processes may work
// on one store.
type Service struct {
	*engine
	store store.Store // as the one sees it for whom the Service works: base, or a shadow over it
}

// engine is what a Service is made of, whoever it works for.
type engine struct {
	base        store.Store
	source      store.EventSource // nil: the store keeps no events
	admin       store.EventAdmin  // nil: the store has no such part
	opts        Options
	consumers   []*consumer // the first is "hooks"
	families    []*consumer // those of consumers that have Subscribers
	told, taken map[Kind][]string
	delivery    delivering
	refusals    refusals
	traces      refusals // of requests that only read
}

// New makes a service on a store.
func New(s store.Store, o *Options) (*Service, error) {
	if s == nil {
		return nil, errors.New("lifecycle: New needs a store")
	}
	l := &Service{&engine{delivery: delivering{aside: make(chan func(context.Context))}}, s}
	if o != nil {
		l.opts = *o
		l.store = ObserveStore(s, o.Observer)
	}
	l.base = l.store
	if l.opts.Logger == nil {
		l.opts.Logger = slog.New(slog.DiscardHandler)
	}
	for i, g := range l.opts.Guards {
		if g == nil {
			return nil, fmt.Errorf("lifecycle: Options.Guards[%d] is nil: leave it out", i)
		}
	}
	source, err := checkedSource(l.opts.Settings)
	if err != nil {
		return nil, err
	}
	l.opts.Settings = source
	if l.opts.Safety != nil {
		if err := l.opts.Safety().Validate(); err != nil {
			return nil, fmt.Errorf("lifecycle: Options.Safety: %w", err)
		}
		if _, counts := store.As[store.CounterReader](s); !counts {
			return nil, errors.New("lifecycle: Options.Safety is set, but the store is no store.CounterReader")
		}
	}
	if l.opts.Index == nil {
		l.opts.Index = indexUser
	}
	if l.opts.MaxResource <= 0 {
		l.opts.MaxResource = 1 << 20
	}
	if l.opts.ShadowSize <= 0 {
		l.opts.ShadowSize = 256 << 20
	}
	if err := l.opts.Delivery.validate(); err != nil {
		return nil, err
	}
	l.opts.Delivery = l.opts.Delivery.withDefaults()
	events, ok := store.As[store.EventSource](s)
	l.source = events
	l.admin, _ = store.As[store.EventAdmin](s)
	if l.consumers, err = newConsumers(&l.opts, ok, l.admin != nil); err != nil {
		return nil, err
	}
	for _, c := range l.consumers {
		if c.Subscribers != nil {
			l.families = append(l.families, c)
		}
	}
	if _, reads := store.As[store.FeedReader](s); l.opts.Feed && !reads {
		return nil, errors.New("lifecycle: Options.Feed is set, but the store is no store.FeedReader")
	}
	l.told, l.taken = l.toldBy(), l.takenBy()
	if !ok {
		l.opts.Logger.Warn("the store keeps no events: hooks are called once, right after the commit, and not again if they fail or the process dies")
	}
	return l, nil
}

// Index computes the index keys and the label of a resource from its attributes, as Options.Index does. Package scim/connection
// calls it.
func (s *Service) Index(typ string, attributes document.Value) ([]store.IndexKey, string) {
	return s.opts.Index(typ, attributes)
}

// indexUser is the Index of a service without schemas.
func indexUser(_ string, attributes document.Value) (keys []store.IndexKey, label string) {
	name := attributes.Get("userName").Text()
	if name != "" {
		keys = append(keys, store.IndexKey{Attribute: "userName", Value: document.Fold(name), Unique: true})
	}
	if id := attributes.Get("externalId").Text(); id != "" {
		keys = append(keys, store.IndexKey{Attribute: "externalId", Value: id})
	}
	if label = attributes.Get("displayName").Text(); label == "" {
		label = name
	}
	return keys, label
}

// user finds the user who has a value in userName or in emails.value, compared in folded form. It is store.ErrNotFound if nobody
// has it, or more than one. It takes one read.
func (s *Service) user(ctx context.Context, tenant, attribute, value string) (*store.Resource, error) {
	return s.only(ctx, tenant, userType, attribute, value)
}

func (s *Service) only(ctx context.Context, tenant, typ, attribute, value string) (*store.Resource, error) {
	page, err := s.store.List(ctx, store.Query{Tenant: tenant, Types: []string{typ}, Filter: equals(attribute, value), Count: 2, NoTotal: true})
	if err != nil {
		return nil, err
	}
	if len(page.Resources) != 1 {
		return nil, store.ErrNotFound
	}
	return page.Resources[0], nil
}

// equals is the filter on those who have a value, folded, in an attribute such as userName or emails.value.
func equals(attribute, value string) filter.Expr {
	at := filter.Attr{Path: filter.Path{Name: attribute}, Type: filter.String}
	if name, sub, ok := strings.Cut(attribute, "."); ok {
		at.Path, at.Multi = filter.Path{Name: name, Sub: sub}, true
	}
	return filter.Compare{Attr: at, Op: filter.Eq, Value: document.String(document.Fold(value))}
}

const (
	userType  = "User"
	groupType = "Group"
)

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// now is the time as stores keep it: UTC, whole microseconds.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
