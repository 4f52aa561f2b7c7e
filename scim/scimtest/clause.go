package scimtest

import (
	"fmt"
	"slices"
)

// These are the levels of RFC 2119 that clauses have.
const (
	must   = "MUST"
	should = "SHOULD"
)

// clause is a rule of a document, and the case that tests it.
type clause struct {
	id      string
	section string
	level   string
	text    string // the rule, in a sentence
	needs   string // the feature that ServiceProviderConfig must claim, else the clause is skipped; "" for what every service must have
	// Exactly one of once and each is set. each is run for every resource type that can be written.
	once     func(c *check)
	each     func(c *check, t *kind)
	profile  string // the profile that the clause belongs to; "" for rfc
	document string // the document, as a report cites it
}

// These are the features that a clause may need.
const (
	needsPatch  = "patch"
	needsFilter = "filter"
	needsSort   = "sort"
	needsETag   = "etag"
	needsBulk   = "bulk"
	needsCursor = "pagination.cursor"
)

// Profile is a set of clauses, or of conversations, that a target is tested by.
type Profile struct {
	Name string
	Text string // what it proves, in a sentence
}

// Profiles returns all profiles, in the order in which a list of them should be shown.
func Profiles() []Profile { return append(slices.Clone(profiles), conversationProfiles()...) }

var profiles = []Profile{
	{"rfc", "RFC 7643, RFC 7644 and RFC 9865, as far as a client can see"},
	{"strict", "the same, and that what the RFCs don't allow is refused, which a service for real identity providers tolerates"},
	{"entra-gallery", "the 25 checks that Microsoft makes before an application comes into its gallery"},
	{"interop", "draft-zollner-scim-interop-profile-02, for a connection of that dialect"},
	{"ipsie-al1", "OpenID IPSIE AL SCIM 1.0, level AL1"},
	{"ipsie-al2", "OpenID IPSIE AL SCIM 1.0, levels AL1 and AL2"},
}

func findProfile(name string) (Profile, error) {
	if name == "" {
		name = "rfc"
	}
	var names []string
	for _, p := range Profiles() {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Profile{}, fmt.Errorf("there is no profile %q; want one of %v", name, names)
}

// clausesOf returns the clauses of a profile, or only those whose ids are given. It returns none for a profile of conversations.
func clausesOf(profile string, only []string) ([]clause, error) {
	var list []clause
	for _, c := range allClauses() {
		if c.in(profile) && (len(only) == 0 || slices.Contains(only, c.id)) {
			list = append(list, c)
		}
	}
	if len(list) == 0 && len(only) == 0 {
		return nil, nil
	}
	for _, id := range only {
		if !slices.ContainsFunc(list, func(c clause) bool { return c.id == id }) {
			return nil, fmt.Errorf("there is no clause %q in the profile %s", id, profile)
		}
	}
	return list, nil
}

func (c *clause) in(profile string) bool {
	switch profile {
	case "rfc":
		return c.profile == ""
	case "strict":
		return c.profile == "" || c.profile == "strict"
	case "ipsie-al2":
		return c.profile == "ipsie-al1" || c.profile == "ipsie-al2"
	}
	return c.profile == profile
}

// allClauses returns the clauses of all profiles.
func allClauses() []clause {
	var all []clause
	for _, part := range []struct {
		document string
		profile  string
		clauses  []clause
	}{
		{"RFC 7643", "", schemaClauses()},
		{"RFC 7643", "", resourceClauses()},
		{"RFC 7643", "", valueClauses()},
		{"RFC 7644", "", discoveryClauses()},
		{"RFC 7644", "", createClauses()},
		{"RFC 7644", "", readClauses()},
		{"RFC 7644", "", filterClauses()},
		{"RFC 7644", "", pageClauses()},
		{"RFC 7644", "", rootClauses()},
		{"RFC 7644", "", projectClauses()},
		{"RFC 7644", "", putClauses()},
		{"RFC 7644", "", patchClauses()},
		{"RFC 7644", "", removeClauses()},
		{"RFC 7644", "", groupClauses()},
		{"RFC 7644", "", deleteClauses()},
		{"RFC 7644", "", bulkClauses()},
		{"RFC 7644", "", httpClauses()},
		{"RFC 9865", "", cursorClauses()},
		{"RFC 7644", "strict", strictClauses()},
		{"draft-zollner-scim-interop-profile-02", "interop", interopClauses()},
		{"OpenID IPSIE AL SCIM 1.0", "", ipsieClauses()},
		{"Microsoft Entra gallery", "entra-gallery", galleryClauses()},
	} {
		for _, c := range part.clauses {
			if c.document == "" {
				c.document = part.document
			}
			if c.profile == "" {
				c.profile = part.profile
			}
			all = append(all, c)
		}
	}
	return all
}
