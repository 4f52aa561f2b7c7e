package scim_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// errDatabase is what a database says, and nobody outside may read.
var errDatabase = errors.New(`pq: could not connect to 10.0.0.7 as "scim": s3cr3t (SQLSTATE 08006)`)

// faulty is a service whose store fails on demand, with a user ada who is a member of the group crew.
type faulty struct {
	*service
	fake      *storetest.Fake
	log       bytes.Buffer
	ada, crew string // paths
}

func serveFaulty(t *testing.T) *faulty {
	f := &faulty{fake: storetest.NewFake()}
	f.service = serveStore(t, f.fake, func(o *scim.Options) {
		o.Logger = slog.New(slog.NewTextHandler(&f.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	})
	ada := f.user("ada")
	f.ada, f.crew = "/Users/"+ada, "/Groups/"+f.group("Crew", ada)
	return f
}

// call is a request; in its path {ada} and {crew} are theirs.
type call struct{ method, path, body string }

func (f *faulty) call(t *testing.T, c call, headers ...string) answer {
	path := strings.NewReplacer("{ada}", f.ada, "{crew}", f.crew).Replace(c.path)
	return (&service{t: t, url: f.url}).do(c.method, path, c.body, headers...)
}

var reads = []call{
	{"GET", "{ada}", ""},
	{"GET", "/Users", ""},
	{"GET", "/Users?filter=userName+eq+%22ada%22", ""},
	{"POST", "/Users/.search", `{}`},
	{"GET", "{crew}", ""},
}

// changes are of what there is; creation is one more kind of a write.
var (
	changes = []call{
		{"PUT", "{ada}", userBody("ada2")},
		{"PATCH", "{ada}", patchBody(`{"op":"replace","path":"title","value":"T"}`)},
		{"DELETE", "{ada}", ""},
		{"PUT", "{crew}", `{"displayName":"C"}`},
		{"PATCH", "{crew}", patchBody(`{"op":"replace","path":"displayName","value":"C"}`)},
		{"PATCH", "{crew}", patchBody(`{"op":"remove","path":"members"}`)},
		{"DELETE", "{crew}", ""},
	}
	writes = append([]call{{"POST", "/Users", userBody("bob")}, {"POST", "/Groups", `{"displayName":"G"}`}}, changes...)
	calls  = append(reads, writes...)
)

var retitle = call{"PATCH", "{ada}", patchBody(`{"op":"replace","path":"title","value":"T"}`)}

func TestStoreFails(t *testing.T) {
	for _, c := range calls {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			f := serveFaulty(t)
			before := f.everything()
			f.fake.Before(func(context.Context, string) error { return errDatabase })
			a := f.call(t, c).fails(500, "", "request id")
			f.fake.Before(nil)
			assert.NotContains(t, a.text, "s3cr3t")
			assert.NotContains(t, a.text, "SQLSTATE")
			id := a.header.Get("X-Request-Id")
			require.NotEmpty(t, id)
			assert.Contains(t, a.at("detail"), id)
			assert.Contains(t, f.log.String(), " request="+id, "the operator finds the reason")
			assert.Contains(t, f.log.String(), "SQLSTATE 08006")
			assert.Empty(t, a.header.Get("ETag"))
			assert.Empty(t, a.header.Get("Location"))
			assert.Equal(t, before, f.everything())
		})
	}
}

func TestCommitFails(t *testing.T) {
	for _, c := range writes {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			f := serveFaulty(t)
			before := f.everything()
			f.fake.FailCommit(1, errDatabase)
			assert.NotContains(t, f.call(t, c).fails(500, "", "request id").text, "pq:")
			assert.Equal(t, before, f.everything(), "a request that failed changed nothing")
			a := f.call(t, c)
			assert.Less(t, a.status, 300, "the same again is done: %s", a.text)
			assert.NotEqual(t, before, f.everything())
		})
	}
}

func TestStoreUnavailable(t *testing.T) {
	f := serveFaulty(t)
	for _, c := range calls {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			f.fake.SetUnavailable(true)
			a := f.call(t, c).fails(503, "", "try again later")
			f.fake.SetUnavailable(false)
			assert.Equal(t, "5", a.header.Get("Retry-After"))
		})
	}
	assert.Contains(t, f.log.String(), "the store is not available")
	f.do("GET", f.ada, "").is(200)
}

// A store that doesn't answer before the request's time is up is away as well.
func TestStoreTooLate(t *testing.T) {
	f := serveFaulty(t)
	for _, err := range []error{context.DeadlineExceeded, context.Canceled} {
		f.fake.Before(func(context.Context, string) error { return err })
		f.do("GET", f.ada, "").fails(503, "", "try again later")
	}
}

func TestLostRace(t *testing.T) {
	t.Run("is tried again", func(t *testing.T) {
		for _, c := range changes {
			f := serveFaulty(t)
			before := f.everything()
			f.fake.ConflictOnce()
			a := f.call(t, c)
			assert.Less(t, a.status, 300, "%s %s: %s", c.method, c.body, a.text)
			assert.NotEqual(t, before, f.everything())
		}
	})
	t.Run("is told to who named a version", func(t *testing.T) {
		for _, c := range changes {
			f := serveFaulty(t)
			before := f.everything()
			etag := f.call(t, call{"GET", c.path, ""}).is(200).header.Get("ETag")
			f.fake.ConflictOnce()
			f.call(t, c, "If-Match: "+etag).fails(412, "", "read it again")
			f.call(t, c, `If-Match: W/"old"`).fails(412, "", "read it again")
			assert.Equal(t, before, f.everything())
			a := f.call(t, c, "If-Match: "+etag)
			assert.Less(t, a.status, 300, "%s %s: %s", c.method, c.body, a.text)
		}
	})
	t.Run("is not tried for ever", func(t *testing.T) {
		f := serveFaulty(t)
		commits := 0
		f.fake.Before(func(_ context.Context, method string) error {
			if method != "Commit" {
				return nil
			}
			commits++
			return store.ErrVersionMismatch
		})
		r := httptest.NewRequest("PATCH", f.ada, strings.NewReader(retitle.body))
		r.Header.Set("Authorization", "Bearer acme")
		synctest.Test(t, func(t *testing.T) { // the waits between the attempts take no time here
			w, began := httptest.NewRecorder(), time.Now()
			f.h.ServeHTTP(w, r)
			assert.Equal(t, 503, w.Code)
			assert.Contains(t, w.Body.String(), "too many writers")
			assert.Equal(t, "1", w.Header().Get("Retry-After"))
			assert.Equal(t, 300, commits)
			assert.Less(t, time.Since(began), 6*time.Second)
		})
	})
	t.Run("is given up with the request", func(t *testing.T) {
		f := serveFaulty(t)
		ctx, cancel := context.WithCancel(t.Context())
		commits := 0
		f.fake.Before(func(_ context.Context, method string) error {
			if method != "Commit" {
				return nil
			}
			if commits++; commits == 10 {
				cancel()
			}
			return store.ErrVersionMismatch
		})
		r := httptest.NewRequest("PATCH", f.ada, strings.NewReader(retitle.body)).WithContext(ctx)
		r.Header.Set("Authorization", "Bearer acme")
		f.h.ServeHTTP(httptest.NewRecorder(), r)
		assert.Equal(t, 10, commits)
	})
}

// A commit whose answer was lost: trying again finds it done.
func TestLostAnswer(t *testing.T) {
	f := serveFaulty(t)
	f.fake.LoseAnswer(1, store.ErrUnavailable)
	f.call(t, retitle).fails(503, "", "try again later")
	etag := f.do("GET", f.ada, "").is(200).header.Get("ETag")
	assert.Equal(t, etag, f.call(t, retitle).is(200).header.Get("ETag"))
	f.fake.LoseAnswer(1, store.ErrUnavailable)
	f.do("POST", "/Users", userBody("bob")).fails(503, "", "try again later")
	f.do("POST", "/Users", userBody("bob")).fails(409, "uniqueness", "userName")
}

func TestStoreSaysNo(t *testing.T) {
	for _, c := range []struct {
		name            string
		err             error
		status          int
		scimType, words string
	}{
		{"a unique value", &store.ConflictError{Attribute: "emails.value"}, 409, "uniqueness", "emails.value"},
		{"a seat", &store.ClaimError{Counter: "seats"}, 403, "", "seats of this organization's plan are in use"},
		{"a limit", &store.ClaimError{Counter: "c0unter"}, 403, "", "of this organization"},
		{"too many at once", store.ErrBusy, 429, "", "try again"},
		{"a member", &store.UnknownMemberError{ID: "nobody"}, 400, "invalidValue", `"nobody"`},
		{"a policy", &lifecycle.Refusal{Reason: lifecycle.Forbidden, Detail: "this plan has no provisioning"}, 403, "", "this plan has no provisioning"},
		{"a policy on a value", &lifecycle.Refusal{Reason: lifecycle.Invalid, Attribute: "userName", Detail: "want an address of example.com"}, 400, "invalidValue", "userName: want an address of example.com"},
		{"a policy on an identity", &lifecycle.Refusal{Reason: lifecycle.Taken, Attribute: "userName", Detail: "somebody has it"}, 409, "uniqueness", "userName: somebody has it"},
		{"a policy on a size", &lifecycle.Refusal{Reason: lifecycle.TooLarge, Detail: "the limit is 7"}, 413, "", "the limit is 7"},
		{"wrapped", fmt.Errorf("commit: %w", &store.ClaimError{Counter: "c0unter"}), 403, "", "of this organization"},
		{"in words of its own", &scim.Error{Status: 403, Detail: "closed for the night"}, 403, "", "closed for the night"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := serveFaulty(t)
			f.fake.FailCommit(1, c.err)
			f.call(t, retitle).fails(c.status, c.scimType, c.words)
			assert.Empty(t, f.log.String(), "that is no failure of the service")
		})
	}
}

// A store that panics is one request's misfortune.
func TestStorePanics(t *testing.T) {
	f := serveFaulty(t)
	f.fake.Before(func(context.Context, string) error { panic("s3cr3t") })
	a := f.do("GET", f.ada, "").fails(500, "", "request id")
	assert.NotContains(t, a.text, "s3cr3t")
	assert.NotContains(t, a.text, "goroutine")
	assert.Contains(t, f.log.String(), "s3cr3t")
	f.fake.Before(nil)
	f.do("GET", f.ada, "").is(200)
}
