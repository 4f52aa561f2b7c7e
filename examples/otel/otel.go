// Package otel makes traces and metrics for OpenTelemetry of what a service of Rollcall does. It is a module of its own, so that only
// products that use it link OpenTelemetry.
//
//	observer, err := otel.New(tracerProvider, meterProvider, nil)
//	scim.Options{Lifecycle: lifecycle.Options{Observer: observer}}
//
// Each request is a span, which has spans of its decision and of the calls of the store. Each delivery is the root of another trace, which
// has spans of its hooks, and a link to the request that caused the event, if the process still remembers that request.
package otel

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/rollcall-dev/rollcall/lifecycle"
)

// Options are the options of an Observer.
type Options struct {
	// TrustRemote lets a request continue the trace that its client names. By default a request begins a new trace with a link to
	// that one, because anybody on the internet can name a trace.
	TrustRemote bool
	// Requests is how many requests are remembered, for the links of deliveries. Default 10,000.
	Requests int
	// Tenants adds the name of the tenant to spans. Metrics never have it.
	Tenants bool
}

const scope = "github.com/rollcall-dev/rollcall/examples/otel"

// Observer is a lifecycle.Observer. Make it with New. It is safe for concurrent use.
type Observer struct {
	Options
	tracer     trace.Tracer
	durations  metric.Float64Histogram
	deliveries metric.Int64Counter

	mu       sync.Mutex
	requests map[string]trace.SpanContext
	order    []string // ids of requests, oldest first, in a ring
	next     int
}

// New makes an observer. If a provider is nil, there are no traces, or no metrics. o may be nil. The error is that of the meter provider.
func New(traces trace.TracerProvider, meters metric.MeterProvider, o *Options) (*Observer, error) {
	x := &Observer{requests: make(map[string]trace.SpanContext)}
	if o != nil {
		x.Options = *o
	}
	if x.Requests <= 0 {
		x.Requests = 10_000
	}
	if traces != nil {
		x.tracer = traces.Tracer(scope)
	}
	if meters == nil {
		return x, nil
	}
	meter := meters.Meter(scope)
	var errs [2]error
	x.durations, errs[0] = meter.Float64Histogram("rollcall.operation.duration", metric.WithUnit("s"), metric.WithDescription("How long operations took."))
	x.deliveries, errs[1] = meter.Int64Counter("rollcall.deliveries", metric.WithDescription("Attempts to tell a consumer an event."))
	return x, errors.Join(errs[:]...)
}

// Begin implements lifecycle.Observer.
func (x *Observer) Begin(ctx context.Context, op lifecycle.Op) (context.Context, func(lifecycle.Result)) {
	began := time.Now()
	var span trace.Span
	if x.tracer != nil {
		ctx, span = x.tracer.Start(ctx, op.Name, x.start(ctx, &op)...)
	}
	return ctx, func(r lifecycle.Result) {
		if span != nil {
			x.end(span, &op, &r)
		}
		x.measure(ctx, &op, &r, time.Since(began))
	}
}

// start returns the options for the span of an operation.
func (x *Observer) start(ctx context.Context, op *lifecycle.Op) []trace.SpanStartOption {
	attributes := []attribute.KeyValue{attribute.String("rollcall.stage", string(op.Stage))}
	if op.Consumer != "" {
		attributes = append(attributes, attribute.String("rollcall.consumer", op.Consumer), attribute.String("rollcall.event", op.Event), attribute.Int("rollcall.attempt", op.Attempt))
	}
	if x.Tenants && op.Tenant != "" {
		attributes = append(attributes, attribute.String("rollcall.tenant", op.Tenant))
	}
	o := []trace.SpanStartOption{trace.WithAttributes(attributes...)}
	switch op.Stage {
	case lifecycle.StageRequest:
		o = append(o, trace.WithSpanKind(trace.SpanKindServer))
		if remote := trace.SpanContextFromContext(ctx); remote.IsRemote() && !x.TrustRemote {
			o = append(o, trace.WithNewRoot(), trace.WithLinks(trace.Link{SpanContext: remote}))
		}
	case lifecycle.StageDecision: // it comes before the commit, and so before any delivery
		x.remember(op.Request, trace.SpanContextFromContext(ctx))
	case lifecycle.StageDelivery:
		o = append(o, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindConsumer))
		if cause, ok := x.request(op.Request); ok {
			o = append(o, trace.WithLinks(trace.Link{SpanContext: cause}))
		}
	case lifecycle.StageStore:
		o = append(o, trace.WithSpanKind(trace.SpanKindClient))
	}
	return o
}

func (x *Observer) end(span trace.Span, op *lifecycle.Op, r *lifecycle.Result) {
	defer span.End()
	if op.Stage == lifecycle.StageRequest {
		span.SetAttributes(attribute.Int("http.response.status_code", r.Status), attribute.String("rollcall.request", r.Request), attribute.String("rollcall.provider", r.Provider))
		if x.Tenants {
			span.SetAttributes(attribute.String("rollcall.tenant", r.Tenant))
		}
		if r.SCIMType != "" {
			span.SetAttributes(attribute.String("scim.type", r.SCIMType))
		}
		if len(r.Quirks) > 0 {
			span.SetAttributes(attribute.StringSlice("rollcall.quirks", r.Quirks))
		}
		if r.Status >= 500 { // a refusal is no error of the service
			span.SetStatus(codes.Error, "")
		}
		return
	}
	if r.Outcome != "" {
		span.SetAttributes(attribute.String("rollcall.outcome", r.Outcome))
	}
	if r.Err != nil && (op.Stage == lifecycle.StageHook || op.Stage == lifecycle.StageDelivery) {
		span.SetStatus(codes.Error, "") // the text of the error may have personal data, so it is only in the log
	}
}

// measure records how long an operation took. It uses no labels that may have very many values.
func (x *Observer) measure(ctx context.Context, op *lifecycle.Op, r *lifecycle.Result, took time.Duration) {
	if x.durations == nil {
		return
	}
	attributes := []attribute.KeyValue{attribute.String("operation", op.Name), attribute.String("stage", string(op.Stage))}
	if op.Stage == lifecycle.StageRequest {
		attributes = append(attributes, attribute.Int("status", r.Status))
	}
	x.durations.Record(ctx, took.Seconds(), metric.WithAttributes(attributes...))
	if op.Stage == lifecycle.StageDelivery {
		x.deliveries.Add(ctx, 1, metric.WithAttributes(attribute.String("consumer", op.Family), attribute.String("outcome", r.Outcome)))
	}
}

// remember remembers the span of a request, and forgets the oldest one.
func (x *Observer) remember(request string, span trace.SpanContext) {
	if request == "" || !span.IsValid() {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, known := x.requests[request]; known {
		return // the request is remembered already, and is decided again after a lost race
	}
	if len(x.order) < x.Requests {
		x.order = append(x.order, request)
	} else {
		delete(x.requests, x.order[x.next])
		x.order[x.next] = request
		x.next = (x.next + 1) % x.Requests
	}
	x.requests[request] = span
}

func (x *Observer) request(id string) (span trace.SpanContext, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	span, ok = x.requests[id]
	return span, ok && id != ""
}
