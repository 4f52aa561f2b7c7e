// Zenzap is a messenger that Entra ID and Okta provision. The identity provider sets the name and the mobile number when it creates a
// person. From then on, only the person changes them.
//
//	go run ./examples/products/zenzap -addr 127.0.0.1:8080 -token acme=SECRET
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

// Person is a user of the messenger. The tag "create" means what the set-up page calls "Only during creation". Entra then sends these
// attributes in the POST only, but Okta sends all of them with every PUT, which must not overwrite what people changed.
type Person struct {
	Email  string `scim:"userName,required" validate:"email"`
	Name   string `scim:"displayName,create" validate:"max=100"`
	Mobile string `scim:"phoneNumbers[type eq \"mobile\"].value,create" validate:"max=40"`
	Active bool   `scim:"active"`
}

// Channel is a group.
type Channel struct {
	Name string `scim:"displayName"`
}

// The userName of people is their mail address. No two people may have the same address in emails.
var (
	people = typed.Users(mapping.Must(mapping.For[Person]()), typed.Unique("emails.value"))
	groups = typed.Groups(mapping.Must(mapping.For[Channel]()), typed.Unique("displayName"))
)

// defaults are the settings of an organization that has set none of its own.
func defaults() lifecycle.Settings {
	s := lifecycle.DefaultSettings()
	s.Deprovision = "deactivate"
	return s
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		log.Fatal("zenzap: ", err)
	}
}

// run is the whole service, for products to copy. What is called boot or demo doesn't belong in a product: it is the flags of the examples,
// and the demo API under /app.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	demo := &app.App{}
	f, err := boot.ParseFlags("zenzap", args, stderr, demo.Flags)
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
