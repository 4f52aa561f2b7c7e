// Package boot has what the example servers have in common: their flags, the store that a flag names, the ready line,
// and a clean stop. A product has all of this already. examples/products show it without this package, to be copied.
package boot

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
)

// App is a product around a SCIM service. All of its functions may be nil.
type App struct {
	Name string // the name of the command, for its usage text

	// Flags adds the product's own flags.
	Flags func(*flag.FlagSet)
	// Store opens the product's own store, instead of the one that the flag -store names. It is closed at the end if it is an
	// io.Closer.
	Store func(ctx context.Context, name string) (store.Store, error)
	// Configure completes the handler's options: hooks, policies, types.
	Configure func(ctx context.Context, s store.Store, o *scim.Options) error
	// Mount adds the product's own pages beside the SCIM service.
	Mount func(mux *http.ServeMux, s *Service) error
	// Background runs as long as the server accepts requests, and must end when ctx does. An error of it ends the server;
	// ErrDone ends it without one.
	Background func(ctx context.Context, s *Service) error
}

// ErrDone says that all work is done.
var ErrDone = errors.New("boot: done")

// Service is a running SCIM service.
type Service struct {
	URL     string // the address of the SCIM service, without a slash at the end
	Public  string // the address at which clients reach it, which differs behind a proxy
	Origin  string // the origin of the server, as clients reach it
	Handler *scim.Handler
	Store   store.Store
	Log     *slog.Logger
}

// Main runs the app as a process, and ends it: it stops on SIGTERM and SIGINT. The flags given to it are defaults, which
// those of the command line override.
func Main(app App, defaults ...string) { os.Exit(Command(app, defaults...)) }

// Command does what Main does, but returns the exit code instead of ending the process.
func Command(app App, defaults ...string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	err := Run(ctx, app, append(defaults, os.Args[1:]...), os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, app.Name+":", err)
		return 1
	}
	return 0
}

// Run runs the app until ctx ends, and then lets the requests that are under way finish. On stdout goes one line, when
// the server accepts connections: ready http://ADDR/BASE. All else goes to stderr.
func Run(ctx context.Context, app App, args []string, stdout, stderr io.Writer) error {
	var more []func(*flag.FlagSet)
	if app.Flags != nil {
		more = append(more, app.Flags)
	}
	f, err := ParseFlags(app.Name, args, stderr, more...)
	if err != nil {
		return err
	}
	open := func(ctx context.Context, name string) (store.Store, error) { return OpenStore(ctx, name) }
	if app.Store != nil {
		open = app.Store
	}
	s, err := open(ctx, f.Store)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	err = serve(ctx, app, f, s, log, stdout)
	if c, ok := s.(io.Closer); ok {
		err = errors.Join(err, c.Close())
	}
	return err
}

func serve(ctx context.Context, app App, f *Flags, s store.Store, log *slog.Logger, stdout io.Writer) error {
	o := &scim.Options{Auth: scim.BearerTokens(f.Tokens), Logger: log, BaseURL: f.BaseURL, TrustForwarded: f.TrustForwarded}
	if app.Configure != nil {
		if err := app.Configure(ctx, s, o); err != nil {
			return err
		}
	}
	h, err := scim.NewHandler(s, o)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", f.Addr)
	if err != nil {
		return fmt.Errorf("-addr %s: %w", f.Addr, err)
	}
	service := &Service{URL: "http://" + listener.Addr().String() + f.BasePath, Handler: h, Store: s, Log: log}
	service.Public, service.Origin = f.Public(listener)
	mux := http.NewServeMux()
	mux.Handle(f.BasePath+"/", http.StripPrefix(f.BasePath, h))
	if f.BasePath != "" { // the address without a slash at its end is served, too, and not redirected
		mux.Handle(f.BasePath, http.StripPrefix(f.BasePath, h))
	}
	if app.Mount != nil {
		if err := app.Mount(mux, service); err != nil {
			return errors.Join(err, listener.Close())
		}
	}
	return run(ctx, app, service, newServer(f.DemoAPI(listener, mux), log), listener, stdout)
}

// DemoAPI refuses what is under /app if others than this machine can reach the listener, unless the flag -demo-api opens it: the
// demo API asks nobody for a credential.
func (f *Flags) DemoAPI(l net.Listener, next http.Handler) http.Handler {
	if f.demoAPI == "open" || isLoopback(l.Addr()) {
		return next
	}
	return withoutDemoAPI(next)
}

// isLoopback says whether only this machine can reach an address.
func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

func withoutDemoAPI(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/app/") {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":"the demo API has no authentication, and this server doesn't listen on loopback; start it with -demo-api=open if you mean it"}`+"\n")
	})
}

// run ends when ctx does, or when the server or the background work can't go on.
func run(ctx context.Context, app App, service *Service, server *http.Server, listener net.Listener, stdout io.Writer) error {
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var work sync.WaitGroup
	work.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			stop(err)
		}
	})
	fmt.Fprintf(stdout, "ready %s\n", service.URL)
	if app.Background != nil {
		work.Go(func() {
			if err := app.Background(running, service); err != nil && running.Err() == nil {
				stop(err)
			}
		})
	}
	<-running.Done()
	err := context.Cause(running)
	if ctx.Err() != nil || errors.Is(err, ErrDone) {
		err = nil // the context has ended, as it should
	}
	err = errors.Join(err, shutDown(server))
	work.Wait()
	return err
}

// newServer makes a server with time limits. The limit for writing is long, because a large group or import takes its time.
func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      5 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// shutDown waits for the requests that are being served, but at most so long.
func shutDown(server *http.Server) error {
	const patience = 15 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("requests were cut off after %s: %w", patience, err), server.Close())
	}
	return nil
}
