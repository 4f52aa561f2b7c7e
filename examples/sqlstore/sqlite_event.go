package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/rollcall-dev/rollcall/store"
)

// ofLease is the delivery that somebody has in hand.
const ofLease = " WHERE tenant = $1 AND id = $2 AND consumer = $3 AND owner = $4 AND owner <> '' AND due IS NOT NULL"

// settle needs no statement for many: none of them is a round trip.
func (e *liteEngine) settle(ctx context.Context, settlements []store.Settlement) error {
	statements := make([]statement, len(settlements))
	for i, x := range settlements {
		args := []any{enc(x.Tenant), enc(x.EventID), enc(x.Consumer), enc(x.Owner)}
		var set string
		switch x.Outcome {
		case store.Retry:
			args = append(args, micros64(x.After), enc(x.Reason))
			set = "due = " + e.now(&args) + " + $5, reason = $6, owner = ''"
		case store.Park:
			args = append(args, enc(x.Reason))
			set = "state = 2, due = NULL, reason = $5, owner = ''"
		case store.Renew:
			args = append(args, micros64(x.After))
			set = "due = " + e.now(&args) + " + $5"
		case store.HandBack:
			args = append(args, int64(always))
			set = "due = $5, attempts = attempts - 1, owner = ''"
		default:
			set = "state = 1, due = NULL, reason = '', owner = ''"
		}
		statements[i] = statement{"UPDATE ~event SET " + set + ofLease, args}
	}
	_, err := e.apply(ctx, statements)
	return err
}

// commitTx runs in a transaction that Transact has begun, whose lock is taken already.
func (e *liteEngine) commitTx(ctx context.Context, tx Tx, c *store.Change) error {
	if tx.SQLite == nil {
		return errors.New("sqlstore: CommitTx needs a transaction of SQLite")
	}
	w := &liteTx{e, tx.SQLite, map[string]*sql.Stmt{}}
	do := &queued[liteWrite]{ctx: ctx, what: func(ctx context.Context, w *liteTx) error {
		t := &liteChange{w, ctx, enc(c.Tenant)}
		if err := t.write(c); err != nil {
			return err
		}
		types, attributes := indexedOf(c)
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
	return e.fail(ctx, rethrow(errors.Join(failed, refused)))
}

func (e *liteEngine) announce() {}

func (e *liteEngine) listen(ctx context.Context, wake func()) error {
	wake()
	<-ctx.Done()
	return nil
}
