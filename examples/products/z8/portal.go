package main

import (
	"context"
	"fmt"

	"github.com/rollcall-dev/rollcall/scim/portal"
	"github.com/rollcall-dev/rollcall/store"
)

// completePortal completes the options of the portal with the look of this product, its texts, and the attributes that are mapped.
// The steps are those of the product's set-up page: sign-on, token, test, and what happens to people who are deprovisioned.
func completePortal(o portal.Options) portal.Options {
	o.Theme = portal.Theme{Product: "Z8", Logo: []byte(logo), CSS: css}
	o.People = members.Attributes()
	o.Holds = holds
	o.Choices = []string{"review", "deprovision", "keepBodiesUntil"}
	o.Text = map[string]map[string]string{
		"en": {
			"connect.title":       "Provisioning wizard",
			"connect.menu":        "Wizard",
			"connect.lead":        "Set up single sign-on to %s first. Then choose your identity provider, copy the token, run its test, and decide about review and deprovisioning under Settings.",
			"setting.review":      "Review new members",
			"setting.review.text": "Off: members are activated at once. On: they wait until you approve them.",
			"setting.deprovision": "When a member is deactivated",
			"person.pending":      "Waiting for review",
			"stage.policy":        "Review and deprovisioning",
		},
		"de": {
			"connect.title":       "Einrichtungsassistent",
			"connect.menu":        "Assistent",
			"connect.lead":        "Richten Sie zuerst die einmalige Anmeldung bei %s ein. Wählen Sie dann Ihren Identitätsanbieter, kopieren Sie das Token, starten Sie seinen Test, und entscheiden Sie unter Einstellungen über Prüfung und Austritt.",
			"setting.review":      "Neue Mitglieder prüfen",
			"setting.review.text": "Aus: Mitglieder sind sofort aktiv. An: sie warten, bis Sie sie freigeben.",
			"setting.deprovision": "Wenn ein Mitglied deaktiviert wird",
			"person.pending":      "Wartet auf Prüfung",
			"stage.policy":        "Prüfung und Austritt",
		},
	}
	return o
}

// holds returns the attributes of a member as z8 shows them, such as the hours and the balance. A product that keeps people in tables of its
// own reads these tables here.
func holds(ctx context.Context, r *store.Resource) (map[string]string, error) {
	m, err := members.Value(ctx, r)
	if err != nil {
		return nil, err
	}
	has := map[string]string{"userName": m.Login, "name.givenName": m.Given, "name.familyName": m.Family}
	if m.Hours > 0 {
		has["urn:example:z8:Member:weeklyHours"] = fmt.Sprintf("%g h", m.Hours)
	}
	if m.Balance != nil {
		minutes, sign := *m.Balance, "+"
		if minutes < 0 {
			minutes, sign = -minutes, "−"
		}
		has["urn:example:z8:Member:balanceMinutes"] = fmt.Sprintf("%s%d:%02d h", sign, minutes/60, minutes%60)
	}
	return has, nil
}

const (
	logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="15" fill="#0b6bcb"/><path d="M16 8v8l6 4" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/></svg>`
	css  = `:root { --accent: #0b6bcb; --accent-strong: #084f96; --radius: 4px; --page: #eef3f8 }
@media (prefers-color-scheme: dark) { :root { --accent: #7fbcff; --accent-strong: #a5d0ff; --on-accent: #071a2e; --page: #0c1117 } }`
)
