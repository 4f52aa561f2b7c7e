package river_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	client "github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/river"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

const variable = "ROLLCALL_TEST_POSTGRES"

// committing is a store that commits in a transaction of PostgreSQL, as sqlstore does it with Options.InTx: the jobs in the
// database, and the rest in memory.
type committing struct {
	*storetest.Fake
	pool   *pgxpool.Pool
	insert func(ctx context.Context, tx pgx.Tx, c *store.Change) error
	fail   error
}

func (x *committing) Commit(ctx context.Context, c *store.Change) error {
	return pgx.BeginFunc(ctx, x.pool, func(tx pgx.Tx) error {
		if err := x.insert(ctx, tx, c); err != nil {
			return err
		}
		if x.fail != nil {
			return x.fail
		}
		return x.Fake.Commit(ctx, c)
	})
}

type worker struct {
	client.WorkerDefaults[river.Args]
	done chan river.Args
}

func (w *worker) Work(_ context.Context, job *client.Job[river.Args]) error {
	w.done <- job.Args
	return nil
}

// A job is there exactly if the change is, and a worker of River gets the event.
func TestJobsInTheCommit(t *testing.T) {
	dsn := os.Getenv(variable)
	if dsn == "" {
		t.Skipf("no PostgreSQL to test with: set %s=postgres://user:password@host/database", variable)
	}
	ctx := t.Context()
	config, err := pgxpool.ParseConfig(dsn)
	require.NoError(t, err)
	const schema = "rollcall_test_river"
	config.ConnConfig.RuntimeParams["search_path"] = schema
	pool, err := pgxpool.NewWithConfig(ctx, config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	_, err = pool.Exec(ctx, "DROP SCHEMA IF EXISTS "+schema+" CASCADE")
	require.NoError(t, err)
	_, err = pool.Exec(ctx, "CREATE SCHEMA "+schema)
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = pool.Exec(context.Background(), "DROP SCHEMA IF EXISTS "+schema+" CASCADE") })
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	require.NoError(t, err)
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	require.NoError(t, err)

	w := &worker{done: make(chan river.Args, 10)}
	workers := client.NewWorkers()
	client.AddWorker(workers, w)
	jobs, err := client.NewClient(riverpgxv5.New(pool), &client.Config{Workers: workers, Queues: map[string]client.QueueConfig{client.QueueDefault: {MaxWorkers: 2}}, FetchPollInterval: 100 * time.Millisecond})
	require.NoError(t, err)
	s := &committing{Fake: storetest.NewFake(), pool: pool, insert: func(ctx context.Context, tx pgx.Tx, c *store.Change) error {
		return river.Insert(ctx, jobs, tx, c, nil)
	}}
	service, err := lifecycle.New(s, &lifecycle.Options{Consumers: []lifecycle.Consumer{river.Consumer(lifecycle.KindProvisioned, lifecycle.KindDeactivated)}})
	require.NoError(t, err)
	count := func() (n int) {
		require.NoError(t, pool.QueryRow(ctx, "SELECT count(*) FROM river_job").Scan(&n))
		return n
	}

	s.fail = errors.New("the commit fails")
	_, err = service.Add(ctx, lifecycle.Request{Tenant: "acme"}, lifecycle.Identity{UserName: "ann"})
	require.Error(t, err)
	assert.Zero(t, count(), "no change, no job")
	s.fail = nil
	ann, err := service.Add(ctx, lifecycle.Request{Tenant: "acme"}, lifecycle.Identity{UserName: "ann"})
	require.NoError(t, err)
	assert.Equal(t, 1, count())
	_, err = service.Suspend(ctx, lifecycle.Request{Tenant: "acme"}, ann.ID)
	require.NoError(t, err)

	require.NoError(t, jobs.Start(ctx))
	t.Cleanup(func() { assert.NoError(t, jobs.Stop(context.Background())) })
	kinds := map[lifecycle.Kind]river.Args{}
	for range 2 {
		select {
		case args := <-w.done:
			kinds[args.Event] = args
		case <-time.After(10 * time.Second):
			t.Fatal("no job was worked")
		}
	}
	assert.Equal(t, ann.ID, kinds[lifecycle.KindProvisioned].Subject)
	assert.Equal(t, "ann", kinds[lifecycle.KindDeactivated].UserName)
	assert.Contains(t, string(kinds[lifecycle.KindProvisioned].Data), `"userName": "ann"`, "River keeps jobs as jsonb")
}
