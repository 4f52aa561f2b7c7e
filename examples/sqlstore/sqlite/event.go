package sqlite

import (
	"context"
	"database/sql"
	"errors"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
)

// ofLease is the condition for the delivery that an owner has leased.
const ofLease = " WHERE tenant = $1 AND id = $2 AND consumer = $3 AND owner = $4 AND owner <> '' AND due IS NOT NULL"

// Settle runs a statement for each settlement, because there are no round trips to save.
func (e *engine) Settle(ctx context.Context, settlements []store.Settlement) error {
	statements := make([]sqlstore.Statement, len(settlements))
	for i, x := range settlements {
		args := []any{sqlstore.Enc(x.Tenant), sqlstore.Enc(x.EventID), sqlstore.Enc(x.Consumer), sqlstore.Enc(x.Owner)}
		var set string
		switch x.Outcome {
		case store.Retry:
			args = append(args, sqlstore.Micros64(x.After), sqlstore.Enc(x.Reason))
			set = "due = " + e.Now(&args) + " + $5, reason = $6, owner = ''"
		case store.Park:
			args = append(args, sqlstore.Enc(x.Reason))
			set = "state = 2, due = NULL, reason = $5, owner = ''"
		case store.Renew:
			args = append(args, sqlstore.Micros64(x.After))
			set = "due = " + e.Now(&args) + " + $5"
		case store.HandBack:
			args = append(args, int64(sqlstore.Always))
			set = "due = $5, attempts = attempts - 1, owner = ''"
		default:
			set = "state = 1, due = NULL, reason = '', owner = ''"
		}
		statements[i] = sqlstore.Statement{SQL: "UPDATE ~event SET " + set + ofLease, Args: args}
	}
	_, err := e.Apply(ctx, statements)
	return err
}

// CommitTx writes in a transaction that Transact has begun, and that has the lock already.
func (e *engine) CommitTx(ctx context.Context, tx sqlstore.Tx, c *store.Change) error {
	own, ok := tx.(*sql.Tx)
	if !ok || own == nil {
		return errors.New("sqlstore: CommitTx needs a transaction of SQLite")
	}
	w := &liteTx{engine: e, tx: own, stmts: map[string]*sql.Stmt{}}
	do := &sqlstore.Queued[liteWrite]{Ctx: ctx, What: func(ctx context.Context, w *liteTx) error {
		t := &liteChange{w, ctx, sqlstore.Enc(c.Tenant)}
		if err := t.write(c); err != nil {
			return err
		}
		types, attributes := sqlstore.IndexedOf(c)
		for i := range types {
			if err := t.do(liteIndexed, types[i], attributes[i]); err != nil {
				return err
			}
		}
		if e.inTx != nil {
			return e.inTx(ctx, tx, c)
		}
		return nil
	}}
	refused, failed := w.runInSavepoint(ctx, do)
	return e.fail(ctx, sqlstore.Rethrow(errors.Join(failed, refused)))
}

func (e *engine) Announce() {}

func (e *engine) Listen(ctx context.Context, wake func()) error {
	wake()
	<-ctx.Done()
	return nil
}
