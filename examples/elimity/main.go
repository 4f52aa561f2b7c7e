// Elimity is for those who come from elimity-com/scim: it sends the recorded conversations of identity providers to two services,
// yours and the one that shall take its place, and shows where the answers differ (docs/elimity.md).
//
//	go run ./examples/elimity -old https://app.example.com/scim/v2 -old-token SECRET -new http://127.0.0.1:8080/scim/v2 -new-token SECRET
//
// Without -old it is elimity's own Server with Rollcall's operations behind it, which is the first step of moving; without -new it is
// Rollcall's handler. What the conversations make is not deleted again: use tenants that are for this alone. The exit status is 0 if
// the new service answers everything as it was recorded, 1 if not, and 2 if nothing could be sent.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	elimity "github.com/elimity-com/scim"

	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/scimtest/replay"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// The exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitError  = 2
)

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	set := flag.NewFlagSet("elimity", flag.ContinueOnError)
	set.SetOutput(stderr)
	var before, after service
	set.StringVar(&before.url, "old", "", "`address` of your service; without it elimity's Server with the adapter")
	set.StringVar(&before.token, "old-token", "", "bearer `token` of the old service")
	set.StringVar(&after.url, "new", "", "`address` of the service that shall take its place; without it Rollcall's handler")
	set.StringVar(&after.token, "new-token", "", "bearer `token` of the new service")
	idps := set.String("idp", "entra,okta", "whose conversations, `names` separated by commas: "+strings.Join(replay.Folders(), ", "))
	each := set.Bool("each", false, "list the differences of every step, too")
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitOK
		}
		return exitError
	}
	list := io.Discard
	if *each {
		list = stdout
	}
	sums, kinds, err := compare(ctx, before, after, strings.Split(*idps, ","), list)
	if err != nil {
		fmt.Fprintln(stderr, "elimity:", err)
		return exitError
	}
	printTables(stdout, sums, kinds)
	if slices.ContainsFunc(sums, func(s sum) bool { return s.newRight < s.steps }) {
		return exitFailed
	}
	return exitOK
}

// service is what the conversations are sent to: an address, or a handler in this process.
type service struct {
	url, token string
	handler    func(token string) (http.Handler, error)
}

// runner sends conversations to the service.
func (s service) runner() (*replay.Runner, error) {
	r := &replay.Runner{BaseURL: s.url, Token: s.token, Conventions: true}
	if s.url != "" {
		return r, nil
	}
	r.BaseURL, r.Token = "http://app.example.com", "token-of-acme"
	h, err := s.handler(r.Token)
	r.Client = &http.Client{Transport: replay.InProcess(h)}
	return r, err
}

// adapted returns an elimity.Server as a product has it already, with Rollcall's operations instead of its own. Nothing else
// of the product changes, so it can be tried for one type after another.
func adapted(token string) (http.Handler, error) {
	h, err := handler(token)
	if err != nil {
		return nil, err
	}
	types := []elimity.ResourceType{scim.UserType(), scim.GroupType()} // or those that the product has declared
	for i := range types {
		if types[i].Handler, err = h.ResourceHandler(types[i].Name); err != nil {
			return nil, err
		}
	}
	return elimity.NewServer(&elimity.ServerArgs{
		ServiceProviderConfig: &elimity.ServiceProviderConfig{MaxResults: 200, SupportFiltering: true, SupportPatch: true},
		ResourceTypes:         types,
	})
}

// handler returns Rollcall's own handler for the same types, which is mounted in the end.
func handler(token string) (*scim.Handler, error) {
	return scim.NewHandler(memstore.New(), &scim.Options{
		Auth:          scim.BearerTokens{token: "acme"},
		ResourceTypes: []elimity.ResourceType{scim.UserType(), scim.GroupType()},
	})
}
