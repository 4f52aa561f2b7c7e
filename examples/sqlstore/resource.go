package sqlstore

import (
	"context"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// columns are a resource's, of a table called r.
const columns = "r.type, r.id, r.version, r.created, r.modified, r.label, r.keys, r.uniques, r.long_keys, r.attributes, r.internal"

func scanResource(tenant string, rw row, more ...any) (*store.Resource, error) {
	var (
		r                    = &store.Resource{}
		created, modified    int64
		uniques              int
		keys, long           string
		attributes, internal string
	)
	dest := [...]any{&r.Type, &r.ID, &r.Version, &created, &modified, &r.Label, &keys, &uniques, &long, &attributes, &internal, nil}
	d := dest[:11]
	if len(more) > 0 {
		dest[11] = more[0]
		d = dest[:]
	}
	if err := rw.Scan(d...); err != nil {
		return nil, err
	}
	r.Key = store.Key{Tenant: tenant, Type: dec(r.Type), ID: dec(r.ID)}
	r.Version, r.Label = dec(r.Version), dec(r.Label)
	r.Created, r.LastModified = timeOf(created), timeOf(modified)
	r.Index = indexOf(keys, uniques, long)
	r.Attributes, r.Internal = document.Document(attributes), document.Document(internal)
	return r, nil
}

func timeOf(micro int64) time.Time { return time.UnixMicro(micro).UTC() }

const getSQL = "SELECT " + columns + " FROM ~resource r WHERE r.tenant = $1 AND r.type = $2 AND r.id = $3"

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, k store.Key) (*store.Resource, error) {
	var found *store.Resource
	err := s.query(ctx, getSQL, []any{enc(k.Tenant), enc(k.Type), enc(k.ID)}, func(rw row) (err error) {
		found, err = scanResource(k.Tenant, rw)
		return err
	})
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, store.ErrNotFound
	}
	return found, nil
}

// Seats implements [store.SeatReader].
func (s *Store) Seats(ctx context.Context, tenant string) (used int, err error) {
	err = s.query(ctx, "SELECT CAST(COALESCE(SUM(used), 0) AS bigint) FROM ~seat WHERE tenant = $1", []any{enc(tenant)}, func(rw row) error {
		return rw.Scan(&used)
	})
	return used, err
}

const journalColumns = "id, time, connection, subject_type, subject_id, action, outcome, data"

// Journal implements [store.JournalReader].
func (s *Store) Journal(ctx context.Context, q store.JournalQuery) ([]store.Entry, error) {
	sql, args := "SELECT "+journalColumns+" FROM ~journal WHERE tenant = $1", []any{enc(q.Tenant), int64(max(q.Max, 0))}
	if q.Before != "" {
		args = append(args, enc(q.Before))
		sql += " AND id < " + place(len(args))
	}
	if q.Connection != "" {
		args = append(args, enc(q.Connection))
		sql += " AND connection = " + place(len(args))
	}
	var entries []store.Entry
	err := s.query(ctx, sql+" ORDER BY id DESC LIMIT $2", args, func(rw row) error {
		var (
			e  store.Entry
			at int64
		)
		if err := rw.Scan(&e.ID, &at, &e.Connection, &e.Subject.Type, &e.Subject.ID, &e.Action, &e.Outcome, &e.Data); err != nil {
			return err
		}
		e.ID, e.Connection, e.Action, e.Outcome = dec(e.ID), dec(e.Connection), dec(e.Action), dec(e.Outcome)
		e.Subject = store.Key{Tenant: q.Tenant, Type: dec(e.Subject.Type), ID: dec(e.Subject.ID)}
		e.Time = timeOf(at)
		entries = append(entries, e)
		return nil
	})
	return entries, err
}
