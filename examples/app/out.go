package app

import (
	"context"
	"flag"
	"net/http"
	"time"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/lifecycle/payload"
	"github.com/rollcall-dev/rollcall/lifecycle/webhook"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
)

// Plugin is an addition to the app, which delivers events to another system or monitors the app. Each of its functions may be nil.
type Plugin struct {
	Flags      func(*flag.FlagSet)
	Configure  func(o *scim.Options) error
	Mount      func(mux *http.ServeMux, s *boot.Service) error
	Background func(ctx context.Context, s *boot.Service) error
}

// out delivers events to other systems, by webhooks and by the feed.
type out struct {
	feedToken string
	retention time.Duration
	allow     hosts
	hooks     *webhook.Webhooks
}

// Flags adds the flags of the pages to those of a server.
func (a *App) Flags(set *flag.FlagSet) {
	a.secrets.flags(set)
	set.StringVar(&a.out.feedToken, "feed-token", "", "bearer `token` of GET /feed, the feed of all tenants' events; without one there is no feed")
	set.DurationVar(&a.out.retention, "retention", 0, "how long events are kept that were told, for replays and for the feed; 0: 7 days")
	set.Var(&a.out.allow, "webhook-allow", "`HOST` that webhooks may go to though its address isn't public; repeatable")
}

// flags adds the flags of Flags, and those that only Boot uses.
func (a *App) flags(set *flag.FlagSet) {
	a.Flags(set)
	set.Func("protect-group", "`NAME` of a group that identity providers may add members to, but not take any from; repeatable", func(name string) error {
		a.protected = append(a.protected, name)
		return nil
	})
	set.Var(&a.secrets.hosts, "jwks-host", "`HOST` that may be asked for the keys of an identity provider, by http and at a private address too; for tests; repeatable")
	for _, p := range a.Plugins {
		if p.Flags != nil {
			p.Flags(set)
		}
	}
}

// configure adds the consumers of events to the handler's options.
func (x *out) configure(s store.Store, o *scim.Options) (err error) {
	x.hooks, err = webhook.New(webhook.Options{Store: s, MaxAge: 100 * time.Millisecond, Allow: x.allow, HTTP: true, Logger: o.Logger})
	if err != nil {
		return err
	}
	l := &o.Lifecycle
	l.Consumers = append(l.Consumers, x.hooks.Consumer())
	l.Delivery.Retention.Delivered = x.retention
	if l.Feed = x.feedToken != ""; l.Feed {
		o.SecurityEvents = []string{payload.SETAsyncResp} // the feed then has the results of asynchronous requests
	}
	return nil
}
