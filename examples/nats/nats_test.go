package nats_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
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
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	b := &broker{t: t, dir: t.TempDir(), port: port, url: "nats://127.0.0.1:" + port}
	t.Cleanup(b.kill)
	b.start()
	return b
}

func (b *broker) start() {
	b.t.Helper()
	b.process = exec.Command(os.Getenv(variable), "-a", "127.0.0.1", "-p", b.port, "-js", "-sd", b.dir)
	require.NoError(b.t, b.process.Start())
	require.Eventually(b.t, func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+b.port)
		if err == nil {
			c.Close()
		}
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
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

func running(t *testing.T, p *nats.Publisher) *lifecycle.Service {
	t.Helper()
	c := p.Consumer()
	c.Backoff, c.MaxWait = 50*time.Millisecond, 200*time.Millisecond
	s, err := lifecycle.New(storetest.NewFake(), &lifecycle.Options{Consumers: []lifecycle.Consumer{c}, Delivery: lifecycle.Delivery{Poll: 50 * time.Millisecond}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { assert.NoError(t, s.Run(ctx)) })
	t.Cleanup(func() { cancel(); run.Wait() })
	return s
}

func TestPublish(t *testing.T) {
	b := newBroker(t)
	p, err := nats.Connect(b.url, nats.Options{})
	require.NoError(t, err)
	defer p.Close()
	s := running(t, p)
	for _, tenant := range []string{"acme", "big.corp"} {
		_, err := s.Add(t.Context(), lifecycle.Request{Tenant: tenant}, lifecycle.Identity{UserName: "ann"})
		require.NoError(t, err)
	}
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
	s := running(t, p)
	const users, rounds, kills = 8, 12, 4
	var storm sync.WaitGroup
	for u := range users {
		storm.Go(func() {
			by := lifecycle.Request{Tenant: "acme"}
			r, err := s.Add(t.Context(), by, lifecycle.Identity{UserName: fmt.Sprint("user", u)})
			if !assert.NoError(t, err) {
				return
			}
			for range rounds {
				if _, err = s.Suspend(t.Context(), by, r.ID); assert.NoError(t, err) {
					_, err = s.Reactivate(t.Context(), by, r.ID)
					assert.NoError(t, err)
				}
				time.Sleep(50 * time.Millisecond)
			}
		})
	}
	for range kills {
		time.Sleep(150 * time.Millisecond)
		b.kill()
		time.Sleep(50 * time.Millisecond)
		b.start()
	}
	storm.Wait()
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
