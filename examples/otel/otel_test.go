package otel_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/rollcall-dev/rollcall/examples/otel"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// served traces one request that says it is in the trace of somebody else, and the delivery of its event.
func served(t *testing.T, o *otel.Options) (map[string]sdkSpan, *metric.ManualReader) {
	t.Helper()
	spans, reader := tracetest.NewSpanRecorder(), metric.NewManualReader()
	observer, err := otel.New(trace.NewTracerProvider(trace.WithSpanProcessor(spans)), metric.NewMeterProvider(metric.WithReader(reader)), o)
	require.NoError(t, err)
	told := make(chan struct{})
	h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.BearerTokens{"secret": "acme-corporation"}, Lifecycle: lifecycle.Options{Observer: observer,
		Hooks: lifecycle.Hooks{Provisioned: func(context.Context, *lifecycle.Event) error { close(told); return nil }}}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { assert.NoError(t, h.Lifecycle().Run(ctx)) })
	r := httptest.NewRequest("POST", "/Users", strings.NewReader(`{"userName":"ann@example.com"}`))
	r.Header.Set("Authorization", "Bearer secret")
	r.Header.Set("Content-Type", "application/scim+json")
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	h.ServeHTTP(httptest.NewRecorder(), r.WithContext(propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))))
	select {
	case <-told:
	case <-time.After(10 * time.Second):
		t.Fatal("the hook was not told")
	}
	cancel()
	run.Wait()
	all := map[string]sdkSpan{}
	for _, s := range spans.Ended() {
		all[s.Name()] = s
	}
	return all, reader
}

type sdkSpan = trace.ReadOnlySpan

const remote = "0af7651916cd43dd8448eb211c80319c"

func TestTraces(t *testing.T) {
	spans, reader := served(t, nil)
	request, commit, delivery, hook := spans["Users.create"], spans["store.commit"], spans["deliver.provisioned"], spans["hook.provisioned"]
	for name, s := range map[string]sdkSpan{"request": request, "commit": commit, "decide": spans["decide"], "delivery": delivery, "hook": hook} {
		require.NotNil(t, s, name)
	}
	assert.NotEqual(t, remote, request.SpanContext().TraceID().String(), "a stranger's trace is not continued")
	require.Len(t, request.Links(), 1)
	assert.Equal(t, remote, request.Links()[0].SpanContext.TraceID().String())
	assert.Equal(t, request.SpanContext().SpanID(), commit.Parent().SpanID())
	assert.Equal(t, delivery.SpanContext().SpanID(), hook.Parent().SpanID())
	assert.NotEqual(t, request.SpanContext().TraceID(), delivery.SpanContext().TraceID())
	require.Len(t, delivery.Links(), 1)
	assert.Equal(t, request.SpanContext().SpanID(), delivery.Links()[0].SpanContext.SpanID(), "the delivery is linked to the request that caused it")
	for name, s := range spans {
		for _, a := range s.Attributes() {
			assert.NotContains(t, a.Value.String(), "acme-corporation", name)
			assert.NotContains(t, a.Value.String(), "example.com", name)
		}
	}
	var data metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &data))
	names := map[string]bool{}
	for _, s := range data.ScopeMetrics {
		for _, m := range s.Metrics {
			names[m.Name] = true
		}
	}
	assert.Equal(t, map[string]bool{"rollcall.operation.duration": true, "rollcall.deliveries": true}, names)
}

func TestTrustRemote(t *testing.T) {
	spans, _ := served(t, &otel.Options{TrustRemote: true, Tenants: true})
	assert.Equal(t, remote, spans["Users.create"].SpanContext().TraceID().String())
	found := false
	for _, a := range spans["Users.create"].Attributes() {
		found = found || a.Value.String() == "acme-corporation"
	}
	assert.True(t, found)
}
