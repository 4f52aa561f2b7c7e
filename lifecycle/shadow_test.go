package lifecycle_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// asShadow is a request of the connection c1, which is in the state shadow.
func asShadow() *lifecycle.Request {
	return &lifecycle.Request{Tenant: "acme", By: lifecycle.SourceSCIM, Connection: lifecycle.Connection{ID: "c1", State: lifecycle.ConnectionShadow}, Action: "test"}
}

// shade does something by c1: it creates if there is no id, and deletes if there are no attributes.
func (h *house) shade(typ, id, attributes string, members *lifecycle.Members) (*store.Resource, error) {
	r := asShadow()
	d, err := h.s.Do(context.Background(), r, func(ctx context.Context) (lifecycle.Draft, error) {
		draft := lifecycle.Draft{Key: store.Key{Tenant: "acme", Type: typ, ID: id}, Members: members}
		if attributes != "" {
			v, err := document.Parse(attributes, 0)
			if err != nil {
				return draft, err
			}
			draft.After = v
		}
		if id == "" || members != nil && attributes == "" {
			return draft, nil
		}
		cur, err := h.s.View(r).Get(ctx, draft.Key)
		draft.Before = cur
		return draft, err
	})
	if err != nil {
		return nil, err
	}
	return d.Resource, nil
}

// hand adds somebody by hand.
func (h *house) hand(attributes string) *store.Resource {
	h.t.Helper()
	v := attrs(h.t, attributes)
	u, err := h.s.Add(h.t.Context(), admin, lifecycle.Identity{UserName: v.Get("userName").Text(), Attributes: v})
	require.NoError(h.t, err)
	return u
}

// preview is all of a preview, in words.
func (h *house) preview() (lines []string) {
	for row, err := range h.s.PreviewAll(h.t.Context(), "acme", "c1") {
		require.NoError(h.t, err)
		lines = append(lines, strings.TrimSpace(string(row.Action)+" "+row.Name))
	}
	return lines
}

// Nobody is told of what a shadow does, no account is claimed and no brake counts. Going live tells once, claims, and isn't held by brakes.
func TestShadowTellsNobody(t *testing.T) {
	accounts := &registry{names: map[string]string{"zoe": "account-of-zoe"}, owners: map[string]string{}}
	h := newHouse(t, func(o *lifecycle.Options, s *lifecycle.Settings) {
		o.Accounts, s.ExistingAccount = accounts, "link"
		max := 10
		o.Safety = func() lifecycle.Safety {
			return lifecycle.Safety{People: &lifecycle.Brake{Max: &max, Window: 3600_000_000_000}}
		}
	})
	var people []*store.Resource
	for i := range 12 {
		people = append(people, h.hand(`{"userName":"u`+strconv.Itoa(i)+`"}`))
	}
	h.told = nil
	zoe, err := h.shade("User", "", `{"userName":"zoe"}`, nil)
	require.NoError(t, err)
	for _, u := range people {
		_, err := h.shade("User", u.ID, `{"userName":"`+u.Attributes.Get("userName").Text()+`","active":false}`, nil)
		require.NoError(t, err)
	}
	h.heard()
	assert.Empty(t, accounts.owners)
	_, err = h.fake.Get(t.Context(), zoe.Key)
	require.ErrorIs(t, err, store.ErrNotFound)
	used, _, err := h.s.Seats(t.Context(), "acme")
	require.NoError(t, err)
	assert.Equal(t, 12, used)

	did, err := h.s.GoLive(t.Context(), admin, "c1", nil)
	require.NoError(t, err)
	assert.Equal(t, []int{13, 13, 1, 12, 0}, []int{did.Done, did.Total, did.Created, did.Deactivated, did.Refused})
	assert.Len(t, h.told, 13)
	assert.Equal(t, map[string]string{"account-of-zoe": "acme"}, accounts.owners)
	_, err = h.fake.Get(t.Context(), zoe.Key)
	require.NoError(t, err)
	used, _, err = h.s.Seats(t.Context(), "acme")
	require.NoError(t, err)
	assert.Equal(t, 1, used)
}

// What the product changes meanwhile holds, attribute by attribute; and who came meanwhile under a name that the identity provider has given to
// somebody is a refusal that says so. The preview knows all of it.
func TestShadowMeanwhile(t *testing.T) {
	h := newHouse(t)
	ann := h.hand(`{"userName":"ann","title":"old","nickName":"a"}`)
	_, err := h.shade("User", ann.ID, `{"userName":"ann","title":"Dr","nickName":"a"}`, nil)
	require.NoError(t, err)
	_, err = h.shade("User", "", `{"userName":"bob"}`, nil)
	require.NoError(t, err)
	_, err = h.s.Edit(t.Context(), admin, ann.ID, attrs(t, `{"nickName":"annie"}`).Value())
	require.NoError(t, err)
	bob := h.hand(`{"userName":"Bob"}`)
	assert.Equal(t, []string{"link ann", "refuse bob"}, h.preview()[:2])

	// A name that somebody gives up is free for another, in whatever order they are made true.
	c := h.hand(`{"userName":"c"}`)
	d := h.hand(`{"userName":"d"}`)
	for _, x := range []struct{ id, name string }{{d.ID, "e"}, {c.ID, "d"}} {
		_, err = h.shade("User", x.id, `{"userName":"`+x.name+`"}`, nil)
		require.NoError(t, err)
	}
	did, err := h.s.GoLive(t.Context(), admin, "c1", nil)
	require.NoError(t, err)
	assert.Equal(t, []int{0, 3, 1}, []int{did.Created, did.Linked, did.Refused})
	now := h.read(ann).Attributes
	assert.Equal(t, []string{"Dr", "annie"}, []string{now.Get("title").Text(), now.Get("nickName").Text()})
	assert.Equal(t, "Bob", h.read(bob).Attributes.Get("userName").Text())
	assert.Equal(t, []string{"d", "e"}, []string{h.read(c).Attributes.Get("userName").Text(), h.read(d).Attributes.Get("userName").Text()})
	entries, err := h.fake.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Outcome: "refused", Max: 10})
	require.NoError(t, err)
	require.Len(t, entries, 1)
	assert.Contains(t, string(entries[0].Data), bob.ID)
}

// However often going live is interrupted, whether a commit fails or only its answer is lost, it goes on, and everybody is told once.
func TestGoLiveInterrupted(t *testing.T) {
	build := func() (*house, func() string) {
		h := newHouse(t)
		bob := h.hand(`{"userName":"bob"}`)
		old := h.create("Group", `{"displayName":"Old"}`)
		ids := []string{}
		for i := range 5 {
			u, err := h.shade("User", "", fmt.Sprintf(`{"userName":"u%d"}`, i), nil)
			require.NoError(t, err)
			ids = append(ids, u.ID)
		}
		add := &lifecycle.Members{}
		for _, id := range ids {
			add.Add = append(add.Add, store.MemberRef{Type: "User", ID: id})
		}
		_, err := h.shade("Group", "", `{"displayName":"Team"}`, add)
		require.NoError(t, err)
		_, err = h.shade("Group", old.ID, "", nil)
		require.NoError(t, err)
		_, err = h.shade("User", bob.ID, `{"userName":"bob","active":false}`, nil)
		require.NoError(t, err)
		h.told = nil
		return h, func() string {
			told := slices.Clone(h.told)
			slices.Sort(told)
			for i, id := range ids {
				for j := range told {
					told[j] = strings.ReplaceAll(told[j], id, "u"+strconv.Itoa(i))
				}
			}
			page, err := h.fake.List(t.Context(), store.Query{Tenant: "acme", Types: []string{"User", "Group"}, Count: 100})
			require.NoError(t, err)
			text := strings.Join(told, "; ")
			for _, r := range page.Resources {
				text += "\n" + string(r.Attributes)
			}
			return text
		}
	}
	h, result := build()
	_, err := h.s.GoLive(t.Context(), admin, "c1", nil)
	require.NoError(t, err)
	want := result()
	require.Contains(t, want, "group.deleted")
	require.Equal(t, 5, strings.Count(want, "provisioned"))
	broken := errors.New("broken")
	for nth := 1; ; nth++ {
		failed := false
		for _, lost := range []bool{false, true} {
			h, result := build()
			if lost {
				h.fake.LoseAnswer(nth, broken)
			} else {
				h.fake.FailCommit(nth, broken)
			}
			for range 3 {
				if _, err = h.s.GoLive(t.Context(), admin, "c1", nil); err == nil {
					break
				}
				failed = true
			}
			require.NoError(t, err)
			require.NoError(t, h.s.Apply(t.Context(), admin)) // drains what was committed and not delivered
			got := result()
			if lost { // the events were committed, and are delivered by whoever runs
				got = got[strings.Index(got, "\n"):]
				require.Equal(t, want[strings.Index(want, "\n"):], got, "commit %d", nth)
				parked := 0
				for _, consumer := range []string{"hooks"} {
					leased, err := h.fake.Lease(t.Context(), store.Lease{Owner: "t", Consumer: consumer, Max: 100, For: 1})
					require.NoError(t, err)
					parked += len(leased)
				}
				require.Equal(t, strings.Count(want[:strings.Index(want, "\n")], ";")+1, len(h.told)+parked, "each event once")
			} else {
				require.Equal(t, want, got, "commit %d", nth)
			}
		}
		if !failed {
			require.Greater(t, nth, 8)
			return
		}
	}
}

// What is written while a connection goes live is neither lost nor undone, and who reads always finds it.
func TestWritesWhileGoingLive(t *testing.T) {
	fake := storetest.NewFake()
	s, err := lifecycle.New(fake, nil)
	require.NoError(t, err)
	h := &house{t: t, s: s, fake: fake}
	const people = 30
	ids := make([]string, people)
	for i := range ids {
		u, err := h.shade("User", "", fmt.Sprintf(`{"userName":"u%d","title":"0"}`, i), nil)
		require.NoError(t, err)
		ids[i] = u.ID
	}
	team, err := h.shade("Group", "", `{"displayName":"Team"}`, nil)
	require.NoError(t, err)
	var writers sync.WaitGroup
	for w := range 3 {
		writers.Go(func() {
			for round := 1; round <= 20; round++ {
				for i := w; i < people; i += 3 {
					_, err := h.shade("User", ids[i], fmt.Sprintf(`{"userName":"u%d","title":"%d"}`, i, round), nil)
					assert.NoError(t, err)
					u, err := s.View(asShadow()).Get(t.Context(), store.Key{Tenant: "acme", Type: "User", ID: ids[i]})
					if assert.NoError(t, err) {
						assert.Equal(t, strconv.Itoa(round), u.Attributes.Get("title").Text())
					}
				}
				i := w + 3*(round%10)
				_, err := h.shade("Group", team.ID, "", &lifecycle.Members{Add: []store.MemberRef{{Type: "User", ID: ids[i]}}})
				assert.NoError(t, err)
			}
		})
	}
	_, err = s.GoLive(t.Context(), admin, "c1", nil)
	require.NoError(t, err)
	writers.Wait()
	require.NoError(t, s.EndShadow(t.Context(), "acme", "c1"))
	for i, id := range ids {
		u, err := fake.Get(t.Context(), store.Key{Tenant: "acme", Type: "User", ID: id})
		require.NoError(t, err)
		assert.Equal(t, "20", u.Attributes.Get("title").Text(), i)
	}
	n := 0
	for _, err := range fake.Members(t.Context(), store.MemberQuery{Tenant: "acme", Groups: []string{team.ID}}) {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, people, n)
	page, err := fake.List(t.Context(), store.Query{Tenant: "acme", Types: []string{"User"}, Count: 1})
	require.NoError(t, err)
	assert.Equal(t, people, page.Total)
}

// A shadow has a size. What is beyond it is refused in words, and somebody who is erased is in no shadow any more.
func TestShadowIsBoundedAndForgets(t *testing.T) {
	h := newHouse(t, func(o *lifecycle.Options, _ *lifecycle.Settings) { o.ShadowSize = 3_000 })
	ann := h.hand(`{"userName":"ann.marker"}`)
	_, err := h.shade("User", ann.ID, `{"userName":"ann.marker","title":"marker"}`, nil)
	require.NoError(t, err)
	_, err = h.shade("User", "", `{"userName":"ann.marker"}`, nil)
	require.Error(t, err)
	var refusal *lifecycle.Refusal
	for i := 0; ; i++ {
		_, err := h.shade("User", "", fmt.Sprintf(`{"userName":"u%d"}`, i), nil)
		if err != nil {
			require.ErrorAs(t, err, &refusal)
			break
		}
		require.Less(t, i, 20)
	}
	assert.Equal(t, lifecycle.TooLarge, refusal.Reason)
	assert.Contains(t, refusal.Detail, "state shadow")

	known, err := h.s.Erase(t.Context(), admin, ann.ID)
	require.NoError(t, err)
	assert.True(t, known)
	for _, line := range h.preview() {
		assert.NotContains(t, line, "marker")
	}
	require.NoError(t, h.s.EndShadow(t.Context(), "acme", "c1"))
	has, err := h.s.HasShadow(t.Context(), "acme", "c1")
	require.NoError(t, err)
	assert.False(t, has)
	assert.Empty(t, h.preview())
}

// The preview as a table is for people, and no name in it does anything to a terminal or a spreadsheet.
func TestPreviewText(t *testing.T) {
	h := newHouse(t)
	ann := h.hand(`{"userName":"ann","title":"old"}`)
	_, err := h.shade("User", ann.ID, `{"userName":"ann","title":"Dr"}`, nil)
	require.NoError(t, err)
	_, err = h.shade("User", "", `{"userName":"=cmd()\u001b[2J"}`, nil)
	require.NoError(t, err)
	var table, csv bytes.Buffer
	require.NoError(t, lifecycle.WritePreviewTable(&table, h.s.PreviewAll(t.Context(), "acme", "c1")))
	assert.Contains(t, table.String(), "title: old -> Dr")
	assert.Contains(t, table.String(), "create 1, link 1\n")
	assert.NotContains(t, table.String(), "\x1b")
	require.NoError(t, lifecycle.WritePreviewCSV(&csv, h.s.PreviewAll(t.Context(), "acme", "c1")))
	assert.Contains(t, csv.String(), ",'=cmd()")
	_, err = h.s.Preview(t.Context(), "acme", "c1", "nonsense", 1)
	require.ErrorIs(t, err, lifecycle.ErrPreviewCursor)
}

// A policy or a mapping is tried on the people who are there, in numbers, and nothing changes.
func TestWhatIf(t *testing.T) {
	h := newHouse(t, with(func(s *lifecycle.Settings) { s.SameExternalID = "allow" }))
	h.create("User", `{"userName":"ann","externalId":"e","title":"Dr"}`)
	h.create("User", `{"userName":"bob","externalId":"e"}`)
	h.create("User", `{"userName":"carl","active":false}`)
	_, err := h.s.Add(t.Context(), admin, lifecycle.Identity{UserName: "dora"})
	require.NoError(t, err)
	h.told = nil

	limit := 1
	next := lifecycle.DefaultSettings()
	next.SCIM, next.SCIMOff, next.SeatLimit, next.InactiveUser = false, "suspend", &limit, "restore"
	got, err := h.s.WhatIf(t.Context(), "acme", lifecycle.WhatIf{Settings: &next})
	require.NoError(t, err)
	assert.Equal(t, []int{4, 2, 0, 1, 1}, []int{got.People, got.LoseAccess, got.GetAccess, got.SeatsUsed, got.SameExternalID})

	guard := func(_ context.Context, _ *lifecycle.Request, p *lifecycle.Proposal) error {
		if p.After.Get("userName").Text() == "bob" {
			return &lifecycle.Refusal{Reason: lifecycle.Invalid, Attribute: "title", Detail: "title: want one"}
		}
		p.After.Delete("title")
		return nil
	}
	got, err = h.s.WhatIf(t.Context(), "acme", lifecycle.WhatIf{Guards: []lifecycle.Guard{guard}})
	require.NoError(t, err)
	assert.Equal(t, []int{1, 1}, []int{got.Refused, got.Changed})
	assert.Equal(t, []string{"ann changed", "bob refused title: want one"},
		[]string{got.Rows[0].UserName + " " + got.Rows[0].Effect, got.Rows[1].UserName + " " + got.Rows[1].Effect + " " + got.Rows[1].Explanation})
	h.heard()
	next.Deprovision = "nonsense"
	_, err = h.s.WhatIf(t.Context(), "acme", lifecycle.WhatIf{Settings: &next})
	require.ErrorContains(t, err, "deprovision")
}

// The same externalId is that of one person, however many come at once, unless the tenant allows it.
func TestSameExternalID(t *testing.T) {
	h := newHouse(t)
	ann := h.create("User", `{"userName":"ann","externalId":"e"}`)
	err := h.post(h.resource("User", `{"userName":"bob","externalId":"e"}`))
	require.ErrorContains(t, err, ann.ID)
	bob := h.create("User", `{"userName":"bob","externalId":"E"}`)
	err = h.put(bob, h.resource("User", `{"userName":"bob","externalId":"e"}`), nil)
	require.ErrorContains(t, err, "externalId")
	require.NoError(t, h.del(ann))
	h.create("User", `{"userName":"carl","externalId":"e"}`)

	h = newHouse(t, with(func(s *lifecycle.Settings) { s.SameExternalID = "allow" }))
	h.create("User", `{"userName":"ann","externalId":"e"}`)
	h.create("User", `{"userName":"bob","externalId":"e"}`)
}

// A sign-in says which role and which groups somebody has.
func TestLoginTellsRoleAndGroups(t *testing.T) {
	h := newHouse(t, with(func(s *lifecycle.Settings) { s.DefaultRole = "clerk" }))
	ann := h.create("User", `{"userName":"ann"}`)
	g := h.create("Group", `{"displayName":"Sales"}`)
	_, err := h.s.Do(t.Context(), &lifecycle.Request{Tenant: "acme", By: lifecycle.SourceSCIM}, func(context.Context) (lifecycle.Draft, error) {
		return lifecycle.Draft{Key: g.Key, Members: &lifecycle.Members{Add: []store.MemberRef{{ID: ann.ID}}}}, nil
	})
	require.NoError(t, err)
	for range 2 {
		login, err := h.login("ann")
		require.NoError(t, err)
		assert.Equal(t, "clerk", login.Role)
		assert.Equal(t, []lifecycle.LoginGroup{{ID: g.ID, Name: "Sales"}}, login.Groups)
	}
}

// Whatever an identity provider writes, no spreadsheet takes it for a formula.
func TestCSVCell(t *testing.T) {
	for text, want := range map[string]string{"": "", "ada": "ada", "a=b": "a=b", "=1": "'=1", " =1": "' =1", "\t1": "'\t1", "\r\n@x": "'\r\n@x", "＝1": "'＝1", "-": "'-", "\ufeff=1": "'\ufeff=1"} {
		assert.Equal(t, want, lifecycle.CSVCell(text), "%q", text)
	}
}
