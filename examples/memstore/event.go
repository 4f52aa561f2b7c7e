package memstore

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// events has the committed events of all tenants, in a queue for each consumer.
type events struct {
	mu       sync.Mutex
	sequence int64
	queues   map[string]*queue // by consumer
	feed     feed
}

// queue has the events of one consumer. Events that aren't settled wait in one line for each subject, and only the first event of a line
// may be handed out. The first events of all lines are in one of two heaps: ready, in the order of byRank, or waiting, in the order of the
// times at which their leases, or their waits before a retry, end.
type queue struct {
	tenants map[string]*told
	ready   eventHeap
	waiting eventHeap
}

// told has the events of one tenant for one consumer.
type told struct {
	lines  map[subject][]*event // the lines, in the order of sequence; none is empty
	urgent map[subject]int      // how many urgent events are in a line
	leased map[string]*event    // the leased events by their ids
	parked []*event
	done   []*event // the last events that were delivered, for replays
	paused bool     // if set, only leased events are in a heap
}

type subject struct{ typ, id string }

// event is an event for one consumer.
type event struct {
	store.Delivery
	tenant string
	state  eventState
	first  bool       // whether there is an urgent event in the line of an event in the heap ready
	until  time.Time  // when the lease of a leased event ends, or the wait of a retried one
	in     *eventHeap // the heap that the first event of a line is in, else nil
	at     int        // the index in that heap
}

type eventState uint8

const (
	due eventState = iota
	leased
	retrying
	parked
	done
)

// doneSize is how many delivered events of a tenant and consumer are kept for replays at least. At most, twice as many are.
const doneSize = 10_000

func newEvents() *events { return &events{queues: map[string]*queue{}} }

func newQueue() *queue {
	return &queue{
		tenants: map[string]*told{},
		ready:   eventHeap{before: func(a, b *event) bool { return byRank(a, b) < 0 }},
		waiting: eventHeap{before: func(a, b *event) bool { return a.until.Before(b.until) }},
	}
}

func (e *event) subject() subject { return subject{e.Subject.Type, e.Subject.ID} }

// byRank compares ready events in the order in which they are handed out.
func byRank(a, b *event) int {
	if a.first != b.first {
		if a.first {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.Sequence, b.Sequence)
}

// add puts the events of a commit at the ends of their lines.
func (s *events) add(tenant string, committed []store.Event) {
	if len(committed) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range committed {
		s.sequence++
		consumers := c.Consumers
		c.Consumers = nil
		for _, name := range consumers {
			if name == store.FeedConsumer {
				s.feed.add(tenant, c)
				continue
			}
			q, t := s.of(tenant, name)
			e := &event{Delivery: store.Delivery{Event: c, Consumer: name, Sequence: s.sequence}, tenant: tenant}
			line := append(t.lines[e.subject()], e)
			t.lines[e.subject()] = line
			if e.Urgent {
				t.urgent[e.subject()]++
			}
			if len(line) == 1 || e.Urgent {
				q.unplace(line[0])
				q.place(line[0])
			}
		}
	}
}

// of returns the events of a tenant for a consumer, and the consumer's queue. It makes both if there are none.
func (s *events) of(tenant, consumer string) (*queue, *told) {
	q := s.queues[consumer]
	if q == nil {
		q = newQueue()
		s.queues[consumer] = q
	}
	t := q.tenants[tenant]
	if t == nil {
		t = &told{lines: map[subject][]*event{}, urgent: map[subject]int{}, leased: map[string]*event{}}
		q.tenants[tenant] = t
	}
	return q, t
}

// place puts the first event of a line into the heap for its state. If the consumer is paused for the tenant, only a leased event is in a
// heap.
func (q *queue) place(e *event) {
	t := q.tenants[e.tenant]
	switch {
	case e.state == leased:
		heap.Push(&q.waiting, e)
	case t.paused:
	case e.state == due:
		e.first = t.urgent[e.subject()] > 0
		heap.Push(&q.ready, e)
	default:
		heap.Push(&q.waiting, e)
	}
}

// unplace removes an event from its heap, if it is in one.
func (q *queue) unplace(e *event) {
	if e.in != nil {
		heap.Remove(e.in, e.at)
	}
}

// Lease implements [store.EventSource].
func (s *Store) Lease(ctx context.Context, l store.Lease) ([]store.Delivery, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	q := s.events.queues[l.Consumer]
	if q == nil {
		return nil, nil
	}
	now := time.Now()
	q.ripen(now)
	var out []store.Delivery
	lease := func(e *event) {
		q.unplace(e)
		e.state, e.until, e.Owner = leased, now.Add(max(l.For, 0)), l.Owner
		q.tenants[e.tenant].leased[e.ID] = e
		heap.Push(&q.waiting, e)
		out = append(out, e.Delivery)
		e.Attempts++
	}
	if l.Tenant == "" && l.Subjects == nil {
		for len(out) < l.Max && len(q.ready.events) > 0 {
			lease(q.ready.events[0])
		}
		return out, nil
	}
	ready := q.readyOf(l)
	for _, e := range ready[:min(len(ready), max(l.Max, 0))] {
		lease(e)
	}
	return out, nil
}

// ripen moves events that have waited for long enough from the heap waiting to ready. Their states stay, so that the owner of a lease that
// ran out may still settle the event.
func (q *queue) ripen(now time.Time) {
	for len(q.waiting.events) > 0 && !q.waiting.events[0].until.After(now) {
		e := heap.Pop(&q.waiting).(*event)
		if t := q.tenants[e.tenant]; !t.paused {
			e.first = t.urgent[e.subject()] > 0
			heap.Push(&q.ready, e)
		}
	}
}

// readyOf returns the events that a lease of some tenant or subjects may hand out, in order.
func (q *queue) readyOf(l store.Lease) (ready []*event) {
	tenants := q.tenants
	if l.Tenant != "" {
		t := tenants[l.Tenant]
		if t == nil {
			return nil
		}
		tenants = map[string]*told{l.Tenant: t}
	}
	add := func(line []*event) {
		if len(line) > 0 && line[0].in == &q.ready {
			ready = append(ready, line[0])
		}
	}
	for _, t := range tenants {
		for _, k := range l.Subjects {
			add(t.lines[subject{k.Type, k.ID}])
		}
		if l.Subjects == nil {
			for _, line := range t.lines {
				add(line)
			}
		}
	}
	slices.SortFunc(ready, byRank)
	return slices.Compact(ready) // a lease may name a subject twice
}

// Settle implements [store.EventSource].
func (s *Store) Settle(ctx context.Context, settlements []store.Settlement) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	now := time.Now()
	for _, x := range settlements {
		if q := s.events.queues[x.Consumer]; q != nil {
			q.settle(x, now)
		}
	}
	return nil
}

func (q *queue) settle(s store.Settlement, now time.Time) {
	t := q.tenants[s.Tenant]
	if t == nil {
		return
	}
	e := t.leased[s.EventID]
	if e == nil || e.Owner != s.Owner {
		return
	}
	isFirst := e.in != nil // it isn't the first of its line if an earlier event was replayed meanwhile
	q.unplace(e)
	switch s.Outcome {
	case store.Done:
		e.state, e.Reason = done, ""
	case store.Park:
		e.state, e.Reason = parked, s.Reason
	case store.Retry:
		e.state, e.Reason, e.until = retrying, s.Reason, now.Add(max(s.After, 0))
	case store.Renew:
		e.until = now.Add(max(s.After, 0))
	case store.HandBack:
		e.state = due
		e.Attempts--
	}
	if e.state != leased {
		e.Owner = ""
		delete(t.leased, e.ID)
	}
	switch {
	case e.state == done || e.state == parked:
		q.leave(t, e, isFirst)
	case isFirst:
		q.place(e)
	}
}

// leave removes a settled event from its line, and places the next one.
func (q *queue) leave(t *told, e *event, isFirst bool) {
	line := t.lines[e.subject()]
	if e.Urgent {
		if t.urgent[e.subject()]--; t.urgent[e.subject()] == 0 {
			delete(t.urgent, e.subject())
		}
	}
	if isFirst {
		line[0] = nil
		line = line[1:]
	} else {
		at := slices.Index(line, e)
		line = slices.Delete(line, at, at+1)
	}
	if len(line) == 0 {
		delete(t.lines, e.subject())
	} else {
		t.lines[e.subject()] = line
		if isFirst {
			q.place(line[0])
		}
	}
	if e.state == parked {
		t.parked = append(t.parked, e)
		return
	}
	if t.done = append(t.done, e); len(t.done) == 2*doneSize {
		t.done = slices.Clone(t.done[doneSize:])
	}
}

// Parked implements [store.EventSource].
func (s *Store) Parked(ctx context.Context, tenant, consumer string, max int) ([]store.Delivery, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	var out []store.Delivery
	for name, q := range s.events.queues {
		if t := q.tenants[tenant]; t != nil && (consumer == "" || consumer == name) {
			for _, e := range t.parked {
				out = append(out, e.Delivery)
			}
		}
	}
	slices.SortFunc(out, func(a, b store.Delivery) int {
		return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.Consumer, b.Consumer))
	})
	return out[:min(len(out), max)], nil
}

// Replay implements [store.EventSource]. The leases of the replayed events end, so that the order holds. The store keeps only the last
// 10,000 delivered events of each tenant and consumer, so earlier ones can't be replayed.
func (s *Store) Replay(ctx context.Context, r store.Replay) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	q := s.events.queues[r.Consumer]
	if q == nil || q.tenants[r.Tenant] == nil {
		return nil
	}
	t := q.tenants[r.Tenant]
	replayed := func(e *event) bool {
		return !e.Time.Before(r.From) && (r.EventID == "" || e.ID == r.EventID) &&
			(r.Subject == nil || e.subject() == subject{r.Subject.Type, r.Subject.ID})
	}
	// Settled events go back into their lines, and the others stay there. Each line that changes is sorted again.
	changed := map[subject]bool{}
	for _, settled := range []*[]*event{&t.parked, &t.done} {
		*settled = slices.DeleteFunc(*settled, func(e *event) bool {
			if !replayed(e) {
				return false
			}
			k := e.subject()
			if line := t.lines[k]; line != nil {
				q.unplace(line[0])
			}
			at := sort.Search(len(t.lines[k]), func(i int) bool { return t.lines[k][i].Sequence > e.Sequence })
			t.lines[k] = slices.Insert(t.lines[k], at, e)
			if e.Urgent {
				t.urgent[k]++
			}
			changed[k] = true
			return true
		})
	}
	for k, line := range t.lines {
		for _, e := range line {
			if replayed(e) {
				q.unplace(e)
				e.state, e.Attempts, e.Owner, e.Reason = due, 0, "", ""
				delete(t.leased, e.ID)
				changed[k] = true
			}
		}
		if changed[k] {
			q.unplace(line[0])
			q.place(line[0])
		}
	}
	return nil
}

// prune removes settled events that are older than the times of a Retention, and returns how many these were.
func (s *events) prune(r store.Retention) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	remove := func(all *[]*event, before time.Time) {
		n += len(*all)
		*all = slices.DeleteFunc(*all, func(e *event) bool { return e.Time.Before(before) }) // no event is older than the zero time
		n -= len(*all)
	}
	for _, q := range s.queues {
		for _, t := range q.tenants {
			remove(&t.done, r.Done)
			remove(&t.parked, r.Parked)
		}
	}
	return n + s.feed.prune(r.Done)
}

// forget removes all events of a tenant.
func (s *events) forget(tenant string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feed.forget(tenant)
	for _, q := range s.queues {
		if t := q.tenants[tenant]; t != nil {
			for _, line := range t.lines {
				q.unplace(line[0])
			}
			delete(q.tenants, tenant)
		}
	}
}

// eventHeap implements [heap.Interface], and keeps in each event its index in the heap.
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
	e.in = nil
	return e
}
