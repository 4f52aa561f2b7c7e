// Quickstart shows the main job: it starts a SCIM service on a free port, replays a day of Entra ID and a day of Okta
// against it over real HTTP, tells what happens, and then keeps serving. With -once it ends after the replay; it fails if
// any answer wasn't what the identity provider expects.
//
//	go run ./examples/quickstart
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
)

func main() { os.Exit(run()) }

func run() int {
	dir, err := os.MkdirTemp("", "rollcall-quickstart-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	return boot.Command(app(os.Stdout), "-addr", "127.0.0.1:0", "-store", "sqlite:"+filepath.Join(dir, "rollcall.db"),
		"-token", "contoso="+entraToken, "-token", "initech="+oktaToken)
}

// Two customers of the product, and the credentials that their administrators gave to their identity providers.
const (
	entraToken = "contoso-secret"
	oktaToken  = "initech-secret"
)

func app(out io.Writer) boot.App {
	var once bool
	n := &narrator{out: out, names: make(map[string]string)}
	return boot.App{
		Name:  "quickstart",
		Flags: func(f *flag.FlagSet) { f.BoolVar(&once, "once", false, "end after the replay") },
		Configure: func(_ context.Context, _ store.Store, o *scim.Options) error {
			o.Hooks = n.hooks()
			return nil
		},
		Background: func(ctx context.Context, s *boot.Service) error {
			if err := n.tell(ctx, s); err != nil {
				return err
			}
			if once {
				return boot.ErrDone
			}
			n.next(s.URL)
			return nil
		},
	}
}
