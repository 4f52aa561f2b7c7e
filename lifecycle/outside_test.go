package lifecycle_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// registry is a directory of outside accounts that knows whose they are: name -> id, id -> tenant.
type registry struct {
	mu     sync.Mutex
	names  map[string]string
	owners map[string]string
}

func (d *registry) Find(_ context.Context, tenant string, names []string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ids := make([]string, len(names))
	for i, n := range names {
		if id := d.names[n]; id != "" && (d.owners[id] == "" || d.owners[id] == tenant) {
			ids[i] = id
		}
	}
	return ids, nil
}

func (d *registry) Claim(_ context.Context, tenant, id string) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.owners[id] == "" {
		d.owners[id] = tenant
	}
	return d.owners[id] == tenant, nil
}

func newRegistry() *registry {
	return &registry{names: map[string]string{"victim@out": "v", "consent@out": "c"}, owners: map[string]string{}}
}

// The consent that an administrator gives for one outside account must not link another one.
func TestAcquireLinksNoOtherAccount(t *testing.T) {
	for _, x := range []struct {
		name, policy, acquired, sent string
		linked                       string // "": refused
	}{
		{"the name of another account", "acquire", "consent@out", `{"userName":"victim@out"}`, ""},
		{"a name and an address of different accounts", "acquire", "consent@out", `{"userName":"victim@out","emails":[{"value":"consent@out"}]}`, ""},
		{"the same the other way round", "acquire", "consent@out", `{"userName":"consent@out","emails":[{"value":"victim@out","primary":true}]}`, ""},
		{"different accounts where the policy links", "link", "", `{"userName":"victim@out","emails":[{"value":"consent@out"}]}`, ""},
		{"the account itself", "acquire", "consent@out", `{"userName":"Consent@OUT"}`, "c"},
		{"the account by its address", "acquire", "consent@out", `{"userName":"new@out","emails":[{"value":"consent@out"}]}`, "c"},
		{"an address that is not the primary one", "link", "", `{"userName":"new@out","emails":[{"value":"mine@out","primary":true},{"value":"victim@out"}]}`, "none"},
		{"by policy", "link", "", `{"userName":"victim@out"}`, "v"},
		{"without consent", "refuse", "", `{"userName":"victim@out"}`, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			h := newHouse(t, func(o *lifecycle.Options, s *lifecycle.Settings) {
				o.Accounts, s.ExistingAccount = newRegistry(), lifecycle.ExistingAccount(x.policy)
			})
			if x.acquired != "" {
				require.NoError(t, h.s.Acquire(t.Context(), admin, x.acquired))
			}
			r := h.resource("User", x.sent)
			err := h.post(r)
			if x.linked == "" {
				var refusal *lifecycle.Refusal
				require.ErrorAs(t, err, &refusal)
				assert.Equal(t, lifecycle.Taken, refusal.Reason)
				assert.Empty(t, h.states())
				return
			}
			require.NoError(t, err)
			if x.linked == "none" {
				x.linked = ""
			}
			assert.Equal(t, x.linked, account(t, r).Linked)
		})
	}
}

func TestOneOutsideAccountIsOneUser(t *testing.T) {
	fake, accounts := storetest.NewFake(), newRegistry()
	settings := lifecycle.DefaultSettings()
	settings.ExistingAccount = "link"
	s, err := lifecycle.New(fake, &lifecycle.Options{Accounts: accounts, Settings: lifecycle.FixedSettings(settings)})
	require.NoError(t, err)
	post := func(tenant, attributes string) (*store.Resource, error) {
		h := &house{t: t, s: s, fake: fake}
		r := h.resource("User", attributes)
		r.Tenant = tenant
		return r, h.post(r)
	}
	ada, err := post("acme", `{"userName":"victim@out"}`)
	require.NoError(t, err)
	assert.Equal(t, "v", account(t, ada).Linked)
	_, err = post("acme", `{"userName":"other@out","emails":[{"value":"victim@out"}]}`)
	require.ErrorContains(t, err, "another user of this organization")
	far, err := post("umbrella", `{"userName":"victim@out"}`)
	require.NoError(t, err, "the other tenant learns nothing of the account")
	assert.Empty(t, account(t, far).Linked)

	linked := make([]bool, 8)
	accounts.names["many@out"] = "m"
	for _, err := range raceOf(len(linked), func(i int) error {
		r, err := post([]string{"acme", "umbrella"}[i%2], `{"userName":"u`+string(rune('a'+i))+`","emails":[{"value":"many@out"}]}`)
		linked[i] = err == nil && account(t, r).Linked == "m"
		return nil
	}) {
		require.NoError(t, err)
	}
	n := 0
	for _, is := range linked {
		if is {
			n++
		}
	}
	assert.Equal(t, 1, n, "one user in all tenants, however many race")
}

func TestRenamedToAnOutsideAccount(t *testing.T) {
	h := newHouse(t, func(o *lifecycle.Options, _ *lifecycle.Settings) { o.Accounts = newRegistry() })
	ada := h.create("User", `{"userName":"ada"}`)
	h.told = nil
	for _, to := range []string{`{"userName":"victim@out"}`, `{"userName":"ada","emails":[{"value":"VICTIM@out"}]}`} {
		next := *ada
		next.Attributes = attrs(t, to)
		var refusal *lifecycle.Refusal
		require.ErrorAs(t, h.put(ada, &next, nil), &refusal)
		assert.Equal(t, lifecycle.Taken, refusal.Reason)
		assert.Equal(t, ada, h.read(ada))
	}
	h.heard("account.conflict victim@out", "account.conflict ada")
	h.update(ada, `{"userName":"ada.l"}`)
}

// Whoever comes back is linked as before, unless the account has become another's meanwhile: it is never that of two.
func TestWhoComesBackSharesNoOutsideAccount(t *testing.T) {
	const ada, bob = `{"userName":"ada","externalId":"e1","emails":[{"value":"victim@out"}]}`, `{"userName":"bob","externalId":"e2","emails":[{"value":"victim@out"}]}`
	back := map[string]func(h *house, id string) *store.Resource{
		"by an administrator": func(h *house, id string) *store.Resource {
			r, err := h.s.Reactivate(h.t.Context(), admin, id)
			require.NoError(h.t, err)
			return r
		},
		"by SCIM without the address": func(h *house, _ string) *store.Resource {
			return h.create("User", `{"userName":"ada","externalId":"e1"}`)
		},
	}
	for name, back := range back {
		for _, first := range []string{"ada", "bob", "another organization"} {
			t.Run(name+", first "+first, func(t *testing.T) {
				accounts := newRegistry()
				h := newHouse(t, func(o *lifecycle.Options, s *lifecycle.Settings) {
					o.Accounts, s.ExistingAccount, s.Delete = accounts, "link", "keep"
				})
				r := h.create("User", ada)
				require.Equal(t, "v", account(t, r).Linked)
				require.NoError(t, h.del(r))
				switch first {
				case "ada":
					assert.Equal(t, "v", account(t, back(h, r.ID)).Linked)
					require.ErrorContains(t, h.post(h.resource("User", bob)), "another user of this organization")
				case "bob":
					assert.Equal(t, "v", account(t, h.create("User", bob)).Linked)
					assert.Empty(t, account(t, back(h, r.ID)).Linked)
				default:
					accounts.owners["v"] = "umbrella"
					assert.Empty(t, account(t, back(h, r.ID)).Linked)
				}
			})
		}
	}
}
