package idp

import (
	"fmt"
	"slices"
	"time"
)

// style is how one identity provider talks to a service. What is known of each, and how sure that is, stands in the repository under
// testdata/idp; where nothing is known the plainest form of RFC 7644 is taken.
type style struct {
	name     string
	agent    string // User-Agent
	accept   string
	content  string // Content-Type
	after    string // behind a filter in a query
	interval time.Duration
	parallel int

	update  update
	members memberWay
	maps    []string // the attributes that it sends
	groups  bool
	// listsGroups says that it reads all groups and matches them by itself, as it asks for none by a filter.
	listsGroups bool
	// withMembers says that a new group is sent with its members.
	withMembers bool
	// activeOnly says that only active people are sent as members.
	activeOnly bool
	// deletes says that it deletes who is gone for good; the others only deactivate.
	deletes bool
	// password says that a new user comes with a password that nobody knows.
	password bool
	// probes are requests of its test of the connection.
	probes []string
	// testsByWriting says that the test makes a user and a group, and deletes them.
	testsByWriting bool
	// monthly is what it does over and above the changes from time to time.
	monthly monthly
	// quarantines says that it stops for hours when too much fails.
	quarantines bool
}

// update is how somebody's attributes are changed.
type update int

const (
	updatePut       update = iota // PUT of all that is mapped
	updateMerged                  // GET, and PUT of that with the changes
	updateOktaPatch               // the same, but active by a PATCH without a path
	updateEntra                   // PATCH with Add and Replace, one operation for each attribute
	updateEntraFlag               // PATCH by aadOptscim062020: what has no filter in one replace without a path
	updatePatch                   // PATCH, one operation with a path for each attribute
)

// memberWay is how the members of a group are changed.
type memberWay int

const (
	membersPut       memberWay = iota // PUT of the whole group
	membersEntra                      // Add and Remove with lists of values
	membersEntraFlag                  // add with a list, remove by a filter
	membersOkta                       // remove by a filter and add, behind a rename without a path
	membersSingle                     // a PATCH for each member
	membersParallel                   // the same, several at once
)

type monthly int

const (
	monthlyNothing monthly = iota
	monthlyImport          // reads all users
	monthlyPushNow         // reads all users, and replaces the members of each group
)

// basic are the attributes that everybody maps.
var basic = []string{UserName, ExternalID, DisplayName, GivenName, FamilyName, WorkMail, Active}

func mapped(more ...string) []string { return append(slices.Clone(basic), more...) }

const scimJSON = "application/scim+json"

func styles() []style {
	const entraUTF8 = scimJSON + "; charset=utf-8"
	entra := style{
		name: "entra", accept: scimJSON, content: entraUTF8, interval: 40 * time.Minute, parallel: 4,
		update: updateEntra, members: membersEntra, maps: mapped(Title, Mobile, Department, Manager), groups: true, deletes: true,
		probes: []string{`/Users?filter=userName%20eq%20%223d2a7a26-b1f5-4fa3-a1d7-c7bb4c0c9f3c%22`, "/Schemas"}, quarantines: true,
	}
	flag := entra
	flag.name, flag.update, flag.members = "entra-aadoptscim", updateEntraFlag, membersEntraFlag
	okta := style{
		name: "okta", agent: "Okta SCIM Client 1.0.0", accept: scimJSON, content: entraUTF8, after: "&startIndex=1&count=100", interval: 30 * time.Minute, parallel: 2,
		update: updateMerged, members: membersPut, maps: mapped(Title, Mobile, Department), groups: true, withMembers: true, activeOnly: true, password: true,
		probes: []string{"/Users?startIndex=1&count=2", "/Groups?startIndex=1&count=100"}, monthly: monthlyImport,
	}
	oktaPatch := okta
	oktaPatch.name, oktaPatch.update, oktaPatch.members, oktaPatch.withMembers, oktaPatch.monthly = "okta-oin", updateOktaPatch, membersOkta, false, monthlyPushNow
	return []style{
		entra, flag, okta, oktaPatch,
		{
			name: "onelogin", accept: "application/json", content: "application/json", interval: time.Hour, parallel: 1,
			update: updatePut, members: membersSingle, maps: mapped(Title, Mobile, Department, Manager), groups: true, deletes: true,
			probes: []string{"/Users?startIndex=1&count=1"},
		},
		{
			name: "google", agent: "Google-Auto-Provisioning", accept: "application/json", content: "application/json", interval: 6 * time.Hour, parallel: 2,
			update: updatePut, maps: mapped(Title, Mobile), deletes: true, probes: []string{"/Users?count=1"},
		},
		{
			name: "jumpcloud", accept: scimJSON, content: scimJSON, interval: time.Hour, parallel: 2,
			update: updatePut, members: membersSingle, maps: mapped(Title, Mobile), groups: true, deletes: true, testsByWriting: true,
			probes: []string{"/Users?filter=userName%20eq%20%22jumpcloud-test%40company.example%22"},
		},
		{
			name: "ping", accept: scimJSON, content: scimJSON, interval: 2 * time.Hour, parallel: 2,
			update: updatePut, members: membersSingle, maps: mapped(Title, Mobile, Department, Manager), groups: true, listsGroups: true,
			probes: []string{"/ServiceProviderConfig"},
		},
		{
			name: "sailpoint", accept: scimJSON, content: scimJSON, interval: 3 * time.Hour, parallel: 8,
			update: updatePatch, members: membersParallel, maps: mapped(Title, Mobile, Department, Manager), groups: true, listsGroups: true, deletes: true,
			probes:  []string{"/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/ResourceTypes/User", "/ResourceTypes/Group"},
			monthly: monthlyImport,
		},
	}
}

// Names are those of the identity providers that can be simulated.
func Names() []string {
	var names []string
	for _, s := range styles() {
		names = append(names, s.name)
	}
	return names
}

func styleOf(name string) (*style, error) {
	for _, s := range styles() {
		if s.name == name {
			return &s, nil
		}
	}
	return nil, fmt.Errorf("there is no simulator of %q; want one of %v", name, Names())
}
