package sqlstore

import (
	"context"
	"fmt"

	"github.com/rollcall-dev/rollcall/store"
)

const JournalColumns = "id, time, connection, request, who, subject_type, subject_id, action, outcome, data"

// JournalArgs returns the columns of an entry that a commit writes: the tenant, and journalColumns.
func JournalArgs(tenant string, e store.Entry) []any {
	return []any{tenant, Enc(e.ID), e.Time.UnixMicro(), Enc(e.Connection), Enc(e.Request), Enc(e.Who),
		Enc(e.Subject.Type), Enc(e.Subject.ID), Enc(e.Action), Enc(e.Outcome), string(e.Data)}
}

// Journal implements [store.JournalReader].
func (s *Store) Journal(ctx context.Context, q store.JournalQuery) ([]store.Entry, error) {
	tenant, id := "tenant", "id"
	if q.Request != "" { // the index of requests isn't in the order of ids
		tenant, id = "(tenant || '')", "(id || '')"
	}
	where, args := tenant+" = $1", []any{Enc(q.Tenant), int64(max(q.Max, 0))}
	also := func(condition, value string) {
		args = append(args, Enc(value))
		where += " AND " + condition + " " + Place(len(args))
	}
	// One of the fields is looked up in its index: the one with the fewest entries. Expressions instead of plain columns
	// keep the planner, which doesn't know these numbers, from taking another index. Entries of a connection are found among the
	// last ones of the tenant.
	index := ""
	for _, by := range []struct{ column, value, index string }{
		{"request", q.Request, "journal_request"}, {"subject_id", q.Subject, "journal_subject"},
		{"outcome", q.Outcome, "journal_outcome"}, {"connection", q.Connection, ""},
	} {
		switch {
		case by.value == "":
		case index != "" || by.index == "":
			also(by.column+" || '' =", by.value)
		default:
			index = by.index
			where += " AND " + by.column + " <> ''" // the index has only such rows
			also(by.column+" =", by.value)
		}
	}
	if q.Before != "" {
		also(id+" <", q.Before)
	}
	sql := "SELECT " + JournalColumns + " FROM ~journal" + s.engine.IndexedBy(index) + " WHERE " + where + " ORDER BY " + id + " DESC LIMIT $2"
	var entries []store.Entry
	err := s.engine.Query(ctx, sql, args, func(rw Row) error {
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
			*t = Dec(*t)
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
