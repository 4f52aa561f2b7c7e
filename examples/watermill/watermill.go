// Package watermill publishes the events of Rollcall by any publisher of Watermill: to Kafka, AMQP (RabbitMQ), Redis streams and
// others. It is a module of its own, so that only products that use it link Watermill.
package watermill

import (
	"context"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/payload"
)

// Publisher publishes events. Its fields must not be changed while it is in use. Then it is safe for concurrent use if the field Publisher is.
type Publisher struct {
	// Publisher takes the messages. It must return only when the broker has them, for example by confirms in AMQP. Otherwise events are
	// lost that the broker loses.
	Publisher message.Publisher
	// Topic returns the topic of an event. If it is nil, all go to "rollcall", which keeps the events of a subject in order if the broker
	// keeps the order of a topic.
	Topic func(e *lifecycle.Event) string
	// Form says how much of each event is sent. Default payload.Full.
	Form payload.Form
	// CloudEvents is the source of the events. If it isn't empty, each message is a CloudEvents envelope.
	CloudEvents string
}

// These are the names of a message's metadata. The UUID of the message is the id of the event.
const (
	Kind        = "kind"
	Tenant      = "tenant"
	Subject     = "subject" // partition by it, so that the events of a subject stay in order
	ContentType = "content_type"
)

// Topic is the topic if Publisher.Topic isn't set.
const Topic = "rollcall"

// Consumer publishes all events, as a consumer with a name, such as "kafka". Add it to lifecycle.Options.Consumers.
func (p *Publisher) Consumer(name string) lifecycle.Consumer {
	const attempts, wait = 1000, 10 * time.Second // a broker may be away for hours
	return lifecycle.Consumer{Name: name, Hooks: lifecycle.Hooks{Any: p.Publish}, Attempts: attempts, MaxWait: wait}
}

// Publish publishes an event, and returns when Publisher.Publisher has. It is a lifecycle.Hook.
func (p *Publisher) Publish(ctx context.Context, e *lifecycle.Event) error {
	body, contentType := payload.Append(nil, e, p.Form), "application/json"
	if p.CloudEvents != "" {
		body, contentType = payload.CloudEvent(nil, e, p.CloudEvents, p.Form), payload.CloudEventsType
	}
	m := message.NewMessage(e.ID, body)
	m.SetContext(ctx)
	m.Metadata = message.Metadata{Kind: string(e.Kind), Tenant: e.Subject.Tenant, Subject: e.Subject.ID, ContentType: contentType}
	topic := Topic
	if p.Topic != nil {
		topic = p.Topic(e)
	}
	return p.Publisher.Publish(topic, m)
}
