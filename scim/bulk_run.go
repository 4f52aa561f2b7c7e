package scim

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/internal/patch"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
)

// bulkWorkers is how many operations of a bulk request run at the same time. Stores write what comes together in fewer
// transactions, so this is more than there are processors.
const bulkWorkers = 16

// bulkJob is a bulk request on its way.
type bulkJob struct {
	x            *exchange
	failOnErrors int
	ops          []*bulkOperation
	byID         map[string]*bulkOperation
	keeps        bool // the tenant keeps bodies: each operation's is in its own entry
	patches      int  // how many operations are PATCHes, which share the budget of comparisons
	circles      map[int][]*bulkOperation

	running sync.WaitGroup
	slots   chan struct{}
	class   byte                     // of the steps that are running
	latest  map[string]chan struct{} // by what a step is about: the end of the last one that is
}

// A step may run beside others of its class if they are about other resources and other values. Between two classes all steps come
// to an end first, so that the result is that of the request's order (RFC 7644 section 3.7).
const (
	classAdd    = 'a' // creations, and changes of members and of what nobody is found by
	classState  = 's' // changes of active, which take and free seats
	classDelete = 'd' // removals, which free names
	classAlone  = 'x' // anything else
)

// run does the operations. With failOnErrors each waits for the one before, as nothing may be done after the last error
// that is accepted.
func (b *bulkJob) run() {
	for _, o := range b.ops {
		if o.method == http.MethodPatch {
			b.patches++
		}
	}
	workers := bulkWorkers
	settings := b.settings()
	if b.failOnErrors > 0 || settings.SeatLimit != nil { // the order of creations decides who gets a seat
		workers = 1
	}
	b.keeps = b.x.h.opts.Lifecycle.Bodies != nil && settings.KeepBodiesUntil != nil && time.Now().Before(*settings.KeepBodiesUntil)
	b.slots = make(chan struct{}, workers)
	b.latest = make(map[string]chan struct{})
	unfinished := make(map[*bulkOperation]int) // how many it waits for with its second step
	closes := make(map[*bulkOperation][]*bulkOperation)
	order := b.order()
	b.circles = make(map[int][]*bulkOperation, len(order))
	for _, o := range order {
		b.circles[o.circle] = append(b.circles[o.circle], o)
	}
	errors := 0
	for _, o := range order {
		if b.failOnErrors > 0 && errors >= b.failOnErrors || b.x.ctx.Err() != nil {
			break
		}
		b.start(o)
		unfinished[o] = len(o.deferred)
		for _, other := range o.deferred {
			closes[other] = append(closes[other], o)
		}
		for _, waiting := range closes[o] {
			if unfinished[waiting]--; unfinished[waiting] == 0 {
				b.finish(waiting)
			}
		}
		if b.failOnErrors > 0 {
			b.running.Wait()
			errors = b.errors()
		}
	}
	b.running.Wait()
	for o, n := range unfinished {
		if n > 0 { // what it names was not tried any more
			b.undo(b.circles[o.circle])
		}
	}
}

func (b *bulkJob) errors() (n int) {
	for _, o := range b.ops {
		if o.ran && o.err != nil {
			n++
		}
	}
	return n
}

// settings are those of the tenant. If the tenant isn't let in they are empty, and each operation is told so by itself.
func (b *bulkJob) settings() (s lifecycle.Settings) {
	r := b.x.request
	if b.x.h.lifecycle.Admit(b.x.ctx, &r) == nil {
		s = r.Settings
	}
	return s
}

// start runs an operation's first step when everything that it depends on has ended.
func (b *bulkJob) start(o *bulkOperation) {
	o.ran = true
	for _, other := range o.refs {
		switch {
		case slices.Contains(o.deferred, other):
		case other.circle == o.circle:
			<-other.made
		default:
			for _, of := range b.circles[other.circle] {
				<-of.done
			}
		}
	}
	if name, ok := strings.CutPrefix(o.id, bulkReference); ok && o.err == nil {
		if id := b.byID[name].resource(); id != "" {
			o.id = id
		}
	}
	class, about := b.classify(o)
	b.schedule(class, about, func() {
		defer close(o.made)
		if len(o.deferred) == 0 {
			defer close(o.done)
		}
		b.attempt(o, b.do)
	})
}

// finish runs the second step of an operation that closes a circle, or undoes the circle if one in it failed: what names a
// failed operation is not made.
func (b *bulkJob) finish(o *bulkOperation) {
	circle := b.circles[o.circle]
	b.schedule(classAlone, nil, func() {
		defer close(o.done)
		for _, other := range circle {
			if other.err != nil {
				b.undo(circle)
				return
			}
		}
		b.attempt(o, func(c *caller, o *bulkOperation) error {
			f, err := c.patch(o.ep, o.found.resource.ID, conditions{}, b.second(o), 0)
			if err == nil {
				o.found.version = f.version
			}
			return err
		})
		if o.err != nil {
			b.undo(circle)
		}
	})
}

// undo removes what the operations of a circle have made.
func (b *bulkJob) undo(circle []*bulkOperation) {
	for _, o := range circle {
		if o.created && o.found.resource != nil {
			id := o.found.resource.ID
			b.attempt(o, func(c *caller, o *bulkOperation) error { return c.remove(o.ep, id, conditions{}) })
			o.created = false
		}
		if o.ran && o.err == nil {
			o.fail(circleError)
		}
	}
}

var circleError = &Error{Status: http.StatusConflict, Detail: "it names, in a circle, an operation of this request that failed, so it was not made"}

func (o *bulkOperation) fail(e *Error) { o.err, o.status = e, e.Status }

// schedule runs a step when the steps have ended that it must come behind.
func (b *bulkJob) schedule(class byte, about []string, step func()) {
	if class == classAlone || class != b.class {
		b.running.Wait()
		b.class = class
		clear(b.latest)
	}
	ended := make(chan struct{})
	for _, key := range about {
		if before := b.latest[key]; before != nil {
			<-before
		}
		b.latest[key] = ended
	}
	b.slots <- struct{}{}
	b.running.Go(func() {
		defer func() { <-b.slots }()
		defer close(ended)
		step()
	})
}

// classify says of which class an operation's first step is, and what it is about.
func (b *bulkJob) classify(o *bulkOperation) (class byte, about []string) {
	if o.err != nil {
		return classAdd, nil
	}
	switch about = []string{"id " + o.ep.Name + " " + o.id}; o.method {
	case http.MethodPost:
		return classAdd, b.names(o)
	case http.MethodDelete:
		return classDelete, about
	case http.MethodPatch:
		mode := schema.Mode{Refused: b.x.mode.Refused, Interop: b.x.mode.Interop}
		ops, err := patch.Parse(o.ep.Type, o.data, &mode, patch.Limits{Operations: b.x.h.opts.Limits.Operations})
		switch {
		case err != nil:
			return classAdd, about
		case patch.Touches(ops, o.ep.Indexed()):
			return classAlone, about
		case patch.Touches(ops, []string{"active"}):
			return classState, about
		}
		return classAdd, about
	}
	return classAlone, about
}

// names are the values by which a new resource is found, whatever attribute they are of: of two creations with the same one
// the first decides what becomes of the second.
func (b *bulkJob) names(o *bulkOperation) (about []string) {
	v, err := o.ep.Decode(o.data, &schema.Mode{Refused: b.x.mode.Refused, Interop: b.x.mode.Interop})
	if err != nil {
		return nil
	}
	keys, _ := o.ep.index(v)
	for _, k := range keys {
		if k.Unique || k.Attribute == externalID || k.Attribute == "emails.value" || slices.Contains(b.x.h.opts.Lifecycle.Link[o.ep.Name], k.Attribute) {
			if name := o.ep.Name + " " + document.Fold(k.Value); !slices.Contains(about, name) {
				about = append(about, name)
			}
		}
	}
	return about
}

// attempt does something for an operation on behalf of the caller, and notes what became of it. A panic of the product's own
// code ends this operation only.
func (b *bulkJob) attempt(o *bulkOperation, do func(c *caller, o *bulkOperation) error) {
	defer func() {
		if p := recover(); p != nil {
			o.fail(b.x.failed(fmt.Errorf("panic: %v\n%s", p, debug.Stack())))
		}
	}()
	c := b.x.caller
	c.mode.Quirks, c.request.Notes, c.request.Quirks = 0, nil, nil
	c.request.Body = lifecycle.Body{} // or each operation's entry would keep the whole request
	if err := do(&c, o); err != nil {
		o.fail(b.x.describe(err))
		c.journalOperation(o, err)
	}
}

// body is an operation as the request that it would be by itself, for its entry of the journal.
func (b *bulkJob) body(o *bulkOperation) (body lifecycle.Body) {
	if !b.keeps || o.ep == nil {
		return body
	}
	body.Method, body.Path = o.method, o.ep.Endpoint
	if o.method != http.MethodPost {
		body.Path += "/" + o.id
		body.Match = o.version
	}
	if o.data.Kind() == document.KindObject {
		body.Text = string(document.AppendJSON(nil, b.first(o)))
	}
	return body
}

// journalOperation makes sure that an operation that was refused before lifecycle.Service.Do has its entry, too.
func (c *caller) journalOperation(o *bulkOperation, err error) {
	if o.ep == nil || c.request.Journalled() || o.status < 400 || o.status >= 500 {
		return
	}
	c.request.Action, c.request.Subject = o.method+" "+o.ep.Endpoint, c.key(o.ep, o.id)
	c.h.lifecycle.Refuse(context.WithoutCancel(c.ctx), &c.request, &lifecycle.Refusal{Detail: o.err.Detail, Err: err})
}

// do does an operation's first step.
func (b *bulkJob) do(c *caller, o *bulkOperation) (err error) {
	c.request.Body = b.body(o)
	if o.err != nil {
		return o.err
	}
	if other := o.failed(); other != nil {
		return &Error{Status: http.StatusConflict, Detail: "it names the resource of the operation with the bulkId " +
			quoted(other.bulkID) + ", which failed, so this one was not done"}
	}
	on := conditions{}
	if o.version != "" && o.method != http.MethodPost {
		on.match = condition(http.Header{"If-Match": {o.version}}, "If-Match")
	}
	data := b.first(o)
	switch o.method {
	case http.MethodPost:
		o.found, err = c.create(o.ep, data)
		o.status, o.created = http.StatusCreated, o.found.outcome == lifecycle.Created
	case http.MethodPut:
		o.found, err = c.replace(o.ep, o.id, on, data, 0)
		o.status = http.StatusOK
	case http.MethodPatch:
		c.comparisons = max(b.x.h.opts.Limits.Comparisons/b.patches, b.x.h.opts.Limits.Comparisons/100)
		o.found, err = c.patch(o.ep, o.id, on, data, 0)
		o.status = http.StatusOK
	case http.MethodDelete:
		o.status = http.StatusNoContent
		err = c.remove(o.ep, o.id, on)
	}
	return err
}
