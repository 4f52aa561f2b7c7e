package storetest

import (
	"context"

	"github.com/rollcall-dev/rollcall/store"
)

var contextRules = []rule{
	{"Cancelled", "A call whose context is done fails with an error and does nothing.", cancelled},
	{"During", "A context that ends while rows are read ends the reading, with an error or with the last row.", cancelledDuring},
}

func cancelled(k *kit) {
	furnish(k)
	was := k.everything()
	ctx, cancel := context.WithCancel(k.Context())
	cancel()
	if _, err := k.Get(ctx, store.Key{Tenant: k.tenant, Type: "User", ID: id(1)}); err == nil {
		k.broken("Get succeeded")
	}
	for _, x := range []string{`userName sw "u"`, `userName eq "user-1"`} {
		if _, err := k.List(ctx, store.Query{Tenant: k.tenant, Types: []string{"User"}, Count: 10, Filter: where(x)}); err == nil {
			k.broken("List with %s succeeded", x)
		}
	}
	failed := false
	for _, err := range k.Members(ctx, store.MemberQuery{Tenant: k.tenant, Groups: []string{id(10)}}) {
		failed = failed || err != nil
	}
	if !failed {
		k.broken("Members ended without an error")
	}
	c := creates(user(5))
	c.Tenant = k.tenant
	if err := k.Commit(ctx, &c); err == nil {
		k.broken("Commit succeeded")
	}
	k.want("all that can be read afterwards", k.everything(), was)
}

func cancelledDuring(k *kit) {
	c := creates(group(5000))
	d := delta(5000, "v1", nil, nil)
	for n := range 3000 {
		c.Put = append(c.Put, store.Put{Resource: plain("User", n)})
		d.Add = append(d.Add, store.MemberRef{Type: "User", ID: id(n)})
	}
	c.Members = []store.MemberDelta{d}
	k.commit(c)
	ctx, cancel := context.WithCancel(k.Context())
	defer cancel()
	rows, failed := 0, false
	for _, err := range k.Members(ctx, store.MemberQuery{Tenant: k.tenant, Groups: []string{id(5000)}}) {
		if cancel(); err != nil {
			failed = true
			break
		}
		rows++
	}
	if !failed && rows != 3000 {
		k.broken("the rows end after %d of 3000 without an error", rows)
	}
	k.get("User", id(1))
}
