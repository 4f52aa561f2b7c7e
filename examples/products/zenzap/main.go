// Zenzap shows a messenger that Entra ID and Okta provision: the identity provider sets name and mobile number when it
// creates somebody, and from then on they are the person's own.
//
//	go run ./examples/products/zenzap -addr 127.0.0.1:8080 -token acme=SECRET
package main

import (
	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/typed"
)

// Person is somebody who chats. "create" is the page's "Only during creation": Entra then sends these attributes in the
// POST only, but Okta sends all of them with every PUT, and the product must not let go of what people changed.
type Person struct {
	Email  string `scim:"userName,required" validate:"email"`
	Name   string `scim:"displayName,create" validate:"max=100"`
	Mobile string `scim:"phoneNumbers[type eq \"mobile\"].value,create" validate:"max=40"`
	Active bool   `scim:"active"`
}

// Channel is a group.
type Channel struct {
	Name string `scim:"displayName"`
}

// People are keyed by their mail address: it is their userName, and nobody else's in emails.
var (
	people = typed.Users(mapping.Must(mapping.For[Person]()), typed.Unique("emails.value"))
	groups = typed.Groups(mapping.Must(mapping.For[Channel]()), typed.Unique("displayName"))
)

func main() {
	boot.Main(product())
}

func product() boot.App {
	a := &app.App{
		Defaults: func() lifecycle.Settings {
			s := lifecycle.DefaultSettings()
			s.Deprovision = "deactivate"
			return s
		},
		Options: func(o *scim.Options) {
			o.Types = []scim.Type{people, groups}
		},
	}
	return a.Boot("zenzap")
}
