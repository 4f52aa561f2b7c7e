package lifecycle_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

func with(change func(*lifecycle.Settings)) func(*lifecycle.Options, *lifecycle.Settings) {
	return func(_ *lifecycle.Options, s *lifecycle.Settings) { change(s) }
}

func limited(n int) func(*lifecycle.Options, *lifecycle.Settings) {
	return with(func(s *lifecycle.Settings) { s.SeatLimit = &n })
}

func (h *house) login(userName string) (lifecycle.Login, error) {
	return h.s.Login(h.t.Context(), "acme", lifecycle.Identity{UserName: userName})
}

func denied(t *testing.T, err error, want lifecycle.DeniedReason) {
	t.Helper()
	var d *lifecycle.Denied
	require.ErrorAs(t, err, &d)
	assert.Equal(t, want, d.Reason)
}

func (h *house) read(r *store.Resource) *store.Resource {
	h.t.Helper()
	cur, err := h.fake.Get(h.t.Context(), r.Key)
	require.NoError(h.t, err)
	return cur
}

func TestLogin(t *testing.T) {
	h := newHouse(t)
	_, err := h.login("ada")
	denied(t, err, lifecycle.DeniedUnknown)

	ada := h.create("User", `{"userName":"Ada"}`)
	h.told = nil
	login, err := h.login("ADA")
	require.NoError(t, err)
	assert.Equal(t, lifecycle.Login{ID: ada.ID, State: lifecycle.Active, FirstLogin: true, Billed: true}, login)
	h.heard("activated Ada", "billed Ada")

	reads := 0
	h.fake.Before(func(context.Context, string) error { reads++; return nil })
	login, err = h.login("ada")
	h.fake.Before(nil)
	require.NoError(t, err)
	assert.Equal(t, lifecycle.Login{ID: ada.ID, State: lifecycle.Active}, login)
	assert.Equal(t, 2, reads, "a login that changes nothing costs one read, and one for the groups where the store can't read both at once")
	h.heard()

	off := h.update(h.read(ada), `{"userName":"Ada","active":false}`)
	h.heard("deactivated Ada", "unbilled Ada")
	_, err = h.login("ada")
	denied(t, err, lifecycle.DeniedSuspended)
	h.update(off, `{"userName":"Ada","active":true}`)
	h.heard("reactivated Ada")
	login, err = h.login("ada")
	require.NoError(t, err)
	assert.False(t, login.FirstLogin)
	assert.True(t, login.Billed, "a new period of access is billed anew")
	h.heard("activated Ada", "billed Ada")

	bob := h.create("User", `{"userName":"bob","emails":[{"value":"Bob@x.example"},{"value":"shared@x.example"}]}`)
	h.create("User", `{"userName":"eve","emails":[{"value":"shared@x.example"}]}`)
	login, err = h.s.Login(t.Context(), "acme", lifecycle.Identity{UserName: "sso-1", Mail: "bob@X.example"})
	require.NoError(t, err)
	assert.Equal(t, bob.ID, login.ID, "linked by the verified address")
	for _, mail := range []string{"shared@x.example", "nobody@x.example"} {
		_, err = h.s.Login(t.Context(), "acme", lifecycle.Identity{UserName: "sso-1", Mail: mail})
		denied(t, err, lifecycle.DeniedUnknown)
	}

	_, err = newHouse(t, with(func(s *lifecycle.Settings) { s.SSO = false })).login("ada")
	denied(t, err, lifecycle.DeniedSSODisabled)
}

// raceOf runs do at once on many goroutines and returns their errors.
func raceOf(n int, do func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = do(i) })
	}
	wg.Wait()
	return errs
}

func TestParallelFirstLoginsBillOnce(t *testing.T) {
	for _, jit := range []bool{false, true} {
		var mu sync.Mutex
		var kinds []string
		h := newHouse(t, func(o *lifecycle.Options, s *lifecycle.Settings) {
			s.JIT = jit
			o.Hooks.Any = func(_ context.Context, e *lifecycle.Event) error {
				mu.Lock()
				defer mu.Unlock()
				kinds = append(kinds, string(e.Kind))
				return nil
			}
		})
		if !jit {
			h.create("User", `{"userName":"ada"}`)
		}
		var billed, first int
		for _, err := range raceOf(64, func(int) error {
			login, err := h.s.Login(context.Background(), "acme", lifecycle.Identity{UserName: "ada"})
			mu.Lock()
			defer mu.Unlock()
			if login.Billed {
				billed++
			}
			if login.FirstLogin {
				first++
			}
			return err
		}) {
			require.NoError(t, err)
		}
		assert.Equal(t, 1, billed)
		assert.Equal(t, 1, first)
		assert.Equal(t, []string{"provisioned", "activated", "billed"}, kinds)
	}
}

func TestReview(t *testing.T) {
	h := newHouse(t, with(func(s *lifecycle.Settings) { s.Review, s.Deprovision = true, "deactivate" }))
	uma := h.create("User", `{"userName":"uma","active":true}`)
	h.heard("provisioned uma")
	_, err := h.login("uma")
	denied(t, err, lifecycle.DeniedPending)
	off := h.update(uma, `{"userName":"uma","active":false}`)
	on := h.update(off, `{"userName":"uma","active":true}`)
	assert.Equal(t, lifecycle.Pending, account(t, on).State, "active=false and true don't get around the review")
	assert.True(t, on.Attributes.Get("active").True(), "active is what the identity provider sent")
	h.told = nil
	pending, _, err := h.s.Accounts(t.Context(), "acme", lifecycle.AccountQuery{State: lifecycle.Pending, Count: 10})
	require.NoError(t, err)
	assert.Len(t, pending, 1)
	_, err = h.s.Approve(t.Context(), admin, h.id("uma"))
	require.NoError(t, err)
	h.heard("activated uma")
	_, err = h.s.Approve(t.Context(), admin, h.id("uma"))
	denied(t, err, lifecycle.DeniedNotPossible)
	_, err = h.login("uma")
	require.NoError(t, err)

	h.create("User", `{"userName":"eve"}`)
	_, err = h.s.Reject(t.Context(), admin, h.id("eve"))
	require.NoError(t, err)
	_, err = h.login("eve")
	denied(t, err, lifecycle.DeniedDeactivated)
}

func TestAdministrators(t *testing.T) {
	h := newHouse(t)
	ada := h.create("User", `{"userName":"ada","active":true}`)
	_, err := h.s.Suspend(t.Context(), admin, h.id("ada"))
	require.NoError(t, err)
	off := h.update(h.read(ada), `{"userName":"ada","active":false}`)
	h.update(off, `{"userName":"ada","active":true}`)
	_, err = h.login("ada")
	denied(t, err, lifecycle.DeniedSuspended)
	_, err = h.s.Reactivate(t.Context(), admin, h.id("ada"))
	require.NoError(t, err)
	_, err = h.login("ada")
	require.NoError(t, err)

	bob, err := h.s.Add(t.Context(), admin, lifecycle.Identity{UserName: "bob"})
	require.NoError(t, err)
	assert.Equal(t, lifecycle.SourceManual, account(t, bob).Source)
	_, err = h.s.Add(t.Context(), admin, lifecycle.Identity{UserName: "BOB"})
	denied(t, err, lifecycle.DeniedExists)
	_, err = h.s.Suspend(t.Context(), admin, h.id("nobody"))
	denied(t, err, lifecycle.DeniedUnknown)

	h = newHouse(t, with(func(s *lifecycle.Settings) { s.SuspendManaged, s.Manual = false, false }))
	h.create("User", `{"userName":"ada"}`)
	_, err = h.s.Suspend(t.Context(), admin, h.id("ada"))
	denied(t, err, lifecycle.DeniedManaged)
	_, err = h.s.Add(t.Context(), admin, lifecycle.Identity{UserName: "bob"})
	denied(t, err, lifecycle.DeniedManual)
}

func TestTakeOver(t *testing.T) {
	for _, policy := range []lifecycle.ExistingUser{"refuse", "link"} {
		h := newHouse(t, with(func(s *lifecycle.Settings) { s.ExistingUser = policy }))
		bob, err := h.s.Add(t.Context(), admin, lifecycle.Identity{UserName: "bob"})
		require.NoError(t, err)
		h.told = nil
		r := h.resource("User", `{"userName":"Bob","active":false,"externalId":"e1"}`)
		err = h.post(r)
		var taken *store.ConflictError
		if policy == "refuse" {
			require.ErrorAs(t, err, &taken)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, bob.ID, r.ID)
		assert.Equal(t, r, h.read(r))
		assert.Equal(t, lifecycle.SourceSCIM, account(t, r).Source)
		assert.Equal(t, lifecycle.Suspended, account(t, r).State)
		h.heard("deactivated Bob", "updated Bob")
		require.ErrorAs(t, h.post(h.resource("User", `{"userName":"bob"}`)), &taken, "whom SCIM manages is not created twice")
	}
}

// An identity provider that finds somebody by a filter doesn't create, but changes whom it found.
func TestWhomSCIMChangesItManages(t *testing.T) {
	h := newHouse(t, with(func(s *lifecycle.Settings) { s.JIT = true }))
	_, err := h.login("ada")
	require.NoError(t, err)
	users, _, err := h.s.Accounts(t.Context(), "acme", lifecycle.AccountQuery{Count: 10})
	require.NoError(t, err)
	ada := users[0]
	assert.Equal(t, lifecycle.SourceSSO, account(t, ada).Source)
	h.update(ada, `{"userName":"ada","externalId":"e1"}`)
	want := account(t, ada)
	want.Source, want.Manager = lifecycle.SourceSCIM, "entra"
	assert.Equal(t, want, account(t, h.read(ada)))
	bob, err := h.s.Add(t.Context(), admin, lifecycle.Identity{UserName: "bob"})
	require.NoError(t, err)
	h.update(bob, `{"userName":"bob","active":false}`)
	assert.Equal(t, lifecycle.SourceSCIM, account(t, h.read(bob)).Source)
}

func TestLink(t *testing.T) {
	link := func(o *lifecycle.Options, _ *lifecycle.Settings) {
		o.Link = map[string][]string{"User": {"externalId", "userName"}, "Group": {"externalId"}}
	}
	h := newHouse(t, link)
	ada := h.create("User", `{"userName":"Ada","externalId":"E1"}`)
	eve := h.create("User", `{"userName":"eve","externalId":"e2"}`)
	_, err := h.login("ada")
	require.NoError(t, err)
	for _, x := range []struct{ name, sent, id, refused string }{
		{"by the first attribute", `{"userName":"ada.l","externalId":"E1"}`, ada.ID, ""},
		{"by the second", `{"userName":"ADA.L","externalId":"E3"}`, ada.ID, ""},
		{"caseExact", `{"userName":"new","externalId":"e3"}`, "", ""},
		{"two people", `{"userName":"Ada.L","externalId":"e2"}`, "", "by its externalId this is the resource " + eve.ID + ", by its userName it is " + ada.ID},
		{"nobody", `{"userName":"zoe"}`, "", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := h.resource("User", x.sent)
			err := h.post(r)
			if x.refused != "" {
				var refusal *lifecycle.Refusal
				require.ErrorAs(t, err, &refusal)
				assert.Equal(t, lifecycle.Taken, refusal.Reason)
				assert.Contains(t, refusal.Detail, x.refused)
				return
			}
			require.NoError(t, err)
			if x.id == "" {
				assert.NotContains(t, []string{ada.ID, eve.ID}, r.ID)
				return
			}
			assert.Equal(t, x.id, r.ID)
			assert.Equal(t, r, h.read(r))
			assert.JSONEq(t, x.sent, string(r.Attributes))
			assert.Equal(t, lifecycle.Active, account(t, r).State, "it has signed in before")
			again := h.resource("User", x.sent)
			require.NoError(t, h.post(again))
			assert.Equal(t, r, again, "twice is once")
		})
	}
	crew := h.resource("Group", `{"displayName":"Crew","externalId":"G1"}`)
	crew.Index = append(crew.Index, store.IndexKey{Attribute: "externalId", Value: "G1"})
	require.NoError(t, h.post(crew, []store.MemberRef{{ID: ada.ID}}...))
	again := h.resource("Group", `{"displayName":"Team","externalId":"G1"}`)
	again.Index = crew.Index
	h.told = nil
	require.NoError(t, h.post(again, []store.MemberRef{{ID: ada.ID}, {ID: eve.ID}}...))
	assert.Equal(t, crew.ID, again.ID)
	assert.Equal(t, "Team", h.read(crew).Attributes.Get("displayName").Text())
	h.heard("group.updated", "members.changed +"+eve.ID+" -")
}

func TestSettingsShutOut(t *testing.T) {
	for words, change := range map[string]func(*lifecycle.Settings){
		"switched off": func(s *lifecycle.Settings) { s.SCIM = false },
		"plan Basic":   func(s *lifecycle.Settings) { s.PlanAllows, s.Plan = false, "Basic" },
	} {
		h := newHouse(t, with(change))
		var refusal *lifecycle.Refusal
		require.ErrorAs(t, h.post(h.resource("User", `{"userName":"ada"}`)), &refusal)
		assert.Equal(t, lifecycle.Forbidden, refusal.Reason)
		assert.Contains(t, refusal.Detail, words)
	}
	bad := lifecycle.DefaultSettings()
	bad.Deprovision = "explode"
	assert.ErrorContains(t, bad.Validate(), "deprovision: want one of [suspend deactivate delete]")
}

func TestDeprovisionByDeleting(t *testing.T) {
	h := newHouse(t, with(func(s *lifecycle.Settings) { s.Deprovision = "delete" }))
	ada := h.create("User", `{"userName":"ada"}`)
	crew := h.create("Group", `{"displayName":"Crew"}`)
	_, err := h.members(crew.Key, "", lifecycle.Members{Add: []store.MemberRef{{ID: ada.ID}}})
	require.NoError(t, err)
	h.told = nil
	h.update(ada, `{"userName":"ada","active":false}`)
	assert.ElementsMatch(t, []string{"deactivated ada", "deleted ada", "members.changed + -" + ada.ID}, h.told, "those of one subject are in order")
	_, err = h.fake.Get(t.Context(), ada.Key)
	require.ErrorIs(t, err, store.ErrNotFound)
	assert.NotEqual(t, crew.Version, h.read(crew).Version)
}

// directory is a list of outside accounts: name -> id.
type directory map[string]string

func (d directory) Find(_ context.Context, _ string, names []string) ([]string, error) {
	ids := make([]string, len(names))
	for i, n := range names {
		ids[i] = d[n]
	}
	return ids, nil
}

func (d directory) Claim(context.Context, string, string) (bool, error) { return true, nil }

func TestExistingAccounts(t *testing.T) {
	outside := func(o *lifecycle.Options, _ *lifecycle.Settings) {
		o.Accounts = directory{"mila@x.example": "outside-1"}
	}
	h := newHouse(t, outside)
	mila := `{"userName":"Mila","emails":[{"value":"MILA@x.example"}]}`
	for range 2 {
		var refusal *lifecycle.Refusal
		require.ErrorAs(t, h.post(h.resource("User", mila)), &refusal)
		assert.Equal(t, lifecycle.Taken, refusal.Reason)
		assert.Contains(t, refusal.Detail, "acquire")
		h.heard("account.conflict Mila")
	}
	denied(t, h.s.Acquire(t.Context(), admin, "nobody"), lifecycle.DeniedUnknown)
	require.NoError(t, h.s.Acquire(t.Context(), admin, "mila@X.example"))
	require.NoError(t, h.s.Acquire(t.Context(), admin, "mila@x.example"), "twice is once")
	made := h.create("User", mila)
	assert.Equal(t, "outside-1", account(t, made).Linked)

	require.NoError(t, h.del(made))
	refused := h.resource("User", mila)
	require.Error(t, h.post(refused), "it was acquired once")

	linked := newHouse(t, outside, with(func(s *lifecycle.Settings) { s.ExistingAccount = "link" })).create("User", mila)
	assert.Equal(t, "outside-1", account(t, linked).Linked)

	known := `{"userName":"Mila","externalId":"e1","emails":[{"value":"MILA@x.example"}]}`
	require.NoError(t, h.s.Acquire(t.Context(), admin, "mila@x.example"))
	require.NoError(t, h.del(h.create("User", known)))
	back := h.create("User", known)
	assert.Equal(t, "outside-1", account(t, back).Linked, "who comes back is linked already")
}

func TestGuards(t *testing.T) {
	h := newHouse(t, func(o *lifecycle.Options, _ *lifecycle.Settings) {
		o.Guards = []lifecycle.Guard{func(_ context.Context, r *lifecycle.Request, p *lifecycle.Proposal) error {
			switch {
			case p.After.IsNull():
				return &lifecycle.Refusal{Reason: lifecycle.Forbidden, Detail: "nobody leaves"}
			case p.After.Get("title").Text() == "Boss":
				return &lifecycle.Refusal{Reason: lifecycle.Invalid, Attribute: "title", Detail: "there is one already"}
			}
			p.After.Set("nickName", document.String("amended"))
			if p.After.Get("displayName").Text() == "Kept" {
				p.After.Delete("displayName")
				r.AddNote(lifecycle.Note{Attribute: "displayName", Text: "was ignored"})
			}
			return nil
		}}
	})
	ada := h.create("User", `{"userName":"ada"}`)
	assert.Equal(t, "amended", h.read(ada).Attributes.Get("nickName").Text())
	next := *ada
	next.Attributes = attrs(t, `{"userName":"ada","title":"Boss"}`)
	require.ErrorContains(t, h.put(ada, &next, nil), "one already")
	require.ErrorContains(t, h.del(ada), "nobody leaves")
	h.heard("provisioned ada")

	cur := h.read(ada)
	next = *cur
	next.Attributes = attrs(t, `{"userName":"ada","displayName":"Kept","nickName":"amended"}`)
	next.Label = "Kept"
	require.NoError(t, h.put(cur, &next, nil))
	assert.Equal(t, cur, &next, "nothing is left of it")
	next.Attributes = attrs(t, `{"userName":"eve","displayName":"Kept"}`)
	require.NoError(t, h.put(cur, &next, nil))
	assert.Equal(t, "eve", h.read(ada).Label, "what follows from the attributes follows from the amended ones")
	entries, err := h.fake.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Max: 2})
	require.NoError(t, err)
	for i, outcome := range []string{"updated", "unchanged"} {
		assert.Equal(t, outcome, entries[i].Outcome)
		assert.Equal(t, `{"attribute":"displayName","text":"was ignored"}`, string(entries[i].Data.Get("notes").Items()[0].Value.Document()))
	}
}

// A first sign-in with a value that must be unique and is another user's is denied, and not tried again and again.
func TestFirstSignInWithATakenValue(t *testing.T) {
	h := newHouse(t, with(func(s *lifecycle.Settings) { s.JIT = true }), func(o *lifecycle.Options, _ *lifecycle.Settings) {
		o.Index = func(_ string, v document.Value) (keys []store.IndexKey, _ string) {
			for _, name := range []string{"userName", "nickName"} {
				if text := v.Get(name).Text(); text != "" {
					keys = append(keys, store.IndexKey{Attribute: name, Value: document.Fold(text), Unique: true})
				}
			}
			return keys, ""
		}
	})
	h.create("User", `{"userName":"ada","nickName":"a"}`)
	_, err := h.s.Login(t.Context(), "acme", lifecycle.Identity{UserName: "bob", Attributes: `{"nickName":"a"}`})
	denied(t, err, lifecycle.DeniedExists)
	assert.Equal(t, "nobody", h.id("bob"))
}
