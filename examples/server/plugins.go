package main

import (
	"flag"
	"net/http"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/examples/nats"
	"github.com/rollcall-dev/rollcall/examples/prometheus"
	"github.com/rollcall-dev/rollcall/scim"
)

// metrics serves GET /metrics, with the flag -metrics.
func metrics(a *app.App) app.Plugin {
	var (
		wanted   bool
		registry = client.NewRegistry()
		counted  *prometheus.Metrics
	)
	return app.Plugin{
		Flags: func(set *flag.FlagSet) {
			set.BoolVar(&wanted, "metrics", false, "serve metrics for Prometheus at GET /metrics")
		},
		Configure: func(o *scim.Options) error {
			if wanted {
				registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
				counted = prometheus.New(registry)
				o.Lifecycle.Observer = counted
			}
			return nil
		},
		Mount: func(mux *http.ServeMux, s *boot.Service) error {
			if wanted {
				counted.Watch(s.Handler.Lifecycle())
				counted.WatchExpiry(a.NextExpiry)
				mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
			}
			return nil
		},
	}
}

// publisher publishes events to NATS, with the flag -nats.
func publisher() app.Plugin {
	var (
		url  string
		conn *nats.Publisher
	)
	return app.Plugin{
		Flags: func(set *flag.FlagSet) {
			set.StringVar(&url, "nats", "", "publish all events to JetStream at this `URL`, such as nats://127.0.0.1:4222")
		},
		Configure: func(o *scim.Options) (err error) {
			if url == "" {
				return nil
			}
			if conn, err = nats.Connect(url, nats.Options{}); err == nil {
				o.Lifecycle.Consumers = append(o.Lifecycle.Consumers, conn.Consumer())
			}
			return err
		},
		// The connection ends with the process: what is being published when the server stops may still be acknowledged.
	}
}
