package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// block is one fenced block of Go in a document that is a whole file.
type block struct {
	name string // where it stands: README.md, block 1
	text string
}

func (b block) isProgram() bool { return strings.HasPrefix(b.text, "package main\n") }

func (b block) isTest() bool { return strings.Contains(b.text, "\nfunc Test") }

// file is the name that the go command wants it to have, in the folder of its document and package: what a document shows of one
// package belongs together.
func (b block) file() string {
	document, number, _ := strings.Cut(b.name, ", block ")
	first, _, _ := strings.Cut(b.text, "\n")
	dir := strings.NewReplacer("/", "-", ".md", "", "_", "-").Replace(document) + "-" + strings.TrimSuffix(strings.TrimPrefix(first, "package "), "_test")
	if b.isTest() {
		return dir + "/block" + number + "_test.go"
	}
	return dir + "/block" + number + ".go"
}

// blocks are the whole files that are shown in README.md and docs.
func blocks(r *repository) ([]block, error) {
	var found []block
	for _, name := range r.files {
		if name != "README.md" && !(strings.HasPrefix(name, "docs/") && strings.HasSuffix(name, ".md")) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(r.dir, name))
		if err != nil {
			return nil, err
		}
		for i, b := range goBlocks(string(text)) {
			if strings.HasPrefix(b, "package ") {
				found = append(found, block{fmt.Sprintf("%s, block %d", name, i+1), b})
			}
		}
	}
	return found, nil
}

// goBlocks are the fenced blocks of Go in a Markdown text.
func goBlocks(text string) []string {
	var blocks []string
	for {
		_, rest, found := strings.Cut(text, "\n```go\n")
		if !found {
			return blocks
		}
		b, rest, _ := strings.Cut(rest, "\n```")
		blocks, text = append(blocks, b+"\n"), rest
	}
}

const (
	shownAddress = "127.0.0.1:8080" // on which the programs of the documents listen
	secret       = "secret-of-the-customer"
)

// token is a variable of the environment that holds a token.
var token = regexp.MustCompile(`os\.Getenv\("(\w*TOKEN\w*)"\)`)

// tryProgram runs a program of the documents, on a free port, until it has answered a request of SCIM.
func (s *stranger) tryProgram(ctx context.Context, dir string, b block) error {
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	source := filepath.Join(dir, filepath.Base(b.file()))
	if err := os.WriteFile(source, []byte(strings.ReplaceAll(b.text, shownAddress, address)), 0o644); err != nil {
		return err
	}
	program := filepath.Join(dir, "program")
	if err := s.do(ctx, dir, "go", "build", "-o", program, "."); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	cmd := s.cmd(ctx, dir, program)
	for _, name := range token.FindAllStringSubmatch(b.text, -1) {
		cmd.Env = append(cmd.Env, name[1]+"="+secret)
	}
	return whileRunning(ctx, cmd, func() error { return answers(ctx, "http://"+address+"/scim/v2", secret) })
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// whileRunning starts a program, does something, and ends the program with all that it has started: the go command starts
// what it runs as a process of its own.
func whileRunning(ctx context.Context, cmd *exec.Cmd, do func() error) error {
	var said strings.Builder
	cmd.Stderr = &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-ended:
		return fmt.Errorf("it ended: %w\n%s", err, said.String())
	case err := <-done:
		kill := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, said.String())
		}
		return errors.Join(err, kill)
	case <-ctx.Done():
		return errors.Join(ctx.Err(), syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL))
	}
}

// answers waits until a service answers, and says whether it does so as SCIM.
func answers(ctx context.Context, base, secret string) error {
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/Users", strings.NewReader(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@acme.example"}`))
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+secret)
		r.Header.Set("Content-Type", "application/scim+json")
		res, err := http.DefaultClient.Do(r)
		if err == nil {
			if err := res.Body.Close(); err != nil {
				return err
			}
			if res.StatusCode != http.StatusCreated {
				return fmt.Errorf("POST %s/Users answers %s", base, res.Status)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it doesn't answer: %w", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
