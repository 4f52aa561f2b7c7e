package memstore

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// events are the committed events of all tenants. Those that aren't settled stand in one line per subject, of which only
// the first may be handed out; the firsts of all lines are in one of two heaps: ready, by sequence, or waiting, by the
// time at which the lease or the pause before a retry ends.
type events struct {
	mu       sync.Mutex
	sequence int64
	lines    map[store.Key][]*event
	ready    eventHeap
	waiting  eventHeap
	leased   map[eventID]*event
	parked   map[string][]*event // by tenant
	done     map[string][]*event // by tenant: the last ones, for replays
}

type eventID struct{ tenant, id string }

type event struct {
	store.Delivery
	subject store.Key // with the tenant of the commit
	state   eventState
	until   time.Time  // of a leased or retried one
	in      *eventHeap // of the first of a line
	at      int        // index in that heap
}

type eventState uint8

const (
	due eventState = iota
	leased
	retrying
	parked
	done
)

// doneSize is how many done events of a tenant are kept for replays, at least; at most it is twice as many.
const doneSize = 10_000

func newEvents() *events {
	return &events{
		lines:   map[store.Key][]*event{},
		ready:   eventHeap{before: func(a, b *event) bool { return a.Sequence < b.Sequence }},
		waiting: eventHeap{before: func(a, b *event) bool { return a.until.Before(b.until) }},
		leased:  map[eventID]*event{},
		parked:  map[string][]*event{},
		done:    map[string][]*event{},
	}
}

// add puts the events of a commit at the ends of their lines.
func (q *events) add(tenant string, committed []store.Event) {
	if len(committed) == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range committed {
		q.sequence++
		e := &event{Delivery: store.Delivery{Event: c, Sequence: q.sequence}, subject: c.Subject}
		e.subject.Tenant = tenant
		q.lines[e.subject] = append(q.lines[e.subject], e)
		if len(q.lines[e.subject]) == 1 {
			q.place(e)
		}
	}
}

// place puts the first event of a line into the heap for its state.
func (q *events) place(e *event) {
	if e.state == due {
		heap.Push(&q.ready, e)
	} else {
		heap.Push(&q.waiting, e)
	}
}

// Lease implements [store.EventSource].
func (s *Store) Lease(ctx context.Context, l store.Lease) ([]store.Delivery, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q := s.events
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting.events) > 0 && !q.waiting.events[0].until.After(l.Now) {
		heap.Push(&q.ready, heap.Pop(&q.waiting))
	}
	var out []store.Delivery
	for len(out) < l.Max && len(q.ready.events) > 0 {
		e := heap.Pop(&q.ready).(*event)
		e.state, e.until, e.Owner = leased, l.Until, l.Owner
		q.leased[eventID{e.subject.Tenant, e.ID}] = e
		heap.Push(&q.waiting, e)
		out = append(out, e.Delivery)
		e.Attempts++
	}
	return out, nil
}

// Settle implements [store.EventSource].
func (s *Store) Settle(ctx context.Context, settlements []store.Settlement) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	q := s.events
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range settlements {
		id := eventID{s.Tenant, s.EventID}
		e := q.leased[id]
		if e == nil || e.Owner != s.Owner {
			continue
		}
		delete(q.leased, id)
		heap.Remove(e.in, e.at)
		e.Owner, e.Reason = "", s.Reason
		switch s.Outcome {
		case store.Retry:
			e.state, e.until = retrying, s.RetryAt
			q.place(e)
		case store.Park:
			e.state = parked
			q.settle(e)
		case store.Done:
			e.state, e.Reason = done, ""
			q.settle(e)
		}
	}
	return nil
}

// settle takes the first event out of its line and lets the next one go.
func (q *events) settle(e *event) {
	line := q.lines[e.subject]
	line[0] = nil
	line = line[1:]
	if len(line) == 0 {
		delete(q.lines, e.subject)
	} else {
		q.lines[e.subject] = line
		q.place(line[0])
	}
	if e.state == parked {
		q.parked[e.subject.Tenant] = append(q.parked[e.subject.Tenant], e)
		return
	}
	kept := append(q.done[e.subject.Tenant], e)
	if len(kept) == 2*doneSize {
		kept = slices.Clone(kept[doneSize:])
	}
	q.done[e.subject.Tenant] = kept
}

// Parked implements [store.EventSource].
func (s *Store) Parked(ctx context.Context, tenant string, max int) ([]store.Delivery, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q := s.events
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []store.Delivery
	for _, e := range q.parked[tenant] {
		out = append(out, e.Delivery)
	}
	slices.SortFunc(out, func(a, b store.Delivery) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return out[:min(len(out), max)], nil
}

// Replay implements [store.EventSource]. Leases on the events end, so that order holds. Of the done events the store
// keeps the last 10,000 of each tenant.
func (s *Store) Replay(ctx context.Context, tenant string, from time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	q := s.events
	q.mu.Lock()
	defer q.mu.Unlock()
	lines := map[store.Key][]*event{}
	for subject, line := range q.lines {
		if subject.Tenant == tenant {
			heap.Remove(line[0].in, line[0].at)
			lines[subject] = line
		}
	}
	for _, settled := range []map[string][]*event{q.parked, q.done} {
		settled[tenant] = slices.DeleteFunc(settled[tenant], func(e *event) bool {
			if e.Time.Before(from) {
				return false
			}
			lines[e.subject] = append(lines[e.subject], e)
			return true
		})
	}
	for subject, line := range lines {
		slices.SortFunc(line, func(a, b *event) int { return cmp.Compare(a.Sequence, b.Sequence) })
		for _, e := range line {
			if !e.Time.Before(from) {
				e.state, e.Attempts, e.Owner, e.Reason = due, 0, "", ""
				delete(q.leased, eventID{tenant, e.ID})
			}
		}
		q.lines[subject] = line
		q.place(line[0])
	}
	return nil
}

// Prune implements [store.EventSource].
func (s *Store) Prune(ctx context.Context, before time.Time) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	q := s.events
	q.mu.Lock()
	defer q.mu.Unlock()
	pruned := 0
	for tenant, kept := range q.done {
		n := len(kept)
		kept = slices.DeleteFunc(kept, func(e *event) bool { return e.Time.Before(before) })
		pruned += n - len(kept)
		q.done[tenant] = kept
	}
	return pruned, nil
}

// eventHeap implements [heap.Interface], and keeps each event told where it is.
type eventHeap struct {
	events []*event
	before func(a, b *event) bool
}

func (h *eventHeap) Len() int           { return len(h.events) }
func (h *eventHeap) Less(i, j int) bool { return h.before(h.events[i], h.events[j]) }
func (h *eventHeap) Swap(i, j int) {
	h.events[i], h.events[j] = h.events[j], h.events[i]
	h.events[i].at, h.events[j].at = i, j
}
func (h *eventHeap) Push(x any) {
	e := x.(*event)
	e.in, e.at = h, len(h.events)
	h.events = append(h.events, e)
}
func (h *eventHeap) Pop() any {
	last := len(h.events) - 1
	e := h.events[last]
	h.events[last] = nil
	h.events = h.events[:last]
	return e
}
