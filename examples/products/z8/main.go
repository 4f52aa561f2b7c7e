// Z8 shows time tracking with organizations that share nothing: each has its own token, people, review and role template.
// An attribute of the product's own is declared to identity providers.
//
//	go run ./examples/products/z8 -addr 127.0.0.1:8080 -token acme=SECRET1 -token umbrella=SECRET2
package main

import (
	"net/http"

	elimity "github.com/elimity-com/scim"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/examples/products/rules"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/scim"
)

// Member is somebody who tracks time. What is under the product's own URN is in /Schemas, so that an administrator can
// map it: the weekly hours are the identity provider's to set once, the balance is the product's alone.
type Member struct {
	Login   string  `scim:"userName,required" validate:"email"`
	Given   string  `scim:"name.givenName"`
	Family  string  `scim:"name.familyName"`
	Active  bool    `scim:"active"`
	Hours   float64 `scim:"urn:example:z8:Member:weeklyHours,ifEmpty" validate:"min=0,max=80"`
	Balance *int    `scim:"urn:example:z8:Member:balanceMinutes,product"`
}

func main() {
	a, err := product()
	if err != nil {
		panic(err) // a tag is wrong
	}
	boot.Main(a)
}

func product() (boot.App, error) {
	members, err := mapping.For[Member]()
	if err != nil {
		return boot.App{}, err
	}
	users, err := rules.Type(scim.UserType(), members)
	if err != nil {
		return boot.App{}, err
	}
	a := &app.App{
		Defaults: func() lifecycle.Settings { // of each organization; PUT /app/settings changes one's
			s := lifecycle.DefaultSettings()
			s.Review = true           // new people wait for an administrator; false activates them at once
			s.Deprovision = "suspend" // or deactivate
			s.DefaultRole = "employee"
			return s
		},
		Options: func(o *scim.Options) {
			o.ResourceTypes = []elimity.ResourceType{users, scim.GroupType()}
			o.Mutability = map[string]map[string]string{"User": members.Mutability()}
			o.Lifecycle.Guards = []lifecycle.Guard{rules.Guard("User", members)}
		},
	}
	b := a.Boot("z8")
	mount := b.Mount
	b.Mount = func(mux *http.ServeMux, s *boot.Service) error {
		mux.Handle("GET /app/activity", activity(a))
		return mount(mux, s)
	}
	return b, nil
}
