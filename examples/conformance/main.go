// Conformance tests a SCIM service by the clauses of RFC 7643, RFC 7644 and RFC 9865, and prints what it found.
//
//	go run ./examples/conformance -url https://app.example.com/scim/v2 -token SECRET
//
// On stdout goes a line for each clause while it runs, then the tables; a broken clause is a line that begins with FAIL. With -json
// the whole report is written to a file. The exit status is 0 if no clause failed, 1 if one did, and 2 if the service can't be
// tested. Without -url a service of our own on memory is tested.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/scimtest"
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
	names := make([]string, 0, len(scimtest.Profiles()))
	for _, p := range scimtest.Profiles() {
		names = append(names, p.Name)
	}
	set := flag.NewFlagSet("conformance", flag.ContinueOnError)
	set.SetOutput(stderr)
	var t scimtest.Target
	set.StringVar(&t.URL, "url", "", "`address` of the service, such as https://app.example.com/scim/v2; without it one on memory is tested")
	set.StringVar(&t.Token, "token", "", "bearer `token` that may read and write")
	set.StringVar(&t.Profile, "profile", "rfc", "what is to be proven: "+strings.Join(names, ", "))
	var oauth scimtest.OAuth
	set.StringVar(&oauth.TokenURL, "token-url", "", "`address` of the token endpoint, for the clauses about access tokens")
	set.StringVar(&oauth.ClientID, "client-id", "", "`id` of a client there")
	set.StringVar(&oauth.ClientSecret, "client-secret", "", "`secret` of that client")
	only := set.String("only", "", "`ids` of the clauses to test, separated by commas; without it all of the profile")
	accept := set.String("accept", "", "`ids` of the clauses that the product breaks on purpose, separated by commas")
	file := set.String("json", "", "`file` for the report as JSON; - is stdout, and then nothing else is printed there")
	elimity := set.Bool("elimity", false, "without -url: test elimity-com/scim's own Server in the place of ours")
	set.BoolVar(&t.Optional, "optional", false, "also run those steps of conversations that are only for services that opted in")
	set.DurationVar(&t.Wait, "wait", 0, "how `long` to wait at most for a cursor to expire; 0: 4s")
	quiet := set.Bool("quiet", false, "print only what failed, and the table")
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitOK
		}
		return exitError
	}
	if set.NArg() > 0 {
		fmt.Fprintf(stderr, "conformance: unexpected argument %q; try -h\n", set.Arg(0))
		return exitError
	}
	if oauth.TokenURL != "" {
		t.OAuth = &oauth
	}
	if *only != "" {
		t.Only = strings.Split(*only, ",")
	}
	if *accept != "" {
		t.Accept = map[string]string{}
		for id := range strings.SplitSeq(*accept, ",") {
			t.Accept[id] = "by -accept"
		}
	}
	progress := stdout
	if *file == "-" {
		progress = stderr
	}
	t.Each = func(r scimtest.Result) {
		if !*quiet || r.Result == scimtest.Failed {
			fmt.Fprintln(progress, r)
		}
	}
	if t.URL == "" {
		if err := own(&t, *elimity); err != nil {
			fmt.Fprintln(stderr, "conformance:", err)
			return exitError
		}
	}
	report, err := scimtest.Check(ctx, t)
	if err != nil {
		fmt.Fprintln(stderr, "conformance:", err)
		return exitError
	}
	if err := write(*file, stdout, report); err != nil {
		fmt.Fprintln(stderr, "conformance:", err)
		return exitError
	}
	fmt.Fprintln(progress)
	for _, table := range []func(io.Writer) error{report.Table, func(w io.Writer) error { _, err := fmt.Fprintln(w); return err }, report.Summary} {
		if err := table(progress); err != nil {
			fmt.Fprintln(stderr, "conformance:", err)
			return exitError
		}
	}
	fmt.Fprintf(progress, "\n%d clauses of the profile %s: %d passed, %d failed, %d not claimed, %d accepted; %d requests in %.1f s\n", report.Totals.Clauses,
		report.Profile, report.Totals.Passed, report.Totals.Failed, report.Totals.NotClaimed, report.Totals.Accepted, report.Requests, report.Seconds)
	if len(report.Left) > 0 {
		fmt.Fprintf(progress, "what could not be deleted again: %v\n", report.Left)
	}
	if !report.OK() {
		return exitFailed
	}
	return exitOK
}

// own makes a service of our own, on a store in memory, the target.
func own(t *scimtest.Target, elimity bool) (err error) {
	if elimity {
		t.Handler, err = elimityServer()
		return err
	}
	if t.Token == "" {
		t.Token = "a-token"
	}
	h, err := scim.NewHandler(memstore.New(), &scim.Options{Auth: tokens{scim.BearerTokens{t.Token: "acme"}, t.Profile},
		Limits: scim.Limits{CursorTimeout: 3 * time.Second}}) // with a longer time-out the kit would not wait until a cursor expires
	t.Handler = h
	return err
}

func write(file string, stdout io.Writer, report *scimtest.Report) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if file == "-" {
		_, err = stdout.Write(text)
		return err
	}
	return os.WriteFile(file, text, 0o600)
}
