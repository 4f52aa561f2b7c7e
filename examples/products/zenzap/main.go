// Zenzap shows a messenger that Entra ID and Okta provision: the identity provider sets name and mobile number when it
// creates somebody, and from then on they are the person's own.
//
//	go run ./examples/products/zenzap -addr 127.0.0.1:8080 -token acme=SECRET
package main

import (
	elimity "github.com/elimity-com/scim"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/examples/products/rules"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/scim"
)

// Person is somebody who chats. "create" is the page's "Only during creation": Entra then sends these attributes in the
// POST only, but Okta sends all of them with every PUT, and the product must not let go of what people changed.
type Person struct {
	Email  string `scim:"userName,required" validate:"email"`
	Name   string `scim:"displayName,create" validate:"max=100"`
	Mobile string `scim:"phoneNumbers[type eq \"mobile\"].value,create" validate:"max=40"`
	Active bool   `scim:"active"`
}

// People are keyed by their mail address: it is their userName, and nobody else's in emails.
var (
	people = mapping.Match{Type: "User", By: []string{"emails.value"}}
	groups = mapping.Match{Type: "Group", By: []string{"displayName"}}
)

func main() {
	a, err := product()
	if err != nil {
		panic(err) // a tag is wrong
	}
	boot.Main(a)
}

func product() (boot.App, error) {
	person, err := mapping.For[Person]()
	if err != nil {
		return boot.App{}, err
	}
	users, err := rules.Type(scim.UserType(), person)
	if err != nil {
		return boot.App{}, err
	}
	a := &app.App{
		Defaults: func() lifecycle.Settings {
			s := lifecycle.DefaultSettings()
			s.Deprovision = "deactivate"
			return s
		},
		Options: func(o *scim.Options) {
			o.ResourceTypes = []elimity.ResourceType{users, scim.GroupType()}
			o.Unique = mapping.Unique(people, groups)
			o.Mutability = map[string]map[string]string{"User": person.Mutability()}
			o.Lifecycle.Guards = []lifecycle.Guard{rules.Guard("User", person)}
		},
	}
	return a.Boot("zenzap"), nil
}
