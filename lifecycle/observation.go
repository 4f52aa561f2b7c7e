package lifecycle

import (
	"context"
	"iter"

	"github.com/rollcall-dev/rollcall/store"
)

// Observer sees what the service does, for metrics and traces. It is called concurrently, while somebody waits, so it should be quick.
// Without one, observing costs nothing.
type Observer interface {
	// Begin is called when an operation begins. The operation goes on with the context that Begin returns, so that what it does is
	// seen to be in it; and when it ends the function is called once, also after a panic.
	Begin(ctx context.Context, op Op) (context.Context, func(Result))
}

// Op is an operation that begins.
type Op struct {
	// Stage and Name say what it is. There are few names, whatever clients send, so that they are good labels:
	//
	//	StageRequest   Users.create, Users.get, Users.list, Users.search, Users.replace, Users.patch, Users.delete, and so on for each
	//	               endpoint; Bulk.run, Me.get and others of Me, discovery.get; and "other" for what isn't served
	//	StageDecision  decide
	//	StageStore     store.get, store.list, store.members, store.commit
	//	StageDelivery  deliver.deactivated, and so on for each kind: one attempt to tell one consumer
	//	StageHook      hook.deactivated, and so on: the hooks of it, inside a delivery
	Stage Stage
	Name  string

	Tenant     string // never a good label; empty where it isn't known yet
	Request    string // id of the request; of a delivery and a hook, of the one that caused the event
	Connection string
	Consumer   string // of a delivery and a hook; of a family, of the one that is told
	Family     string // the name of the consumer, without that of the one of a family: a good label
	Event      string // id of the event, of a delivery and a hook
	Attempt    int    // likewise
}

// Stage is a part of the service.
type Stage string

// The stages.
const (
	StageRequest  Stage = "request"
	StageDecision Stage = "decision"
	StageStore    Stage = "store"
	StageDelivery Stage = "delivery"
	StageHook     Stage = "hook"
)

// Result is how an operation ended. What an operation doesn't know is empty.
type Result struct {
	Err error // why it failed, or was refused; of a request only nil or not counts: see Status

	Tenant     string // of a request, when it is known
	Connection string
	Request    string   // id of the request
	Status     int      // of a request: the HTTP status
	SCIMType   string   // of a request that was refused, such as uniqueness
	Outcome    string   // of a decision: an Outcome, but none of a dry run; of a delivery: done, retry or park; of a refused credential: missing or invalid
	Provider   string   // of a request: the family of the identity provider, such as "okta", by how it calls itself; "other"
	Quirks     []string // of a request: the tolerated deviations that it used
}

// decisionOp and others are names that are made once.
var deliverNames, hookNames = prefixed("deliver."), prefixed("hook.")

func prefixed(prefix string) map[Kind]string {
	names := make(map[Kind]string, len(allKinds))
	for _, k := range allKinds {
		names[k] = prefix + string(k)
	}
	return names
}

func opName(names map[Kind]string, prefix string, k Kind) string {
	if name, ok := names[k]; ok {
		return name
	}
	return prefix + "other" // of a version that has more kinds
}

// ObserveStore is a store whose calls an observer sees. NewHandler of package scim calls it. It returns the store itself if the
// observer is nil or sees it already.
func ObserveStore(s store.Store, o Observer) store.Store {
	switch s.(type) {
	case *observed, *observedRelated:
		return s
	}
	if o == nil {
		return s
	}
	seen := observed{s, o}
	if related, ok := s.(store.RelatedReader); ok {
		return &observedRelated{seen, related}
	}
	return &seen
}

// observed is a store that an observer sees.
type observed struct {
	store.Store
	observer Observer
}

// observedRelated also reads with relations.
type observedRelated struct {
	observed
	related store.RelatedReader
}

// Unwrap is the store itself, for store.As.
func (x *observed) Unwrap() store.Store { return x.Store }

func (x *observed) begin(ctx context.Context, name, tenant string) (context.Context, func(Result)) {
	return x.observer.Begin(ctx, Op{Stage: StageStore, Name: name, Tenant: tenant})
}

// Get implements store.Store.
func (x *observed) Get(ctx context.Context, k store.Key) (r *store.Resource, err error) {
	ctx, end := x.begin(ctx, "store.get", k.Tenant)
	defer func() { end(Result{Err: err}) }()
	return x.Store.Get(ctx, k)
}

// List implements store.Store.
func (x *observed) List(ctx context.Context, q store.Query) (p *store.Page, err error) {
	ctx, end := x.begin(ctx, "store.list", q.Tenant)
	defer func() { end(Result{Err: err}) }()
	return x.Store.List(ctx, q)
}

// Members implements store.Store.
func (x *observed) Members(ctx context.Context, q store.MemberQuery) iter.Seq2[store.Member, error] {
	return func(yield func(store.Member, error) bool) {
		ctx, end := x.begin(ctx, "store.members", q.Tenant)
		var last error
		defer func() { end(Result{Err: last}) }()
		for m, err := range x.Store.Members(ctx, q) {
			last = err
			if !yield(m, err) {
				return
			}
		}
	}
}

// Commit implements store.Store.
func (x *observed) Commit(ctx context.Context, c *store.Change) (err error) {
	ctx, end := x.begin(ctx, "store.commit", c.Tenant)
	defer func() { end(Result{Err: err}) }()
	return x.Store.Commit(ctx, c)
}

// GetRelated implements store.RelatedReader.
func (x *observedRelated) GetRelated(ctx context.Context, k store.Key) (r *store.Resource, rows []store.Member, err error) {
	ctx, end := x.begin(ctx, "store.get", k.Tenant)
	defer func() { end(Result{Err: err}) }()
	return x.related.GetRelated(ctx, k)
}

// ListRelated implements store.RelatedReader.
func (x *observedRelated) ListRelated(ctx context.Context, q store.Query, most int) (page *store.Page, rows []store.Member, complete int, err error) {
	ctx, end := x.begin(ctx, "store.list", q.Tenant)
	defer func() { end(Result{Err: err}) }()
	return x.related.ListRelated(ctx, q, most)
}

// observedAttempt is attempt, as the observer sees it.
func (s *Service) observedAttempt(ctx context.Context, c *consumer, l store.Delivery) (settled store.Settlement) {
	o := s.opts.Observer
	if o == nil {
		return s.attempt(ctx, c, l)
	}
	origin := l.Data.Get("origin")
	ctx, end := o.Begin(ctx, Op{Stage: StageDelivery, Name: opName(deliverNames, "deliver.", Kind(l.Kind)), Tenant: l.Subject.Tenant, Consumer: l.Consumer,
		Family: c.Name, Event: l.ID, Attempt: l.Attempts + 1, Request: origin.Get("request").Text(), Connection: origin.Get("connection").Text()})
	defer func() {
		r := Result{Outcome: outcomes[settled.Outcome]}
		if settled.Outcome != store.Done {
			r.Err = &failedDelivery{settled.Reason}
		}
		end(r)
	}()
	return s.attempt(ctx, c, l)
}

var outcomes = map[store.Outcome]string{store.Done: "done", store.Retry: "retry", store.Park: "park"}

// failedDelivery is why an attempt failed.
type failedDelivery struct{ reason string }

func (f *failedDelivery) Error() string { return f.reason }
