// Command load fills a store with people who look like those of a company, and a group of the first of them: to try a store,
// an identity provider's import or the example servers at size. Run again with -from, it adds more.
//
//	go run ./examples/load -store sqlite:rollcall.db -tenant acme -users 100000 -members 10000
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/examples/people"
	"github.com/rollcall-dev/rollcall/scim"
)

func main() {
	var (
		name    = flag.String("store", "sqlite:rollcall.db", "sqlite:PATH or postgres://USER@HOST/DATABASE")
		tenant  = flag.String("tenant", "default", "whose people they are")
		users   = flag.Int("users", 10_000, "how many people")
		from    = flag.Int("from", 0, "the number of the first of them")
		members = flag.Int("members", 0, "how many of them, from number 0 on, are members of a group named after their number")
	)
	flag.Parse()
	if err := load(context.Background(), *name, *tenant, *from, *users, *members); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func load(ctx context.Context, name, tenant string, from, users, members int) (err error) {
	if from < 0 || users < 0 || members < 0 || members > from+users {
		return errors.New("want numbers that aren't negative, and no more members than people")
	}
	s, err := boot.OpenDatabase(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	h, err := scim.NewHandler(s, &scim.Options{Auth: scim.NoAuth{Tenant: tenant}})
	if err != nil {
		return err
	}
	index := h.Lifecycle().Index // the keys of the servers' own schemas
	began := time.Now()
	if err := people.Users(ctx, s, index, tenant, from, from+users); err != nil {
		return err
	}
	if members > 0 {
		if err := people.Group(ctx, s, index, tenant, fmt.Sprint("group-of-", members), members); err != nil {
			return err
		}
	}
	fmt.Printf("%d people and a group of %d in %v\n", users, members, time.Since(began).Round(time.Millisecond))
	return nil
}
