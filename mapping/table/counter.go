package table

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// countersID is the key of the record that has all counters of a tenant. It can't be the key of a resource, because those have a slash.
const countersID = "counters"

// counters are the counters of a tenant: an object with a field for each, which has count and, if there is a window, began.
type counters struct {
	all  document.Value
	kept bool // whether there is a record of them yet
}

func (s *Store) counters(ctx context.Context, tenant string) (c counters, err error) {
	r, err := s.others.Get(ctx, tenant, countersID)
	if errors.Is(err, store.ErrNotFound) {
		return counters{all: document.Object()}, nil
	}
	if err != nil {
		return c, err
	}
	c.kept = true
	if c.all, err = document.Document(r.Rest).Tree(); err != nil {
		return c, store.ErrCorrupt
	}
	return c, nil
}

// get returns a counter, and whether anything was ever claimed from it.
func (c *counters) get(name string) (n store.Counter, exists bool, err error) {
	n.Name = name
	kept := c.all.Get(name)
	if kept.IsNull() {
		return n, false, nil
	}
	if n.Count, err = strconv.Atoi(kept.Get("count").Text()); err != nil {
		return n, true, store.ErrCorrupt
	}
	if began := kept.Get("began"); !began.IsNull() {
		if n.Began, err = time.Parse(time.RFC3339Nano, began.Text()); err != nil {
			return n, true, store.ErrCorrupt
		}
	}
	return n, true, nil
}

func (c *counters) set(n store.Counter) {
	kept := document.Object(document.Field{Name: "count", Value: document.String(strconv.Itoa(n.Count))})
	if !n.Began.IsZero() {
		kept.Set("began", document.String(n.Began.Format(time.RFC3339Nano)))
	}
	c.all.Set(n.Name, kept)
}

// Counters implements [store.CounterReader].
func (s *Store) Counters(ctx context.Context, tenant string, names ...string) (list []store.Counter, err error) {
	err = s.view(ctx, func() error {
		all, err := s.counters(ctx, tenant)
		if err != nil {
			return err
		}
		for _, name := range names {
			n, _, err := all.get(name)
			if err != nil {
				return err
			}
			list = append(list, n)
		}
		return nil
	})
	return list, err
}

// claim takes from counters, and gives back to them. It is the last part of a change, so it never has to be undone.
func (w *commit) claim() error {
	if len(w.Claims) == 0 {
		return nil
	}
	all, err := w.counters(w.ctx, w.Tenant)
	if err != nil {
		return err
	}
	for _, c := range w.Claims {
		n, exists, err := all.get(c.Counter)
		if err != nil {
			return err
		}
		if at := c.At.UTC().Truncate(time.Microsecond); c.Window > 0 && (!exists || !at.Before(n.Began.Add(c.Window))) {
			n.Count, n.Began = 0, at // the claim begins a new window
		}
		if c.Take > 0 && c.Limit >= 0 && n.Count+c.Take > c.Limit {
			return &store.ClaimError{Counter: c.Counter}
		}
		n.Count = max(0, n.Count+c.Take)
		all.set(n)
	}
	r := &Record[Other]{ID: countersID, Rest: string(all.all.Document())}
	if !all.kept {
		return w.others.Create(w.ctx, w.Tenant, r)
	}
	return w.others.Update(w.ctx, w.Tenant, r)
}
