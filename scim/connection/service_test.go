package connection_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

var by = lifecycle.Request{Tenant: "acme", Who: "zoe"}

// process is a handler of one of several processes on a store.
type process struct {
	t *testing.T
	c *connection.Service
	h *scim.Handler
}

func newProcess(t *testing.T, s store.Store, o *connection.Options, more ...func(*scim.Options)) *process {
	t.Helper()
	c, err := connection.New(s, o)
	require.NoError(t, err)
	options := &scim.Options{Auth: c}
	for _, m := range more {
		m(options)
	}
	h, err := scim.NewHandler(s, options)
	require.NoError(t, err)
	return &process{t, c, h}
}

func (p *process) do(method, path, token, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(p.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	p.h.ServeHTTP(w, r)
	return w
}

func (p *process) token(ask connection.Ask) *connection.Issued {
	p.t.Helper()
	c, err := p.c.Create(p.t.Context(), by, "Okta", connection.Okta)
	require.NoError(p.t, err)
	if ask.Kind == "" {
		ask.Kind = connection.Bearer
	}
	k, err := p.c.Issue(p.t.Context(), by, c.ID, ask)
	require.NoError(p.t, err)
	return k
}

// A process that has lost the database accepts a credential no longer than Hold, and one that still has it no longer than
// until the revocation returns.
func TestRevocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := storetest.NewFake()
		var away atomic.Bool
		one := newProcess(t, fake, nil)
		two := newProcess(t, &cut{fake, &away}, nil)
		k := one.token(connection.Ask{})
		for _, p := range []*process{one, two} {
			assert.Equal(t, 200, p.do("GET", "/ServiceProviderConfig", k.Token, "").Code)
		}
		away.Store(true)
		assert.Equal(t, 200, two.do("GET", "/ServiceProviderConfig", k.Token, "").Code, "for a moment it need not ask")
		began := time.Now()
		require.NoError(t, one.c.Revoke(t.Context(), by, k.ID))
		assert.GreaterOrEqual(t, time.Since(began), time.Second)
		assert.Equal(t, 401, one.do("GET", "/ServiceProviderConfig", k.Token, "").Code)
		assert.Equal(t, 503, two.do("GET", "/ServiceProviderConfig", k.Token, "").Code)
		away.Store(false)
		assert.Equal(t, 401, two.do("GET", "/ServiceProviderConfig", k.Token, "").Code)
		require.NoError(t, one.c.Revoke(t.Context(), by, k.ID), "it may be repeated")
	})
}

// A revocation that can't be made certain within 30 s says so, and holds once it is repeated.
func TestRevocationIsUncertain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := storetest.NewFake()
		var away atomic.Bool
		one := newProcess(t, &cut{fake, &away}, nil)
		k := one.token(connection.Ask{})
		away.Store(true)
		began := time.Now()
		require.ErrorIs(t, one.c.Revoke(t.Context(), by, k.ID), connection.ErrUncertain)
		assert.LessOrEqual(t, time.Since(began), 31*time.Second)
		away.Store(false)
		require.NoError(t, one.c.Revoke(t.Context(), by, k.ID))
		assert.Equal(t, 401, one.do("GET", "/ServiceProviderConfig", k.Token, "").Code)
	})
}

// A process that dies between revoking and telling the others leaves them no longer than half a minute in the dark.
func TestRevocationIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := storetest.NewFake()
		one, two := newProcess(t, fake, nil), newProcess(t, fake, nil)
		k := one.token(connection.Ask{})
		assert.Equal(t, 200, two.do("GET", "/ServiceProviderConfig", k.Token, "").Code)
		ctx, stop := context.WithCancel(t.Context())
		dies := newProcess(t, &dying{fake, stop}, nil)
		require.Error(t, dies.c.Revoke(ctx, by, k.ID))
		time.Sleep(31 * time.Second) // of the bubble
		assert.Equal(t, 401, two.do("GET", "/ServiceProviderConfig", k.Token, "").Code)
	})
}

// dying is a store of a process that ends after its first commit.
type dying struct {
	store.Store
	stop func()
}

func (d *dying) Commit(ctx context.Context, x *store.Change) error {
	defer d.stop()
	return d.Store.Commit(ctx, x)
}

// cut is a store that can be out of reach.
type cut struct {
	store.Store
	away *atomic.Bool
}

func (c *cut) Get(ctx context.Context, k store.Key) (*store.Resource, error) {
	if c.away.Load() {
		return nil, store.ErrUnavailable
	}
	return c.Store.Get(ctx, k)
}

func (c *cut) Commit(ctx context.Context, x *store.Change) error {
	if c.away.Load() {
		return store.ErrUnavailable
	}
	return c.Store.Commit(ctx, x)
}

// Once a token has been seen, and while Run runs, a request costs no call to the store.
func TestAuthenticationAsksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := storetest.NewFake()
		p := newProcess(t, fake, nil)
		k := p.token(connection.Ask{})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.c.Run(ctx) }()
		synctest.Wait()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/Users", nil)
		r.Header.Set("Authorization", "Bearer "+k.Token)
		_, err := p.c.Authenticate(r)
		require.NoError(t, err)
		for range 100 {
			time.Sleep(100 * time.Millisecond) // of the bubble
			synctest.Wait()
			calls := 0
			fake.Before(func(context.Context, string) error { calls++; return nil })
			_, err := p.c.Authenticate(r)
			fake.Before(nil)
			require.NoError(t, err)
			require.Zero(t, calls)
		}
		stop()
		require.NoError(t, <-done)
	})
}

// The product is told of every credential that expires, 30, 14 and 3 days before, used or not, each time once by one of several
// processes, and of none that was revoked.
func TestExpiryIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := storetest.NewFake()
		var mu sync.Mutex
		told := map[string]int{}
		processes := make([]*process, 3)
		for i := range processes {
			processes[i] = newProcess(t, fake, &connection.Options{Hold: 10 * time.Second, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}, func(o *scim.Options) {
				o.Hooks.Any = func(_ context.Context, e *lifecycle.Event) error {
					if e.Kind == lifecycle.KindCredentialExpiring {
						mu.Lock()
						defer mu.Unlock()
						told[e.Subject.Tenant+" "+e.Subject.ID]++
					}
					return nil
				}
			})
		}
		p := processes[0]
		in := time.Now().Add(40 * 24 * time.Hour)
		issue := func(tenant string, expires time.Time) *connection.Issued {
			own := lifecycle.Request{Tenant: tenant, Who: "zoe"}
			c, err := p.c.Create(t.Context(), own, "Okta", connection.Okta)
			require.NoError(t, err)
			k, err := p.c.Issue(t.Context(), own, c.ID, connection.Ask{Kind: connection.Bearer, Expires: expires})
			require.NoError(t, err)
			return k
		}
		used, unused, revoked, forever := issue("acme", in), issue("umbrella", in), issue("acme", in), issue("acme", time.Time{})
		gone := issue("initech", in)
		require.NoError(t, p.c.Forget(t.Context(), "initech"))
		kept, err := fake.List(t.Context(), store.Query{Tenant: "rollcall.library", Types: []string{"rollcall.Expiry"}, Count: 10})
		require.NoError(t, err)
		assert.Len(t, kept.Resources, 3, "of a tenant that is forgotten nothing is left")
		at, ok, err := p.c.NextExpiry(t.Context())
		require.NoError(t, err)
		assert.True(t, ok && at.Equal(used.Expires))
		require.NoError(t, p.c.Revoke(t.Context(), by, revoked.ID))
		day := 0
		for _, x := range []struct{ day, told int }{{5, 0}, {11, 1}, {20, 1}, {27, 2}, {38, 3}, {39, 3}, {50, 3}} {
			time.Sleep(time.Duration(x.day-day) * 24 * time.Hour)
			day = x.day
			ctx, stop := context.WithTimeout(t.Context(), 3*time.Hour)
			var running sync.WaitGroup
			for _, one := range processes {
				running.Go(func() { _ = one.c.Run(ctx) })
			}
			running.Wait()
			stop()
			if day < 39 {
				assert.Equal(t, 200, p.do("GET", "/ServiceProviderConfig", used.Token, "").Code)
			}
			synctest.Wait()
			mu.Lock()
			assert.Equal(t, x.told, told["acme "+used.ID], "day %d", x.day)
			assert.Equal(t, x.told, told["umbrella "+unused.ID], "day %d: nobody uses it", x.day)
			assert.Zero(t, told["acme "+revoked.ID]+told["acme "+forever.ID]+told["initech "+gone.ID])
			mu.Unlock()
			if day == 39 {
				list, err := p.c.List(t.Context(), "umbrella")
				require.NoError(t, err)
				assert.Zero(t, *list[0].Status.ExpiresInDays)
			}
		}
		left, err := fake.List(t.Context(), store.Query{Tenant: "rollcall.library", Types: []string{"rollcall.Expiry"}, Count: 10})
		require.NoError(t, err)
		assert.Empty(t, left.Resources, "what leads to credentials that expired, were revoked or belong to nobody")
	})
}

// The status goes from step to step, and counts by outcome.
func TestStatus(t *testing.T) {
	fake := storetest.NewFake()
	p := newProcess(t, fake, nil)
	c, err := p.c.Create(t.Context(), by, "Entra", connection.Entra)
	require.NoError(t, err)
	status := func() connection.Status {
		list, err := p.c.List(t.Context(), "acme")
		require.NoError(t, err)
		return list[0].Status
	}
	assert.Equal(t, connection.NotSetUp, status().State)
	k, err := p.c.Issue(t.Context(), by, c.ID, connection.Ask{Kind: connection.Bearer})
	require.NoError(t, err)
	assert.Equal(t, connection.WaitingForTest, status().State)
	p.do("GET", `/Users?filter=userName+eq+"x"`, k.Token, "")
	assert.Equal(t, connection.TestReceived, status().State)
	remove := func(added *httptest.ResponseRecorder) {
		var u struct{ ID string }
		require.NoError(t, json.Unmarshal(added.Body.Bytes(), &u))
		p.do("DELETE", "/Users/"+u.ID, k.Token, "")
	}
	remove(p.do("POST", "/Users", k.Token, `{"userName":"test"}`)) // JumpCloud's test
	assert.Equal(t, connection.TestReceived, status().State)
	assert.False(t, status().People)
	p.do("POST", "/Users", k.Token, `{"userName":"ada"}`)
	assert.Equal(t, connection.FirstPerson, status().State)
	assert.True(t, status().People)
	p.do("POST", "/Users", k.Token, `{"userName":"bob"}`)
	assert.Equal(t, connection.Syncing, status().State)
	remove(p.do("POST", "/Users", k.Token, `{"userName":"dan"}`))
	assert.Equal(t, connection.Syncing, status().State)
	p.do("POST", "/Users", k.Token, `{"userName":"bob"}`)
	s := status()
	assert.Equal(t, connection.Attention, s.State)
	assert.Equal(t, 409, s.LastError.Status)
	assert.Contains(t, s.LastError.Explanation, "userName belongs to account")
	want := map[string]int{"read": 1, "created": 4, "removed": 2, "refused": 1}
	assert.Equal(t, connection.Counts{Hour: want, Day: want, Week: want}, s.Counts)
	p.do("POST", "/Users", k.Token, `{"userName":"eve"}`)
	assert.Equal(t, connection.Syncing, status().State)
	require.NoError(t, p.c.Revoke(t.Context(), by, k.ID))
	assert.Equal(t, connection.NotSetUp, status().State)
}

// A rotation is begun, and completed or cancelled; meanwhile both are good.
func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, storetest.NewFake(), nil)
		old := p.token(connection.Ask{Scopes: []string{"read"}})
		status := func(token string) int { return p.do("GET", "/Users", token, "").Code }
		next, err := p.c.Rotate(t.Context(), by, old.ID, time.Time{})
		require.NoError(t, err)
		assert.Equal(t, old.Scopes, next.Scopes)
		assert.Equal(t, []int{200, 200}, []int{status(old.Token), status(next.Token)})
		require.NoError(t, p.c.Cancel(t.Context(), by, next.ID))
		assert.Equal(t, []int{200, 401}, []int{status(old.Token), status(next.Token)})
		next, err = p.c.Rotate(t.Context(), by, old.ID, time.Time{})
		require.NoError(t, err)
		require.NoError(t, p.c.Complete(t.Context(), by, next.ID))
		assert.Equal(t, []int{401, 200}, []int{status(old.Token), status(next.Token)})
		require.Error(t, p.c.Complete(t.Context(), by, old.ID), "it replaces none")
		require.NoError(t, p.c.Complete(t.Context(), by, next.ID), "it may be repeated")
	})
}

// A rotation that has ended can't be ended in the other way: that would leave no credential.
func TestRotationEndsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, storetest.NewFake(), nil)
		status := func(token string) int { return p.do("GET", "/Users", token, "").Code }
		var wrong *connection.InvalidError

		old := p.token(connection.Ask{})
		require.ErrorAs(t, p.c.Cancel(t.Context(), by, old.ID), &wrong, "it replaces none")
		assert.Equal(t, 200, status(old.Token))

		next, err := p.c.Rotate(t.Context(), by, old.ID, time.Time{})
		require.NoError(t, err)
		require.NoError(t, p.c.Cancel(t.Context(), by, next.ID))
		require.NoError(t, p.c.Cancel(t.Context(), by, next.ID), "it may be repeated")
		require.ErrorAs(t, p.c.Complete(t.Context(), by, next.ID), &wrong)
		assert.Contains(t, wrong.Error(), "revoked")
		assert.Equal(t, 200, status(old.Token))

		next, err = p.c.Rotate(t.Context(), by, old.ID, time.Now().Add(time.Hour))
		require.NoError(t, err)
		time.Sleep(2 * time.Hour)
		require.ErrorAs(t, p.c.Complete(t.Context(), by, next.ID), &wrong)
		assert.Contains(t, wrong.Error(), "expired")
		assert.Equal(t, 200, status(old.Token))

		next, err = p.c.Rotate(t.Context(), by, old.ID, time.Time{})
		require.NoError(t, err)
		require.NoError(t, p.c.Complete(t.Context(), by, next.ID))
		require.ErrorAs(t, p.c.Cancel(t.Context(), by, next.ID), &wrong)
		assert.Equal(t, []int{401, 200}, []int{status(old.Token), status(next.Token)})
		require.NoError(t, p.c.Revoke(t.Context(), by, next.ID))
		assert.Equal(t, 401, status(next.Token))
	})
}

// meddled is a store in which somebody else does something right before a commit in a tenant of its own.
type meddled struct {
	store.Store
	commit func()
}

func (m *meddled) Unwrap() store.Store { return m.Store }

func (m *meddled) Commit(ctx context.Context, c *store.Change) error {
	if do := m.commit; do != nil && c.Tenant == by.Tenant && len(c.Journal) > 0 {
		m.commit = nil
		do()
	}
	return m.Store.Commit(ctx, c)
}

// Of a rotation that is completed and cancelled at once one credential is left.
func TestRotationEndsOnceBesideOthers(t *testing.T) {
	for name, swap := range map[string]bool{"cancelled meanwhile": false, "completed meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &meddled{Store: storetest.NewFake()}
				p := newProcess(t, m, nil)
				old := p.token(connection.Ask{})
				next, err := p.c.Rotate(t.Context(), by, old.ID, time.Time{})
				require.NoError(t, err)
				first, second := p.c.Complete, p.c.Cancel
				if swap {
					first, second = second, first
				}
				m.commit = func() { require.NoError(t, second(t.Context(), by, next.ID)) }
				require.ErrorAs(t, first(t.Context(), by, next.ID), new(*connection.InvalidError))
				good := 0
				for _, token := range []string{old.Token, next.Token} {
					if p.do("GET", "/Users", token, "").Code == 200 {
						good++
					}
				}
				assert.Equal(t, 1, good)
			})
		})
	}
}

// A credential that is issued while its connection is switched off isn't good once the connection is live again.
func TestNoCredentialIsLeftOfWhatIsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &meddled{Store: storetest.NewFake()}
		p := newProcess(t, m, nil)
		old := p.token(connection.Ask{})
		m.commit = func() { require.NoError(t, p.c.SwitchOff(t.Context(), by, old.Connection)) }
		_, err := p.c.Issue(t.Context(), by, old.Connection, connection.Ask{Kind: connection.Bearer})
		require.ErrorAs(t, err, new(*connection.InvalidError))
		live := lifecycle.ConnectionLive
		_, err = p.c.Change(t.Context(), by, old.Connection, connection.Update{State: &live})
		require.NoError(t, err)
		list, err := p.c.List(t.Context(), by.Tenant)
		require.NoError(t, err)
		assert.Empty(t, list[0].Credentials)
	})
}

// What leads to a tenant's credentials says nothing of the tenant to who has no token, and goes with it.
func TestLookupsAreSealed(t *testing.T) {
	fake := storetest.NewFake()
	p := newProcess(t, fake, &connection.Options{Hold: 10 * time.Millisecond})
	k := p.token(connection.Ask{})
	p.token(connection.Ask{Kind: connection.Client})
	lookups := func() (n int) {
		page, err := fake.List(t.Context(), store.Query{Tenant: "rollcall.library", Types: []string{"rollcall.Lookup"}, Count: 100})
		require.NoError(t, err)
		for _, r := range page.Resources {
			assert.NotContains(t, string(r.Internal)+r.ID, "acme")
			assert.NotContains(t, string(r.Internal), k.ID)
		}
		return len(page.Resources)
	}
	assert.Equal(t, 2, lookups())
	require.NoError(t, p.c.Forget(t.Context(), "acme"))
	assert.Equal(t, 0, lookups())
	assert.Equal(t, 401, p.do("GET", "/Users", k.Token, "").Code)
}

// What is wrong with options or an administrator's wishes is said.
func TestRefusesOptions(t *testing.T) {
	fake := storetest.NewFake()
	for _, o := range []connection.Options{{Prefix: "a_b"}, {Hold: time.Minute}, {TokenLifetime: time.Minute}, {TokenLifetime: 7 * time.Hour}, {Fallback: scim.BearerTokens{"": "x"}}} {
		_, err := connection.New(fake, &o)
		assert.Error(t, err)
	}
	_, err := connection.New(nil, nil)
	assert.Error(t, err)
	p := newProcess(t, fake, nil)
	var wrong *connection.InvalidError
	_, err = p.c.Create(t.Context(), lifecycle.Request{Tenant: "rollcall.library"}, "x", "")
	assert.ErrorAs(t, err, &wrong)
	_, err = p.c.Create(t.Context(), by, strings.Repeat("x", 300), "")
	assert.ErrorAs(t, err, &wrong)
	_, err = p.c.Issue(t.Context(), by, "nobody", connection.Ask{Kind: connection.Bearer})
	assert.True(t, errors.Is(err, store.ErrNotFound))

	// A shadow begins only where one before can be opened, which may have stayed closed.
	one, err := p.c.Create(t.Context(), by, "Okta", "")
	require.NoError(t, err)
	alone, err := connection.New(fake, nil)
	require.NoError(t, err)
	state := lifecycle.ConnectionShadow
	_, err = alone.Change(t.Context(), by, one.ID, connection.Update{State: &state})
	assert.ErrorContains(t, err, "needs a Service that a handler was made with")
}

func FuzzAuthorization(f *testing.F) {
	c, err := connection.New(storetest.NewFake(), &connection.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"Bearer x", "bearer  x_scim_" + strings.Repeat("0", 49), "Basic eDp5", "Bearer rollcall_at_k.AAAA", "Bearer rollcall_at_.", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/Users", nil)
		r.Header["Authorization"] = []string{header}
		if _, err := c.Authenticate(r); !errors.Is(err, scim.ErrUnauthorized) {
			t.Errorf("%q: %v", header, err)
		}
	})
}

func FuzzTokenRequest(f *testing.F) {
	c, err := connection.New(storetest.NewFake(), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("grant_type=client_credentials&client_id=x&client_secret=y", "")
	f.Add("grant_type=client_credentials&client_assertion=a.b.c&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "")
	f.Add("grant_type=client_credentials", "Basic eDp5")
	f.Add("%", "Basic !")
	f.Fuzz(func(t *testing.T, body, authorization string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth/token", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if authorization != "" {
			r.Header["Authorization"] = []string{authorization}
		}
		w := httptest.NewRecorder()
		c.TokenEndpoint().ServeHTTP(w, r)
		text, _ := io.ReadAll(w.Body)
		if w.Code < 400 || w.Code >= 500 || !strings.Contains(string(text), `"error"`) {
			t.Errorf("%q: %d %s", body, w.Code, text)
		}
	})
}

// Reads are in the journal only while the connection's trace is on, which ends by itself.
func TestTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := storetest.NewFake()
		p := newProcess(t, fake, nil)
		k := p.token(connection.Ask{})
		listed := func() (n int) {
			entries, err := fake.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Connection: k.Connection, Outcome: "unchanged", Max: 1_000})
			require.NoError(t, err)
			for _, e := range entries {
				assert.Equal(t, "GET /Users", e.Action)
				assert.NotEmpty(t, e.Request)
			}
			return len(entries)
		}
		read := func() { assert.Equal(t, 200, p.do("GET", "/Users", k.Token, "").Code) }
		read()
		assert.Zero(t, listed())
		until, far := time.Now().Add(time.Hour), time.Now().Add(48*time.Hour)
		_, err := p.c.Change(t.Context(), by, k.Connection, connection.Update{TraceUntil: &until})
		require.NoError(t, err)
		read()
		assert.Equal(t, 1, listed())
		for range 200 {
			read()
		}
		assert.Equal(t, 100, listed(), "a minute's")
		time.Sleep(time.Hour)
		read()
		assert.Equal(t, 100, listed())
		var wrong *connection.InvalidError
		_, err = p.c.Change(t.Context(), by, k.Connection, connection.Update{TraceUntil: &far})
		assert.ErrorAs(t, err, &wrong)
	})
}
