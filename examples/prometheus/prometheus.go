// Package prometheus makes metrics for Prometheus of what a service of Rollcall does. It is a module of its own, so that only products that
// use it link the client of Prometheus.
//
//	metrics := prometheus.New(registry)
//	handler, err := scim.NewHandler(store, &scim.Options{Lifecycle: lifecycle.Options{Observer: metrics}, ...})
//	metrics.Watch(handler.Lifecycle())
//
// No metric has a tenant, an address or an id as a label, because there may be very many, and because readers of metrics needn't know them.
// dashboard.json is a dashboard for Grafana, and alerts.yaml has rules for alerts.
package prometheus

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	client "github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

// Metrics is a lifecycle.Observer that counts and measures. Make it with New. It is safe for concurrent use.
type Metrics struct {
	requests   *client.HistogramVec
	stores     *client.HistogramVec
	hooks      *client.HistogramVec
	decisions  *client.CounterVec
	deliveries *client.CounterVec
	auth       *client.CounterVec
	quirks     *client.CounterVec
	refusals   *client.CounterVec
	lag        *lag
	expiry     *expiry
}

// prefix begins the names of all metrics.
const prefix = "rollcall_"

// New makes metrics and registers them. It panics if the registry has such metrics already.
func New(r client.Registerer) *Metrics {
	fast := []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}
	histogram := func(name, help string, labels ...string) *client.HistogramVec {
		return client.NewHistogramVec(client.HistogramOpts{Name: prefix + name, Help: help, Buckets: fast}, labels)
	}
	counter := func(name, help string, labels ...string) *client.CounterVec {
		return client.NewCounterVec(client.CounterOpts{Name: prefix + name, Help: help}, labels)
	}
	m := &Metrics{
		requests:   histogram("request_duration_seconds", "How long SCIM requests took, by operation and status.", "operation", "status", "provider"),
		stores:     histogram("store_duration_seconds", "How long calls of the store took, by call and result (ok, refused, failed).", "call", "result"),
		hooks:      histogram("hook_duration_seconds", "How long hooks took, by consumer and kind of event.", "consumer", "kind"),
		decisions:  counter("decisions_total", "What was decided, by outcome; held means that a brake held it. What is decided anew, because others were faster, counts again.", "outcome"),
		deliveries: counter("deliveries_total", "Attempts to tell a consumer an event, by consumer, kind and outcome (done, retry, park).", "consumer", "kind", "outcome"),
		auth:       counter("auth_failures_total", "Requests without a valid credential, by reason (missing, invalid).", "reason"),
		quirks:     counter("quirks_total", "Requests that used a tolerated deviation, by its name.", "quirk"),
		refusals:   counter("refusals_total", "Requests that were refused, by operation, status and scimType.", "operation", "status", "type"),
		lag:        newLag(),
		expiry:     &expiry{days: client.NewDesc(prefix+"credential_expiry_days", "Days until the first credential of a connection expires that is still good; not there if none expires.", nil, nil)},
	}
	// These are there from the beginning, so that a rate can be told of the first one, and an alert doesn't miss the first change held.
	for _, reason := range []string{"missing", "invalid"} {
		m.auth.WithLabelValues(reason)
	}
	for _, o := range []lifecycle.Outcome{lifecycle.Created, lifecycle.Linked, lifecycle.Updated, lifecycle.Unchanged, lifecycle.Removed, lifecycle.Refused, lifecycle.Held} {
		m.decisions.WithLabelValues(string(o))
	}
	r.MustRegister(m.requests, m.stores, m.hooks, m.decisions, m.deliveries, m.auth, m.quirks, m.refusals, m.lag, m.expiry)
	return m
}

// Begin implements lifecycle.Observer.
func (m *Metrics) Begin(ctx context.Context, op lifecycle.Op) (context.Context, func(lifecycle.Result)) {
	began := time.Now()
	return ctx, func(r lifecycle.Result) { m.end(&op, &r, time.Since(began).Seconds()) }
}

func (m *Metrics) end(op *lifecycle.Op, r *lifecycle.Result, seconds float64) {
	_, what, _ := strings.Cut(op.Name, ".")
	switch op.Stage {
	case lifecycle.StageRequest:
		status := strconv.Itoa(r.Status)
		m.requests.WithLabelValues(op.Name, status, r.Provider).Observe(seconds)
		if r.Outcome != "" {
			m.auth.WithLabelValues(r.Outcome).Inc()
		}
		if r.Err != nil {
			m.refusals.WithLabelValues(op.Name, status, r.SCIMType).Inc()
		}
		for _, q := range r.Quirks {
			m.quirks.WithLabelValues(q).Inc()
		}
	case lifecycle.StageStore:
		m.stores.WithLabelValues(what, resultOf(r.Err)).Observe(seconds)
	case lifecycle.StageHook:
		m.hooks.WithLabelValues(op.Family, what).Observe(seconds)
	case lifecycle.StageDecision:
		if r.Outcome != "" {
			m.decisions.WithLabelValues(r.Outcome).Inc()
		}
	case lifecycle.StageDelivery:
		m.deliveries.WithLabelValues(op.Family, what, r.Outcome).Inc()
	}
}

// Watch adds metrics that say how far behind the consumers of a service are. It asks the store when the metrics are read, at most every
// few seconds.
func (m *Metrics) Watch(s *lifecycle.Service) { m.lag.watch(s) }

// lag is a collector of how far behind consumers are.
type lag struct {
	seconds, waiting, parked, paused, up *client.Desc

	mu      sync.Mutex
	service *lifecycle.Service
	at      time.Time
	last    map[string]*behind
	failed  bool
}

// behind says how far behind a consumer is, for all tenants. The consumers of a family, such as all webhooks, are counted as one.
type behind struct {
	seconds                 float64
	waiting, parked, paused int
}

func newLag() *lag {
	desc := func(name, help string, labels ...string) *client.Desc {
		return client.NewDesc(prefix+name, help, labels, nil)
	}
	return &lag{
		seconds: desc("outbox_lag_seconds", "How old the oldest event is that a consumer has yet to be told; 0 if none waits.", "consumer"),
		waiting: desc("outbox_waiting", "Events that a consumer has yet to be told.", "consumer"),
		parked:  desc("parked", "Events that a consumer has given up.", "consumer"),
		paused:  desc("paused", "Tenants for whom a consumer is paused.", "consumer"),
		up:      desc("outbox_up", "1 if the store said how far behind consumers are, 0 if it could not."),
	}
}

func (l *lag) watch(s *lifecycle.Service) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.service = s
}

// Describe implements prometheus.Collector.
func (l *lag) Describe(ch chan<- *client.Desc) {
	for _, d := range []*client.Desc{l.seconds, l.waiting, l.parked, l.paused, l.up} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (l *lag) Collect(ch chan<- client.Metric) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.service == nil {
		return
	}
	l.read()
	gauge := func(d *client.Desc, v float64, labels ...string) {
		ch <- client.MustNewConstMetric(d, client.GaugeValue, v, labels...)
	}
	up := 1.0
	if l.failed {
		up = 0
	}
	gauge(l.up, up)
	for name, b := range l.last {
		gauge(l.seconds, b.seconds, name)
		gauge(l.waiting, float64(b.waiting), name)
		gauge(l.parked, float64(b.parked), name)
		gauge(l.paused, float64(b.paused), name)
	}
}

// read asks the store, unless it has just been asked.
func (l *lag) read() {
	const every, patience = time.Second, 5 * time.Second
	if time.Since(l.at) < every {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	lags, err := l.service.Lags(ctx, "")
	l.at, l.failed = time.Now(), err != nil
	if err != nil {
		return // the last values stay, and outbox_up says that they are old
	}
	l.last = make(map[string]*behind)
	for _, name := range l.service.Consumers() {
		l.last[name] = &behind{}
	}
	for _, x := range lags {
		family, _, _ := strings.Cut(x.Consumer, ".")
		b := l.last[family]
		if b == nil {
			b = &behind{} // a consumer that isn't configured any more
			l.last[family] = b
		}
		b.add(x)
	}
}

func (b *behind) add(x store.Lag) {
	b.waiting += x.Waiting
	b.parked += x.Parked
	if x.Paused {
		b.paused++
	}
	if x.Waiting > 0 {
		b.seconds = max(b.seconds, time.Since(x.Oldest).Seconds())
	}
}
