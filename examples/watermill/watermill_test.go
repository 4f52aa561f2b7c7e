package watermill_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	"github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	own "github.com/rollcall-dev/rollcall/examples/watermill"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// broker is a real one, by the variable that says where it is.
type broker struct {
	variable, example string
	open              func(t *testing.T, url, topic string) (message.Publisher, message.Subscriber)
}

var brokers = map[string]broker{
	"RabbitMQ": {"ROLLCALL_TEST_AMQP", "amqp://guest:guest@127.0.0.1:5672/", func(t *testing.T, url, _ string) (message.Publisher, message.Subscriber) {
		config := amqp.NewDurableQueueConfig(url)
		config.Publish.ConfirmDelivery = true
		p, err := amqp.NewPublisher(config, watermill.NopLogger{})
		require.NoError(t, err)
		s, err := amqp.NewSubscriber(config, watermill.NopLogger{})
		require.NoError(t, err)
		return p, s
	}},
	"Redis": {"ROLLCALL_TEST_REDIS", "127.0.0.1:6379", func(t *testing.T, url, topic string) (message.Publisher, message.Subscriber) {
		c := redis.NewClient(&redis.Options{Addr: url})
		t.Cleanup(func() { c.Del(context.Background(), topic); c.Close() })
		p, err := redisstream.NewPublisher(redisstream.PublisherConfig{Client: c}, watermill.NopLogger{})
		require.NoError(t, err)
		s, err := redisstream.NewSubscriber(redisstream.SubscriberConfig{Client: c, ConsumerGroup: "test", OldestId: "0"}, watermill.NopLogger{})
		require.NoError(t, err)
		return p, s
	}},
}

// Every event arrives, with those of each subject in order.
func TestBrokers(t *testing.T) {
	for name, b := range brokers {
		t.Run(name, func(t *testing.T) {
			url := os.Getenv(b.variable)
			if url == "" {
				t.Skipf("no %s to test with: set %s, for example to %s", name, b.variable, b.example)
			}
			topic := fmt.Sprintf("rollcall-test-%d", time.Now().UnixNano())
			to, from := b.open(t, url, topic)
			defer from.Close()
			messages, err := from.Subscribe(t.Context(), topic)
			require.NoError(t, err)
			p := &own.Publisher{Publisher: to, Topic: func(*lifecycle.Event) string { return topic }, CloudEvents: "https://app.example"}
			s, err := lifecycle.New(storetest.NewFake(), &lifecycle.Options{Consumers: []lifecycle.Consumer{p.Consumer("broker")}})
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			var run sync.WaitGroup
			run.Go(func() { assert.NoError(t, s.Run(ctx)) })
			defer func() { cancel(); run.Wait() }()

			const users = 5
			for n := range users {
				u, err := s.Add(t.Context(), lifecycle.Request{Tenant: "acme"}, lifecycle.Identity{UserName: fmt.Sprint("u", n)})
				require.NoError(t, err)
				_, err = s.Suspend(t.Context(), lifecycle.Request{Tenant: "acme"}, u.ID)
				require.NoError(t, err)
			}
			kinds := map[string][]string{}
			for range 2 * users {
				select {
				case m := <-messages:
					var e struct {
						ID, Type string
						Data     struct{ ID, Kind, UserName string }
					}
					require.NoError(t, json.Unmarshal(m.Payload, &e))
					assert.Equal(t, e.Data.ID, m.UUID)
					assert.Equal(t, "acme", m.Metadata.Get(own.Tenant))
					assert.Equal(t, "dev.rollcall."+e.Data.Kind, e.Type)
					kinds[e.Data.UserName] = append(kinds[e.Data.UserName], e.Data.Kind)
					m.Ack()
				case <-time.After(10 * time.Second):
					t.Fatalf("only %v came", kinds)
				}
			}
			for n := range users {
				assert.Equal(t, []string{"provisioned", "deactivated"}, kinds[fmt.Sprint("u", n)])
			}
			require.NoError(t, to.Close())
		})
	}
}
