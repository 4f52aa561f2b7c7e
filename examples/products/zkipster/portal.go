package main

import (
	"context"
	"strings"

	"github.com/rollcall-dev/rollcall/scim/portal"
)

// completePortal completes the options of the portal with the look of this product, its texts, and the attributes that are mapped.
// Groups are called teams, and the page of each shows its role. The overview shows the seats.
func completePortal(o portal.Options) portal.Options {
	o.Theme = portal.Theme{Product: "zkipster", Logo: []byte(logo), CSS: css}
	o.People = people.Attributes()
	o.Groups = teams.Attributes()
	o.Role = func(_ context.Context, _, group string) (string, error) { return roleOf(group), nil }
	o.Choices = []string{"deprovision", "keepBodiesUntil"}
	o.Text = map[string]map[string]string{
		"en": {
			"groups.title":    "Teams",
			"groups.menu":     "Teams",
			"groups.name":     "Team",
			"groups.lead":     "Groups of your identity provider become teams in %s, and a team gives its members a role.",
			"groups.role":     "Role in %s",
			"groups.unmapped": "viewer: no role of its own",
			"groups.empty":    "There are no teams yet.",
			"overview.seats":  "Seats of your plan",
		},
		"de": {
			"groups.title":    "Teams",
			"groups.menu":     "Teams",
			"groups.name":     "Team",
			"groups.lead":     "Gruppen Ihres Identitätsanbieters werden Teams in %s, und ein Team gibt seinen Mitgliedern eine Rolle.",
			"groups.role":     "Rolle in %s",
			"groups.unmapped": "viewer: keine eigene Rolle",
			"groups.empty":    "Es gibt noch keine Teams.",
			"overview.seats":  "Plätze Ihres Tarifs",
		},
	}
	return o
}

// roleOf returns the role that a team gives to its members; "" if it gives none.
func roleOf(team string) string {
	for _, r := range roles.Rules {
		if strings.EqualFold(r.Group, team) {
			return r.Role
		}
	}
	return ""
}

const (
	logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect x="4" y="3" width="24" height="26" fill="#b3261e"/><path d="M9 11h14M9 16h14M9 21h9" stroke="#fff" stroke-width="2.6"/></svg>`
	css  = `:root { --accent: #b3261e; --accent-strong: #861a14; --radius: 2px; --font: Georgia, "Times New Roman", serif }
@media (prefers-color-scheme: dark) { :root { --accent: #ffa49c; --accent-strong: #ffc4bf; --on-accent: #2d0907 } }`
)
