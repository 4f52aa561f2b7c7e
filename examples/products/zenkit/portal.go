package main

import (
	"github.com/rollcall-dev/rollcall/scim/portal"
)

// completePortal completes the options of the portal with the look of this product, its texts, and the attributes that are mapped.
// The toggles of the settings page are provisioning, sign-in and adding by hand.
func completePortal(o portal.Options) portal.Options {
	o.Theme = portal.Theme{Product: "Zenkit", Logo: []byte(logo), CSS: css}
	o.People = people.Attributes()
	o.Groups = groups.Attributes()
	o.Choices = []string{"scim", "scimOff", "sso", "manual", "deprovision", "existingAccount", "keepBodiesUntil"}
	o.Text = map[string]map[string]string{
		"en": {
			"settings.lead":      "The toggles of your work space. You see what each does before it is saved.",
			"person.provisioned": "Provisioned (not billed yet)",
			"why.provisioned":    "May sign in. Billing begins with the first sign-in.",
			"connect.lead":       "Connect Entra ID to %s: four attributes, and groups by their object ID.",
			"overview.lead":      "Who comes to %s by your identity provider.",
		},
		"de": {
			"settings.lead":      "Die Schalter Ihres Arbeitsbereichs. Sie sehen, was jeder bewirkt, bevor er gespeichert wird.",
			"person.provisioned": "Bereitgestellt (noch nicht abgerechnet)",
			"why.provisioned":    "Darf sich anmelden. Abgerechnet wird ab der ersten Anmeldung.",
			"connect.lead":       "Verbinden Sie Entra ID mit %s: vier Attribute, und Gruppen nach ihrer Objekt-ID.",
			"overview.lead":      "Wer durch Ihren Identitätsanbieter zu %s kommt.",
		},
	}
	return o
}

const (
	logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#2a6f3b"/><path d="M9 10h14L12 22h11" fill="none" stroke="#fff" stroke-width="3.4" stroke-linejoin="round" stroke-linecap="round"/></svg>`
	css  = `:root { --accent: #2a6f3b; --accent-strong: #1c5129; --radius: 6px }
@media (prefers-color-scheme: dark) { :root { --accent: #86d99b; --accent-strong: #a9e8b8; --on-accent: #0c1f11 } }`
)
