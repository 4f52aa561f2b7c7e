// Package nats publishes the events of Rollcall to NATS JetStream. It is a module of its own, so that only products that use it link the
// client of NATS.
//
// Each event is a message with the subject rollcall.TENANT.KIND, such as rollcall.acme.deactivated or rollcall.acme.group.created (see
// payload.Subject for names of tenants that have dots in them). The header Nats-Msg-Id is the event's id, so that JetStream drops a message
// that is published twice within the stream's window of duplicates. An event is delivered when the stream has acknowledged it. An event
// that fails is tried again, as for every consumer, and the events of a subject keep their order.
package nats

import (
	"context"
	"errors"
	"fmt"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/payload"
)

// Options are the options of a Publisher. The zero value of a field means its default.
type Options struct {
	// Stream is the name of the stream that takes the messages. It is created if it doesn't exist; an existing one isn't changed.
	// Default ROLLCALL.
	Stream string
	// Prefix begins the subjects. Default rollcall.
	Prefix string
	// Replicas is how many servers keep a stream that is created. Default 1.
	Replicas int
	// MaxAge is how long a stream that is created keeps messages. Default 7 days.
	MaxAge time.Duration
	// Duplicates is for how long a stream that is created remembers the ids of messages. Default 10 minutes.
	Duplicates time.Duration
	// Form says how much of each event is sent. Default payload.Full.
	Form payload.Form
	// CloudEvents is the source of the events. If it isn't empty, each message is a CloudEvents envelope.
	CloudEvents string
}

// Publisher publishes events. It is safe for concurrent use.
type Publisher struct {
	Options
	conn   *client.Conn
	stream jetstream.JetStream
}

// Connect connects to NATS at an address such as nats://127.0.0.1:4222. It returns at once, and goes on connecting in the background for as
// long as it takes, and again whenever the connection is lost. Events wait meanwhile. Call Close when the publisher isn't needed any more.
// The error is about the address or the options.
func Connect(url string, o Options) (*Publisher, error) {
	if o.Stream == "" {
		o.Stream = "ROLLCALL"
	}
	if o.Prefix == "" {
		o.Prefix = "rollcall"
	}
	if o.Replicas == 0 {
		o.Replicas = 1
	}
	if o.MaxAge == 0 {
		o.MaxAge = 7 * 24 * time.Hour
	}
	if o.Duplicates == 0 {
		o.Duplicates = 10 * time.Minute
	}
	// Nothing is buffered while the connection is lost, because an event whose publication wasn't acknowledged is published again anyway.
	conn, err := client.Connect(url, client.Name("rollcall"), client.RetryOnFailedConnect(true), client.MaxReconnects(-1), client.ReconnectBufSize(-1), client.ReconnectWait(time.Second/2))
	if err != nil {
		return nil, fmt.Errorf("nats: %w", err)
	}
	stream, err := jetstream.New(conn)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("nats: %w", err)
	}
	return &Publisher{o, conn, stream}, nil
}

// Close closes the connection.
func (p *Publisher) Close() { p.conn.Close() }

// Consumer publishes all events, as the consumer "nats". Add it to lifecycle.Options.Consumers.
func (p *Publisher) Consumer() lifecycle.Consumer {
	const attempts, wait = 1000, 10 * time.Second // a broker may be away for hours
	return lifecycle.Consumer{Name: "nats", Hooks: lifecycle.Hooks{Any: p.Publish}, Attempts: attempts, MaxWait: wait, Timeout: wait}
}

// Publish publishes an event, and returns when the stream has acknowledged it. It is a lifecycle.Hook.
func (p *Publisher) Publish(ctx context.Context, e *lifecycle.Event) error {
	m := &client.Msg{Subject: payload.Subject(p.Prefix, e), Header: client.Header{client.MsgIdHdr: {e.ID}, "Content-Type": {"application/json"}}}
	if p.CloudEvents == "" {
		m.Data = payload.Append(nil, e, p.Form)
	} else {
		m.Data = payload.CloudEvent(nil, e, p.CloudEvents, p.Form)
		m.Header["Content-Type"] = []string{payload.CloudEventsType}
	}
	if int64(len(m.Data)) > p.conn.MaxPayload() && p.conn.MaxPayload() > 0 { // the server would close the connection
		m.Data = payload.Append(nil, e, payload.Thin)
		if p.CloudEvents != "" {
			m.Data = payload.CloudEvent(nil, e, p.CloudEvents, payload.Thin)
		}
	}
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := p.stream.PublishMsg(ctx, m, jetstream.WithExpectStream(p.Stream))
	if errors.Is(err, jetstream.ErrNoStreamResponse) { // there is no stream, or not any more
		if err := p.create(ctx); err != nil {
			return err
		}
		_, err = p.stream.PublishMsg(ctx, m, jetstream.WithExpectStream(p.Stream))
	}
	if err != nil {
		return fmt.Errorf("nats: %w", err)
	}
	return nil
}

// create makes the stream, unless it exists.
func (p *Publisher) create(ctx context.Context) error {
	_, err := p.stream.CreateStream(ctx, jetstream.StreamConfig{Name: p.Stream, Subjects: []string{p.Prefix + ".>"}, Storage: jetstream.FileStorage,
		Replicas: p.Replicas, MaxAge: p.MaxAge, Duplicates: p.Duplicates})
	if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return fmt.Errorf("nats: the stream %s: %w", p.Stream, err)
	}
	return nil
}
