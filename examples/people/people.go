// Package people fills a store with people who look like those of a company, for benchmarks and for trying a store at size.
package people

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Index computes the index keys and the label of a resource: lifecycle.Service has it.
type Index func(typ string, attributes document.Value) ([]store.IndexKey, string)

// perCommit is how many resources or members one commit writes. The more there are, the less often a database writes each page of its
// indexes.
const perCommit = 20_000

// epoch is when the first person was created. Each is created a second after the one before.
var epoch = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

var (
	given  = []string{"Ada", "Bjørn", "Chen", "Dilara", "Emeka", "Fatima", "Grace", "Hiroshi", "Inés", "Jørgen", "Kateryna", "Luca", "Mei", "Noor", "Olivia", "Paweł"}
	family = []string{"Andersson", "Bianchi", "Çelik", "Dupont", "Eze", "Fernández", "García", "Haugen", "Ivanova", "Jansen", "Kowalski", "Li", "Müller", "Nakamura", "Okafor"}
	units  = []string{"Engineering", "Finance", "Legal", "Marketing", "Operations", "People", "Research", "Sales", "Support"}
	titles = []string{"Analyst", "Architect", "Assistant", "Consultant", "Director", "Engineer", "Manager", "Specialist"}
)

// UserName returns the userName of the nth person.
func UserName(n int) string { return "person." + strconv.Itoa(n) + "@corp.example" }

// ID returns the id of the nth person. The order of the ids is not that of n.
func ID(n int) string {
	x := uint64(n+1) * 0x9e3779b97f4a7c15 // the factor is odd, so that all products differ
	return fmt.Sprintf("%016x", x)
}

// User makes the nth person.
func User(index Index, n int) *store.Resource {
	first, last := given[n%len(given)], family[n/len(given)%len(family)]
	text := fmt.Sprintf(`{"externalId":"%08x-0000-4000-8000-%012d","userName":%q,"name":{"familyName":%q,"givenName":%q},"displayName":%q,`+
		`"title":%q,"preferredLanguage":"en-GB","active":%t,"emails":[{"value":%q,"type":"work","primary":true}],`+
		`"phoneNumbers":[{"value":"+47 55 %02d %02d %02d","type":"work"}],`+
		`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"%d","department":%q}}`,
		n, n, UserName(n), last, first, first+" "+last, titles[n%len(titles)], n%20 != 19, UserName(n),
		n/10000%100, n/100%100, n%100, 100000+n, units[n%len(units)])
	v, err := document.Parse(text, 0)
	if err != nil {
		panic(err) // it can't fail, because the text above is valid JSON
	}
	at := epoch.Add(time.Duration(n) * time.Second)
	r := &store.Resource{Key: store.Key{Type: "User", ID: ID(n)}, Version: "1", Created: at, LastModified: at,
		Attributes: v.Document(), Internal: `{"state":"provisioned","source":"scim","seat":true}`}
	r.Index, r.Label = index("User", v)
	return r
}

// Users creates the people with the numbers from to to-1 in a tenant. Each has a seat.
func Users(ctx context.Context, s store.Store, index Index, tenant string, from, to int) error {
	for ; from < to; from += perCommit {
		c := &store.Change{Tenant: tenant}
		for n := from; n < min(from+perCommit, to); n++ {
			c.Put = append(c.Put, store.Put{Resource: User(index, n)})
		}
		c.Claims = []store.Claim{{Counter: "seats", Take: len(c.Put), Limit: -1}}
		if err := s.Commit(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// Group creates a group in a tenant, whose members are the first people.
func Group(ctx context.Context, s store.Store, index Index, tenant, id string, members int) error {
	attributes := document.Object(document.Field{Name: "displayName", Value: document.String("Group " + id)})
	r := &store.Resource{Key: store.Key{Type: "Group", ID: id}, Version: "1", Created: epoch, LastModified: epoch, Attributes: attributes.Document()}
	r.Index, r.Label = index("Group", attributes)
	if err := s.Commit(ctx, &store.Change{Tenant: tenant, Put: []store.Put{{Resource: r}}}); err != nil {
		return err
	}
	for from := 0; from < members; from += perCommit {
		d := store.MemberDelta{Group: id, Version: "1", LastModified: epoch}
		for n := from; n < min(from+perCommit, members); n++ {
			d.Add = append(d.Add, store.MemberRef{Type: "User", ID: ID(n)})
		}
		if err := s.Commit(ctx, &store.Change{Tenant: tenant, Members: []store.MemberDelta{d}}); err != nil {
			return err
		}
	}
	return nil
}
