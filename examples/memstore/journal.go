package memstore

import (
	"context"
	"slices"
	"sort"

	"github.com/rollcall-dev/rollcall/store"
)

// journal has a tenant's last entries, in the order of their ids: at least the last journalSize, and at most twice as many.
type journal struct{ entries []store.Entry }

const journalSize = 10_000

func (j *journal) add(e store.Entry) {
	if len(j.entries) == 2*journalSize {
		j.entries = append(make([]store.Entry, 0, 2*journalSize), j.entries[journalSize:]...)
	}
	// Later requests have greater ids, but may be committed before earlier ones.
	at := len(j.entries)
	for at > 0 && j.entries[at-1].ID > e.ID {
		at--
	}
	j.entries = slices.Insert(j.entries, at, e)
}

// Journal implements [store.JournalReader]. The store keeps only the last 10,000 entries of each tenant.
func (s *Store) Journal(ctx context.Context, q store.JournalQuery) ([]store.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t := s.tenant(q.Tenant)
	if t == nil {
		return nil, nil
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	entries := t.journal.entries
	if q.Before != "" {
		entries = entries[:sort.Search(len(entries), func(i int) bool { return entries[i].ID >= q.Before })]
	}
	var out []store.Entry
	for _, e := range slices.Backward(entries) {
		if len(out) >= q.Max {
			break
		}
		if is(q.Connection, e.Connection) && is(q.Subject, e.Subject.ID) && is(q.Outcome, e.Outcome) && is(q.Request, e.Request) {
			out = append(out, e)
		}
	}
	return out, nil
}

// is says whether a field of an entry has the wanted value. An empty wanted value allows any.
func is(wanted, has string) bool { return wanted == "" || wanted == has }
