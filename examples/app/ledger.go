package app

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall-dev/rollcall/examples/sqlstore/postgres"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/sqlite"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

// ledger is the product's record of what its hook was told, duplicates included.
type ledger interface {
	// record is the hook. When it returns nil, the event is on disk, if the store has a disk.
	record(ctx context.Context, e *lifecycle.Event) error
	// read returns at most max deliveries after the one with the number after, in the order in which they came.
	read(ctx context.Context, tenant string, after int64, max int) ([]Delivery, error)
	// latest returns the last max deliveries, the newest first.
	latest(ctx context.Context, tenant string, max int) ([]Delivery, error)
	// erase removes somebody's name from the record. An event about this person that is delivered later is recorded without the name.
	erase(ctx context.Context, tenant, subject string) error
	// forget removes all deliveries of a tenant.
	forget(ctx context.Context, tenant string) error
}

// Delivery is an event that the hook received, as GET /app/events shows it.
type Delivery struct {
	Delivery string `json:"delivery"` // the number of the delivery in its tenant, from 1
	ID       string `json:"id"`
	Kind     string `json:"kind"`
	Subject  string `json:"subject"`
	UserName string `json:"userName"`
	Time     string `json:"time"`
}

func deliveryOf(e *lifecycle.Event) Delivery {
	return Delivery{ID: e.ID, Kind: string(e.Kind), Subject: e.Subject.ID, UserName: e.UserName, Time: e.Time.Format(time.RFC3339Nano)}
}

// newLedger returns a ledger in the database of the store, or in memory if the store has no database.
func newLedger(ctx context.Context, s store.Store) (ledger, error) {
	l := &sqlLedger{}
	switch db := s.(type) {
	case *postgres.Store:
		l.transact = func(ctx context.Context, do func(sqlTx) error) error {
			return db.Transact(ctx, func(tx pgx.Tx) error { return do(sqlTx{postgres: tx}) })
		}
	case *sqlite.Store:
		l.transact = func(ctx context.Context, do func(sqlTx) error) error {
			return db.Transact(ctx, func(tx *sql.Tx) error { return do(sqlTx{sqlite: tx}) })
		}
	default:
		return &memoryLedger{lines: map[string][]Delivery{}, erased: map[[2]string]bool{}}, nil
	}
	return l, l.transact(ctx, func(tx sqlTx) error {
		return errors.Join(l.lock(ctx, tx), tx.exec(ctx, `CREATE TABLE IF NOT EXISTS app_delivery (
			tenant text, n bigint, id text, kind text, subject text, user_name text, time text, PRIMARY KEY (tenant, n))`),
			tx.exec(ctx, `CREATE TABLE IF NOT EXISTS app_erased (tenant text, subject text, PRIMARY KEY (tenant, subject))`))
	})
}

// sqlLedger keeps the record in a table of the product's own, in the store's database.
type sqlLedger struct {
	transact func(ctx context.Context, do func(sqlTx) error) error

	mu      sync.Mutex
	waiting []*line
	writing bool // a goroutine is in write
}

// sqlTx is a transaction of the store's database. One of its two fields is set.
type sqlTx struct {
	postgres pgx.Tx
	sqlite   *sql.Tx
}

// lock lets one transaction write at a time, so that numbers rise in the order of commits. Otherwise a reader that goes on from a number could
// miss a smaller one that is committed later. SQLite has one writer at a time anyway.
func (l *sqlLedger) lock(ctx context.Context, tx sqlTx) error {
	if tx.postgres == nil {
		return nil
	}
	return tx.exec(ctx, "SELECT pg_advisory_xact_lock(hashtext('app_delivery'))")
}

// record writes deliveries that come at the same time in one transaction, because each transaction costs a lock and a commit.
func (l *sqlLedger) record(ctx context.Context, e *lifecycle.Event) error {
	w := &line{deliveryOf(e), e.Subject.Tenant, make(chan error, 1)}
	l.mu.Lock()
	l.waiting = append(l.waiting, w)
	leads := !l.writing
	l.writing = true
	l.mu.Unlock()
	if leads {
		go l.write(context.WithoutCancel(ctx))
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return ctx.Err() // the delivery may be written all the same, and once more when the event is delivered again
	}
}

// line is a delivery that waits to be written.
type line struct {
	Delivery
	tenant string
	done   chan error
}

// write writes the deliveries that wait, until none waits.
func (l *sqlLedger) write(ctx context.Context) {
	for {
		l.mu.Lock()
		all := l.waiting
		l.waiting = nil
		l.writing = len(all) > 0
		l.mu.Unlock()
		if len(all) == 0 {
			return
		}
		err := l.transact(ctx, func(tx sqlTx) error {
			if err := l.lock(ctx, tx); err != nil {
				return err
			}
			for _, d := range all {
				err := tx.exec(ctx, `INSERT INTO app_delivery SELECT $1, COALESCE(MAX(n), 0) + 1, $2, $3, $4,
					CASE WHEN EXISTS (SELECT 1 FROM app_erased WHERE tenant = $1 AND subject = $4) THEN '' ELSE $5 END, $6 FROM app_delivery WHERE tenant = $1`,
					d.tenant, d.ID, d.Kind, d.Subject, d.UserName, d.Time)
				if err != nil {
					return err
				}
			}
			return nil
		})
		for _, d := range all {
			d.done <- err
		}
	}
}

func (l *sqlLedger) erase(ctx context.Context, tenant, subject string) error {
	return l.transact(ctx, func(tx sqlTx) error {
		return errors.Join(l.lock(ctx, tx),
			tx.exec(ctx, "INSERT INTO app_erased VALUES ($1, $2) ON CONFLICT DO NOTHING", tenant, subject),
			tx.exec(ctx, "UPDATE app_delivery SET user_name = '' WHERE tenant = $1 AND subject = $2", tenant, subject))
	})
}

func (l *sqlLedger) forget(ctx context.Context, tenant string) error {
	return l.transact(ctx, func(tx sqlTx) error {
		return errors.Join(l.lock(ctx, tx), tx.exec(ctx, "DELETE FROM app_delivery WHERE tenant = $1", tenant),
			tx.exec(ctx, "DELETE FROM app_erased WHERE tenant = $1", tenant))
	})
}

const lines = "SELECT CAST(n AS text), id, kind, subject, user_name, time FROM app_delivery WHERE tenant = $1 "

func (l *sqlLedger) read(ctx context.Context, tenant string, after int64, max int) ([]Delivery, error) {
	return l.query(ctx, lines+"AND n > $2 ORDER BY app_delivery.n LIMIT $3", tenant, after, max)
}

func (l *sqlLedger) latest(ctx context.Context, tenant string, max int) ([]Delivery, error) {
	return l.query(ctx, lines+"ORDER BY app_delivery.n DESC LIMIT $2", tenant, max)
}

func (l *sqlLedger) query(ctx context.Context, sql string, args ...any) (list []Delivery, err error) {
	err = l.transact(ctx, func(tx sqlTx) error {
		list = nil
		return tx.query(ctx, sql, args, func(scan func(...any) error) error {
			var d Delivery
			err := scan(&d.Delivery, &d.ID, &d.Kind, &d.Subject, &d.UserName, &d.Time)
			list = append(list, d)
			return err
		})
	})
	return list, err
}

func (tx sqlTx) exec(ctx context.Context, sql string, args ...any) (err error) {
	if tx.postgres != nil {
		_, err = tx.postgres.Exec(ctx, sql, args...)
	} else {
		_, err = tx.sqlite.ExecContext(ctx, strings.ReplaceAll(sql, "$", "?"), args...)
	}
	return err
}

func (tx sqlTx) query(ctx context.Context, sql string, args []any, each func(scan func(...any) error) error) error {
	read := func(rows interface {
		Next() bool
		Scan(...any) error
		Err() error
	}) error {
		for rows.Next() {
			if err := each(rows.Scan); err != nil {
				return err
			}
		}
		return rows.Err()
	}
	if tx.postgres != nil {
		rows, err := tx.postgres.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		return read(rows)
	}
	rows, err := tx.sqlite.QueryContext(ctx, strings.ReplaceAll(sql, "$", "?"), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	return read(rows)
}

// memoryLedger keeps the record in memory, as the store does then.
type memoryLedger struct {
	mu     sync.Mutex
	lines  map[string][]Delivery // by tenant; the number of a delivery is its place in the slice, from 1
	erased map[[2]string]bool    // by tenant and subject
}

func (l *memoryLedger) erase(_ context.Context, tenant, subject string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erased[[2]string{tenant, subject}] = true
	for i := range l.lines[tenant] {
		if l.lines[tenant][i].Subject == subject {
			l.lines[tenant][i].UserName = ""
		}
	}
	return nil
}

func (l *memoryLedger) forget(_ context.Context, tenant string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.lines, tenant)
	for k := range l.erased {
		if k[0] == tenant {
			delete(l.erased, k)
		}
	}
	return nil
}

func (l *memoryLedger) record(_ context.Context, e *lifecycle.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, tenant := deliveryOf(e), e.Subject.Tenant
	d.Delivery = strconv.Itoa(len(l.lines[tenant]) + 1)
	if l.erased[[2]string{tenant, d.Subject}] {
		d.UserName = ""
	}
	l.lines[tenant] = append(l.lines[tenant], d)
	return nil
}

func (l *memoryLedger) read(_ context.Context, tenant string, after int64, max int) ([]Delivery, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines[tenant]
	from := int(min(after, int64(len(lines))))
	return slices.Clone(lines[from:min(from+max, len(lines))]), nil
}

func (l *memoryLedger) latest(_ context.Context, tenant string, max int) ([]Delivery, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines[tenant]
	list := slices.Clone(lines[len(lines)-min(max, len(lines)):])
	slices.Reverse(list)
	return list, nil
}
