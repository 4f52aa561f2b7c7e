package main

import (
	"archive/zip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// checkout is a repository of three modules, with everything in a commit.
func checkout(t *testing.T, change map[string]string) *repository {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"go.mod":             "module " + root + "\n\ngo 1.26.0\n",
		"lib.go":             "package lib\n",
		"LICENSE":            "MIT\n",
		"CHANGELOG.md":       "# Changelog\n\n## Unreleased\n\n## 1.2.0 - 2026-01-01\n\n### Added\n\n- Something.\n",
		"a/go.mod":           "module " + root + "/a\n\ngo 1.26.0\n\nrequire " + root + " v1.2.0\n",
		"a/a.go":             "package a\n",
		"a/b/go.mod":         "module " + root + "/a/b\n\ngo 1.26.0\n\nrequire (\n\t" + root + " v1.2.0 // why\n\t" + root + "/a v1.2.0\n\texample.com/x v1.0.0\n)\n",
		"a/b/b.go":           "package b\n",
		".ci/release/go.mod": "module example.com/tool\n",
		".ci/release/x.go":   "package main\n",
		"go.work": "go 1.26.0\n\nuse (\n\t.\n\t./a\n\t./a/b\n)\n\n// kept\nreplace (\n\t" + root + " v1.2.0 => .\n\t" +
			root + "/a v1.2.0 => ./a\n\t" + root + "/a/b v1.2.0 => ./a/b\n)\n",
	}
	for name, text := range change {
		files[name] = text
	}
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	git(t, dir, "init", "-q")
	git(t, dir, "config", "user.name", "test")
	git(t, dir, "config", "user.email", "test@example.com")
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-qm", "all")
	r, err := readRepository(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := output(t.Context(), dir, append([]string{"git"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestModules(t *testing.T) {
	r := checkout(t, nil)
	var dirs, tags []string
	for _, m := range r.modules {
		dirs, tags = append(dirs, m.Dir), append(tags, m.tag("v1.2.0"))
	}
	if want := []string{".", "a", "a/b"}; !slices.Equal(dirs, want) {
		t.Errorf("modules %v, want %v", dirs, want)
	}
	if want := []string{"v1.2.0", "a/v1.2.0", "a/b/v1.2.0"}; !slices.Equal(tags, want) {
		t.Errorf("tags %v, want %v", tags, want)
	}
	if version, err := r.version(); version != "v1.2.0" || err != nil {
		t.Errorf("version %s, %v", version, err)
	}
}

func TestWhatCannotBeReleased(t *testing.T) {
	for name, c := range map[string]struct {
		file, text, says string
	}{
		"another version of a module": {"a/go.mod", "module " + root + "/a\n\ngo 1.26.0\n\nrequire " + root + " v1.1.0\n", "others"},
		"a replace":                   {"a/go.mod", "module " + root + "/a\n\ngo 1.26.0\n\nrequire " + root + " v1.2.0\n\nreplace " + root + " => ../\n", "has a replace"},
		"another Go":                  {"a/go.mod", "module " + root + "/a\n\ngo 1.27.0\n\nrequire " + root + " v1.2.0\n", "another Go"},
		"a module not in go.work":     {"go.work", "go 1.26.0\n\nuse (\n\t.\n\t./a\n)\n\nreplace " + root + " v1.2.0 => .\n", "go.work uses"},
		"go.work at another version":  {"go.work", "go 1.26.0\n\nuse (\n\t.\n\t./a\n\t./a/b\n)\n\nreplace " + root + " v1.0.0 => .\n", "go.work replaces"},
		"no entry in the changelog":   {"CHANGELOG.md", "# Changelog\n\n## Unreleased\n", "no heading"},
		"an empty entry":              {"CHANGELOG.md", "# Changelog\n\n## 1.2.0 - 2026-01-01\n\n## 1.1.0 - 2025-01-01\n\nx\n\ny\n", "says nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkout(t, map[string]string{c.file: c.text}).tag(t.Context(), "v1.2.0")
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
	t.Run("what is not in a commit", func(t *testing.T) {
		r := checkout(t, nil)
		write(t, filepath.Join(r.dir, "new.go"), "package lib\n")
		if err := r.tag(t.Context(), "v1.2.0"); err == nil || !strings.Contains(err.Error(), "new.go") {
			t.Error(err)
		}
	})
	t.Run("another version than is required", func(t *testing.T) {
		if err := checkout(t, nil).tag(t.Context(), "v1.3.0"); err == nil || !strings.Contains(err.Error(), "release set v1.3.0") {
			t.Error(err)
		}
	})
}

func TestTag(t *testing.T) {
	r := checkout(t, nil)
	if err := r.tag(t.Context(), "v1.2.0"); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Fields(git(t, r.dir, "tag")), []string{"a/b/v1.2.0", "a/v1.2.0", "v1.2.0"}; !slices.Equal(got, want) {
		t.Errorf("tags %v, want %v", got, want)
	}
	if err := r.tag(t.Context(), "v1.2.0"); err == nil || !strings.Contains(err.Error(), "already") {
		t.Error("a version is tagged twice:", err)
	}
}

func TestSetVersion(t *testing.T) {
	r := checkout(t, nil)
	if err := r.setVersion("v1.3.0-rc.1"); err != nil {
		t.Fatal(err)
	}
	r, err := readRepository(t.Context(), r.dir)
	if err != nil {
		t.Fatal(err)
	}
	if version, err := r.version(); version != "v1.3.0-rc.1" || err != nil {
		t.Errorf("version %s, %v", version, err)
	}
	text, err := os.ReadFile(filepath.Join(r.dir, "a/b/go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for _, kept := range []string{"// why", "example.com/x v1.0.0"} {
		if !strings.Contains(string(text), kept) {
			t.Errorf("%q is gone:\n%s", kept, text)
		}
	}
	if err := r.setVersion("1.3"); err == nil {
		t.Error("1.3 is no version")
	}
}

// A module holds the files of its own folder, but none of modules below it, nor the tools.
func TestProxy(t *testing.T) {
	r := checkout(t, nil)
	dir := t.TempDir()
	if err := r.writeProxy(dir); err != nil {
		t.Fatal(err)
	}
	for module, want := range map[string][]string{
		root:          {"CHANGELOG.md", "LICENSE", "go.mod", "go.work", "lib.go"},
		root + "/a":   {"LICENSE", "a.go", "go.mod"},
		root + "/a/b": {"LICENSE", "b.go", "go.mod"},
	} {
		archive, err := zip.OpenReader(filepath.Join(dir, module, "@v", "v1.2.0.zip"))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range archive.File {
			names = append(names, strings.TrimPrefix(f.Name, module+"@v1.2.0/"))
		}
		if err := archive.Close(); err != nil {
			t.Fatal(err)
		}
		slices.Sort(names)
		if !slices.Equal(names, want) {
			t.Errorf("%s has %v, want %v", module, names, want)
		}
		for _, name := range []string{"list", "v1.2.0.info", "v1.2.0.mod"} {
			if _, err := os.Stat(filepath.Join(dir, module, "@v", name)); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestGoBlocks(t *testing.T) {
	got := goBlocks("x\n```go\na\n```\n```sh\nc\n```\n```go\nb\n```\n")
	if want := []string{"a\n", "b\n"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
