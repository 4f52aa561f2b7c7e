package benchmarks_test

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/sqlstore/postgres"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

const beListener = "ROLLCALL_BENCH_BE_LISTENER" // in a process with it the test binary runs the delivery in the schema that it names

func TestMain(m *testing.M) {
	schema := os.Getenv(beListener)
	if schema == "" {
		os.Exit(m.Run())
	}
	if err := listen(context.Background(), schema); err != nil {
		log.Fatal(err)
	}
}

// listen prints the subject of each event and the time at which the hook got it, until the process is killed.
func listen(ctx context.Context, schema string) error {
	s, err := postgres.Open(ctx, os.Getenv("ROLLCALL_TEST_POSTGRES"), &postgres.Options{Schema: schema})
	if err != nil {
		return err
	}
	l, err := lifecycle.New(s, &lifecycle.Options{Hooks: lifecycle.Hooks{Any: func(_ context.Context, e *lifecycle.Event) error {
		_, err := fmt.Println(e.Subject.ID, time.Now().UnixNano())
		return err
	}}})
	if err != nil {
		return err
	}
	return l.Run(ctx)
}

// latencyElsewhere measures as latency does, with the hook in another process. The process that commits delivers nothing.
func latencyElsewhere(b *testing.B) {
	dsn, schema := postgresDSN(b), newSchema()
	s := openedIn(b, dsn, schema)
	const patience = time.Minute // beside what the commits take
	ctx, cancel := context.WithTimeout(b.Context(), patience+10*pause*time.Duration(b.N))
	defer cancel()
	other := exec.CommandContext(ctx, os.Args[0])
	other.Env, other.Stderr = append(os.Environ(), beListener+"="+schema), os.Stderr
	out, err := other.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, other.Start())
	defer func() { _ = other.Wait() }()
	defer cancel()
	lines := make(chan string, b.N+1)
	go func() {
		defer close(lines)
		for told := bufio.NewScanner(out); told.Scan(); {
			lines <- told.Text()
		}
	}()
	hear := func() (i int, at time.Time) {
		line, ok := <-lines
		require.True(b, ok, "the other process has ended, or tells nothing")
		var nano int64
		_, err := fmt.Sscan(line, &i, &nano)
		require.NoError(b, err)
		return i, time.Unix(0, nano)
	}
	commit := func(i int) {
		id := strconv.Itoa(i)
		require.NoError(b, s.Commit(b.Context(), &store.Change{Tenant: "acme", Events: []store.Event{
			{ID: id, Kind: "updated", Subject: store.Key{Tenant: "acme", Type: "User", ID: id}, Time: time.Now(), Data: `{"v":1}`, Consumers: []string{"hooks"}},
		}}))
	}
	commit(b.N)
	hear() // the other process delivers
	began, all := make([]time.Time, b.N), make([]time.Duration, b.N)
	ticks := time.NewTicker(pause)
	defer ticks.Stop()
	b.ResetTimer()
	for i := range b.N {
		<-ticks.C
		began[i] = time.Now()
		commit(i)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
	for range all {
		i, at := hear()
		all[i] = at.Sub(began[i])
	}
	report(b, "", all)
}
