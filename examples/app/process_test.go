package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/examples/sqlstore"
	"github.com/rollcall-dev/rollcall/scim"
)

const (
	beServer         = "ROLLCALL_TEST_BE_SERVER" // in a process with it the test binary is the server
	postgresVariable = "ROLLCALL_TEST_POSTGRES"
)

func TestMain(m *testing.M) {
	if os.Getenv(beServer) == "" {
		os.Exit(m.Run())
	}
	product := app.App{Options: func(o *scim.Options) {
		// What a killed process had leased is somebody's again soon.
		o.Lifecycle.Delivery.Lease, o.Lifecycle.Delivery.Poll = time.Second, 100*time.Millisecond
	}}
	boot.Main(product.Boot("app"))
}

// database is where processes keep everything: what the flag -store says.
type database string

func (d database) open(t *testing.T) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), string(d), nil)
	require.NoError(t, err)
	return s
}

// onEngines runs a test on an empty database of each engine.
func onEngines(t *testing.T, test func(t *testing.T, d database)) {
	t.Run("SQLite", func(t *testing.T) {
		test(t, database("sqlite:"+filepath.Join(t.TempDir(), "app.db")))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		dsn := os.Getenv(postgresVariable)
		if dsn == "" {
			t.Skipf("no PostgreSQL to test with: set %s=postgres://user:password@host/database", postgresVariable)
		}
		schema := fmt.Sprintf("rollcall_app_%x", rand.Uint64())
		run := func(sql string) {
			c, err := pgx.Connect(context.Background(), dsn)
			require.NoError(t, err)
			defer c.Close(context.Background())
			_, err = c.Exec(context.Background(), sql)
			require.NoError(t, err)
		}
		run("CREATE SCHEMA " + schema)
		t.Cleanup(func() { run("DROP SCHEMA " + schema + " CASCADE") })
		in, err := url.Parse(dsn)
		require.NoError(t, err)
		q := in.Query()
		q.Set("search_path", schema)
		in.RawQuery = q.Encode()
		test(t, database(in.String()))
	})
}

// process is a server in a process of its own.
type process struct {
	cmd    *exec.Cmd
	stderr *bytes.Buffer
	base   string // of the SCIM service
}

func spawn(t *testing.T, d database) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0], "-addr", "127.0.0.1:0", "-store", string(d), "-token", "acme=tok"), stderr: new(bytes.Buffer)}
	p.cmd.Env = append(os.Environ(), beServer+"=1")
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		p.kill()
		t.Fatalf("the server doesn't start: %s", p.stderr)
	}
	p.base = strings.TrimSpace(strings.TrimPrefix(line, "ready "))
	return p
}

// kill is kill -9. It may be called again.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// send sends a request: path is under /app or under the SCIM service.
func send(base, method, path, body string) (status int, answer map[string]any, err error) {
	if strings.HasPrefix(path, "/app") {
		base = strings.TrimSuffix(base, "/scim/v2")
	}
	r, err := http.NewRequest(method, base+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Authorization", "Bearer tok")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, &answer)
	}
	return res.StatusCode, answer, err
}

// pages reads all of a list under /app: each answer's "next" goes into the parameter of the next request.
func pages(t *testing.T, base, path, list, parameter string) (all []map[string]any) {
	t.Helper()
	for next := ""; ; {
		status, answer, err := send(base, http.MethodGet, path+"?tenant=acme&"+parameter+"="+next, "")
		require.NoError(t, err)
		require.Equal(t, 200, status, answer)
		items := answer[list].([]any)
		for _, item := range items {
			all = append(all, item.(map[string]any))
		}
		if next, _ = answer["next"].(string); next == "" || len(items) == 0 {
			return all
		}
	}
}
