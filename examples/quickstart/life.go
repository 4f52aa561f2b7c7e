package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/lifecycle"
)

// life tells the part of the story that no identity provider sees: the first login, from which somebody is billed, and
// what is left of it when the identity provider takes the access away.
func (n *narrator) life(ctx context.Context, s *boot.Service) error {
	const tenant, userName = "contoso", "ines.okafor@bluequay.example"
	n.printf("\n== From provisioned to billed to deactivated: %s ==\n", userName)
	signIn := func() (id string, err error) {
		login, err := s.Handler.Lifecycle().Login(ctx, tenant, lifecycle.Identity{UserName: userName})
		var denied *lifecycle.Denied
		switch {
		case errors.As(err, &denied):
			n.printf("  person signs in -> no: %s", denied.Reason)
			return "", nil
		case err != nil:
			return "", err
		}
		n.printf("  person signs in -> %s (first login: %v, billed now: %v)", login.State, login.FirstLogin, login.Billed)
		n.flush()
		return login.ID, nil
	}
	id, err := signIn()
	if err != nil {
		return err
	}
	if again, err := signIn(); err != nil || id == "" || again != id {
		return fmt.Errorf("%s could not sign in twice: %w", userName, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPatch, s.URL+"/Users/"+id, strings.NewReader(
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+entraToken)
	r.Header.Set("Content-Type", "application/scim+json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	n.printf("  IdP    PATCH /Users/%s {Replace active \"False\"} -> %d", n.named(id), res.StatusCode)
	n.flush()
	if id, err = signIn(); err != nil || id != "" {
		return fmt.Errorf("%s is deactivated and could sign in: %w", userName, err)
	}
	return nil
}
