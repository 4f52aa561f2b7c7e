package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// In a process with this variable the test binary is the server.
const beServer = "ROLLCALL_TEST_BE_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(beServer) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process is a running server.
type process struct {
	*exec.Cmd
	stdout *bufio.Reader
	stderr *bytes.Buffer
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.CommandContext(t.Context(), os.Args[0], args...), stderr: new(bytes.Buffer)}
	p.Env = append(os.Environ(), beServer+"=1")
	p.Stderr = p.stderr
	stdout, err := p.StdoutPipe()
	require.NoError(t, err)
	p.stdout = bufio.NewReader(stdout)
	require.NoError(t, p.Start())
	return p
}

// ready is the address in the ready line.
func (p *process) ready(t *testing.T) string {
	t.Helper()
	line, err := p.stdout.ReadString('\n')
	require.NoError(t, err, "%s", p.stderr)
	url, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "ready ")
	require.True(t, ok, line)
	return url
}

// rest is what else it prints, to its end.
func (p *process) rest(t *testing.T) string {
	t.Helper()
	rest, err := io.ReadAll(p.stdout)
	require.NoError(t, err)
	return string(rest)
}

// Data outlives the process, and a password in the store's name is never shown.
func TestStores(t *testing.T) {
	store := "sqlite:" + filepath.Join(t.TempDir(), "people.db")
	for _, want := range []string{`"totalResults":0`, `"totalResults":1`} {
		p := start(t, "-addr", "127.0.0.1:0", "-store", store, "-token", "acme=one")
		url := p.ready(t)
		assert.Contains(t, send(t, http.MethodGet, url+"/Users", "one", ""), want)
		assert.Contains(t, send(t, http.MethodPost, url+"/Users", "one", `{"userName":"ada"}`), "userName") // the second time as a conflict
		require.NoError(t, p.Process.Signal(syscall.SIGTERM))
		p.rest(t)
		require.NoError(t, p.Wait(), "%s", p.stderr)
	}

	p := start(t, "-addr", "127.0.0.1:0", "-token", "acme=one", "-store", "postgres://rollcall:s3cret@127.0.0.1:1/people")
	assert.Empty(t, p.rest(t))
	assert.Error(t, p.Wait())
	assert.Contains(t, p.stderr.String(), "server: -store postgres://rollcall:xxxxx@127.0.0.1:1/people: ")
	assert.NotContains(t, p.stderr.String(), "s3cret")
}

func send(t *testing.T, method, url, token, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/scim+json")
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return string(text)
}

func status(t *testing.T, url, token string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

func TestServes(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(signal.String(), func(t *testing.T) {
			p := start(t, "-addr", "127.0.0.1:0", "-store", "memory", "-token", "acme=one", "-token", "umbrella=two", "-base-path", "deep/er/")
			url := p.ready(t)
			assert.Regexp(t, `^http://127\.0\.0\.1:[1-9][0-9]*/deep/er$`, url)
			assert.Equal(t, 200, status(t, url+"/Users", "one"))
			assert.Equal(t, 200, status(t, url+"/Users", "two"))
			assert.Equal(t, 401, status(t, url+"/Users", "three"))

			require.NoError(t, p.Process.Signal(signal))
			assert.Empty(t, p.rest(t), "one line on stdout")
			require.NoError(t, p.Wait(), "a clean stop: %s", p.stderr)
			assert.NotContains(t, p.stderr.String(), "one", "no token on stderr")
		})
	}
}

func TestMakesToken(t *testing.T) {
	p := start(t, "-addr", "127.0.0.1:0", "-store", "memory")
	url := p.ready(t)
	assert.True(t, strings.HasSuffix(url, "/scim/v2"), url)
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	p.rest(t)
	require.NoError(t, p.Wait())
	assert.Regexp(t, `^token for tenant default: [A-Z2-7]{26}\n$`, p.stderr.String())
}

func TestRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"server: -store paper: want ":                      {"-token", "a=b", "-store", "paper"},
		"server: -addr 127.0.0.1:99999: ":                  {"-token", "a=b", "-store", "memory", "-addr", "127.0.0.1:99999"},
		`server: unexpected argument "serve"; try -h`:      {"serve"},
		`for flag -token: want TENANT=TOKEN`:               {"-token", "secret"},
		`the token of b can't be that of a too`:            {"-token", "a=x", "-token", "b=x"},
		`server: -base-path /{a}: not a plain path`:        {"-base-path", "/{a}"},
		"server: flag provided but not defined: -nonesuch": {"-nonesuch"},
	} {
		p := start(t, args...)
		assert.Empty(t, p.rest(t))
		var exit *exec.ExitError
		require.ErrorAs(t, p.Wait(), &exit, args)
		assert.Equal(t, 1, exit.ExitCode())
		assert.Contains(t, p.stderr.String(), want)
	}
}
