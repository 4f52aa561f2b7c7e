package house_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// elsewhere has the beginnings of the commands that this test doesn't run, with what runs them instead.
var elsewhere = map[string]string{
	"go test":    ".ci/run runs all tests, and each benchmark for one round",
	"ROLLCALL_B": ".ci/run runs each benchmark for one round",
	"go get":     ".ci/release customer gets each module",
	"go mod":     ".ci/release customer",
}

// servers are the programs that run until they are stopped.
var servers = regexp.MustCompile(`^go run \./(examples/(?:server|device|products/[a-z0-9]+))((?: -\S+(?: [^-#\s]\S*)?)*)\s*(#.*)?$`)

// small makes the commands of a document small enough for a test, and makes endless ones end.
var small = strings.NewReplacer("-users 100000 -members 10000", "-users 300 -members 30", "-people 500", "-people 10", "-people 50 ", "-people 10 ",
	"-day 2s", "-day 1ms", "go run ./examples/quickstart", "go run ./examples/quickstart -once")

// Every command of the documents is run as it is, in its order, against the server that the document starts. The status of its answer is 2xx, or
// the number with which the comment after the command begins, such as "# 409: acquire it".
func TestCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds and runs each program: leave out -short")
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("the documents' commands need curl: install it")
	}
	pages := []string{"../../README.md"}
	for _, pattern := range []string{"../../docs/*.md", "../products/*/README.md"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		pages = append(pages, found...)
	}
	bin := t.TempDir()
	commands := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		lines := statements(string(text))
		if commands += len(lines); len(lines) > 0 {
			t.Run(strings.TrimPrefix(page, "../"), func(t *testing.T) { runCommands(t, bin, lines) })
		}
	}
	assert.Greater(t, commands, 80, "the documents show commands")
}

func runCommands(t *testing.T, bin string, lines []string) {
	s := shell{t: t, bin: bin, dir: t.TempDir()}
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "people.csv"), []byte("userName,displayName\nada@acme.example,Ada\n"), 0o600))
	var script []string
	for _, line := range lines {
		line = small.Replace(line)
		if m := servers.FindStringSubmatch(line); m != nil {
			s.run(script)
			script = nil
			s.local = s.serve(m[1], strings.Fields(m[2])...)
			continue
		}
		for begins := range elsewhere {
			if strings.HasPrefix(line, begins) {
				line = ""
			}
		}
		script = append(script, line)
	}
	s.run(script)
}

// shell runs the commands of one document.
type shell struct {
	t        *testing.T
	bin, dir string
	local    string // address of the server that the document has started last
	remote   string // of the one that stands for the product's own
}

// build builds a program of the examples, once.
func (s *shell) build(program string) string {
	path := filepath.Join(s.bin, strings.ReplaceAll(program, "/", "-"))
	if _, err := os.Stat(path); err != nil {
		out, err := exec.CommandContext(s.t.Context(), "go", "build", "-o", path, "../../"+program).CombinedOutput()
		require.NoError(s.t, err, "%s", out)
	}
	return path
}

// serve runs a server until the test ends, on memory or on a file in the test's folder, and returns its host and port.
func (s *shell) serve(program string, flags ...string) string {
	for i, f := range flags {
		if path, ok := strings.CutPrefix(f, "sqlite:"); ok {
			flags[i] = "sqlite:" + filepath.Join(s.dir, filepath.Base(path))
		}
	}
	if !slices.Contains(flags, "-store") {
		flags = append(flags, "-store", "memory")
	}
	cmd := exec.CommandContext(s.t.Context(), s.build(program), append(flags, "-addr", "127.0.0.1:0")...)
	cmd.Dir = s.dir
	out, err := cmd.StdoutPipe()
	require.NoError(s.t, err)
	require.NoError(s.t, cmd.Start())
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(s.t, err)
	host, ok := strings.CutPrefix(strings.TrimSuffix(line, "/scim/v2\n"), "ready http://")
	require.True(s.t, ok, line)
	return host
}

// wrapper is curl for the documents: it prints what curl would, keeps the last id of an answer as LAST, and notes an answer whose
// status isn't the one that is expected.
const wrapper = `curl() {
	command curl "$@" -s -o body -w '%{http_code}' >code || { echo "curl $*: it failed" >>failures; return 1; }
	case "$*" in *'%{http_code}'*) cat code; echo ;; *) cat body ;; esac
	[[ $(cat code) == $EXPECT ]] || { echo "curl $*: want $EXPECT, got $(cat code) $(cat body)" >>failures; }
	grep -o '"id":"[^"]*"' body | tail -n 1 | cut -d'"' -f4 >last
	return 0
}
ran() { "$@" || echo "$*: exit status $?" >>failures; }
`

var (
	program = regexp.MustCompile(`go run \./(examples/[a-z0-9/]+)`)
	status  = regexp.MustCompile(`# (\d\d\d)\b`)
)

func (s *shell) run(script []string) {
	var b strings.Builder
	b.WriteString(wrapper)
	for _, line := range script {
		if strings.Contains(line, "127.0.0.1:8080") && s.local == "" {
			s.local = s.serve("examples/server", "-token", "acme=SECRET")
		}
		if strings.Contains(line, "https://app.example.com") && s.remote == "" {
			s.remote = s.serve("examples/server", "-token", "acme=SECRET")
		}
		if strings.Contains(line, "postgres://USER@HOST/DATABASE") {
			continue // the tests of that program do it, where there is a PostgreSQL
		}
		line = strings.NewReplacer("127.0.0.1:8080", s.local, "https://app.example.com", "http://"+s.remote, "/Users/ID", "/Users/$(cat last)").Replace(line)
		line = program.ReplaceAllStringFunc(line, func(found string) string {
			return "ran " + s.build(strings.TrimPrefix(found, "go run ./"))
		})
		expect := "2??"
		if m := status.FindStringSubmatch(line); m != nil {
			expect = m[1]
		}
		fmt.Fprintf(&b, "EXPECT='%s'\n%s\n", expect, line)
	}
	file := filepath.Join(s.dir, "script")
	require.NoError(s.t, os.WriteFile(file, []byte(b.String()), 0o600))
	cmd := exec.CommandContext(s.t.Context(), "bash", "-u", file)
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	require.NoError(s.t, err, "%s\n%s", b.String(), out)
	failures, err := os.ReadFile(filepath.Join(s.dir, "failures"))
	if err == nil {
		s.t.Errorf("%s\nof the commands\n%s", failures, b.String())
	}
}

// statements are the commands in the blocks of a document: those that are fenced as sh, those that are fenced as nothing and begin
// as a command does, and those that are indented. A statement ends with the line on which its quotes are closed.
func statements(text string) (all []string) {
	command := regexp.MustCompile(`^(go (run|get|mod|test)|curl|ROLLCALL_)`)
	inside, kind, open := false, "", ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if fence, ok := strings.CutPrefix(line, "```"); ok {
			inside, kind = !inside, fence
			continue
		}
		plain := strings.TrimPrefix(line, "    ")
		switch {
		case open != "":
			open += "\n" + line
		case inside && kind == "sh", inside && kind == "" && command.MatchString(line), !inside && plain != line && command.MatchString(plain):
			open = plain
		default:
			continue
		}
		if strings.Count(open, "'")%2 == 0 {
			if strings.TrimSpace(open) != "" {
				all = append(all, open)
			}
			open = ""
		}
	}
	return all
}

// The check itself finds commands that don't work.
func TestCommandsFail(t *testing.T) {
	assert.Equal(t, []string{"go run ./a", "curl -d '{\n}' b", "curl c # 404"}, statements("x\n```\ngo run ./a\nno command\n```\n```sh\ncurl -d '{\n}' b\n```\n\n    curl c # 404\n    GET /c\n"))
}
