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
		{"Whole", "An entry of the journal is read as it was committed; a change may have several.", journalWhole},
		{"Order", "The journal is read newest first, by id, at most Max entries, from before an id on.", journalOrder},
		{"Select", "The journal is read by connection, subject, outcome and request, each if asked, and all that are asked must fit.", journalSelect},
	} {
		rules = append(rules, rule{r.name, r.text, func(k *kit) {
			reader, ok := store.As[store.JournalReader](k.Store)
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
	return fmt.Sprintf("%q %s connection %q request %q who %q subject %q action %q outcome %q data %s", e.ID, e.Time.Format(timeFormat),
		e.Connection, e.Request, e.Who, e.Subject, e.Action, e.Outcome, e.Data)
}

// journalled returns a change with entries of the journal.
func journalled(entries ...store.Entry) store.Change { return store.Change{Journal: entries} }

func journalWhole(k *kit, journal func(store.JournalQuery) []string) {
	e := store.Entry{
		ID: id(1), Time: epoch.Add(time.Microsecond), Connection: "entra'1", Request: "r/1\"", Who: "Zoë 'admin'", Action: "POST /Users",
		Outcome: "created 😀", Subject: store.Key{Tenant: k.tenant, Type: "User", ID: "any \"id\""}, Data: `{"quirks":["a"],"n":1.50}`,
	}
	bare := store.Entry{ID: id(0), Time: epoch, Subject: store.Key{Tenant: k.tenant, Type: "User", ID: id(1)}}
	k.commit(journalled(e, bare))
	third := e
	third.ID = id(2)
	c := creates(user(1))
	c.Journal = []store.Entry{third}
	k.commit(c)
	k.want("the journal", journal(store.JournalQuery{Max: 10}), []string{describeEntry(third), describeEntry(e), describeEntry(bare)})
}

func journalOrder(k *kit, journal func(store.JournalQuery) []string) {
	entry := func(n int) store.Entry {
		return store.Entry{ID: id(n), Time: epoch.Add(time.Duration(n) * time.Second), Subject: store.Key{Tenant: k.tenant, Type: "User", ID: id(n)}, Action: "x"}
	}
	k.commit(journalled(entry(1), entry(2)))
	k.commit(journalled(entry(4)))
	k.commit(journalled(entry(3))) // the third entry is committed after the fourth
	k.commit(journalled(entry(6), entry(5)))
	lines := func(ns ...int) (s []string) {
		for _, n := range ns {
			s = append(s, describeEntry(entry(n)))
		}
		return s
	}
	k.want("all", journal(store.JournalQuery{Max: 10}), lines(6, 5, 4, 3, 2, 1))
	k.want("the newest", journal(store.JournalQuery{Max: 2}), lines(6, 5))
	k.want("those before an id", journal(store.JournalQuery{Max: 2, Before: id(5)}), lines(4, 3))
	k.want("those before the oldest", journal(store.JournalQuery{Max: 2, Before: id(1)}), []string{})
	k.want("at most none", journal(store.JournalQuery{}), []string{})
}

func journalSelect(k *kit, journal func(store.JournalQuery) []string) {
	entry := func(n int) store.Entry {
		return store.Entry{
			ID: id(n), Time: epoch, Connection: fmt.Sprint("c", n%2), Request: fmt.Sprint("r", n/2), Who: "anna", Outcome: fmt.Sprint("o", n%3),
			Subject: store.Key{Tenant: k.tenant, Type: []string{"User", "Group"}[n/4], ID: id(n % 4)},
		}
	}
	var all []store.Entry
	for n := range 8 {
		all = append(all, entry(n))
	}
	k.commit(journalled(all...))
	for _, x := range []struct {
		what string
		q    store.JournalQuery
		want []int
	}{
		{"all", store.JournalQuery{}, []int{7, 6, 5, 4, 3, 2, 1, 0}},
		{"one connection's", store.JournalQuery{Connection: "c1"}, []int{7, 5, 3, 1}},
		{"one connection's before an id", store.JournalQuery{Connection: "c0", Before: id(6)}, []int{4, 2, 0}},
		{"a connection's that isn't there", store.JournalQuery{Connection: "c2"}, nil},
		{"one subject's, of whatever type", store.JournalQuery{Subject: id(3)}, []int{7, 3}},
		{"one outcome", store.JournalQuery{Outcome: "o2"}, []int{5, 2}},
		{"one request's", store.JournalQuery{Request: "r2"}, []int{5, 4}},
		{"all that may be asked", store.JournalQuery{Connection: "c1", Subject: id(1), Outcome: "o2", Request: "r2", Before: id(6)}, []int{5}},
		{"what nothing fits", store.JournalQuery{Connection: "c0", Request: "r2", Outcome: "o2"}, nil},
	} {
		var want []string
		for _, n := range x.want {
			want = append(want, describeEntry(entry(n)))
		}
		x.q.Max = 10
		k.want(x.what, journal(x.q), want)
		x.q.Max = 1
		k.want(x.what+", at most one", journal(x.q), want[:min(1, len(want))])
	}
}
