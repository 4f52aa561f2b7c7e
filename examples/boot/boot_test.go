package boot_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
)

// closing is a store that counts how often it is closed.
type closing struct {
	store.Store
	closed int
}

func (c *closing) Close() error { c.closed++; return nil }

// start runs an app until stop is called, which returns what Run did.
func start(t *testing.T, app boot.App, args ...string) (url string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- boot.Run(ctx, app, append([]string{"-addr", "127.0.0.1:0", "-store", "memory", "-token", "acme=secret"}, args...), in, io.Discard)
		in.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	require.True(t, ok, line)
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return url, func() error { cancel(); return <-ended }
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer secret")
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(body)
}

func TestApp(t *testing.T) {
	s := &closing{Store: memstore.New()}
	var seen []string
	url, stop := start(t, boot.App{
		Store: func(_ context.Context, name string) (store.Store, error) {
			seen = append(seen, "store "+name)
			return s, nil
		},
		Configure: func(_ context.Context, got store.Store, o *scim.Options) error {
			assert.Same(t, s, got)
			o.Documentation = "https://help.example"
			return nil
		},
		Mount: func(mux *http.ServeMux, service *boot.Service) error {
			mux.HandleFunc("GET /app/where", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, service.URL) })
			return nil
		},
		Background: func(ctx context.Context, service *boot.Service) error {
			<-ctx.Done()
			seen = append(seen, "background ended")
			return ctx.Err()
		},
	})
	assert.Equal(t, 0, s.closed)
	status, body := get(t, url+"/ServiceProviderConfig")
	assert.Equal(t, 200, status)
	assert.Contains(t, body, "https://help.example")
	status, body = get(t, strings.TrimSuffix(url, "/scim/v2")+"/app/where")
	assert.Equal(t, 200, status)
	assert.Equal(t, url, body)
	status, body = get(t, url) // the base itself is SCIM too
	assert.Equal(t, 200, status)
	assert.Contains(t, body, "urn:ietf:params:scim:api:messages:2.0:ListResponse")

	require.NoError(t, stop())
	assert.Equal(t, []string{"store memory", "background ended"}, seen)
	assert.Equal(t, 1, s.closed)
}

// A request that is under way gets its answer before the server ends.
func TestStopWaits(t *testing.T) {
	came, release := make(chan struct{}), make(chan struct{})
	url, stop := start(t, boot.App{Mount: func(mux *http.ServeMux, _ *boot.Service) error {
		mux.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) {
			close(came)
			<-release
			_, _ = io.WriteString(w, "late")
		})
		return nil
	}}, "-base-path", "/")
	answered := make(chan string, 1)
	go func() {
		answer, err := http.Get(url + "/slow")
		if err != nil {
			answered <- err.Error()
			return
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		answered <- string(body)
	}()
	<-came
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	for running := true; running; { // until it listens no more: it has begun to stop
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if running = err == nil; running {
			conn.Close()
		}
	}
	assert.Empty(t, ended, "it waits")
	close(release)
	assert.Equal(t, "late", <-answered)
	assert.NoError(t, <-ended)
}

func TestErrorsEndIt(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		app  boot.App
		want error
	}{
		"store":      {boot.App{Store: func(context.Context, string) (store.Store, error) { return nil, broken }}, broken},
		"configure":  {boot.App{Configure: func(context.Context, store.Store, *scim.Options) error { return broken }}, broken},
		"mount":      {boot.App{Mount: func(*http.ServeMux, *boot.Service) error { return broken }}, broken},
		"background": {boot.App{Background: func(context.Context, *boot.Service) error { return broken }}, broken},
		"done":       {boot.App{Background: func(context.Context, *boot.Service) error { return boot.ErrDone }}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := boot.Run(t.Context(), c.app, []string{"-addr", "127.0.0.1:0", "-store", "memory", "-token", "a=b"}, io.Discard, io.Discard)
			assert.ErrorIs(t, err, c.want)
		})
	}
}

// The demo API has no authentication: a server that others can reach doesn't serve it unless it is told to.
func TestDemoAPI(t *testing.T) {
	app := boot.App{Mount: func(mux *http.ServeMux, _ *boot.Service) error {
		mux.HandleFunc("GET /app/where", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") })
		return nil
	}}
	for _, x := range []struct {
		args   []string
		status int
	}{
		{[]string{"-addr", "127.0.0.1:0"}, 200},
		{[]string{"-addr", "0.0.0.0:0"}, 403},
		{[]string{"-addr", "0.0.0.0:0", "-demo-api", "open"}, 200},
	} {
		url, stop := start(t, app, append([]string{"-store", "memory", "-token", "acme=secret"}, x.args...)...)
		_, port, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/scim/v2"), "]:")
		if !ok {
			_, port, _ = strings.Cut(strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/scim/v2"), ":")
		}
		status, body := get(t, "http://127.0.0.1:"+port+"/app/where")
		assert.Equal(t, x.status, status, "%v: %s", x.args, body)
		status, _ = get(t, "http://127.0.0.1:"+port+"/scim/v2/Users")
		assert.Equal(t, 200, status)
		require.NoError(t, stop())
	}
}

// OpenDatabase names the databases that there are, and shows no password.
func TestOpenDatabaseRefuses(t *testing.T) {
	for _, name := range []string{"memory", "mysql://me:hunter2@host/db", ""} {
		_, err := boot.OpenDatabase(t.Context(), name)
		require.ErrorContains(t, err, "want sqlite:PATH or postgres://USER@HOST/DATABASE")
		assert.NotContains(t, err.Error(), "hunter2")
	}
}
