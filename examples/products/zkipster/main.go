// Zkipster shows guest lists that Okta provisions: a plan with so many seats, telephone numbers in one form, and groups
// that become teams.
//
//	go run ./examples/products/zkipster -addr 127.0.0.1:8080 -token acme=SECRET -seats 5
package main

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/typed"
	"github.com/rollcall-dev/rollcall/store"
)

// Person is somebody who works on guest lists.
type Person struct {
	Email  string  `scim:"userName,required" validate:"email"`
	Given  string  `scim:"name.givenName"`
	Family string  `scim:"name.familyName"`
	Phones []Phone `scim:"phoneNumbers" validate:"dive"`
	Active bool    `scim:"active"`
}

// Phone is "<country_prefix> <telephone_number>", or refused.
type Phone struct {
	Number string `scim:"value" validate:"phone_cc"`
	Kind   string `scim:"type"`
}

// Team is what a group becomes: it maps like a person.
type Team struct {
	Name string `scim:"displayName,required" validate:"max=60"`
}

var (
	people = typed.Users(mapping.Must(mapping.For[Person]()))
	teams  = typed.Groups(mapping.Must(mapping.For[Team]()))
)

// roles are those of the product, by the teams that somebody is in.
var roles = mapping.Roles{Rules: []mapping.RoleRule{{Group: "Admins", Role: "administrator"}, {Group: "Front Door", Role: "check-in"}}, Default: "viewer"}

func main() {
	boot.Main(product())
}

func product() boot.App {
	seats := 10
	a := &app.App{
		Defaults: func() lifecycle.Settings {
			s := lifecycle.DefaultSettings()
			s.SeatLimit = &seats // of all who have access; deactivation frees one
			s.Deprovision = "deactivate"
			s.Plan, s.PlanAllows = "Enterprise", true // PUT /app/settings {"plan":"Basic","planAllows":false}: the gate
			s.DefaultRole = roles.Default
			return s
		},
		Options: func(o *scim.Options) {
			o.Types = []scim.Type{people, teams}
		},
	}
	b := a.Boot("zkipster")
	b.Flags = func(f *flag.FlagSet) { f.IntVar(&seats, "seats", seats, "`seats` of a tenant's plan") }
	mount := b.Mount
	b.Mount = func(mux *http.ServeMux, s *boot.Service) error {
		mux.HandleFunc("GET /app/teams", func(w http.ResponseWriter, r *http.Request) {
			tenant := r.URL.Query().Get("tenant")
			if tenant == "" {
				http.Error(w, `{"error":"tenant is missing"}`, http.StatusBadRequest)
				return
			}
			list, err := listTeams(r.Context(), s.Store, tenant)
			if err != nil {
				http.Error(w, "the service failed", http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]any{"teams": list})
		})
		return mount(mux, s)
	}
	return b
}

// team is a line of GET /app/teams.
type team struct {
	Name    string `json:"name"`
	Members []mate `json:"members"`
}

type mate struct {
	Name string `json:"name"`
	Role string `json:"role"`
}

// listTeams shows a tenant's teams, with the role that each member has.
func listTeams(ctx context.Context, s store.Store, tenant string) ([]team, error) {
	const most = 100
	page, err := s.List(ctx, store.Query{Tenant: tenant, Types: []string{"Group"}, Count: most, NoTotal: true})
	if err != nil {
		return nil, err
	}
	list := []team{}
	for _, g := range page.Resources {
		t, err := teams.Value(ctx, g)
		if err != nil {
			return nil, err
		}
		line := team{Name: t.Name, Members: []mate{}}
		for row, err := range s.Members(ctx, store.MemberQuery{Tenant: tenant, Groups: []string{g.ID}}) {
			if err != nil {
				return nil, err
			}
			role, err := roles.OfMember(ctx, s, tenant, row.ID)
			if err != nil {
				return nil, err
			}
			if line.Members = append(line.Members, mate{row.Label, role}); len(line.Members) == most {
				break
			}
		}
		list = append(list, line)
	}
	return list, nil
}
