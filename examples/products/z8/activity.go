package main

import (
	"context"
	"slices"
	"sync"

	"github.com/rollcall-dev/rollcall/lifecycle"
)

// activity is what an organization's administrators see of provisioning: the last events, newest first. It is told by
// hooks, at least once, so it knows an event by its id.
type activity struct {
	mu    sync.Mutex
	lines map[string][]line // by organization
}

// line is a line of GET /app/activity.
type line struct {
	ID   string `json:"id"`
	Time string `json:"time"`
	What string `json:"what"`
	Who  string `json:"who"`
}

const mostLines = 100

// hear takes the hooks that tell of people.
func (a *activity) hear(h *lifecycle.Hooks) {
	for _, hook := range []*lifecycle.Hook{&h.Provisioned, &h.Activated, &h.Deactivated, &h.Reactivated, &h.Updated, &h.Rejected, &h.Deleted} {
		*hook = a.add
	}
}

func (a *activity) add(_ context.Context, e *lifecycle.Event) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lines == nil {
		a.lines = map[string][]line{}
	}
	list := a.lines[e.Subject.Tenant]
	if slices.ContainsFunc(list, func(l line) bool { return l.ID == e.ID }) {
		return nil
	}
	l := line{ID: e.ID, Time: e.Time.Format("2006-01-02T15:04:05Z07:00"), What: string(e.Kind), Who: e.UserName}
	list = append([]line{l}, list...)
	a.lines[e.Subject.Tenant] = list[:min(len(list), mostLines)]
	return nil
}

func (a *activity) list(organization string) []line {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]line{}, a.lines[organization]...)
}
