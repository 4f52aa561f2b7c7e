// Zenkit is a work space that Entra ID provisions as Zenkit's set-up page describes it. People have four attributes, and are identified by
// their mail address. Groups are identified by their objectId. A person is billed from the first login on.
//
//	go run ./examples/products/zenkit -addr 127.0.0.1:8080 -token acme=SECRET
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/scim/connection/federation"
	"github.com/rollcall-dev/rollcall/scim/portal"
	"github.com/rollcall-dev/rollcall/scim/typed"
)

// Person has all attributes that the product keeps of a person. Others that are sent are dropped, and the journal says so.
type Person struct {
	Email    string `scim:"userName,required" validate:"email"`
	Name     string `scim:"displayName,trim" validate:"max=200"`
	Language string `scim:"preferredLanguage" validate:"omitempty,bcp47"`
	Active   bool   `scim:"active"`
}

// Team is a group.
type Team struct {
	Name string `scim:"displayName"`
}

var (
	people = typed.Users(mapping.Must(mapping.Compile[Person](&mapping.Options{Unknown: mapping.Drop})))
	// Groups are matched by externalId, which holds Entra's objectId: a group may be renamed, and two may have one name.
	groups = typed.Groups(mapping.Must(mapping.For[Team]()), typed.Unique("externalId"))
)

// defaults are the settings of an organization that has set none of its own.
func defaults() lifecycle.Settings {
	s := lifecycle.DefaultSettings()
	s.SeatCounting = "billed"     // a person is "Provisioned" until the first login, and billed from then on
	s.ExistingAccount = "acquire" // an administrator must first acquire an account that has the address already
	s.SSO, s.Manual = true, true  // the toggles of the set-up page; PUT /app/settings changes them
	s.Deprovision = "suspend"     // active=false keeps the person and their data
	s.Plan, s.PlanAllows = "Enterprise", true
	return s
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		log.Fatal("zenkit: ", err)
	}
}

// run is the whole service, for products to copy. What is called boot or demo doesn't belong in a product: it is the flags of the examples,
// and the demo API under /app.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	demo := &app.App{}
	f, err := boot.ParseFlags("zenkit", args, stderr, demo.Flags)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(stderr, nil))

	s, err := boot.OpenStore(ctx, f.Store) // with PostgreSQL: postgres.Open(ctx, os.Getenv("DATABASE_URL"), nil)
	if err != nil {
		return err
	}
	defer s.Close()

	// Each organization has settings of its own, and its administrators make connections with credentials of their own. The tokens of
	// the flags work as well.
	settings := &lifecycle.StoredSettings{Store: s, MaxAge: 100 * time.Millisecond, Defaults: defaults}
	connections, err := connection.New(s, &connection.Options{
		Fallback: scim.BearerTokens(f.Tokens), Federation: federation.New(nil), Logger: logger,
	})
	if err != nil {
		return err
	}

	options := &scim.Options{
		Auth:  connections,
		Types: []scim.Type{people, groups},
		Hooks: lifecycle.Hooks{Deactivated: func(ctx context.Context, e *lifecycle.Event) error {
			logger.InfoContext(ctx, "sessions end", "tenant", e.Subject.Tenant, "user", e.Subject.ID) // here a product ends the sessions
			return nil
		}},
		Lifecycle:      lifecycle.Options{Settings: settings},
		Logger:         logger,
		BaseURL:        f.BaseURL,
		TrustForwarded: f.TrustForwarded,
	}
	demo.Settings, demo.Connections = settings, connections
	if err := demo.Join(ctx, s, options); err != nil {
		return err
	}
	h, err := scim.NewHandler(s, options)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", f.Addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	service, origin := f.Public(listener)
	setup, err := portal.New(completePortal(portal.Options{
		Store: s, Handler: h, Connections: connections, Settings: settings, Logger: logger,
		URL: origin + "/setup", SCIM: service, TokenURL: origin + "/oauth/token",
	}))
	if err != nil {
		return err
	}
	demo.Portal = setup
	pages, err := demo.Pages(h)
	if err != nil {
		return err
	}

	mux := http.NewServeMux()
	mux.Handle(f.BasePath+"/", http.StripPrefix(f.BasePath, h))
	mux.Handle("/oauth/token", connections.TokenEndpoint())
	mux.Handle("GET /.well-known/oauth-authorization-server", connections.Metadata("", "/oauth/token"))
	mux.Handle("/setup/", setup)
	mux.Handle("/app/", pages)
	mux.Handle("/feed", pages)

	server := &http.Server{
		Handler:           f.DemoAPI(listener, mux),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      5 * time.Minute, // long enough to send a large group
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	fmt.Fprintf(stdout, "ready http://%s%s\n", listener.Addr(), f.BasePath)

	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error { return server.Serve(listener) })
	work.Go(func() error { return h.Lifecycle().Run(ctx) }) // delivers events to the hooks
	work.Go(func() error { return connections.Run(ctx) })
	work.Go(func() error {
		<-ctx.Done() // requests that are under way then have 15 seconds to end
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		return server.Shutdown(stopping)
	})
	if err := work.Wait(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
