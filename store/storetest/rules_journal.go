package storetest

import (
	"fmt"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

var journalRules = func() (rules []rule) {
	for _, r := range []struct {
		name, text string
		check      func(k *kit, journal func(q store.JournalQuery) []string)
	}{
		{"Whole", "An entry of the journal is read as it was committed.", journalWhole},
		{"Order", "The journal is read newest first, by id, at most Max entries, from before an id on, of one connection if asked.", journalOrder},
	} {
		rules = append(rules, rule{r.name, r.text, func(k *kit) {
			reader, ok := k.Store.(store.JournalReader)
			if !ok {
				k.Skip("the store is no JournalReader")
			}
			r.check(k, func(q store.JournalQuery) (entries []string) {
				k.Helper()
				q.Tenant = k.tenant
				got, err := reader.Journal(k.Context(), q)
				if err != nil {
					k.stop("Journal of %+v: %v", q, err)
				}
				for _, e := range got {
					entries = append(entries, describeEntry(e))
				}
				return entries
			})
		}})
	}
	return rules
}()

func describeEntry(e store.Entry) string {
	return fmt.Sprintf("%q %s %q %q %q %q %s", e.ID, e.Time.Format(timeFormat), e.Connection, e.Subject, e.Action, e.Outcome, e.Data)
}

func journalWhole(k *kit, journal func(store.JournalQuery) []string) {
	e := store.Entry{
		ID: id(1), Time: epoch.Add(time.Microsecond), Connection: "entra'1", Action: "POST /Users", Outcome: "created 😀",
		Subject: store.Key{Tenant: k.tenant, Type: "User", ID: "any \"id\""}, Data: `{"quirks":["a"],"n":1.50}`,
	}
	k.commit(store.Change{Journal: &e})
	bare := store.Entry{ID: id(0), Time: epoch}
	k.commit(store.Change{Journal: &bare})
	got := journal(store.JournalQuery{Max: 10})
	if len(got) != 2 {
		k.stop("got %d entries instead of 2", len(got))
	}
	k.want("an entry", got[0], describeEntry(e))
}

func journalOrder(k *kit, journal func(store.JournalQuery) []string) {
	entry := func(n int) *store.Entry {
		return &store.Entry{ID: id(n), Time: epoch.Add(time.Duration(n) * time.Second), Connection: fmt.Sprint("c", n%2),
			Subject: store.Key{Tenant: k.tenant, Type: "User", ID: id(n)}, Action: "x"}
	}
	for _, n := range []int{1, 2, 4, 3, 5, 6} { // the fourth commits before the third
		k.commit(store.Change{Journal: entry(n)})
	}
	lines := func(ns ...int) (s []string) {
		for _, n := range ns {
			s = append(s, describeEntry(*entry(n)))
		}
		return s
	}
	k.want("all", journal(store.JournalQuery{Max: 10}), lines(6, 5, 4, 3, 2, 1))
	k.want("the newest", journal(store.JournalQuery{Max: 2}), lines(6, 5))
	k.want("those before an id", journal(store.JournalQuery{Max: 2, Before: id(5)}), lines(4, 3))
	k.want("those before the oldest", journal(store.JournalQuery{Max: 2, Before: id(1)}), []string{})
	k.want("one connection's", journal(store.JournalQuery{Max: 10, Connection: "c1"}), lines(5, 3, 1))
	k.want("one connection's before an id", journal(store.JournalQuery{Max: 1, Connection: "c0", Before: id(6)}), lines(4))
	k.want("a connection's that isn't there", journal(store.JournalQuery{Max: 10, Connection: "c2"}), []string{})
	k.want("at most none", journal(store.JournalQuery{}), []string{})
}
