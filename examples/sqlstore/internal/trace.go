package sqlstore

import (
	"context"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Traces implements [store.Tracer]. It reads and writes in batches, so that others don't wait for long.
func (s *Store) Traces(ctx context.Context, tenant string, edit func(store.Trace) document.Document) error {
	if err := s.traceEvents(ctx, tenant, edit); err != nil {
		return err
	}
	const (
		read  = "SELECT id, time, subject_type, subject_id, action, outcome, data FROM ~journal WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3"
		write = "UPDATE ~journal SET data = $3 WHERE tenant = $1 AND id = $2"
	)
	of := Enc(tenant)
	for after, n := "", Batch; n == Batch; {
		n = 0
		var edited []Statement
		err := s.engine.Query(ctx, read, []any{of, after, int64(Batch)}, func(rw Row) error {
			var at int64
			t := store.Trace{Subject: store.Key{Tenant: tenant}}
			if err := rw.Scan(&after, &at, &t.Subject.Type, &t.Subject.ID, &t.Name, &t.Outcome, &t.Data); err != nil {
				return err
			}
			n++
			t.ID, t.Time, t.Name, t.Outcome = Dec(after), timeOf(at), Dec(t.Name), Dec(t.Outcome)
			t.Subject.Type, t.Subject.ID = Dec(t.Subject.Type), Dec(t.Subject.ID)
			if data := edit(t); data != t.Data {
				edited = append(edited, Statement{write, []any{of, after, string(data)}})
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := s.applyAll(ctx, edited); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) traceEvents(ctx context.Context, tenant string, edit func(store.Trace) document.Document) error {
	const (
		read  = "SELECT seq, id, time, subject_type, subject_id, kind, data FROM ~event WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3"
		write = "UPDATE ~event SET data = $2, reason = '' WHERE seq = $1"
	)
	of := Enc(tenant)
	for after, n := int64(0), Batch; n == Batch; {
		n = 0
		var edited []Statement
		err := s.engine.Query(ctx, read, []any{of, after, int64(Batch)}, func(rw Row) error {
			var at int64
			t := store.Trace{Event: true, Subject: store.Key{Tenant: tenant}}
			if err := rw.Scan(&after, &t.ID, &at, &t.Subject.Type, &t.Subject.ID, &t.Name, &t.Data); err != nil {
				return err
			}
			n++
			t.ID, t.Time, t.Name = Dec(t.ID), timeOf(at), Dec(t.Name)
			t.Subject.Type, t.Subject.ID = Dec(t.Subject.Type), Dec(t.Subject.ID)
			if data := edit(t); data != t.Data {
				edited = append(edited, Statement{write, []any{after, string(data)}})
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := s.applyAll(ctx, edited); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) applyAll(ctx context.Context, statements []Statement) error {
	if len(statements) == 0 {
		return nil
	}
	_, err := s.engine.Apply(ctx, statements)
	return err
}
