// Package webhook pushes events to addresses that a tenant or a product has named, as Standard Webhooks 1.0.0 has it
// (https://www.standardwebhooks.com): signed, with retries over three days, and each endpoint by itself.
//
// Make a [Webhooks] on the store, add its [Webhooks.Consumer] to lifecycle.Options.Consumers, and run the service: only
// lifecycle.Service.Run delivers to webhooks. The endpoints are kept in the store.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/payload"
	"github.com/rollcall-dev/rollcall/store"
)

// Name is that of the family of consumers that the endpoints are. Each endpoint is the consumer Name, a dot, and its id.
const Name = "webhook"

// Options configure Webhooks. A field that is its zero value means its default.
type Options struct {
	// Store keeps the endpoints, and the log of attempts if it is a store.JournalReader. It must be set.
	Store store.Store

	// MaxAge is how long a process remembers the endpoints of a tenant. To add or change one takes as long, because other processes
	// must have heard of it. The same in all processes. Default 1 s.
	MaxAge time.Duration

	// Allow are names of hosts, as they stand in a URL, that may have any address, also a private one, and may be asked by plain HTTP.
	// All other hosts must have public addresses.
	Allow []string

	// HTTP lets endpoints without TLS be added.
	HTTP bool

	// Form says how much of each event is sent. What would make a body longer than 20 kB is left out in any case. Default
	// payload.Full.
	Form payload.Form

	// Overlap is how long the secret before a rotation is signed with, too. Default 24 h.
	Overlap time.Duration

	// Waits are the pauses behind the first attempt, the second, and so on; each is made up to a tenth longer or shorter at random.
	// Default: 10 attempts over 75 hours, as Standard Webhooks recommends.
	Waits []time.Duration

	// Timeout is that of one attempt. Default 15 s.
	Timeout time.Duration

	// Most is how many endpoints a tenant may have. Default 50.
	Most int

	// Logger hears of what can't be written down. The default discards it.
	Logger *slog.Logger
}

// waits are about 75 hours.
var waits = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

// Webhooks are the endpoints of all tenants. It is safe for concurrent use, and any number of processes may work on one store.
type Webhooks struct {
	Options
	client *http.Client

	mu    sync.Mutex
	known map[string]known // by tenant
}

// known are the endpoints of a tenant as they were read.
type known struct {
	endpoints   []*record
	subscribers []lifecycle.Subscriber
	at          time.Time
}

// New makes Webhooks. It returns an error if Store is missing or another option is wrong.
func New(o Options) (*Webhooks, error) {
	if o.Store == nil {
		return nil, errors.New("webhook: Options.Store is not set: give it the store that the service works on")
	}
	for name, d := range map[string]time.Duration{"MaxAge": o.MaxAge, "Overlap": o.Overlap, "Timeout": o.Timeout, "Waits": slices.Min(append([]time.Duration{0}, o.Waits...))} {
		if d < 0 {
			return nil, fmt.Errorf("webhook: Options.%s is negative; want more than 0, or nothing for the default", name)
		}
	}
	for i, host := range o.Allow {
		if o.Allow[i] = strings.ToLower(strings.Trim(host, "[]")); host == "" || strings.ContainsAny(host, "/@ ") {
			return nil, fmt.Errorf("webhook: Options.Allow: %q is no name of a host", host)
		}
	}
	if o.MaxAge == 0 {
		o.MaxAge = time.Second
	}
	if o.Overlap == 0 {
		o.Overlap = 24 * time.Hour
	}
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Waits == nil {
		o.Waits = waits
	}
	if o.Most <= 0 {
		o.Most = 50
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	w := &Webhooks{Options: o, known: map[string]known{}}
	w.client = newClient(o.Allow, o.Timeout)
	return w, nil
}

// Consumer returns the family of consumers that the endpoints are, for lifecycle.Options.Consumers. Every process that works on
// the store must have it, even one that doesn't deliver, because it says whom an event is for.
func (w *Webhooks) Consumer() lifecycle.Consumer {
	return lifecycle.Consumer{
		Name: Name, Hooks: lifecycle.Hooks{Any: w.send}, Subscribers: w.subscribers,
		Attempts: len(w.Waits) + 1, Timeout: w.Timeout + 5*time.Second,
		Wait: func(int) time.Duration { return 0 }, // each failure says it, as the log of attempts has it, too
	}
}

// subscribers are the endpoints of a tenant that are told of changes.
func (w *Webhooks) subscribers(ctx context.Context, tenant string) ([]lifecycle.Subscriber, error) {
	k, err := w.of(ctx, tenant)
	return k.subscribers, err
}

// of is what is known of a tenant's endpoints, and read again if that is old.
func (w *Webhooks) of(ctx context.Context, tenant string) (known, error) {
	w.mu.Lock()
	k, ok := w.known[tenant]
	w.mu.Unlock()
	if ok && time.Since(k.at) < w.MaxAge {
		return k, nil
	}
	k = known{at: time.Now()}
	var err error
	if k.endpoints, err = w.read(ctx, tenant); err != nil {
		return known{}, err
	}
	for _, r := range k.endpoints {
		if r.Disabled == "" {
			k.subscribers = append(k.subscribers, lifecycle.Subscriber{Name: r.id, Kinds: r.Kinds})
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known[tenant] = k
	return k, nil
}

// forget has the tenant's endpoints read again.
func (w *Webhooks) forget(tenant string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.known, tenant)
}
