package nats_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/nats"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// variable names the server to test with. Its value is the path of nats-server: the tests start it and end it by themselves.
const variable = "ROLLCALL_TEST_NATS"

// broker is a nats-server of the test's own.
type broker struct {
	t              *testing.T
	dir, port, url string
	process        *exec.Cmd
}

func newBroker(t *testing.T) *broker {
	t.Helper()
	if os.Getenv(variable) == "" {
		t.Skipf("no NATS to test with: set %s to the path of nats-server, such as $(command -v nats-server)", variable)
	}
	b := &broker{t: t, dir: t.TempDir(), port: "-1"} // any that is free; the same after a restart
	t.Cleanup(b.kill)
	b.start()
	return b
}

// start starts the server, and waits until it says by a file where it listens.
func (b *broker) start() {
	b.t.Helper()
	b.process = exec.Command(os.Getenv(variable), "-a", "127.0.0.1", "-p", b.port, "-js", "-sd", b.dir, "--ports_file_dir", b.dir)
	require.NoError(b.t, b.process.Start())
	file := filepath.Join(b.dir, fmt.Sprintf("%s_%d.ports", filepath.Base(os.Getenv(variable)), b.process.Process.Pid))
	var ports struct{ NATS []string }
	require.Eventually(b.t, func() bool {
		text, err := os.ReadFile(file)
		return err == nil && json.Unmarshal(text, &ports) == nil && len(ports.NATS) > 0
	}, 30*time.Second, 10*time.Millisecond, "want %s", file)
	address, err := url.Parse(ports.NATS[0])
	require.NoError(b.t, err)
	b.port, b.url = address.Port(), ports.NATS[0]
}

// kill ends the server as a crash would.
func (b *broker) kill() {
	if b.process != nil {
		_ = b.process.Process.Kill()
		_ = b.process.Wait()
		b.process = nil
	}
}

// message is an event as a consumer of the stream reads it.
type message struct{ ID, Kind, Tenant, Subject, UserName string }

// read reads so many messages of the stream in their order.
func (b *broker) read(filter string, n int) (all []message, subjects []string) {
	b.t.Helper()
	conn, err := client.Connect(b.url)
	require.NoError(b.t, err)
	defer conn.Close()
	js, err := jetstream.New(conn)
	require.NoError(b.t, err)
	c, err := js.OrderedConsumer(b.t.Context(), "ROLLCALL", jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}})
	require.NoError(b.t, err)
	for len(all) < n {
		m, err := c.Next(jetstream.FetchMaxWait(5 * time.Second))
		require.NoError(b.t, err, "after %d of %d", len(all), n)
		var x message
		require.NoError(b.t, json.Unmarshal(m.Data(), &x))
		all, subjects = append(all, x), append(subjects, m.Subject())
	}
	return all, subjects
}

func (b *broker) count() uint64 {
	b.t.Helper()
	conn, err := client.Connect(b.url)
	require.NoError(b.t, err)
	defer conn.Close()
	js, err := jetstream.New(conn)
	require.NoError(b.t, err)
	s, err := js.Stream(b.t.Context(), "ROLLCALL")
	require.NoError(b.t, err)
	info, err := s.Info(b.t.Context())
	require.NoError(b.t, err)
	return info.State.Msgs
}

// running runs a service that publishes. published gets something for each event that the stream has acknowledged.
func running(t *testing.T, p *nats.Publisher) (s *lifecycle.Service, published chan struct{}) {
	t.Helper()
	const most = 10_000
	published = make(chan struct{}, most)
	c := p.Consumer()
	c.Backoff, c.MaxWait = 50*time.Millisecond, 200*time.Millisecond
	c.Hooks.Any = func(ctx context.Context, e *lifecycle.Event) error {
		err := p.Publish(ctx, e)
		if err == nil {
			published <- struct{}{}
		}
		return err
	}
	s, err := lifecycle.New(storetest.NewFake(), &lifecycle.Options{Consumers: []lifecycle.Consumer{c}, Delivery: lifecycle.Delivery{Poll: 50 * time.Millisecond}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { assert.NoError(t, s.Run(ctx)) })
	t.Cleanup(func() { cancel(); run.Wait() })
	return s, published
}

// await waits until so many more events are published.
func await(t *testing.T, published <-chan struct{}, n int) {
	t.Helper()
	patience := time.NewTimer(time.Minute)
	defer patience.Stop()
	for i := range n {
		select {
		case <-published:
		case <-patience.C:
			t.Fatalf("%d of %d events were published within a minute", i, n)
		}
	}
}

func TestPublish(t *testing.T) {
	b := newBroker(t)
	p, err := nats.Connect(b.url, nats.Options{})
	require.NoError(t, err)
	defer p.Close()
	s, published := running(t, p)
	for _, tenant := range []string{"acme", "big.corp"} {
		_, err := s.Add(t.Context(), lifecycle.Request{Tenant: tenant}, lifecycle.Identity{UserName: "ann"})
		require.NoError(t, err)
	}
	await(t, published, 2) // before that there is no stream to read
	all, subjects := b.read("rollcall.*.provisioned", 2)
	assert.ElementsMatch(t, []string{"rollcall.acme.provisioned", "rollcall.big%2ecorp.provisioned"}, subjects)
	assert.Equal(t, "ann", all[0].UserName)

	e := &lifecycle.Event{ID: "same", Kind: lifecycle.KindUpdated}
	e.Subject.Tenant = "acme"
	require.NoError(t, p.Publish(t.Context(), e))
	require.NoError(t, p.Publish(t.Context(), e))
	assert.EqualValues(t, 3, b.count(), "what is published twice is there once")
}

// The broker is killed again and again in a storm: nothing is lost, and each subject's events keep their order.
func TestBrokerRestarts(t *testing.T) {
	b := newBroker(t)
	p, err := nats.Connect(b.url, nats.Options{})
	require.NoError(t, err)
	defer p.Close()
	s, published := running(t, p)
	const users, kills = 8, 4
	const rounds = 2 * kills
	by := lifecycle.Request{Tenant: "acme"}
	ids := make([]string, users)
	for u := range users {
		r, err := s.Add(t.Context(), by, lifecycle.Identity{UserName: fmt.Sprint("user", u)})
		require.NoError(t, err)
		ids[u] = r.ID
	}
	round := func() {
		var storm sync.WaitGroup
		for _, id := range ids {
			storm.Go(func() {
				if _, err := s.Suspend(t.Context(), by, id); assert.NoError(t, err) {
					_, err = s.Reactivate(t.Context(), by, id)
					assert.NoError(t, err)
				}
			})
		}
		storm.Wait()
	}
	for range kills {
		round()
		await(t, published, users) // about half of what waits: the rest is on its way
		b.kill()
		round() // with nobody to publish to
		b.start()
	}
	require.Eventually(t, func() bool {
		lags, err := s.Lags(t.Context(), "acme")
		return err == nil && len(lags) == 0
	}, 30*time.Second, 50*time.Millisecond, "all are told in the end")
	all, _ := b.read("rollcall.acme.>", users*(1+2*rounds))
	assert.EqualValues(t, len(all), b.count(), "none is there twice")
	kinds := map[string][]string{}
	for _, m := range all {
		kinds[m.UserName] = append(kinds[m.UserName], m.Kind)
	}
	for u := range users {
		want := []string{"provisioned"}
		for range rounds {
			want = append(want, "deactivated", "reactivated")
		}
		assert.Equal(t, want, kinds[fmt.Sprint("user", u)])
	}
}
