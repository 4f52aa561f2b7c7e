package lifecycle

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle/internal/overlay"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// ErrContended says that Do lost against other writers again and again. Trying later helps.
var ErrContended = errors.New("lifecycle: too many writers at once on the same resource")

const (
	manyTimes = 300 // how often Do tries
	patient   = 4   // after so many tries it waits between them
)

// Do makes one thing happen, or says why not: it asks for the draft, decides, commits, and has the events delivered. It is the
// only place that commits what was decided, and the one loop against lost races: after a lost race it asks for the draft again,
// which is then made from what is true by then.
//
// If draft returns a *Refusal or a *Denied, that is a refusal like those that Decide makes, and gets an entry of the journal. Do
// returns the error of a refusal beside its decision. With any other error there is no decision: the service failed, or the
// context ended.
func (s *Service) Do(ctx context.Context, r *Request, draft func(ctx context.Context) (Draft, error)) (*Decision, error) {
	r.lost, r.refused = false, nil
	notes := len(r.Notes)
	for attempt := 1; ; attempt++ {
		r.Notes = r.Notes[:notes] // what a lost try had to explain is true no more
		s, err := s.as(ctx, r)
		if err != nil {
			return nil, err
		}
		if r.lost {
			r.settled = false // the policy may have changed while others were faster
		}
		d, err := s.decide(ctx, r, draft)
		if err != nil {
			return nil, err
		}
		again, err := s.commit(ctx, r, d)
		switch {
		case !again && err != nil && d.Err == nil:
			return nil, err
		case !again:
			return d, err
		}
		if attempt == manyTimes {
			return nil, ErrContended
		}
		if attempt > patient {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(rand.N(time.Duration(min(attempt, 20)) * time.Millisecond)):
			}
		}
	}
}

// decide admits the request, asks for its draft and decides about it.
func (s *Service) decide(ctx context.Context, r *Request, draft func(ctx context.Context) (Draft, error)) (*Decision, error) {
	var asked Draft
	err := s.Admit(ctx, r)
	if err == nil {
		asked, err = draft(ctx)
	}
	switch {
	case err == nil:
		return s.Decide(ctx, r, asked)
	case isRefusal(err):
		return s.refuse(r, asked.Key, err), nil
	}
	return nil, err
}

// commit makes a decision true. It says whether to decide again, because the store refused; why, is noted in the request.
func (s *Service) commit(ctx context.Context, r *Request, d *Decision) (again bool, err error) {
	if d.Err != nil {
		if r.live != nil {
			return s.commitNever(ctx, r, d)
		}
		s.commitRefusal(ctx, r, d)
		return false, d.Err
	}
	switch {
	case r.DryRun:
		return s.rehearse(ctx, r, d)
	case r.inShadow():
		return s.commitShadow(ctx, r, d)
	}
	if d.empty() {
		return false, nil
	}
	if d.link != "" {
		ok, err := s.opts.Accounts.Claim(ctx, r.Tenant, d.link)
		if err != nil {
			return false, err
		}
		if !ok {
			r.refused = errLinkedElsewhere
			return true, nil
		}
	}
	if err = s.store.Commit(ctx, &d.Change); err == nil {
		r.journalled = true
		s.deliver(ctx, d.events)
		return false, nil
	}
	return tryAgain(r, err)
}

// tryAgain says whether to decide again because the store refused, and notes in the request why it did.
func tryAgain(r *Request, err error) (bool, error) {
	var (
		conflict *store.ConflictError
		claim    *store.ClaimError
		member   *store.UnknownMemberError
	)
	switch {
	case errors.Is(err, store.ErrVersionMismatch) && r.Once:
		return false, err
	case errors.Is(err, store.ErrVersionMismatch):
		r.lost = true
		return true, nil
	case errors.As(err, &claim) && claim.Counter == settingsCounter:
		r.lost, r.outdated, r.refused = true, true, err
		return true, nil
	case errors.Is(err, overlay.ErrFull):
		r.refused = err
		return true, nil
	case errors.As(err, &conflict), errors.As(err, &claim), errors.As(err, &member), errors.Is(err, store.ErrNotFound):
		r.lost, r.refused = true, err
		return true, nil
	}
	return false, err
}

// isRefusal says whether an error is an answer and not a failure of the service.
func isRefusal(err error) bool {
	return errors.As(err, new(*Refusal)) || errors.As(err, new(*Denied))
}

// refuse is the decision that something shall not be.
func (s *Service) refuse(r *Request, subject store.Key, err error) *Decision {
	d := refusal(r, err)
	if subject.Type == "" {
		subject = r.Subject
	}
	subject.Tenant = r.Tenant
	s.record(r, d, subject)
	return d
}

func refusal(r *Request, err error) *Decision {
	d := &Decision{Outcome: Refused, Err: err, Change: store.Change{Tenant: r.Tenant}}
	if held := (*Refusal)(nil); errors.As(err, &held) && held.Reason == HeldBack {
		d.Outcome = Held
	}
	return d
}

// nameIn is by what people know a resource with these attributes.
func nameIn(typ string, attributes document.Value) string {
	if typ == userType {
		return attributes.Get("userName").Text()
	}
	return attributes.Get("displayName").Text()
}
