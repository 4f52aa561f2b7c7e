package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

const damageIsAnError = "I12: A document that isn't whole is refused with ErrCorrupt when it is put, or every read of it is: it never reads as a resource with fewer attributes."

var damageRules = []rule{
	{"Attributes", damageIsAnError, func(k *kit) { damage(k, func(r *store.Resource, d document.Document) { r.Attributes = d }) }},
	{"Internal", damageIsAnError, func(k *kit) { damage(k, func(r *store.Resource, d document.Document) { r.Internal = d }) }},
	{"Update", damageIsAnError + " What was there before stays, if the damaged one is refused.", damagedUpdate},
}

// damaged returns texts that are no complete JSON objects: every proper prefix of one, and some others.
func damaged() (texts []document.Document) {
	whole := `{"userName":"Anna \"A\"","age":12,"name":{"familyName":"x"},"tags":["a","b"],"active":true}`
	for n := 1; n < len(whole); n++ {
		texts = append(texts, document.Document(whole[:n]))
	}
	if testing.Short() { // only those prefixes that a careless parser could take for complete
		texts = []document.Document{`{`, `{"userName":"a`, `{"userName":"a"`, `{"userName":"a",`, `{"name":{"familyName":"x"}`, `{"tags":["a"]`, `{"active":tru`}
	}
	return append(texts, `{"userName":"a"}}`, `{"userName":"a""title":"b"}`, `{"name":{"familyName":"x"]}`, `{"age":}`, `["userName"]`, `"userName"`, `null`, `x`)
}

func damage(k *kit, set func(r *store.Resource, d document.Document)) {
	for i, d := range damaged() {
		own := *k
		own.tenant = fmt.Sprint(k.tenant, "-", i)
		own.commit(creates(user(2)))
		r := resource("User", id(1), `{"userName":"anna","externalId":"X-1"}`)
		set(r, d)
		c := creates(r)
		c.Tenant = own.tenant
		err := own.Commit(own.Context(), &c)
		switch {
		case err == nil:
			own.unreadable(string(d))
		case !errors.Is(err, store.ErrCorrupt):
			k.broken("a put of the document %s: got %s, want %s", d, describe(err), describe(store.ErrCorrupt))
		default:
			own.gone("User", id(1))
			own.want("those that are there", idsOf(own.list(store.Query{Count: 10})), []string{id(2)})
		}
	}
}

// unreadable checks that user 1 exists and can't be read.
func (k *kit) unreadable(document string) {
	k.Helper()
	if _, err := k.Get(k.Context(), store.Key{Tenant: k.tenant, Type: "User", ID: id(1)}); !errors.Is(err, store.ErrCorrupt) {
		k.stop("a Get of the document %s: got %s, want %s", document, describe(err), describe(store.ErrCorrupt))
	}
	for _, q := range []store.Query{
		{Count: 10}, {Count: 10, Filter: where(`userName eq "anna"`)}, {Count: 10, Filter: where(`externalId eq "X-1"`)},
		{Count: 10, Filter: where(`title pr`)}, {Count: 10, Filter: where(`not (userName sw "x")`)},
		{Count: 10, Sort: &store.Sort{By: attribute("title")}},
	} {
		q.Tenant, q.Types = k.tenant, []string{"User"}
		if _, err := k.List(k.Context(), q); !errors.Is(err, store.ErrCorrupt) {
			k.stop("List of %s over the document %s: got %s, want %s", describeQuery(q), document, describe(err), describe(store.ErrCorrupt))
		}
	}
}

func damagedUpdate(k *kit) {
	first := resource("User", id(1), `{"userName":"anna","externalId":"X-1","title":"Dr"}`)
	first.Internal = `{"state":"suspended"}`
	k.commit(creates(first, user(2)))
	second := next(first, "v2", `{"userName":"anna","externalId":"X-1","title":"Dr"}`)
	second.Attributes, second.Internal = second.Attributes[:len(second.Attributes)-8], first.Internal
	c := update(second, "v1")
	c.Tenant = k.tenant
	c.Put[0].Was = first
	switch err := k.Commit(k.Context(), &c); {
	case err == nil:
		k.unreadable(string(second.Attributes))
	case !errors.Is(err, store.ErrCorrupt):
		k.broken("a put of a document that was cut off: got %s, want %s", describe(err), describe(store.ErrCorrupt))
	default:
		k.want("what was there before", k.get("User", id(1)).Attributes, first.Attributes)
	}
}
