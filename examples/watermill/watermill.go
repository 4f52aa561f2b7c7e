// Package watermill publishes the events of Rollcall by any publisher of Watermill: to Kafka, AMQP (RabbitMQ), Redis streams and
// others. It is a module of its own, so that only who wants it links Watermill.
package watermill

import (
	"context"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/payload"
)

// Publisher publishes events. Its fields may not be changed any more when it is in use.
type Publisher struct {
	// Publisher takes the messages. It must return only when the broker has them, as with confirms in AMQP, or what the broker loses is
	// lost.
	Publisher message.Publisher
	// Topic names the topic of an event. nil: all go to "rollcall", which keeps the events of a subject in order where a topic does.
	Topic func(e *lifecycle.Event) string
	// Form says how much of each event is sent. Default payload.Full.
	Form payload.Form
	// CloudEvents is the source of the events. If it isn't empty, each message is a CloudEvents envelope.
	CloudEvents string
}

// The metadata of a message. The UUID of the message is the id of the event.
const (
	Kind        = "kind"
	Tenant      = "tenant"
	Subject     = "subject" // also the key to partition by, so that its events stay in order
	ContentType = "content_type"
)

// Topic is that of a Publisher without one of its own.
const Topic = "rollcall"

// Consumer publishes all events, as a consumer with a name, such as "kafka". Add it to lifecycle.Options.Consumers.
func (p *Publisher) Consumer(name string) lifecycle.Consumer {
	const attempts, wait = 1000, 10 * time.Second // a broker may be away for hours
	return lifecycle.Consumer{Name: name, Hooks: lifecycle.Hooks{Any: p.Publish}, Attempts: attempts, MaxWait: wait}
}

// Publish publishes an event. It is a lifecycle.Hook.
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
