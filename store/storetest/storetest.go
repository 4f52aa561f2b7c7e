// Package storetest is for tests. [Fake] is the store for a product's own unit tests. [Run] checks that a store keeps the
// contract of package store, [RunSubset] does so for a store over a product's own tables, which leaves some of it out, and [Random]
// compares two stores by random operations.
package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-dev/rollcall/store"
)

// Run checks a store against the contract of package store, each rule in a sub-test. A failure says in words which rule is broken. newStore
// returns an empty store; it is called about twenty times, because most rules share a store, in which each has its own tenant. It
// should close what it opens with t.Cleanup. The optional interfaces of package store are checked if [store.As] finds them, and
// skipped otherwise. With -short, groups of 100,000 members become smaller.
func Run(t *testing.T, newStore func(t *testing.T) store.Store) {
	for _, theme := range themes {
		theme.run(t, newStore)
	}
}

// theme is a group of rules that share a store.
type theme struct {
	name  string
	rules []rule
}

var themes = []theme{
	{"Resource", resourceRules},
	{"Atomicity", atomicityRules},
	{"Unique", uniqueRules},
	{"Tenant", tenantRules},
	{"Ownership", ownershipRules},
	{"List", listRules},
	{"Filter", filterRules},
	{"Sort", sortRules},
	{"Members", memberRules},
	{"Claims", claimRules},
	{"Damage", damageRules},
	{"Concurrency", concurrencyRules},
	{"Context", contextRules},
	{"Journal", journalRules},
	{"Events", eventRules},
	{"Consumers", consumerRules},
	{"Admin", adminRules},
	{"Forget", forgetRules},
	{"Traces", traceRules},
}

func (x theme) run(t *testing.T, newStore func(t *testing.T) store.Store) {
	t.Run(x.name, func(t *testing.T) {
		s := newStore(t)
		for i, r := range x.rules {
			t.Run(r.name, func(t *testing.T) {
				r.check(&kit{T: t, Store: s, rule: r, tenant: fmt.Sprintf("tenant-%s-%d", strings.ToLower(x.name), i)})
			})
		}
	})
}

// rule is one rule of the contract.
type rule struct {
	name  string
	text  string // what the rule says, for the message of a failure
	check func(k *kit)
}

// kit checks one rule, in a tenant that no other rule uses.
type kit struct {
	*testing.T
	store.Store
	rule   rule
	tenant string
}

// broken fails the test with what was seen instead of what the rule wants, and goes on.
func (k *kit) broken(format string, args ...any) {
	k.Helper()
	k.Errorf("the rule\n    %s\nis broken: %s", k.rule.text, fmt.Sprintf(format, args...))
}

// stop fails the test with what was seen, and ends the check.
func (k *kit) stop(format string, args ...any) {
	k.Helper()
	k.broken(format, args...)
	k.FailNow()
}

// commit commits a change that must succeed.
func (k *kit) commit(c store.Change) {
	k.Helper()
	c.Tenant = k.tenant
	if err := k.Commit(k.Context(), &c); err != nil {
		k.stop("a change that nothing speaks against failed: %v", err)
	}
}

// refused commits a change that must fail with the wanted error: the same sentinel, or an error of the same type about the same
// attribute, member or counter.
func (k *kit) refused(what string, want error, c store.Change) {
	k.Helper()
	c.Tenant = k.tenant
	if err := k.Commit(k.Context(), &c); !same(err, want) {
		k.broken("%s: got %s, want %s", what, describe(err), describe(want))
	}
}

// same says whether a store may return err where the contract asks for want.
func same(err, want error) bool {
	var conflict, wantConflict *store.ConflictError
	if errors.As(want, &wantConflict) {
		return errors.As(err, &conflict) && conflict.Attribute == wantConflict.Attribute
	}
	var unknown, wantUnknown *store.UnknownMemberError
	if errors.As(want, &wantUnknown) {
		return errors.As(err, &unknown) && unknown.ID == wantUnknown.ID
	}
	var claim, wantClaim *store.ClaimError
	if errors.As(want, &wantClaim) {
		return errors.As(err, &claim) && claim.Counter == wantClaim.Counter
	}
	return errors.Is(err, want)
}

func describe(err error) string {
	if err == nil {
		return "no error"
	}
	return fmt.Sprintf("error %q", err)
}

func conflict(attribute string) error { return &store.ConflictError{Attribute: attribute} }

// get reads a resource that must be there.
func (k *kit) get(typ, id string) *store.Resource {
	k.Helper()
	r, err := k.Get(k.Context(), store.Key{Tenant: k.tenant, Type: typ, ID: id})
	if err != nil {
		k.stop("Get of %s %s: %v", typ, id, err)
	}
	return r
}

// gone checks that a resource isn't there.
func (k *kit) gone(typ, id string) {
	k.Helper()
	_, err := k.Get(k.Context(), store.Key{Tenant: k.tenant, Type: typ, ID: id})
	if !errors.Is(err, store.ErrNotFound) {
		k.broken("Get of %s %s, which isn't there: got %s, want %s", typ, id, describe(err), describe(store.ErrNotFound))
	}
}

// list reads a page. It ends the check if that fails.
func (k *kit) list(q store.Query) *store.Page {
	k.Helper()
	q.Tenant = k.tenant
	if q.Types == nil {
		q.Types = []string{"User"}
	}
	p, err := k.List(k.Context(), q)
	if err != nil {
		k.stop("List of %s: %v", describeQuery(q), err)
	}
	if p == nil {
		k.stop("List of %s: got neither a page nor an error", describeQuery(q))
	}
	return p
}

// walk reads all pages by cursor.
func (k *kit) walk(q store.Query) (ids []string) {
	k.Helper()
	return k.follow(q, true)
}

// follow does what walk does. While others write (quiet is false), a page may be empty, as what was behind the cursor may have been deleted.
func (k *kit) follow(q store.Query, quiet bool) (ids []string) {
	k.Helper()
	for range 10_000 {
		p := k.list(q)
		if len(p.Resources) > q.Count {
			k.stop("List of %s: got %d resources, more than asked for", describeQuery(q), len(p.Resources))
		}
		if quiet && q.Cursor != "" && len(p.Resources) == 0 {
			k.broken("List of %s: the page before had a cursor, and there's nothing behind it", describeQuery(q))
		}
		ids = append(ids, idsOf(p)...)
		if q.Cursor = p.Next; p.Next == "" {
			return ids
		}
	}
	k.stop("the cursors of %s never end", describeQuery(q))
	return nil
}

func idsOf(p *store.Page) (ids []string) {
	for _, r := range p.Resources {
		ids = append(ids, r.ID)
	}
	return ids
}

// members reads membership rows. It ends the check if that fails.
func (k *kit) members(q store.MemberQuery) (rows []store.Member) {
	k.Helper()
	q.Tenant = k.tenant
	for m, err := range k.Members(k.Context(), q) {
		if err != nil {
			k.stop("Members of %+v: %v", q, err)
		}
		rows = append(rows, m)
	}
	return rows
}

// want compares two values by their printed forms.
func (k *kit) want(what string, got, want any) {
	k.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		k.broken("%s:\n got %s\nwant %s", what, g, w)
	}
}

// describeResource prints everything of a resource that a store must return as it was put.
func describeResource(r *store.Resource) string {
	index := slices.Clone(r.Index)
	slices.SortFunc(index, func(a, b store.IndexKey) int {
		return strings.Compare(a.Attribute+"\x00"+a.Value, b.Attribute+"\x00"+b.Value)
	})
	index = slices.Compact(index)
	return fmt.Sprintf("%q %q created %s modified %s label %q index %q attributes %s internal %s", r.Key, r.Version,
		r.Created.Format(timeFormat), r.LastModified.Format(timeFormat), r.Label, fmt.Sprint(index), r.Attributes, r.Internal)
}

const timeFormat = "2006-01-02T15:04:05.999999Z07:00"

func describeQuery(q store.Query) string {
	s := fmt.Sprintf("%v", q.Types)
	if q.Filter != nil {
		s += fmt.Sprintf(" with filter %+v", q.Filter)
	}
	if q.Sort != nil {
		s += fmt.Sprintf(" sorted by %s (descending: %t)", q.Sort.By.Path, q.Sort.Descending)
	}
	return s + fmt.Sprintf(" start %d count %d cursor %q", q.Start, q.Count, q.Cursor)
}
