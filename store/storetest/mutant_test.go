package storetest

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// mutants are stores that break one rule each: Fakes with one method changed. The kit must find every one of them in the sub-test
// named, and Random must find those that are marked.
var mutants = []struct {
	name, caught string
	random       bool
	make         func(f *Fake) store.Store
}{
	{"ReturnsItsOwn", "Ownership/Out", false, func(f *Fake) store.Store { return &returnsItsOwn{Fake: f, got: map[store.Key]*store.Resource{}} }},
	{"KeepsTheCallers", "Ownership/In", false, func(f *Fake) store.Store { return &keepsTheCallers{Fake: f, put: map[store.Key]*store.Resource{}} }},
	{"ChangesItsInput", "Ownership/In", false, func(f *Fake) store.Store {
		return edits{f, func(c *store.Change) {
			for i := range c.Put {
				c.Put[i].Resource.Label += "!"
			}
		}}
	}},
	{"PartByPart", "Atomicity/Claim", true, func(f *Fake) store.Store { return partByPart{f} }},
	{"EventsRegardless", "Atomicity/KeyTaken", false, func(f *Fake) store.Store { return eventsRegardless{f} }},
	{"SeesOthers", "Tenant/Reads", true, func(f *Fake) store.Store { return seesOthers{f} }},
	{"ListsOthers", "Tenant/Reads", false, func(f *Fake) store.Store { return listsOthers{f} }},
	{"DeletesOthers", "Tenant/SameIDs", true, func(f *Fake) store.Store { return deletesOthers{f} }},
	{"FoldsTenants", "Tenant/Names", true, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) { c.Tenant = strings.ToLower(c.Tenant) })
	}},
	{"AnyVersion", "Resource/Replace", true, func(f *Fake) store.Store { return anyVersion{f} }},
	{"IgnoresAbsent", "Resource/Absent", true, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) { c.Absent = nil })
	}},
	{"NothingUnique", "Unique/Taken", true, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) { eachKey(c, func(k *store.IndexKey) { k.Unique = false }) })
	}},
	{"FoldsKeys", "Unique/AsGiven", false, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) {
			eachKey(c, func(k *store.IndexKey) { k.Value = document.Fold(strings.TrimSpace(k.Value)) })
		})
	}},
	{"DropsInternal", "Resource/RoundTrip", true, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) {
			for i := range c.Put {
				c.Put[i].Resource.Internal = ""
			}
		})
	}},
	{"RoundsTimes", "Resource/Times", false, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) {
			for i := range c.Put {
				c.Put[i].Resource.Created = c.Put[i].Resource.Created.Truncate(time.Millisecond)
			}
		})
	}},
	{"RefusesQuotes", "Resource/Strings", false, func(f *Fake) store.Store { return refusesQuotes{f} }},
	{"DeletesNothing", "Resource/Delete", true, func(f *Fake) store.Store { return deletesNothing{f} }},
	{"Lags", "Resource/Replace", true, func(f *Fake) store.Store { return lags{f} }},
	{"DeletesFirst", "Resource/Parts", false, func(f *Fake) store.Store { return deletesFirst{f} }},
	{"KeepsNothingOfTheCut", "Damage/Attributes", false, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) {
			eachDocument(c, func(d document.Document) document.Document { return d.Value().Document() })
		})
	}},
	{"KeepsTheRest", "Damage/Internal", false, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) { eachDocument(c, whatIsLeft) })
	}},
	{"UpdatesWithTheRest", "Damage/Update", false, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) { eachDocument(c, whatIsLeft) })
	}},
	{"Backwards", "List/Order", true, func(f *Fake) store.Store { return backwards{f} }},
	{"OffsetCursor", "List/CursorMoves", false, func(f *Fake) store.Store { return offsetCursor{f} }},
	{"PageTotal", "List/Total", true, func(f *Fake) store.Store { return pageTotal{f} }},
	{"OneCursorMore", "List/Cursor", true, func(f *Fake) store.Store { return oneCursorMore{f} }},
	{"AnyElement", "Filter/Operators", true, func(f *Fake) store.Store { return rewrites{f, anyElement} }},
	{"AbsentIsNever", "Filter/Operators", true, func(f *Fake) store.Store { return rewrites{f, absentIsNever} }},
	{"NeverExact", "Filter/Operators", true, func(f *Fake) store.Store { return rewrites{f, neverExact} }},
	{"AscendsOnly", "Sort/ByType", true, func(f *Fake) store.Store { return ascendsOnly{f} }},
	{"FirstLabel", "Members/Label", true, func(f *Fake) store.Store { return &firstLabel{Fake: f, labels: map[string]string{}} }},
	{"RowsBackwards", "Members/Order", true, func(f *Fake) store.Store { return rowsBackwards{f} }},
	{"FirstGroup", "Members/Related", true, func(f *Fake) store.Store { return firstGroup{f} }},
	{"MoreThanComplete", "Members/Related", true, func(f *Fake) store.Store { return moreThanComplete{f} }},
	{"SkipsUnknown", "Members/Unknown", false, func(f *Fake) store.Store { return skipsUnknown{f} }},
	{"Inexact", "Members/Delta", true, func(f *Fake) store.Store { return inexact{f} }},
	{"SameVersion", "Members/Version", true, func(f *Fake) store.Store { return sameVersion{f} }},
	{"LeavesRows", "Members/Cascade", true, func(f *Fake) store.Store { return &leavesRows{Fake: f, left: map[store.Key][]store.MemberRef{}} }},
	{"LeavesForYou", "Members/Leave", true, func(f *Fake) store.Store { return leavesForYou{f} }},
	{"TwoMoments", "Members/Moment", false, func(f *Fake) store.Store { return &twoMoments{Fake: f} }},
	{"HoldsConnections", "Members/Stalled", false, func(f *Fake) store.Store { return &holdsConnections{Fake: f} }},
	{"Oversells", "Claims/Claim", true, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) { eachClaim(c, func(x *store.Claim) { x.Limit = -1 }) })
	}},
	{"Owes", "Claims/Bounds", true, func(f *Fake) store.Store { return &owes{Fake: f, debt: map[string]int{}} }},
	{"OneCounter", "Claims/Names", true, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) { eachClaim(c, func(x *store.Claim) { x.Counter = seats }) })
	}},
	{"ClaimsBackwards", "Claims/Several", false, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) { slices.Reverse(c.Claims) })
	}},
	{"NeverAnew", "Claims/Window", true, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) {
			eachClaim(c, func(x *store.Claim) { x.Window *= 1000 })
		})
	}},
	{"LateWindow", "Claims/Window", false, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) {
			eachClaim(c, func(x *store.Claim) { x.Window += min(x.Window, time.Microsecond) })
		})
	}},
	{"RefusedBegins", "Claims/WindowRefused", true, func(f *Fake) store.Store { return refusedBegins{f} }},
	{"SortsCounters", "Claims/Counters", true, func(f *Fake) store.Store { return sortsCounters{f} }},
	{"LooksThenSells", "Concurrency/Claims", false, func(f *Fake) store.Store { return &looksThenSells{Fake: f} }},
	{"LosesMembers", "Concurrency/Members", false, func(f *Fake) store.Store { return &losesMembers{Fake: f} }},
	{"AddsAgain", "Concurrency/SameMember", false, func(f *Fake) store.Store { return inexact{f} }},
	{"MergesMembers", "Concurrency/ReplaceMembers", true, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) {
			for i := range c.Members {
				c.Members[i].IfVersion = ""
			}
		})
	}},
	{"NeverEnds", "Context/Cancelled", false, func(f *Fake) store.Store { return neverEnds{f} }},
	{"OldestFirst", "Journal/Order", true, func(f *Fake) store.Store { return oldestFirst{f} }},
	{"FirstEntry", "Journal/Whole", true, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) { c.Journal = c.Journal[:min(1, len(c.Journal))] })
	}},
	{"Anybodys", "Journal/Whole", false, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) {
			for i := range c.Journal {
				c.Journal[i].Who = ""
			}
		})
	}},
	{"AnyOutcome", "Journal/Select", true, func(f *Fake) store.Store { return anyOutcome{f} }},
	{"Overtakes", "Events/Order", true, func(f *Fake) store.Store { return overtakes{f} }},
	{"CountsNoAttempts", "Events/Whole", true, func(f *Fake) store.Store { return countsNoAttempts{f} }},
	{"OneMore", "Events/Max", true, func(f *Fake) store.Store { return leasesAs{f, func(l *store.Lease) { l.Max++ }} }},
	{"SettlesForAnyone", "Events/Owners", false, func(f *Fake) store.Store { return settlesForAnyone{f} }},
	{"NeverRunsOut", "Events/Expiry", true, func(f *Fake) store.Store { return leasesAs{f, func(l *store.Lease) { l.For = time.Hour }} }},
	{"TooLate", "Events/LateSettle", true, func(f *Fake) store.Store { return tooLate{f} }},
	{"RetriesAtOnce", "Events/Retry", true, func(f *Fake) store.Store {
		return settlesAs{f, func(x *store.Settlement) { x.After = min(x.After, 0) }}
	}},
	{"ParksSilently", "Events/Park", true, func(f *Fake) store.Store {
		return settlesAs{f, func(x *store.Settlement) { x.Reason = "" }}
	}},
	{"RenewsNothing", "Events/Renew", true, func(f *Fake) store.Store {
		return settlesAs{f, func(x *store.Settlement) {
			if x.Outcome == store.Renew {
				x.Owner = "nobody"
			}
		}}
	}},
	{"HandsBackAFailure", "Events/HandBack", true, func(f *Fake) store.Store {
		return settlesAs{f, func(x *store.Settlement) {
			if x.Outcome == store.HandBack {
				x.Outcome, x.After = store.Retry, 0
			}
		}}
	}},
	{"AnySubject", "Events/Subjects", true, func(f *Fake) store.Store { return leasesAs{f, func(l *store.Lease) { l.Subjects = nil }} }},
	{"AnyTenant", "Events/Tenants", true, func(f *Fake) store.Store { return leasesAs{f, func(l *store.Lease) { l.Tenant = "" }} }},
	{"ReplaysDoneOnly", "Events/Replay", true, func(f *Fake) store.Store { return replaysDoneOnly{f} }},
	{"ReplaysMore", "Events/ReplaySome", true, func(f *Fake) store.Store {
		return replaysAs{f, func(r *store.Replay) { r.Subject, r.EventID = nil, "" }}
	}},
	{"WaitsForLater", "Events/ReplayEarlier", true, func(f *Fake) store.Store { return waitsForLater{f} }},
	{"LeasesTwice", "Events/Race", false, func(f *Fake) store.Store { return &leasesTwice{Fake: f} }},
	{"OnePosition", "Consumers/Each", true, func(f *Fake) store.Store { return onePosition{f} }},
	{"OneOrder", "Consumers/Order", true, func(f *Fake) store.Store { return oneOrder{f} }},
	{"SettlesForAll", "Consumers/Settle", false, func(f *Fake) store.Store { return settlesForAll{f} }},
	{"TellsEverybody", "Consumers/None", true, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) {
			for i := range c.Events {
				c.Events[i].Consumers = []string{hooks, "feed"}
			}
		})
	}},
	{"ParkedOfAll", "Consumers/Parked", true, func(f *Fake) store.Store { return parkedOfAll{f} }},
	{"ReplaysForAll", "Consumers/Replay", true, func(f *Fake) store.Store { return replaysForAll{f} }},
	{"NothingIsUrgent", "Admin/Urgent", true, func(f *Fake) store.Store {
		return edited(f, func(c *store.Change) {
			for i := range c.Events {
				c.Events[i].Urgent = false
			}
		})
	}},
	{"NeverPauses", "Admin/Pause", false, func(f *Fake) store.Store { return neverPauses{f} }},
	{"DropsAnything", "Admin/Drop", false, func(f *Fake) store.Store { return dropsAnything{f} }},
	{"LagsOfAll", "Admin/Lags", false, func(f *Fake) store.Store { return lagsOfAll{f} }},
	{"AlwaysDue", "Admin/Due", false, func(f *Fake) store.Store { return alwaysDue{f} }},
	{"FeedsLess", "Admin/Whole", false, func(f *Fake) store.Store { return feedMutants(f, "FeedsLess") }},
	{"SkipsAtTheEnd", "Admin/Walk", false, func(f *Fake) store.Store { return feedMutants(f, "SkipsAtTheEnd") }},
	{"PrunesSilently", "Admin/Prune", false, func(f *Fake) store.Store { return feedMutants(f, "PrunesSilently") }},
	{"FeedsBackwards", "Admin/Race", false, func(f *Fake) store.Store { return feedMutants(f, "FeedsBackwards") }},
	{"FoldsConsumers", "Consumers/Names", false, func(f *Fake) store.Store { return foldsConsumers{f} }},
	{"PrunesParked", "Forget/Prune", false, func(f *Fake) store.Store { return prunesAs{f, func(r *store.Retention) { r.Parked = r.Done }} }},
	{"PrunesDue", "Forget/Prune", false, func(f *Fake) store.Store { return prunesDue{f} }},
	{"PrunesJournal", "Forget/PruneNothing", false, func(f *Fake) store.Store {
		return prunesAs{f, func(r *store.Retention) {
			if r.Journal.IsZero() {
				r.Journal = epoch
			}
		}}
	}},
	{"ForgetsResources", "Forget/Forget", true, func(f *Fake) store.Store { return forgetsResources{f} }},
	{"ForgetsNoEvents", "Forget/Forget", true, func(f *Fake) store.Store { return forgetsNoEvents{f} }},
	{"ForgetsByPrefix", "Forget/Forget", false, func(f *Fake) store.Store { return forgetsByPrefix{f} }},
	{"ForgetsOnce", "Forget/ForgetAgain", true, func(f *Fake) store.Store { return forgetsOnce{f} }},
	{"PrunesNoRecords", "Forget/PruneRecords", false, func(f *Fake) store.Store { return prunesRecordsAs(f, func(r map[string]time.Time) { clear(r) }) }},
	{"PrunesFreshRecords", "Forget/PruneRecords", false, func(f *Fake) store.Store {
		return prunesRecordsAs(f, func(r map[string]time.Time) {
			for typ, at := range r {
				r[typ] = at.AddDate(5, 0, 0)
			}
		})
	}},
	{"PrunesAllRecords", "Forget/PruneRecords", false, func(f *Fake) store.Store {
		return prunesRecordsAs(f, func(r map[string]time.Time) { r["storetest.Other"] = r["storetest.Old"] })
	}},
	{"PrunesPeople", "Forget/PruneRecords", false, func(f *Fake) store.Store { return prunesPeople{f} }},
	{"TracesNoEvents", "Traces/Traces", false, func(f *Fake) store.Store { return tracesAs{f, showsOnly(false)} }},
	{"TracesNoEntries", "Traces/Traces", false, func(f *Fake) store.Store { return tracesAs{f, showsOnly(true)} }},
	{"KeepsEvents", "Traces/Traces", false, func(f *Fake) store.Store { return tracesAs{f, keepsAll(true)} }},
	{"KeepsEntries", "Traces/Traces", false, func(f *Fake) store.Store { return tracesAs{f, keepsAll(false)} }},
	{"TracesOthers", "Traces/Traces", false, func(f *Fake) store.Store { return tracesOthers{f} }},
}

// TestKitCatches runs the kit on the mutants in a process of its own, where it may fail.
func TestKitCatches(t *testing.T) {
	const inside = "ROLLCALL_STORETEST_MUTANTS"
	if os.Getenv(inside) != "" {
		for _, m := range mutants {
			t.Run(m.name, func(t *testing.T) {
				t.Run("Kit", func(t *testing.T) {
					for _, x := range themes {
						theme, caught, _ := strings.Cut(m.caught, "/")
						if x.name != theme {
							continue
						}
						x.rules = slices.DeleteFunc(slices.Clone(x.rules), func(r rule) bool { return r.name != caught })
						x.run(t, func(*testing.T) store.Store { return m.make(NewFake()) })
					}
				})
				if m.random {
					t.Run("Random", func(t *testing.T) { Random(t, 1, 2000, NewFake(), m.make(NewFake())) })
				}
			})
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestKitCatches$", "-test.v", "-test.short", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), inside+"=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("the process with the mutants ended with %v", err)
	}
	failed := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: TestKitCatches/"); ok {
			name, _, _ = strings.Cut(name, " ")
			failed[name] = true
		}
	}
	if _, reason, ok := strings.Cut(string(out), "\npanic: "); ok {
		t.Fatalf("a rule panics on a mutant, where it should say what is wrong: %.4000s", reason)
	}
	for _, m := range mutants {
		if !failed[m.name+"/Kit/"+m.caught] {
			t.Errorf("mutant %s: %s didn't fail", m.name, m.caught)
		}
		if m.random && !failed[m.name+"/Random"] {
			t.Errorf("mutant %s: random operations didn't find it", m.name)
		}
	}
	for _, want := range []string{wholeOrNot, onlyItsOwn, inOrder, eachItsOwn, damageIsAnError, "seed 1, operation"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the output doesn't say %q", want)
		}
	}
	if t.Failed() && testing.Verbose() {
		t.Logf("%s", out)
	}
}
