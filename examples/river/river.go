// Package river inserts the events of Rollcall into the job table of River, in the transaction of the change that they tell of: a job exists
// if and only if the change was committed. It is a module of its own, so that only products that use it link River.
//
// The events are those of a consumer with lifecycle.Consumer.InTx. The store inserts them:
//
//	store, err := postgres.Open(ctx, dsn, &postgres.Options{
//		InTx: func(ctx context.Context, tx pgx.Tx, c *store.Change) error { return river.Insert(ctx, client, tx, c, nil) },
//	})
//	lifecycle.Options{Consumers: []lifecycle.Consumer{river.Consumer()}}
//
// River runs jobs in parallel and in no order. A worker that needs the order of a subject's events compares Args.Time, or reads the
// present state of the subject.
package river

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	client "github.com/riverqueue/river"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/payload"
	"github.com/rollcall-dev/rollcall/store"
)

// Name is the name of the consumer.
const Name = "river"

// Consumer returns the consumer whose events Insert inserts: those of the given kinds, or all.
func Consumer(kinds ...lifecycle.Kind) lifecycle.Consumer {
	return lifecycle.Consumer{Name: Name, InTx: true, Kinds: kinds}
}

// Args are the arguments of a job: an event as payload.Append writes it.
type Args struct {
	ID       string          `json:"id"`
	Event    lifecycle.Kind  `json:"kind"`
	Tenant   string          `json:"tenant"`
	Subject  string          `json:"subject"`
	UserName string          `json:"userName"`
	Time     time.Time       `json:"time"`
	Data     json.RawMessage `json:"data"`
}

// Kind implements river.JobArgs. It returns the kind of job, which is the same for all events. The field Event has the kind of event.
func (Args) Kind() string { return "rollcall.event" }

// Insert inserts a job for each event of a change that is for Consumer, in the transaction of the change. If it returns an error, the
// commit must fail.
func Insert(ctx context.Context, c *client.Client[pgx.Tx], tx pgx.Tx, change *store.Change, o *client.InsertOpts) error {
	events, err := lifecycle.EventsFor(change, Name)
	if err != nil || len(events) == 0 {
		return err
	}
	jobs := make([]client.InsertManyParams, len(events))
	for i, e := range events {
		var args Args
		if err := json.Unmarshal(payload.Append(nil, e, payload.Full), &args); err != nil {
			return err
		}
		jobs[i] = client.InsertManyParams{Args: args, InsertOpts: o}
	}
	_, err = c.InsertManyTx(ctx, tx, jobs)
	return err
}
