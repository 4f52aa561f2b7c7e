package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// root is the path of the library's module, which the paths of all others begin with.
const root = "github.com/rollcall-dev/rollcall"

// repository is a checkout.
type repository struct {
	dir     string
	files   []string // that git tracks or would track, with slashes, from dir
	modules []module // the root first
}

// module is one go.mod of the checkout.
type module struct {
	Dir  string // from the top of the checkout; "." for the root
	file *modfile.File
}

func (m module) path() string { return m.file.Module.Mod.Path }

// word names a module in a name of a folder.
func (m module) word() string {
	return strings.NewReplacer("/", "-", ".", "library").Replace(m.Dir)
}

// tag is the name of the git tag that the go command looks for.
func (m module) tag(version string) string { return path.Join(m.Dir, version) }

// requires are the requirements of other modules of this repository.
func (m module) requires() []*modfile.Require {
	return slices.DeleteFunc(slices.Clone(m.file.Require), func(r *modfile.Require) bool { return !own(r.Mod.Path) })
}

func own(path string) bool { return path == root || strings.HasPrefix(path, root+"/") }

func openRepository(ctx context.Context) (*repository, error) {
	top, err := output(ctx, ".", "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	return readRepository(ctx, strings.TrimSpace(top))
}

// readRepository reads which modules there are. Tools of the repository itself, in folders that begin with a dot, are none
// that a product can fetch.
func readRepository(ctx context.Context, dir string) (*repository, error) {
	names, err := output(ctx, dir, "git", "ls-files", "-co", "--exclude-standard", "-z")
	if err != nil {
		return nil, err
	}
	r := &repository{dir: dir}
	for name := range strings.SplitSeq(strings.TrimSuffix(names, "\x00"), "\x00") {
		if _, err := os.Lstat(filepath.Join(dir, name)); errors.Is(err, os.ErrNotExist) {
			continue // deleted, but not yet in a commit
		}
		r.files = append(r.files, name)
		if path.Base(name) != "go.mod" || strings.HasPrefix(name, ".") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		file, err := modfile.Parse(name, text, nil)
		if err != nil {
			return nil, err
		}
		m := module{path.Dir(name), file}
		if want := path.Join(root, m.Dir); m.path() != want {
			return nil, fmt.Errorf("%s: module %s, want %s", name, m.path(), want)
		}
		r.modules = append(r.modules, m)
	}
	// A file that is being merged is listed more than once.
	slices.SortFunc(r.modules, func(a, b module) int { return strings.Compare(a.path(), b.path()) })
	if len(r.modules) == 0 || r.modules[0].Dir != "." {
		return nil, fmt.Errorf("%s: no module %s", dir, root)
	}
	return r, nil
}

// output runs a program and returns what it prints.
func output(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, failed.Stderr)
	}
	return string(out), err
}

// version is the one by which all modules require each other. Any other state can't be released: a product that gets one
// module would get others of it that were never tested together.
func (r *repository) version() (string, error) {
	version := ""
	for _, m := range r.modules {
		if m.file.Go == nil || m.file.Go.Version != r.modules[0].file.Go.Version {
			return "", fmt.Errorf("%s/go.mod is for another Go than the root's", m.Dir)
		}
		if len(m.file.Replace) > 0 {
			return "", fmt.Errorf("%s/go.mod has a replace: the go command refuses to run a program of such a module by its version; go.work is the place", m.Dir)
		}
		for _, q := range m.requires() {
			switch {
			case version == "":
				version = q.Mod.Version
			case q.Mod.Version != version:
				return "", fmt.Errorf("%s/go.mod requires %s, others %s: use release set", m.Dir, q.Mod, version)
			}
		}
	}
	if semver.Canonical(version) != version || version == "" {
		return "", fmt.Errorf("the modules require each other by %q, which is no version", version)
	}
	return version, r.checkWork(version)
}

// checkWork says whether go.work uses and replaces exactly the modules that there are.
func (r *repository) checkWork(version string) error {
	work, err := r.work()
	if err != nil {
		return err
	}
	want, uses, replaces := []string{}, []string{}, []string{}
	for _, m := range r.modules {
		want = append(want, m.Dir)
	}
	for _, u := range work.Use {
		uses = append(uses, path.Clean(u.Path))
	}
	for _, x := range work.Replace {
		if dir := path.Clean(x.New.Path); x.Old.Path == path.Join(root, dir) && x.Old.Version == version {
			replaces = append(replaces, dir)
		} else {
			return fmt.Errorf("go.work replaces %s by %s: want %s %s => its own folder", x.Old, x.New, root, version)
		}
	}
	slices.Sort(want)
	slices.Sort(uses)
	slices.Sort(replaces)
	if !slices.Equal(uses, want) || !slices.Equal(replaces, want) {
		return fmt.Errorf("go.work uses %v and replaces %v: want both of %v", uses, replaces, want)
	}
	return nil
}

func (r *repository) work() (*modfile.WorkFile, error) {
	name := filepath.Join(r.dir, "go.work")
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return modfile.ParseWork(name, text, nil)
}

// requirement is a module of this repository with a version, as go.mod and go.work write it.
var requirement = regexp.MustCompile(`(?m)^(.*\b` + regexp.QuoteMeta(root) + `(?:/\S+)?) v\S+`)

// setVersion makes all modules require each other by a version, and go.work replace that version.
func (r *repository) setVersion(version string) error {
	if !semver.IsValid(version) || semver.Canonical(version) != version {
		return fmt.Errorf("%s: want a version like v1.2.3", version)
	}
	names := []string{"go.work"}
	for _, m := range r.modules {
		names = append(names, path.Join(m.Dir, "go.mod"))
	}
	for _, name := range names {
		name = filepath.Join(r.dir, name)
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(name, requirement.ReplaceAll(text, []byte("${1} "+version)), 0o644); err != nil {
			return err
		}
	}
	return nil
}
