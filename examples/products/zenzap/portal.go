package main

import (
	"github.com/rollcall-dev/rollcall/scim/portal"
)

// completePortal completes the options of the portal with the look of this product, its texts, and the attributes that are mapped.
// The table of attributes says that the identity provider sets the name and the mobile number when it creates a person, and not later.
func completePortal(o portal.Options) portal.Options {
	o.Theme = portal.Theme{Product: "Zenzap", Logo: []byte(logo), CSS: css}
	o.People = people.Attributes()
	o.Groups = groups.Attributes()
	o.Choices = []string{"deprovision", "inactiveUser", "keepBodiesUntil"}
	o.Text = map[string]map[string]string{
		"en": {
			"authority.create": "your identity provider when it creates the person; then the person",
			"groups.title":     "Channels",
			"groups.menu":      "Channels",
			"groups.name":      "Channel",
			"groups.empty":     "There are no channels yet.",
		},
		"de": {
			"authority.create": "Ihr Identitätsanbieter beim Anlegen der Person, danach die Person",
			"groups.title":     "Kanäle",
			"groups.menu":      "Kanäle",
			"groups.name":      "Kanal",
			"groups.empty":     "Es gibt noch keine Kanäle.",
		},
	}
	return o
}

const (
	logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path d="M4 6h24v16H16l-7 6v-6H4z" fill="#7a2bd6"/><path d="m18 8-6 8h4l-2 5 7-8h-4z" fill="#fff"/></svg>`
	css  = `:root { --accent: #7a2bd6; --accent-strong: #5a1ca3; --radius: 18px }
@media (prefers-color-scheme: dark) { :root { --accent: #c9a2ff; --accent-strong: #dcc3ff; --on-accent: #1f0b38 } }`
)
