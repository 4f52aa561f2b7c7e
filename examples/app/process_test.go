package app_test

import (
	"bufio"
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/examples/try"
	"github.com/rollcall-dev/rollcall/scim"
)

const beServer = "ROLLCALL_TEST_BE_SERVER" // in a process with this variable the test binary is the server

func TestMain(m *testing.M) {
	if os.Getenv(beServer) == "" {
		os.Exit(m.Run())
	}
	product := app.App{Options: func(o *scim.Options) {
		// Short leases let other processes soon take over the events that a killed process had leased.
		o.Lifecycle.Delivery.Lease, o.Lifecycle.Delivery.Poll = time.Second, 100*time.Millisecond
	}}
	boot.Main(product.Boot("app"))
}

// process is a server in a process of its own.
type process struct {
	cmd    *exec.Cmd
	stderr *bytes.Buffer
	base   string // the base URL of the SCIM service
}

func spawn(t *testing.T, store string, more ...string) *process {
	t.Helper()
	args := append([]string{"-addr", "127.0.0.1:0", "-store", store, "-token", "acme=" + try.Token}, more...)
	p := &process{cmd: exec.Command(os.Args[0], args...), stderr: new(bytes.Buffer)}
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

// kill kills the process, as kill -9 does. It may be called again.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// send sends a request with the credential of acme.
func send(base, method, path, body string) (status int, answer map[string]any, err error) {
	return try.Send(context.Background(), base, try.Token, method, path, body)
}

// pages reads all pages of a list under /app. It puts "next" of each answer into a parameter of the next request.
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
