package main

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/scimtest/replay"
)

// day is what one identity provider does in a day. Its conversations are named by their titles.
type day struct {
	title         string
	tenant, token string
	conversations []string
}

var days = []day{
	{"A day of Entra ID, for the organization contoso", "contoso", entraToken, []string{
		"entra/02-test-connection-bad-token",
		"entra/03-match-then-create-user",
		"entra/25-group-create-and-match",
		"entra/28-group-add-remove-member-legacy",
		"entra/08-update-username",
		"entra/27-group-rename",
		"entra/11-disable-and-restore-string-boolean",
		"entra/14-hard-delete",
	}},
	{"A day of Okta, for the organization initech", "initech", oktaToken, []string{
		"okta/01-test-connector",
		"okta/02-assign-new-user",
		"okta/04-profile-update-put",
		"okta/16-group-push-now-replace",
		"okta/15-group-membership-patch",
		"okta/06-deactivate-oin-patch",
	}},
}

// narrator tells what happens, line by line, as it happens.
type narrator struct {
	out   io.Writer
	names map[string]string // of the ids that have been seen

	mu     sync.Mutex
	events []*lifecycle.Event // told by the hooks since the last request was told
}

func (n *narrator) printf(format string, args ...any) { fmt.Fprintf(n.out, format+"\n", args...) }

// hooks returns the product's hooks, which only tell that they were called.
func (n *narrator) hooks() lifecycle.Hooks {
	hear := func(_ context.Context, e *lifecycle.Event) error {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.events = append(n.events, e)
		return nil
	}
	return lifecycle.Hooks{Any: hear}
}

// flush tells what the hooks heard meanwhile.
func (n *narrator) flush() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range n.events {
		n.printf("           product hook: %s %s", e.Kind, n.named(e.Subject.ID))
	}
	n.events = nil
}

// tell replays the days. It fails if any answer isn't what the conversations expect.
func (n *narrator) tell(ctx context.Context, s *boot.Service) error {
	all, err := replay.Conversations("entra", "okta")
	if err != nil {
		return err
	}
	conversations := map[string]*replay.Scenario{}
	for _, c := range all {
		conversations[c.Title()] = c
	}
	failed := 0
	for _, d := range days {
		n.printf("\n== %s ==", d.title)
		runner := &replay.Runner{BaseURL: s.URL, Token: d.token, Conventions: true, Each: func(r replay.Result) {
			n.result(r)
			n.flush()
			if !r.OK() {
				failed++
			}
		}}
		for _, title := range d.conversations {
			conversation, ok := conversations[title]
			if !ok {
				return fmt.Errorf("there is no conversation %s", title)
			}
			n.printf("\n%s", conversation.Name)
			runner.Run(ctx, conversation)
		}
		if err := n.standing(ctx, s.URL, d); err != nil {
			return err
		}
	}
	if err := n.life(ctx, s); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d answers were not as the identity providers expect them", failed)
	}
	n.printf("\nEvery answer was as the identity providers expect it.")
	return nil
}

// next says how to go on.
func (n *narrator) next(url string) {
	n.printf("\nThe service goes on at %s. Try next:\n\n  curl -H 'Authorization: Bearer %s' '%s/Users?filter=active%%20eq%%20true'\n", url, entraToken, url)
}
