package sqlstore

import (
	"context"
	"fmt"

	"github.com/rollcall-dev/rollcall/store"
)

const journalColumns = "id, time, connection, request, who, subject_type, subject_id, action, outcome, data"

// journalArgs are the columns of an entry that a commit writes: the tenant, and journalColumns.
func journalArgs(tenant string, e store.Entry) []any {
	return []any{tenant, enc(e.ID), e.Time.UnixMicro(), enc(e.Connection), enc(e.Request), enc(e.Who),
		enc(e.Subject.Type), enc(e.Subject.ID), enc(e.Action), enc(e.Outcome), string(e.Data)}
}

// Journal implements [store.JournalReader].
func (s *Store) Journal(ctx context.Context, q store.JournalQuery) ([]store.Entry, error) {
	sql, args := "SELECT "+journalColumns+" FROM ~journal WHERE tenant = $1", []any{enc(q.Tenant), int64(max(q.Max, 0))}
	for _, by := range []struct{ column, value string }{
		{"connection", q.Connection}, {"subject_id", q.Subject}, {"outcome", q.Outcome}, {"request", q.Request},
	} {
		if by.value != "" { // the index has no empty ones, and says so
			args = append(args, enc(by.value))
			sql += " AND " + by.column + " = " + place(len(args)) + " AND " + by.column + " <> ''"
		}
	}
	if q.Before != "" {
		args = append(args, enc(q.Before))
		sql += " AND id < " + place(len(args))
	}
	var entries []store.Entry
	err := s.query(ctx, sql+" ORDER BY id DESC LIMIT $2", args, func(rw row) error {
		var (
			e    store.Entry
			at   int64
			k    = &e.Subject
			text = []*string{&e.ID, &e.Connection, &e.Request, &e.Who, &k.Type, &k.ID, &e.Action, &e.Outcome}
		)
		if err := rw.Scan(&e.ID, &at, &e.Connection, &e.Request, &e.Who, &k.Type, &k.ID, &e.Action, &e.Outcome, &e.Data); err != nil {
			return err
		}
		for _, t := range text {
			*t = dec(*t)
		}
		if err := e.Data.Check(); err != nil {
			return fmt.Errorf("sqlstore: journal entry %q: %w: %w", e.ID, store.ErrCorrupt, err)
		}
		k.Tenant, e.Time = q.Tenant, timeOf(at)
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}
