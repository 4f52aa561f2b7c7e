package connection

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

// The product is told of every credential that expires soon, whether it is used or not, by one process and each time once. No call
// to a store looks into all tenants (I4), so each credential with an expiry has a record in the library's own tenant that leads to
// it. One process reads those records each hour: the one that is the first to write down that it does so. That a notice was given
// is committed together with the event, and only in the version of the credential that was read, so that two processes never give
// the same notice.

const (
	expiryType = "rollcall.Expiry" // one for each credential that expires, with its id
	turnType   = "rollcall.Turn"
	expiryTurn = "expiry"

	expiryEvery = time.Hour
	// orphanAge is how old a record is before it is removed because there is no credential: Issue writes the record first.
	orphanAge = time.Hour
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

// expiryRecord is what leads to a credential that expires.
type expiryRecord struct {
	Tenant  string    `json:"tenant"`
	Expires time.Time `json:"expires"`
}

// watchExpiry writes the record of a credential that is about to be issued.
func (s *Service) watchExpiry(ctx context.Context, tenant string, k *Credential) error {
	r := &store.Resource{Key: store.Key{Tenant: libraryTenant, Type: expiryType, ID: k.ID}, Version: newID(), Created: now(), LastModified: now(),
		Internal: documentOf(expiryRecord{tenant, k.Expires})}
	return s.store.Commit(ctx, &store.Change{Tenant: libraryTenant, Put: []store.Put{{Resource: r}}})
}

// forgetExpiry removes the record of a credential.
func (s *Service) forgetExpiry(ctx context.Context, id string) error {
	err := s.store.Commit(ctx, &store.Change{Tenant: libraryTenant, Delete: []store.Delete{{Type: expiryType, ID: id}}})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// takeTurn says whether this process is the one that looks for credentials that expire, for the next hour.
func (s *Service) takeTurn(ctx context.Context, at time.Time) (bool, error) {
	old, err := s.store.Get(ctx, store.Key{Tenant: libraryTenant, Type: turnType, ID: expiryTurn})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	r := &store.Resource{Key: store.Key{Tenant: libraryTenant, Type: turnType, ID: expiryTurn}, Version: newID(), Created: now(), LastModified: now()}
	put := store.Put{Resource: r}
	if err == nil {
		if wait := expiryEvery - at.Sub(old.LastModified); wait > 0 && wait <= expiryEvery { // more if a clock was wrong
			return false, nil
		}
		put.IfVersion, put.Was, r.Created = old.Version, old, old.Created
	}
	err = s.store.Commit(ctx, &store.Change{Tenant: libraryTenant, Put: []store.Put{put}})
	if errors.Is(err, store.ErrVersionMismatch) || errors.As(err, new(*store.ConflictError)) {
		return false, nil // another one was faster
	}
	return err == nil, err
}

// warnOfExpiry tells the product of credentials that expire soon, by the event credential.expiring.
func (s *Service) warnOfExpiry(ctx context.Context) {
	l, at := s.lifecycle.Load(), time.Now()
	if l == nil {
		return
	}
	turn, err := s.takeTurn(ctx, at)
	if turn {
		err = s.all(ctx, libraryTenant, expiryType, func(r *store.Resource) error {
			err := again(ctx, func() error { return s.notice(ctx, l, r, at) })
			if err != nil && ctx.Err() == nil { // of one; the others are told nevertheless
				s.opts.Logger.WarnContext(ctx, "the product could not be told that a credential expires", slog.String("credential", r.ID), slog.String("error", err.Error()))
			}
			return ctx.Err()
		})
	}
	if err != nil && ctx.Err() == nil {
		s.opts.Logger.WarnContext(ctx, "credentials that expire could not be looked for", slog.String("error", err.Error()))
	}
}

// notice tells the product of the credential that a record leads to, if it is time. The record goes when nothing more is to be told.
func (s *Service) notice(ctx context.Context, l *lifecycle.Service, record *store.Resource, at time.Time) error {
	var x expiryRecord
	if err := read(record, &x); err != nil {
		return err
	}
	days := noticeOf(x.Expires, at)
	if days == 0 {
		return nil
	}
	k, err := s.credential(ctx, x.Tenant, record.ID)
	switch {
	case errors.Is(err, store.ErrNotFound) && at.Sub(record.Created) < orphanAge:
		return nil
	case errors.Is(err, store.ErrNotFound), err == nil && (!k.revoked.IsZero() || !k.Expires.After(at)):
		return s.forgetExpiry(ctx, record.ID)
	case err != nil:
		return err
	case k.notified != 0 && k.notified <= days:
		return nil
	}
	k.notified = days
	r := k.resource(x.Tenant)
	by := lifecycle.Request{Tenant: x.Tenant, By: lifecycle.SourceSCIM, Connection: lifecycle.Connection{ID: k.Connection}, Who: k.ID}
	return l.Tell(ctx, by, &store.Change{Tenant: x.Tenant, Put: []store.Put{{Resource: r, IfVersion: k.version}}},
		&lifecycle.Event{Kind: lifecycle.KindCredentialExpiring, Subject: r.Key})
}

// NextExpiry is when the first credential of all tenants expires that is still good; ok is false if none expires. It is for those who watch
// the service, and reads what there is of every credential that expires, so it should be asked a few times an hour.
func (s *Service) NextExpiry(ctx context.Context) (at time.Time, ok bool, err error) {
	type candidate struct {
		expiryRecord
		id string
	}
	var all []candidate
	now := time.Now()
	err = s.all(ctx, libraryTenant, expiryType, func(r *store.Resource) error {
		x := candidate{id: r.ID}
		err := read(r, &x.expiryRecord)
		if err == nil && x.Expires.After(now) {
			all = append(all, x)
		}
		return err
	})
	slices.SortFunc(all, func(a, b candidate) int { return a.Expires.Compare(b.Expires) })
	for _, x := range all {
		if err != nil {
			break
		}
		k, e := s.credential(ctx, x.Tenant, x.id)
		switch {
		case errors.Is(e, store.ErrNotFound), e == nil && !k.revoked.IsZero():
		case e != nil:
			err = e
		default:
			return k.Expires, true, nil
		}
	}
	return time.Time{}, false, err
}
