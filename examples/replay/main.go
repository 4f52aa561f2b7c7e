// Replay sends the recorded conversations of identity providers to a SCIM service, and checks its answers.
//
//	go run ./examples/replay -url https://app.example.com/scim/v2 -token SECRET -idp entra,okta
//
// Each step is a line; what isn't answered as it should be is a line that begins with FAIL. What the conversations make is not
// deleted again, so that it can be looked at: use a tenant that is for this alone, or examples/conformance -profile conversations.
// The exit status is 0 if all went well, 1 if not, and 2 if nothing could be sent.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

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
	set := flag.NewFlagSet("replay", flag.ContinueOnError)
	set.SetOutput(stderr)
	runner := &replay.Runner{Conventions: true}
	set.StringVar(&runner.BaseURL, "url", "", "`address` of the service, such as https://app.example.com/scim/v2")
	set.StringVar(&runner.Token, "token", "", "bearer `token` that may read and write")
	set.BoolVar(&runner.Optional, "optional", false, "also send what is only for services that opted in")
	idps := set.String("idp", "", "whose conversations, `names` separated by commas: "+strings.Join(replay.Folders(), ", ")+"; without it all but products")
	file := set.String("file", "", "`file` with a conversation of your own, in the format of testdata/idp/README.md")
	quiet := set.Bool("quiet", false, "print only what failed, and the sum")
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitOK
		}
		return exitError
	}
	complain := func(err error) int {
		fmt.Fprintln(stderr, "replay:", err)
		return exitError
	}
	switch {
	case set.NArg() > 0:
		return complain(fmt.Errorf("unexpected argument %q; try -h", set.Arg(0)))
	case runner.BaseURL == "":
		return complain(errors.New("-url is missing: say where the service is"))
	}
	all, err := conversations(*idps, *file)
	if err != nil {
		return complain(err)
	}
	steps, failed, answered := 0, 0, false
	runner.Each = func(r replay.Result) {
		if r.Skipped {
			return
		}
		steps++
		answered = answered || r.Status != 0
		if !r.OK() {
			failed++
			fmt.Fprintf(stdout, "FAIL %s\n    sent: %s\n", r, r.Sent)
		} else if !*quiet {
			fmt.Fprintln(stdout, "ok  ", r)
		}
	}
	for _, s := range all {
		if !*quiet {
			fmt.Fprintf(stdout, "\n%s: %s\n", s.Title(), s.Name)
		}
		runner.Run(ctx, s)
	}
	fmt.Fprintf(stdout, "\n%d conversations, %d steps, %d failed\n", len(all), steps, failed)
	switch {
	case !answered:
		return complain(fmt.Errorf("nothing answers at %s", runner.BaseURL))
	case failed > 0:
		return exitFailed
	}
	return exitOK
}

func conversations(idps, file string) ([]*replay.Scenario, error) {
	if file != "" {
		s, err := replay.Load(os.DirFS(filepath.Dir(file)), filepath.Base(file))
		return []*replay.Scenario{s}, err
	}
	if idps == "" {
		return replay.Conversations()
	}
	return replay.Conversations(strings.Split(idps, ",")...)
}
