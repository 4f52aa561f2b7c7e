// Z8 shows time tracking with organizations that share nothing: each has its own token, people, review and role template.
// An attribute of the product's own is declared to identity providers.
//
//	go run ./examples/products/z8 -addr 127.0.0.1:8080 -token acme=SECRET1 -token umbrella=SECRET2
package main

import (
	"net/http"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/typed"
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

// members are the users of z8: their extension is declared, and their mapping decides what an identity provider may change.
var members = typed.Users(mapping.Must(mapping.For[Member]()))

func main() {
	boot.Main(product())
}

func product() boot.App {
	a := &app.App{
		Defaults: func() lifecycle.Settings { // of each organization; PUT /app/settings changes one's
			s := lifecycle.DefaultSettings()
			s.Review = true           // new people wait for an administrator; false activates them at once
			s.Deprovision = "suspend" // or deactivate
			s.DefaultRole = "employee"
			return s
		},
		Options: func(o *scim.Options) {
			o.Types = []scim.Type{members}
		},
	}
	b := a.Boot("z8")
	mount := b.Mount
	b.Mount = func(mux *http.ServeMux, s *boot.Service) error {
		mux.Handle("GET /app/activity", activity(a))
		return mount(mux, s)
	}
	return b
}
