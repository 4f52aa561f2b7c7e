package idp

import (
	"fmt"
	"slices"
	"time"
)

// style is how one identity provider talks to a service. testdata/idp of the repository has what is known of each, and how sure that is. Where
// nothing is known, the style is the plainest form of RFC 7644.
type style struct {
	name     string
	agent    string // User-Agent
	accept   string
	content  string // Content-Type
	after    string // the parameters that follow a filter in a query
	interval time.Duration
	parallel int

	update  update
	members memberWay
	maps    []string // the attributes that it sends
	groups  bool
	// listsGroups says that it reads all groups and compares their names by itself, instead of asking for a group by a filter.
	listsGroups bool
	// withMembers says that a new group is sent with its members.
	withMembers bool
	// activeOnly says that only active people are sent as members.
	activeOnly bool
	// deletes says that it deletes the user of a person who was deleted for good. The other providers only deactivate.
	deletes bool
	// password says that a new user comes with a password that nobody knows.
	password bool
	// probes are the paths that its test of the connection reads.
	probes []string
	// testsByWriting says that the test makes a user and a group, and deletes them.
	testsByWriting bool
	// monthly is what it does once a month besides its cycles.
	monthly monthly
	// quarantines says that it stops for hours when too many requests fail.
	quarantines bool
}

// update is the way in which the attributes of a user are changed.
type update int

const (
	updatePut       update = iota // PUT of all mapped attributes
	updateMerged                  // GET, and then PUT of that resource with the changes
	updateOktaPatch               // like updateMerged, but active is changed by a PATCH without a path
	updateEntra                   // PATCH with Add and Replace, and one operation for each attribute
	updateEntraFlag               // PATCH as by Entra's flag aadOptscim062020: one replace without a path has all attributes whose paths have no filter
	updatePatch                   // PATCH with one operation, which has a path, for each attribute
)

// memberWay is the way in which the members of a group are changed.
type memberWay int

const (
	membersPut       memberWay = iota // PUT of the whole group
	membersEntra                      // PATCH with Add and Remove, which have lists of values
	membersEntraFlag                  // PATCH with add, which has a list, and remove by a filter in the path
	membersOkta                       // PATCH with a rename without a path, then remove by a filter, then add
	membersSingle                     // one PATCH for each member
	membersParallel                   // one PATCH for each member, several at once
)

type monthly int

const (
	monthlyNothing monthly = iota
	monthlyImport          // reads all users
	monthlyPushNow         // reads all users, and replaces the members of each group
)

// basic are the attributes that every provider maps.
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

// Names returns the names of the identity providers that can be simulated.
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
