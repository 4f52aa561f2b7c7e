package prometheus

import (
	"context"
	"sync"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
)

// WatchExpiry adds a metric that says in how many days the first credential expires. next is connection.Service.NextExpiry. It is called
// when the metrics are read, at most every five minutes.
func (m *Metrics) WatchExpiry(next func(ctx context.Context) (at time.Time, ok bool, err error)) {
	m.expiry.watch(next)
}

// expiry is a collector of the next expiry.
type expiry struct {
	days *client.Desc

	mu      sync.Mutex
	next    func(ctx context.Context) (time.Time, bool, error)
	asked   time.Time
	at      time.Time
	expires bool
}

func (x *expiry) watch(next func(ctx context.Context) (time.Time, bool, error)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.next, x.asked = next, time.Time{}
}

// Describe implements prometheus.Collector.
func (x *expiry) Describe(ch chan<- *client.Desc) { ch <- x.days }

// Collect implements prometheus.Collector. If next fails, the last value stays.
func (x *expiry) Collect(ch chan<- client.Metric) {
	const every, patience, day = 5 * time.Minute, 5 * time.Second, 24 * time.Hour
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.next == nil {
		return
	}
	if time.Since(x.asked) >= every {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if at, ok, err := x.next(ctx); err == nil {
			x.at, x.expires, x.asked = at, ok, time.Now()
		}
	}
	if x.expires {
		ch <- client.MustNewConstMetric(x.days, client.GaugeValue, time.Until(x.at).Hours()/day.Hours())
	}
}
