// Command load fills a store with people like those of a company, and with a group of the first of them, to try a store,
// an identity provider's import or the example servers with many people. With -from it adds more.
//
//	go run ./examples/load -store sqlite:rollcall.db -tenant acme -users 100000 -members 10000
//
// With -import it imports the people of a file instead, as a product does that switches SCIM on for a customer: see
// docs/adopting.md.
//
//	go run ./examples/load -store sqlite:rollcall.db -tenant acme -import people.csv
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
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

func main() {
	var (
		name    = flag.String("store", "sqlite:rollcall.db", "sqlite:PATH or postgres://USER@HOST/DATABASE")
		tenant  = flag.String("tenant", "default", "whose people they are")
		users   = flag.Int("users", 10_000, "how many people")
		from    = flag.Int("from", 0, "the number of the first of them")
		members = flag.Int("members", 0, "how many of them, from number 0 on, are members of a group named after their number")
	)
	file := flag.String("import", "", "a file of people to take over: .csv, or .ndjson")
	preview := flag.String("preview", "", "show what going live would do to the connection with this `id`, which is in the state shadow")
	flag.Parse()
	ctx := context.Background()
	if flag.NArg() > 0 { // somebody may mean the file of -import, and must not get 10,000 people instead
		fmt.Fprintf(os.Stderr, "load: unexpected argument %q; try -h\n", flag.Arg(0))
		os.Exit(2)
	}
	err := open(ctx, *name, *tenant, func(s store.Store, l *lifecycle.Service) error {
		switch {
		case *file != "":
			return importFile(ctx, l, *tenant, *file, os.Stdout, os.Stderr)
		case *preview != "":
			return lifecycle.WritePreviewTable(os.Stdout, l.PreviewAll(ctx, *tenant, *preview))
		}
		return load(ctx, s, l.Index, *tenant, *from, *users, *members)
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// open does something with a store and the servers' own schemas.
func open(ctx context.Context, name, tenant string, do func(s store.Store, l *lifecycle.Service) error) (err error) {
	s, err := boot.OpenDatabase(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	h, err := scim.NewHandler(s, &scim.Options{Auth: scim.NoAuth{Tenant: tenant}})
	if err != nil {
		return err
	}
	return do(s, h.Lifecycle())
}

// index makes the index keys and the label of a resource.
type index = func(typ string, attributes document.Value) ([]store.IndexKey, string)

func load(ctx context.Context, s store.Store, index index, tenant string, from, users, members int) error {
	if from < 0 || users < 0 || members < 0 || members > from+users {
		return errors.New("want numbers that aren't negative, and no more members than people")
	}
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
