// Package scimtest tests whether a SCIM 2.0 service provider does what the RFCs ask for. It has a table of those clauses of RFC 7643,
// RFC 7644 and RFC 9865 that a client can see kept or broken, with one case for each. The cases read ServiceProviderConfig,
// ResourceTypes and Schemas first, and test what the service claims there, for every resource type, also the product's own ones.
//
//	func TestConformance(t *testing.T) {
//		scimtest.Run(t, scimtest.Target{Handler: h, Token: "a-token"})
//	}
//
// With the Profile "conversations", or the name of an identity provider such as "entra", it replays recorded conversations of
// identity providers instead.
//
// Only tests and tools should import this package. A case deletes what it has made, and changes nothing that it hasn't made.
package scimtest

import (
	"cmp"
	"context"
	"net/http"
	"testing"
	"time"
)

// Target is the service to test, and how to test it. Exactly one of URL and Handler must be set.
type Target struct {
	// URL is the address of the service, such as https://app.example.com/scim/v2.
	URL string

	// Handler is called directly, without a network, and may be called concurrently. The paths of requests begin at its root, for
	// example /Users.
	Handler http.Handler

	// Token is a bearer token that may read and write. If it is empty, requests have no Authorization header.
	Token string

	// OAuth says how a client gets access tokens. Without it, the clauses about that are not tested.
	OAuth *OAuth

	// Header is added to every request, for example to authenticate by something else than a bearer token.
	Header http.Header

	// Client sends the requests to URL. The default has a timeout of 30 seconds.
	Client *http.Client

	// Profile is the name of the set of clauses or conversations to test by, one of [Profiles]. The default is rfc.
	Profile string

	// Wait is how long a case may wait for a cursor to expire (RFC 9865). If the service's cursorTimeout is longer, this clause isn't
	// tested. The default is 4 seconds.
	Wait time.Duration

	// Optional also runs those steps of conversations that ask for what only some services offer.
	Optional bool

	// Only are the ids of the clauses to test, or the names of the conversations. The default is all of the profile.
	Only []string

	// Accept has, by their ids, the clauses that the product breaks on purpose, each with the reason. If such a clause is broken, its
	// result is [Accepted] instead of [Failed].
	Accept map[string]string

	// Value makes a value of an attribute, for a product whose values must have a form that its schemas don't tell, such as a phone
	// number. It is called with the name of the resource type, the path of the attribute, such as phoneNumbers.value, and a number that
	// differs with each call, so that values can be unique. If it returns nil, the kit makes the value.
	Value func(resourceType, attribute string, n int) any

	// Sample completes the resources that the kit makes, for a product that requires more than its schemas tell. It is called
	// with the name of the resource type and the resource that would be sent, and may change that.
	Sample func(resourceType string, resource map[string]any)

	// Each is called with every result as soon as it is known, in the goroutine that called [Run] or [Check].
	Each func(Result)
}

func (t *Target) wait() time.Duration { return cmp.Or(t.Wait, 4*time.Second) }

// Run tests the target by the clauses or conversations of a profile, each in a subtest, which fails if it is broken. It returns the
// report. If the target can't be tested at all, it ends the test; see [Check].
func Run(t *testing.T, target Target) *Report {
	t.Helper()
	report, err := Check(t.Context(), target)
	if err != nil {
		t.Fatalf("scimtest: %v", err)
	}
	for _, r := range report.Clauses {
		t.Run(r.ID, func(t *testing.T) {
			switch r.Result {
			case Failed:
				t.Error(r.String())
			case NotClaimed, Accepted:
				t.Skip(r.String())
			}
		})
	}
	return report
}

// Check tests the target without the package testing, for a program. It returns an error if the target can't be tested at all, because it
// can't be reached, doesn't describe itself, or the profile isn't known, and if ctx ends. A broken clause is no error: the report has it.
func Check(ctx context.Context, target Target) (*Report, error) {
	began := time.Now()
	s, err := newSession(ctx, target)
	if err != nil {
		return nil, err
	}
	report := &Report{Kit: kitName, Version: kitVersion(), Date: began.UTC().Format(time.RFC3339), Target: target.URL, Profile: s.profile.Name}
	add := func(result Result) {
		if target.Each != nil {
			target.Each(result)
		}
		report.Clauses = append(report.Clauses, result)
	}
	for i := range s.clauses {
		if ctx.Err() == nil {
			add(s.run(&s.clauses[i]))
		}
	}
	for _, scenario := range s.scenarios {
		if ctx.Err() == nil {
			add(s.converse(scenario))
		}
	}
	s.clean()
	report.Left = s.left
	report.Requests = s.requests
	report.count(time.Since(began))
	return report, ctx.Err()
}
