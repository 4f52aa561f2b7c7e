// Package scimtest proves that a SCIM 2.0 service provider does what the RFCs ask for. It has a table of clauses of RFC 7643,
// RFC 7644 and RFC 9865 that a client can see kept or broken, and one case for each. The cases read ServiceProviderConfig,
// ResourceTypes and Schemas first, and test what is claimed there, for every resource type, those of the product included.
//
//	func TestConformance(t *testing.T) {
//		scimtest.Run(t, scimtest.Target{Handler: h, Token: "a-token"})
//	}
//
// With Profile "conversations", or the name of an identity provider such as "entra", what identity providers were seen to send is
// replayed in its place.
//
// A product imports this package in its tests only. What a case makes it deletes again, and it changes nothing that it
// didn't make itself.
package scimtest

import (
	"cmp"
	"context"
	"net/http"
	"testing"
	"time"
)

// Target is the service under test, and how to test it. URL or Handler must be set.
type Target struct {
	// URL is the address of the service, such as https://app.example.com/scim/v2.
	URL string

	// Handler is called in process, in the place of a URL. It must be ready to be called concurrently. Paths begin at its root:
	// /Users.
	Handler http.Handler

	// Token is a bearer token that may read and write; without one requests have no Authorization header.
	Token string

	// OAuth is how a client gets access tokens, for the clauses that are about that. The default is none.
	OAuth *OAuth

	// Header is added to every request; with it other ways to authenticate can be used.
	Header http.Header

	// Client sends the requests to URL. The default has a timeout of 30 seconds.
	Client *http.Client

	// Profile is the name of what is to be proven, one of [Profiles]. The default is rfc.
	Profile string

	// Wait is how long a case waits for a cursor to expire (RFC 9865). A service whose cursorTimeout is longer isn't tested for that.
	// The default is 4 seconds.
	Wait time.Duration

	// Optional also runs those steps of conversations that are only for services that opted in.
	Optional bool

	// Only are the clauses to test, by id, or the conversations, by name; the default is all of the profile.
	Only []string

	// Accept says which clauses the product breaks on purpose, by id, each with the reason. Such a clause can't fail.
	Accept map[string]string

	// Value makes a value of an attribute, for a product whose values have forms that its schemas don't tell. It is called with the
	// name of the resource type, the path of the attribute, such as phoneNumbers.value, and a number that is another one each time,
	// by which values can differ. nil leaves it to the kit.
	Value func(resourceType, attribute string, n int) any

	// Sample completes the resources that the kit makes, for a product that asks for more than its schemas tell. It is called
	// with the name of the resource type and what would be sent, and may change that.
	Sample func(resourceType string, resource map[string]any)

	// Each is called with every result as soon as it is there, from one goroutine.
	Each func(Result)
}

func (t *Target) wait() time.Duration { return cmp.Or(t.Wait, 4*time.Second) }

// Run tests the target by the clauses of a profile, or by its conversations, and fails t for each clause that is broken, in a subtest of its name. It returns the report.
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

// Check tests the target. It returns an error if the target can't be tested at all: it can't be reached, it doesn't describe
// itself, or the profile isn't known. A broken clause is no error but a line of the report.
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
