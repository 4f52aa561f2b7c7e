// Zenkit shows a work space that is provisioned by Entra ID as Zenkit's set-up page has it: people are known by their mail
// address and four attributes, groups by their objectId; who is provisioned is billed from the first login on.
//
//	go run ./examples/products/zenkit -addr 127.0.0.1:8080 -token acme=SECRET
package main

import (
	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/typed"
)

// Person is all that the product wants to know of somebody. What else is sent is dropped, and the journal says so.
type Person struct {
	Email    string `scim:"userName,required" validate:"email"`
	Name     string `scim:"displayName,trim" validate:"max=200"`
	Language string `scim:"preferredLanguage" validate:"omitempty,bcp47"`
	Active   bool   `scim:"active"`
}

// Team is a group.
type Team struct {
	Name string `scim:"displayName"`
}

var (
	people = typed.Users(mapping.Must(mapping.Compile[Person](&mapping.Options{Unknown: mapping.Drop})))
	// Groups are matched by externalId, which holds Entra's objectId: a group may be renamed, and two may have one name.
	groups = typed.Groups(mapping.Must(mapping.For[Team]()), typed.Unique("externalId"))
)

func main() {
	boot.Main(product())
}

func product() boot.App {
	a := &app.App{
		Defaults: func() lifecycle.Settings {
			s := lifecycle.DefaultSettings()
			s.SeatCounting = "billed"     // "Provisioned" until the first login, which is when billing begins
			s.ExistingAccount = "acquire" // an account with that address must be acquired by an administrator first
			s.SSO, s.Manual = true, true  // the toggles of the page; PUT /app/settings switches them
			s.Deprovision = "suspend"     // active=false keeps the person and what is theirs
			s.Plan, s.PlanAllows = "Enterprise", true
			return s
		},
		Options: func(o *scim.Options) {
			o.Types = []scim.Type{people, groups}
		},
	}
	return a.Boot("zenkit")
}
