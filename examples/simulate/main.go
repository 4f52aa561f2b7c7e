// Simulate simulates an identity provider that provisions the people and groups of a changing company to a SCIM service. In the end it
// compares what the provider believes that the service has with what the service has.
//
//	go run ./examples/simulate -idp okta -people 500 -url https://app.example.com/scim/v2 -token SECRET
//
// Without -url it starts a service of our own, on the store that -store names. A day takes as long as its requests, or as long as -day
// says. The exit status is 0 if there is no difference, 1 if there is one, and 2 if nothing could be simulated.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/scim/scimtest/idp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// The exit statuses.
const (
	exitOK    = 0
	exitWrong = 1
	exitError = 2
)

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	set := flag.NewFlagSet("simulate", flag.ContinueOnError)
	set.SetOutput(stderr)
	var o idp.Options
	set.StringVar(&o.IdP, "idp", "entra", "`name` of the identity provider, or all: "+strings.Join(idp.Names(), ", "))
	set.StringVar(&o.URL, "url", "", "`address` of the service; without it one of our own is started")
	set.StringVar(&o.Token, "token", "", "bearer `token` that may read and write")
	set.IntVar(&o.People, "people", 100, "`number` of people at the beginning")
	set.IntVar(&o.Days, "days", 365, "`number` of days that pass")
	set.DurationVar(&o.Day, "day", 0, "how long a day takes; 0 is as long as its requests take")
	set.Uint64Var(&o.Seed, "seed", 1, "`number` from which everything that happens follows")
	set.BoolVar(&o.Keep, "keep", false, "leave in the service what the simulation has made")
	store := set.String("store", "memory", "without -url: where our service keeps everything: memory, sqlite:PATH or postgres://USER@HOST/DATABASE")
	file := set.String("json", "", "`file` for the reports as JSON")
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitOK
		}
		return exitError
	}
	if set.NArg() > 0 {
		fmt.Fprintf(stderr, "simulate: unexpected argument %q; try -h\n", set.Arg(0))
		return exitError
	}
	names := []string{o.IdP}
	if o.IdP == "all" {
		names = idp.Names()
	}
	if o.URL == "" {
		url, stop, err := own(ctx, *store, stderr)
		if err != nil {
			fmt.Fprintln(stderr, "simulate:", err)
			return exitError
		}
		defer stop()
		o.URL, o.Token = url, ownToken
	}
	status := exitOK
	var reports []*idp.Report
	for _, name := range names {
		o.IdP = name
		report, err := simulate(ctx, o, stdout)
		if err != nil {
			fmt.Fprintln(stderr, "simulate:", err)
			return exitError
		}
		reports = append(reports, report)
		if !report.OK() {
			status = exitWrong
		}
	}
	if *file != "" {
		text, err := json.MarshalIndent(reports, "", "  ")
		if err == nil {
			err = os.WriteFile(*file, append(text, '\n'), 0o600)
		}
		if err != nil {
			fmt.Fprintln(stderr, "simulate:", err)
			return exitError
		}
	}
	return status
}

// simulate runs one provider, and prints the state of the simulation each month.
func simulate(ctx context.Context, o idp.Options, w io.Writer) (*idp.Report, error) {
	began := time.Now()
	o.Each = func(day int, r *idp.Report) {
		if day%30 == 0 || day == o.Days {
			fmt.Fprintf(w, "%s, day %d: %d users, %d groups, %d requests, %d failed, %d disagreements, %.1f s\n",
				r.IdP, day, r.Users, r.Groups, r.Requests, r.Failed, len(r.Disagreements), time.Since(began).Seconds())
		}
	}
	r, err := idp.Simulate(ctx, o)
	if err != nil {
		return r, fmt.Errorf("%s: %w", o.IdP, err)
	}
	for _, d := range r.Disagreements {
		fmt.Fprintln(w, "FAIL", r.IdP, d)
	}
	for _, f := range r.Failures {
		fmt.Fprintln(w, "FAIL", r.IdP, f)
	}
	var events []string
	for _, name := range slices.Sorted(maps.Keys(r.Events)) {
		events = append(events, fmt.Sprintf("%s %d", name, r.Events[name]))
	}
	fmt.Fprintf(w, "%s: %s\n", r.IdP, strings.Join(events, ", "))
	return r, nil
}

const ownToken = "a-token-of-acme"

// own starts a service of our own on a free port.
func own(ctx context.Context, store string, stderr io.Writer) (url string, stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := boot.Run(ctx, boot.App{Name: "simulate"}, []string{"-addr", "127.0.0.1:0", "-store", store, "-token", "acme=" + ownToken}, in, io.Discard)
		in.CloseWithError(err)
		ended <- err
	}()
	stop = func() {
		cancel()
		if err := <-ended; err != nil {
			fmt.Fprintln(stderr, "simulate:", err)
		}
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		cancel()
		return "", nil, err
	}
	return strings.TrimPrefix(strings.TrimSpace(line), "ready "), stop, nil
}
