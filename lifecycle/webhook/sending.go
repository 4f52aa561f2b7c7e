package webhook

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/payload"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Body is the body of a webhook: {"type","timestamp","data"}, where "data" is the event as the feed has it. It is shorter than 20 kB:
// what would make it longer is left out, and "truncated" says so.
func Body(e *lifecycle.Event, form payload.Form) []byte {
	const most = 20_000
	b := body(e, form)
	if len(b) < most {
		return b
	}
	if b = body(e, payload.Thin); len(b) < most {
		return b
	}
	short := *e
	short.Before, short.After, short.Changed, short.Added, short.Removed, short.Truncated = "", "", nil, nil, nil, true
	return body(&short, payload.Thin)
}

func body(e *lifecycle.Event, form payload.Form) []byte {
	b := document.AppendString([]byte(`{"type":`), string(e.Kind))
	b = document.AppendString(append(b, `,"timestamp":`...), payload.Time(e.Time))
	b = payload.Append(append(b, `,"data":`...), e, form)
	return append(b, '}')
}

// sign is a signature by a key: version, comma, base64.
func (k key) sign(content []byte) (string, error) {
	if text, ok := strings.CutPrefix(k.Secret, "whsec_"); ok {
		secret, err := base64.StdEncoding.DecodeString(text)
		mac := hmac.New(sha256.New, secret)
		mac.Write(content)
		return string(HMAC) + "," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), err
	}
	text, ok := strings.CutPrefix(k.Secret, "whsk_")
	private, err := base64.StdEncoding.DecodeString(text)
	if err != nil || !ok || len(private) != ed25519.PrivateKeySize {
		return "", fmt.Errorf("webhook: %w: a key", store.ErrCorrupt)
	}
	return string(Ed25519) + "," + base64.StdEncoding.EncodeToString(ed25519.Sign(private, content)), nil
}

// signatures are those by all keys that hold, the newest first, separated by spaces.
func (r *record) signatures(id string, at time.Time, body []byte) (string, error) {
	content := append([]byte(id+"."+strconv.FormatInt(at.Unix(), 10)+"."), body...)
	var all []string
	for i := len(r.Keys) - 1; i >= 0; i-- {
		if k := r.Keys[i]; k.Until.IsZero() || at.Before(k.Until) {
			s, err := k.sign(content)
			if err != nil {
				return "", err
			}
			all = append(all, s)
		}
	}
	return strings.Join(all, " "), nil
}

// send is the hook of the endpoints: it pushes an event to the one that the consumer is.
func (w *Webhooks) send(ctx context.Context, e *lifecycle.Event) error {
	id := strings.TrimPrefix(e.Consumer, Name+".")
	tenant := e.Subject.Tenant
	r, err := w.get(ctx, tenant, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil // it was removed: there is nobody to tell
	}
	if err != nil {
		return &lifecycle.RetryError{Err: err, After: time.Second}
	}
	if r.Disabled != "" {
		return &lifecycle.RetryError{Err: errors.New("webhook: the endpoint is disabled: " + r.Disabled), GiveUp: true}
	}
	began := time.Now()
	status, asked, err := w.post(ctx, r, e)
	a := Attempt{Event: e.ID, Kind: e.Kind, Number: e.Attempt, Time: began.UTC().Truncate(time.Microsecond), Status: status, Took: time.Since(began)}
	var failed *lifecycle.RetryError
	if err != nil {
		failed = &lifecycle.RetryError{Err: err, After: max(w.wait(e.Attempt), asked), GiveUp: status == http.StatusGone || e.Attempt > len(w.Waits)}
		if a.Error = err.Error(); !failed.GiveUp {
			a.Next = time.Now().UTC().Add(failed.After).Truncate(time.Microsecond)
		}
	}
	w.log(ctx, tenant, id, a)
	if failed == nil {
		return nil
	}
	if status == http.StatusGone {
		if err := w.edit(ctx, tenant, id, func(r *record) { r.Disabled = "it answered 410 Gone" }); err != nil {
			w.Logger.ErrorContext(ctx, "a webhook that answered 410 could not be disabled", slog.String("tenant", tenant), slog.String("endpoint", id), slog.String("error", err.Error()))
		}
	}
	return failed
}

// wait is the pause after an attempt.
func (w *Webhooks) wait(attempt int) time.Duration {
	if attempt < 1 || attempt > len(w.Waits) {
		return 0
	}
	d := w.Waits[attempt-1]
	return d - d/10 + rand.N(d/5+1)
}

// post sends an event once. asked is how long the receiver wants to be left alone.
func (w *Webhooks) post(ctx context.Context, r *record, e *lifecycle.Event) (status int, asked time.Duration, err error) {
	body, now := Body(e, w.Form), time.Now()
	signatures, err := r.signatures(e.ID, now, body)
	if err != nil {
		return 0, 0, err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(body))
	if err != nil {
		return 0, 0, err
	}
	q.Header = http.Header{
		"Content-Type": {"application/json"}, "User-Agent": {"Rollcall-Webhook/1"},
		"Webhook-Id": {e.ID}, "Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)}, "Webhook-Signature": {signatures},
	}
	answer, err := w.client.Do(q)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) { // it has the address in its text, which may have a secret in its query
			err = u.Err
		}
		return 0, 0, err
	}
	defer answer.Body.Close()
	const most = 64 << 10
	if answer.StatusCode != http.StatusSwitchingProtocols { // what comes after that has no end, and no time limit
		_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, most))
	}
	switch status = answer.StatusCode; {
	case status >= 300 && status < 400:
		return status, 0, fmt.Errorf("it answered %d, a redirect, which is not followed", status)
	case status < 200 || status > 299:
		return status, retryAfter(answer.Header.Get("Retry-After"), now), fmt.Errorf("it answered %d", status)
	case err != nil:
		return status, 0, fmt.Errorf("it answered %d, but the answer broke off: %w", status, err)
	}
	return status, 0, nil
}

// retryAfter reads the header: seconds, or a time.
func retryAfter(header string, now time.Time) time.Duration {
	const most = 24 * time.Hour
	if seconds, err := strconv.ParseUint(header, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, most)
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(at.Sub(now), 0), most)
	}
	return 0
}

// Attempt is one try to push an event to an endpoint.
type Attempt struct {
	Event  string
	Kind   lifecycle.Kind
	Number int // of the attempt, from 1
	Time   time.Time
	Status int       // of the answer; 0: there was none
	Error  string    // why it failed; "": it didn't
	Next   time.Time // when it is tried again; zero: it isn't
	Took   time.Duration
}

// log writes an attempt into the journal, under the endpoint.
func (w *Webhooks) log(ctx context.Context, tenant, id string, a Attempt) {
	outcome := "delivered"
	data := document.Object(
		document.Field{Name: "event", Value: document.String(a.Event)}, document.Field{Name: "kind", Value: document.String(string(a.Kind))},
		document.Field{Name: "number", Value: document.String(strconv.Itoa(a.Number))}, document.Field{Name: "status", Value: document.String(strconv.Itoa(a.Status))},
		document.Field{Name: "took", Value: document.String(a.Took.String())})
	if a.Error != "" {
		outcome = "failed"
		data.Set("error", document.String(strings.ToValidUTF8(strings.ReplaceAll(a.Error[:min(len(a.Error), 500)], "\x00", ""), "")))
	}
	if !a.Next.IsZero() {
		data.Set("next", document.String(a.Next.Format(time.RFC3339Nano)))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := w.Store.Commit(ctx, &store.Change{Tenant: tenant, Journal: []store.Entry{{ID: uuid.Must(uuid.NewV7()).String(), Time: a.Time,
		Subject: store.Key{Tenant: tenant, Type: endpointType, ID: id}, Action: "webhook", Outcome: outcome, Data: data.Document()}}})
	if err != nil {
		w.Logger.WarnContext(ctx, "an attempt of a webhook could not be logged", slog.String("tenant", tenant), slog.String("endpoint", id), slog.String("error", err.Error()))
	}
}

// Attempts returns the last attempts of an endpoint, newest first, at most most of them. They are kept for as long as the journal.
func (w *Webhooks) Attempts(ctx context.Context, tenant, id string, most int) (all []Attempt, err error) {
	journal, ok := store.As[store.JournalReader](w.Store)
	if !ok {
		return nil, nil
	}
	entries, err := journal.Journal(ctx, store.JournalQuery{Tenant: tenant, Subject: id, Max: most})
	for _, e := range entries {
		if e.Subject.Type != endpointType || e.Action != "webhook" {
			continue
		}
		text := func(name string) string { return e.Data.Get(name).Text() }
		a := Attempt{Event: text("event"), Kind: lifecycle.Kind(text("kind")), Time: e.Time, Error: text("error")}
		a.Number, _ = strconv.Atoi(text("number"))
		a.Status, _ = strconv.Atoi(text("status"))
		a.Next, _ = time.Parse(time.RFC3339Nano, text("next"))
		a.Took, _ = time.ParseDuration(text("took"))
		all = append(all, a)
	}
	return all, err
}
