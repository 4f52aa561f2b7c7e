package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// stranger is somebody who has never seen this checkout: the go command without go.work, with an empty module cache, who
// gets our modules from a proxy on disk and everything else from where this machine gets it.
type stranger struct {
	dir string // which everything is in; removed by leave
	env []string
}

// newStranger publishes the checkout for a stranger.
func newStranger(ctx context.Context, r *repository) (*stranger, error) {
	dir, err := os.MkdirTemp("", "rollcall-release-")
	if err != nil {
		return nil, err
	}
	s := &stranger{dir: dir}
	proxy := filepath.Join(dir, "proxy")
	if err := r.writeProxy(proxy); err != nil {
		return nil, errors.Join(err, s.leave())
	}
	known, err := output(ctx, dir, "go", "env", "GOMODCACHE", "GOPROXY")
	if err != nil {
		return nil, errors.Join(err, s.leave())
	}
	cache, behind, _ := strings.Cut(strings.TrimSpace(known), "\n")
	s.env = append(os.Environ(),
		"GOWORK=off",
		"GOFLAGS=-modcacherw -trimpath", // -trimpath: what is built is the same in every folder, so that the build cache knows it
		"GOMODCACHE="+filepath.Join(dir, "mod"),
		"GOPROXY=file://"+proxy+",file://"+cache+"/cache/download,"+behind,
		"DATABASE_URL="+os.Getenv("ROLLCALL_TEST_POSTGRES"), // of the tests that the documents show
		"GONOSUMDB="+root, // nobody has published these sums; all others are checked
		"GOPRIVATE=", "GONOPROXY=")
	return s, nil
}

func (s *stranger) leave() error { return os.RemoveAll(s.dir) }

// proxy is the folder of what is published.
func (s *stranger) proxy() string { return filepath.Join(s.dir, "proxy") }

// module makes a module of files.
func (s *stranger) module(ctx context.Context, name string, files map[string]string) (string, error) {
	dir := filepath.Join(s.dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for file, text := range files {
		file = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	return dir, s.do(ctx, dir, "go", "mod", "init", "example.com/"+name)
}

// cmd is a program that the stranger runs.
func (s *stranger) cmd(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, s.env
	return cmd
}

// do runs a program to its end. An error holds what it printed.
func (s *stranger) do(ctx context.Context, dir string, args ...string) error {
	_, err := s.ask(ctx, dir, args...)
	return err
}

// ask runs a program and returns what it printed, errors too.
func (s *stranger) ask(ctx context.Context, dir string, args ...string) (string, error) {
	out, err := s.cmd(ctx, dir, args...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}
