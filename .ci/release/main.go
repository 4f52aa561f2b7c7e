// Command release keeps the modules of this repository together: they require each other by one version, are tidy, are
// tagged together, and can be fetched by a product that has never seen this checkout. RELEASE.md says when to use what.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

const usage = `usage: release COMMAND

  modules         print the folders of all modules
  version         print the version by which the modules require each other
  set VERSION     require VERSION everywhere, in each go.mod and in go.work
  proxy FOLDER    write a GOPROXY of the checkout to FOLDER
  tidy [-w]       check each go.mod by itself, as a product sees it; -w corrects them
  customer        do what a new customer does: get, build, test and run from an empty module
  tag VERSION     tag all modules at HEAD, if VERSION is what they require and CHANGELOG.md has it`

func main() {
	flag.Usage = func() { fmt.Fprintln(os.Stderr, usage) }
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	r, err := openRepository(ctx)
	if err != nil {
		return err
	}
	verb, arg := "", ""
	if len(args) > 0 {
		verb = args[0]
	}
	if len(args) > 1 {
		arg = args[1]
	}
	switch {
	case verb == "modules" && len(args) == 1:
		for _, m := range r.modules {
			fmt.Println(m.Dir)
		}
		return nil
	case verb == "version" && len(args) == 1:
		version, err := r.version()
		fmt.Println(version)
		return err
	case verb == "set" && len(args) == 2:
		return r.setVersion(arg)
	case verb == "proxy" && len(args) == 2:
		return r.writeProxy(arg)
	case verb == "tidy" && (len(args) == 1 || len(args) == 2 && arg == "-w"):
		return tidy(ctx, r, arg == "-w")
	case verb == "customer" && len(args) == 1:
		return customer(ctx, r)
	case verb == "tag" && len(args) == 2:
		return r.tag(ctx, arg)
	}
	return errors.New(usage)
}
