package connection

import (
	"context"
	"log/slog"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

// noticeDays are how many days before its expiry the product is told of a credential.
var noticeDays = [...]int{30, 14, 3}

// noticeOf is the least of noticeDays that has come; 0: none.
func noticeOf(expires, at time.Time) (days int) {
	for _, n := range noticeDays {
		if expires.Sub(at) <= time.Duration(n)*24*time.Hour {
			days = n
		}
	}
	return days
}

// warnOfExpiry tells the product of credentials in use that expire soon, each time once: by the event credential.expiring. It
// looks at those that this process remembers. Whether a credential is in use or not, the status of its connection shows the days.
func (s *Service) warnOfExpiry(ctx context.Context) {
	l := s.lifecycle.Load()
	if l == nil {
		return
	}
	at := time.Now()
	due := make(map[target]bool)
	s.hold.mu.RLock()
	for _, e := range s.hold.entries {
		if !e.ends.IsZero() && e.refused == nil && noticeOf(e.ends, at) > 0 && e.ends.After(at) {
			due[target{e.principal.Tenant, e.principal.Credential}] = true
		}
	}
	s.hold.mu.RUnlock()
	for t := range due {
		if err := again(ctx, func() error { return s.notice(ctx, l, t, at) }); err != nil && ctx.Err() == nil {
			s.opts.Logger.WarnContext(ctx, "the product could not be told that a credential expires", slog.String("tenant", t.Tenant), slog.String("error", err.Error()))
		}
	}
}

func (s *Service) notice(ctx context.Context, l *lifecycle.Service, t target, at time.Time) error {
	k, err := s.credential(ctx, t.Tenant, t.Credential)
	if err != nil {
		return err
	}
	days := noticeOf(k.Expires, at)
	if k.Expires.IsZero() || !k.revoked.IsZero() || days == 0 || k.notified != 0 && k.notified <= days {
		return nil
	}
	k.notified = days
	r := k.resource(t.Tenant)
	by := lifecycle.Request{Tenant: t.Tenant, By: lifecycle.SourceSCIM, Connection: lifecycle.Connection{ID: k.Connection}, Who: k.ID}
	return l.Tell(ctx, by, &store.Change{Tenant: t.Tenant, Put: []store.Put{{Resource: r, IfVersion: k.version}}},
		&lifecycle.Event{Kind: lifecycle.KindCredentialExpiring, Subject: r.Key})
}
