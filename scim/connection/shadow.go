package connection

import (
	"context"
	"errors"

	"github.com/rollcall-dev/rollcall/lifecycle"
)

// ErrNotShadow says that a connection can't go live, because it isn't in the state shadow.
var ErrNotShadow = errors.New("connection: it is not in the state shadow")

// GoLive makes true what a connection has written in the state shadow (see lifecycle.Service.GoLive) and makes it live. Its identity provider
// notices nothing: what it reads is the same before, meanwhile and afterwards. It may be called again if it was interrupted, also by the end of
// the process, and goes on where it was. A connection that is live already is ErrNotShadow. progress may be nil.
func (s *Service) GoLive(ctx context.Context, by lifecycle.Request, id string, progress func(lifecycle.LiveProgress)) (did lifecycle.LiveProgress, err error) {
	l := s.lifecycle.Load()
	if l == nil {
		return did, errors.New("connection: GoLive needs a Service that a handler was made with")
	}
	c, err := s.connection(ctx, by.Tenant, id)
	if err != nil {
		return did, err
	}
	switch c.State {
	case lifecycle.ConnectionShadow:
		if did, err = l.GoLive(ctx, by, id, progress); err != nil {
			return did, err
		}
	case lifecycle.ConnectionLive: // it may have been interrupted right before its end
		if left, err := l.HasShadow(ctx, by.Tenant, id); err != nil || !left {
			return did, errors.Join(err, ErrNotShadow)
		}
	default:
		return did, ErrNotShadow
	}
	live := lifecycle.ConnectionLive
	_, err = s.Change(ctx, by, id, Update{State: &live})
	return did, err
}

// leaveShadow does what must be done before a connection gets another state.
func (s *Service) leaveShadow(ctx context.Context, by lifecycle.Request, id string, to lifecycle.ConnectionState) error {
	l := s.lifecycle.Load()
	if l == nil {
		return s.maySkip(ctx, by.Tenant, id, to)
	}
	left, err := l.HasShadow(ctx, by.Tenant, id)
	if err != nil || !left && to != lifecycle.ConnectionShadow {
		return err
	}
	c, err := s.connection(ctx, by.Tenant, id)
	switch {
	case err != nil || c.State == to:
		return err
	case to == lifecycle.ConnectionLive:
		_, err = l.GoLive(ctx, by, id, nil)
	case to == lifecycle.ConnectionShadow && (!left || c.State == lifecycle.ConnectionLive || c.State == lifecycle.ConnectionOff):
		err = l.EndShadow(ctx, by.Tenant, id) // of a shadow before, which may have stayed closed
	}
	return err
}

// maySkip refuses to begin a shadow where nobody can open it: what it writes would be made true if a shadow before has stayed closed.
func (s *Service) maySkip(ctx context.Context, tenant, id string, to lifecycle.ConnectionState) error {
	if to != lifecycle.ConnectionShadow {
		return nil
	}
	c, err := s.connection(ctx, tenant, id)
	if err == nil && c.State != to {
		err = errors.New("connection: a change to the state shadow needs a Service that a handler was made with")
	}
	return err
}

// endShadow forgets the shadow of a connection that has got a state in which it has none.
func (s *Service) endShadow(ctx context.Context, tenant, id string, state lifecycle.ConnectionState) error {
	l := s.lifecycle.Load()
	if l == nil || state != lifecycle.ConnectionLive && state != lifecycle.ConnectionOff {
		return nil
	}
	left, err := l.HasShadow(ctx, tenant, id)
	if err != nil || !left {
		return err
	}
	if state == lifecycle.ConnectionLive {
		return l.FinishShadow(ctx, tenant, id)
	}
	return l.EndShadow(ctx, tenant, id)
}
