package scim_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// A PATCH of members is answered with the group's new version, though the group is never read.
func TestMemberPatchTellsTheVersion(t *testing.T) {
	s := serve(t)
	ada, bob := s.user("ada"), s.user("bob")
	path := "/Groups/" + s.group("Crew", ada)
	before := s.do("GET", path, "").is(200).header.Get("ETag")
	for _, x := range []struct {
		name, operation string
		changes         bool
	}{
		{"adds", `{"op":"add","path":"members","value":[{"value":"` + bob + `"}]}`, true},
		{"adds again", `{"op":"add","path":"members","value":[{"value":"` + bob + `"}]}`, false},
		{"removes", `{"op":"remove","path":"members[value eq \"` + bob + `\"]"}`, true},
		{"replaces", `{"op":"replace","path":"members","value":[{"value":"` + bob + `"}]}`, true},
	} {
		etag := s.do("PATCH", path, patchBody(x.operation)).is(http.StatusNoContent).header.Get("ETag")
		require.NotEmpty(t, etag, x.name)
		assert.Equal(t, x.changes, etag != before, x.name)
		assert.Equal(t, etag, s.do("GET", path, "").is(200).header.Get("ETag"), x.name)
		if x.changes {
			s.do("PATCH", path, patchBody(x.operation), "If-Match: "+before).fails(412, "", "read it again")
		}
		before = etag
	}
}

// Why a member can't be added is said truly: it doesn't exist, or it is of another type than the request says.
func TestMembersOfAnotherType(t *testing.T) {
	s := serve(t)
	ada := s.user("ada")
	crew := "/Groups/" + s.group("Crew")
	add := func(member string) string { return patchBody(`{"op":"add","path":"members","value":[` + member + `]}`) }
	s.do("PATCH", crew, add(`{"value":"`+ada+`","type":"Group"}`)).fails(400, "invalidValue", ada+`" is a User and not a Group`)
	s.do("PATCH", crew, add(`{"value":"nobody","type":"Group"}`)).fails(400, "invalidValue", `no resource with the id "nobody"`)
	s.do("POST", "/Groups", `{"displayName":"Team","members":[{"value":"`+ada+`","type":"Group"}]}`).fails(400, "invalidValue", "is a User and not a Group")
	s.do("PATCH", crew, add(`{"value":"`+ada+`","type":"User"}`)).is(204)
	s.do("PATCH", crew, add(`{"value":"`+crew[len("/Groups/"):]+`"}`)).fails(400, "invalidValue", "member of itself")
}

// A record that was written by a process whose clock is ahead is answered with its groups when a POST links it.
func TestLinkedRecordFromTheFuture(t *testing.T) {
	fake := storetest.NewFake()
	s := serveStore(t, fake, func(o *scim.Options) { o.Lifecycle.Link = map[string][]string{"User": {"externalId"}} })
	ada := s.do("POST", "/Users", userBody("ada", `"externalId":"e1"`)).is(201).id()
	s.group("Crew", ada)
	key := store.Key{Tenant: "acme", Type: "User", ID: ada}
	r, err := fake.Get(t.Context(), key)
	require.NoError(t, err)
	version := r.Version
	r.Version, r.Created = "ahead", time.Now().UTC().Add(time.Hour).Truncate(time.Microsecond)
	require.NoError(t, fake.Commit(t.Context(), &store.Change{Tenant: "acme", Put: []store.Put{{Resource: r, IfVersion: version}}}))
	linked := s.do("POST", "/Users", userBody("ada.l", `"externalId":"e1"`)).is(201)
	assert.Equal(t, ada, linked.id())
	assert.Len(t, linked.at("groups"), 1)
}

// Every refused write has its line in the journal, with what the client was told; reads and what was let through have none of that
// kind.
func TestRefusalsAreJournalled(t *testing.T) {
	fake := storetest.NewFake()
	s := serveStore(t, fake, func(o *scim.Options) {
		settings := lifecycle.DefaultSettings()
		o.Lifecycle.Settings = lifecycle.FixedSettings(settings)
	})
	ada := s.user("ada")
	for _, x := range []struct{ method, path, body, words string }{
		{"POST", "/Users", userBody("ADA"), "another user has this value already: " + ada},
		{"POST", "/Users", `{"userName":7}`, "userName"},
		{"PATCH", "/Users/" + ada, patchBody(`{"op":"replace","path":"active","value":"maybe"}`), "active"},
		{"PUT", "/Users/nobody", userBody("nobody"), "nobody"},
		{"DELETE", "/Groups/nobody", "", "nobody"},
		{"PUT", "/Users", userBody("ada"), "it takes GET, HEAD, POST"},
		{"MKCOL" + strings.Repeat("X", 1000), "/Users", "", "it takes"},
		{"POST", "/Users", userBody("bob"), "Content-Type"},
	} {
		headers := []string{}
		if x.words == "Content-Type" {
			headers = []string{"Content-Type: text/plain"}
		}
		a := s.do(x.method, x.path, x.body, headers...)
		require.GreaterOrEqual(t, a.status, 400)
		entries, err := fake.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Max: 1})
		require.NoError(t, err)
		require.Len(t, entries, 1)
		assert.Equal(t, "refused", entries[0].Outcome)
		assert.Contains(t, entries[0].Action, x.method[:min(16, len(x.method))]+" /")
		assert.Less(t, len(entries[0].Action), 100)
		assert.Contains(t, entries[0].Data.Get("detail").Text(), x.words)
		assert.NotEmpty(t, entries[0].Request)
	}
	for range 200 {
		s.do("DELETE", "/Users/nobody", "").is(404)
	}
	entries, err := fake.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Outcome: "refused", Max: 1_000})
	require.NoError(t, err)
	assert.LessOrEqual(t, len(entries), 200, "a client that repeats a wrong request can't fill the disk: a hundred a minute")
}

// Settings that were changed while a request lost a race hold for its next try.
func TestSettingsAreReadAnewAfterALostRace(t *testing.T) {
	fake := storetest.NewFake()
	settings := lifecycle.DefaultSettings()
	s := serveStore(t, fake, func(o *scim.Options) {
		o.Lifecycle.Settings = settingsFunc(func() lifecycle.Settings { return settings })
	})
	fake.Before(func(_ context.Context, method string) error {
		if method != "Commit" {
			return nil
		}
		fake.Before(nil)
		none := 0
		settings.SeatLimit = &none
		return store.ErrVersionMismatch
	})
	s.do("POST", "/Users", userBody("ada")).fails(403, "", "seats")
}

type settingsFunc func() lifecycle.Settings

func (f settingsFunc) Settings(context.Context, string) (lifecycle.Settings, error) { return f(), nil }

// Who is removed by active=false is answered as not active, in a version (I8).
func TestRemovedByActiveFalse(t *testing.T) {
	for _, retain := range []lifecycle.DeletePolicy{lifecycle.DeleteRemove, lifecycle.DeleteKeep} {
		s := serve(t, func(o *scim.Options) {
			settings := lifecycle.DefaultSettings()
			settings.Deprovision, settings.Delete = lifecycle.DeprovisionDelete, retain
			o.Lifecycle.Settings = lifecycle.FixedSettings(settings)
		})
		for name, remove := range map[string]func(path string) answer{
			"patch": func(path string) answer {
				return s.do("PATCH", path, patchBody(`{"op":"replace","path":"active","value":false}`))
			},
			"put": func(path string) answer { return s.do("PUT", path, userBody("put", `"active":false`)) },
		} {
			path := "/Users/" + s.user(name)
			before := s.do("GET", path, "").is(200).header.Get("ETag")
			a := remove(path).is(200)
			assert.Equal(t, false, a.at("active"), name)
			assert.Equal(t, a.header.Get("ETag"), a.at("meta", "version"), name)
			assert.NotContains(t, []string{"", `W/""`, before}, a.header.Get("ETag"), name)
			s.do("GET", path, "").is(404)
		}
	}
}

// A PUT with null for the members empties no group, as a PATCH with it doesn't (I11).
func TestPutOfNullMembers(t *testing.T) {
	s := serve(t)
	path := "/Groups/" + s.group("Crew", s.user("ada"))
	for _, name := range []string{"members", "Members"} {
		s.do("PUT", path, `{"schemas":["`+groupURN+`"],"displayName":"Crew","`+name+`":null}`).fails(400, "invalidValue", "send []")
	}
	assert.Len(t, s.do("GET", path, "").is(200).at("members"), 1)
	s.do("PUT", path, `{"schemas":["`+groupURN+`"],"displayName":"Crew","members":[]}`).is(200)
	assert.NotContains(t, s.do("GET", path, "").is(200).body, "members")
	s.do("POST", "/Groups", `{"schemas":["`+groupURN+`"],"displayName":"Other","members":null}`).is(201)
}

// A group is answered with the members that it has in the version that is told, whatever is written meanwhile.
func TestGroupAndMembersAreOfOneMoment(t *testing.T) {
	fake := storetest.NewFake()
	s := serveStore(t, fake)
	ada, bob := s.user("ada"), s.user("bob")
	path := "/Groups/" + s.group("Old", ada)
	fake.Before(func(_ context.Context, method string) error {
		if method == "Members" {
			fake.Before(nil)
			s.do("PUT", path, `{"displayName":"New","members":[{"value":"`+bob+`"}]}`).is(200)
		}
		return nil
	})
	a := s.do("GET", path, "").is(200)
	assert.Equal(t, "New", a.at("displayName"))
	assert.Equal(t, bob, a.at("members", 0, "value"))
	assert.Equal(t, a.header.Get("ETag"), a.at("meta", "version"))
	assert.Equal(t, s.do("GET", path, "").is(200).text, a.text)
}
