package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	xmodule "golang.org/x/mod/module"
)

// customer does what somebody does who adds Rollcall to a product, from an empty module outside of the repository.
func customer(ctx context.Context, r *repository) error {
	version, err := r.version()
	if err != nil {
		return err
	}
	s, err := newStranger(ctx, r)
	if err != nil {
		return err
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"get each module alone", func() error { return s.getEach(ctx, r, version) }},
		{"build, test and run what the documents show", func() error { return s.tryDocuments(ctx, r) }},
		{"run the quickstart by its version", func() error { return s.do(ctx, s.dir, "go", "run", root+"/examples/quickstart@"+version, "-once") }},
		{"run the server by its version", func() error { return s.runServer(ctx, version) }},
		{"refuse an old library under a new store", func() error { return s.refuseOldLibrary(ctx, r, version) }},
	} {
		began := time.Now()
		if err := step.do(); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", step.name, err), s.leave())
		}
		fmt.Printf("ok  %s (%s)\n", step.name, time.Since(began).Round(time.Second))
	}
	return s.leave()
}

// drivers are modules that a product gets only with the store that needs them.
var drivers = map[string]string{
	"github.com/jackc/pgx/v5": "examples/sqlstore/postgres",
	"modernc.org/sqlite":      "examples/sqlstore/sqlite",
}

// getEach gets each module into an empty one, and builds what is imported of it. It gets a few at a time, because most of it is waiting for
// the network.
func (s *stranger) getEach(ctx context.Context, r *repository, version string) error {
	const together = 3
	errs := make([]error, len(r.modules))
	turns := make(chan struct{}, together)
	var all sync.WaitGroup
	for i, m := range r.modules {
		if strings.Contains(m.path(), "/internal") {
			continue // nobody can import it
		}
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			errs[i] = s.get(ctx, m, version)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// get gets one module into an empty one.
func (s *stranger) get(ctx context.Context, m module, version string) error {
	packages := []string{m.path()}
	switch m.Dir {
	case ".":
		packages = []string{root + "/scim", root + "/lifecycle", root + "/mapping", root + "/store/storetest"}
	case "examples":
		packages = []string{root + "/examples/app", root + "/examples/boot"} // its top holds no package
	}
	imports := ""
	for _, p := range packages {
		imports += "import _ \"" + p + "\"\n"
	}
	dir, err := s.module(ctx, "get-"+m.word(), map[string]string{"product.go": "package product\n\n" + imports})
	if err != nil {
		return err
	}
	for _, args := range [][]string{{"get", m.path() + "@" + version}, {"mod", "tidy"}, {"build", "."}} {
		if err := s.do(ctx, dir, append([]string{"go"}, args...)...); err != nil {
			return err
		}
	}
	linked, err := s.ask(ctx, dir, "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}}{{end}}", ".")
	if err != nil {
		return err
	}
	for line := range strings.Lines(linked) {
		path, v, _ := strings.Cut(strings.TrimSpace(line), " ")
		if own(path) && v != version {
			return fmt.Errorf("%s brings %s %s", m.path(), path, v)
		}
		// An adapter to something that needs a driver brings it. The library and another store don't.
		if store, ok := drivers[path]; ok && m.Dir != store && (m.Dir == "." || slices.Contains(stores, m.Dir)) {
			return fmt.Errorf("%s links the driver %s", m.path(), path)
		}
	}
	return nil
}

// tryDocuments builds each file that the documents show, runs the tests, and sends the programs a request.
func (s *stranger) tryDocuments(ctx context.Context, r *repository) error {
	shown, err := blocks(r)
	if err != nil {
		return err
	}
	files := map[string]string{}
	programs, tests := 0, 0
	for _, b := range shown {
		files[b.file()] = b.text
	}
	dir, err := s.module(ctx, "documents", files)
	if err != nil {
		return err
	}
	for _, args := range [][]string{{"mod", "tidy"}, {"vet", "./..."}, {"test", "./..."}} {
		if err := s.do(ctx, dir, append([]string{"go"}, args...)...); err != nil {
			return err
		}
	}
	for _, b := range shown {
		switch {
		case b.isTest():
			tests++
		case b.isProgram() && strings.Contains(b.text, shownAddress):
			programs++
			if err := s.tryProgram(ctx, filepath.Join(dir, filepath.Dir(b.file())), b); err != nil {
				return fmt.Errorf("%s: %w", b.name, err)
			}
		}
	}
	if programs == 0 || tests == 0 {
		return fmt.Errorf("the documents show %d programs and %d tests: at least one of each should be tried", programs, tests)
	}
	fmt.Printf("    %d files, %d of them programs that answered, %d of them tests\n", len(shown), programs, tests)
	return nil
}

// runServer runs the reference server without any module around it.
func (s *stranger) runServer(ctx context.Context, version string) error {
	ctx, stop := context.WithTimeout(ctx, 10*time.Minute)
	defer stop()
	cmd := s.cmd(ctx, s.dir, "go", "run", root+"/examples/server@"+version,
		"-addr", "127.0.0.1:0", "-store", "sqlite:"+filepath.Join(s.dir, "server.db"), "-token", "acme="+secret)
	printed, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	return whileRunning(ctx, cmd, func() error {
		line, err := bufio.NewReader(printed).ReadString('\n')
		if err != nil {
			return err
		}
		base, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
		if !ok {
			return fmt.Errorf("it says %q", line)
		}
		return answers(ctx, base, secret)
	})
}

// stores are the modules that implement the contract of a store.
var stores = []string{"examples/memstore", "examples/sqlstore/postgres", "examples/sqlstore/sqlite"}

// old is a version of the library from before the contract of this one.
const old = "v0.0.1"

// refuseOldLibrary publishes a library whose contract has another number. Whatever a product does to keep that under a new
// store, it must not get a program in which one of the two silently ignores what the other one says.
func (s *stranger) refuseOldLibrary(ctx context.Context, r *repository, version string) error {
	const marker = "ContractIsVersion"
	files, err := r.filesOf(r.modules[0])
	if err != nil {
		return err
	}
	renamed := 0
	for i, f := range files {
		if f := f.(file); f.name == "store/contract.go" {
			renamed += strings.Count(string(f.text), marker)
			files[i] = file{f.name, []byte(strings.ReplaceAll(string(f.text), marker, "Old"+marker))}
		}
	}
	if renamed == 0 {
		return fmt.Errorf("store/contract.go doesn't say %s", marker)
	}
	if err := publish(s.proxy(), xmodule.Version{Path: root, Version: old}, files); err != nil {
		return err
	}
	for _, m := range r.modules {
		if !slices.Contains(stores, m.Dir) {
			continue
		}
		dir, err := s.module(ctx, "old-"+m.word(), map[string]string{"main.go": "package main\n\nimport _ \"" + m.path() + "\"\n\nfunc main() {}\n"})
		if err != nil {
			return err
		}
		// The go command chooses the newer library by itself.
		for _, get := range []string{root + "@" + old, m.path() + "@" + version} {
			if err := s.do(ctx, dir, "go", "get", get); err != nil {
				return err
			}
		}
		chosen, err := s.ask(ctx, dir, "go", "list", "-m", "-f", "{{.Version}}", root)
		if err != nil {
			return err
		}
		if strings.TrimSpace(chosen) != version {
			return fmt.Errorf("with %s %s the go command chooses the library %s", m.path(), version, chosen)
		}
		// Who forces it to take the old one gets an error that names the contract.
		if err := s.do(ctx, dir, "go", "mod", "edit", "-replace="+root+"="+root+"@"+old); err != nil {
			return err
		}
		out, err := s.ask(ctx, dir, "go", "build", "-mod=mod", "-o", os.DevNull, ".")
		if err == nil || !strings.Contains(out, marker) {
			return fmt.Errorf("%s builds with a library that has another contract, or says something else:\n%s", m.path(), out)
		}
	}
	return nil
}
