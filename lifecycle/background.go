package lifecycle

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// aside is how much one Run does beside delivering: see Background.
const aside = 4

// patience is how long Background waits for a Run that has a hand free: one may just be beginning.
const patience = 100 * time.Millisecond

// Background has a Run of this process do something beside delivering events, so that no goroutine begins that the product doesn't
// know of. Package scim calls it for requests that are answered before they are done. It returns false, and nothing is done, if within
// 100 ms no Run is there, or each Run is busy with as much as it does at once. The context of work ends when Run has been stopping for
// Delivery.Stop, and Run returns only when work has returned.
func (s *Service) Background(work func(ctx context.Context)) bool {
	select {
	case s.delivery.aside <- work:
		return true
	case <-time.After(patience):
		return false
	}
}

// background does what Background hands over, until ctx ends.
func (s *Service) background(ctx context.Context) {
	own, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(s.opts.Delivery.Stop, end) })()
	var workers sync.WaitGroup
	for range aside {
		workers.Go(func() {
			for ctx.Err() == nil {
				select {
				case <-ctx.Done():
				case work := <-s.delivery.aside:
					s.attend(own, work)
				}
			}
		})
	}
	workers.Wait()
}

// attend contains a panic of work.
func (s *Service) attend(ctx context.Context, work func(ctx context.Context)) {
	defer func() {
		if p := recover(); p != nil {
			s.opts.Logger.ErrorContext(ctx, "what was done in the background panicked", slog.String("error", fmt.Sprint(p)), slog.String("stack", string(debug.Stack())))
		}
	}()
	work(ctx)
}
