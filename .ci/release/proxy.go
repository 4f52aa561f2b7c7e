package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	xmodule "golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// writeProxy writes all modules of the checkout, as it stands, to a folder that can be a GOPROXY, as the version that they
// require each other by.
func (r *repository) writeProxy(dir string) error {
	version, err := r.version()
	if err != nil {
		return err
	}
	for _, m := range r.modules {
		files, err := r.filesOf(m)
		if err != nil {
			return err
		}
		if err := publish(dir, xmodule.Version{Path: m.path(), Version: version}, files); err != nil {
			return err
		}
	}
	return nil
}

// filesOf are the files of a module: those in its folder, but not of modules below it. A module without a LICENSE gets that
// of the repository, as the go command has it.
func (r *repository) filesOf(m module) ([]zip.File, error) {
	var files []zip.File
	licensed := false
	for _, name := range r.files {
		if strings.HasPrefix(name, ".ci/") || r.owner(name) != m.Dir {
			continue // .ci has modules of its own
		}
		inside := name
		if m.Dir != "." {
			inside = strings.TrimPrefix(name, m.Dir+"/")
		}
		text, err := os.ReadFile(filepath.Join(r.dir, name))
		if err != nil {
			return nil, err
		}
		licensed = licensed || inside == "LICENSE"
		files = append(files, file{inside, text})
	}
	if !licensed {
		text, err := os.ReadFile(filepath.Join(r.dir, "LICENSE"))
		if err != nil {
			return nil, err
		}
		files = append(files, file{"LICENSE", text})
	}
	return files, nil
}

// owner is the folder of the module that a file belongs to: the deepest that it is in.
func (r *repository) owner(name string) string {
	owner := "."
	for _, m := range r.modules {
		if strings.HasPrefix(name, m.Dir+"/") && (owner == "." || len(m.Dir) > len(owner)) {
			owner = m.Dir
		}
	}
	return owner
}

// publish adds a version of a module to a folder that can be a GOPROXY, in the form of `go help goproxy`.
func publish(dir string, v xmodule.Version, files []zip.File) error {
	escaped, err := xmodule.EscapePath(v.Path)
	if err != nil {
		return err
	}
	dir = filepath.Join(dir, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var archive bytes.Buffer
	if err := zip.Create(&archive, v, files); err != nil {
		return err
	}
	info, err := json.Marshal(map[string]any{"Version": v.Version, "Time": time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		return err
	}
	var mod []byte
	for _, f := range files {
		if f.Path() == "go.mod" {
			mod = f.(file).text
		}
	}
	for name, text := range map[string][]byte{v.Version + ".zip": archive.Bytes(), v.Version + ".info": info, v.Version + ".mod": mod} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	list, err := os.OpenFile(filepath.Join(dir, "list"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = list.WriteString(v.Version + "\n")
	if err := list.Close(); err != nil {
		return err
	}
	return err
}

// file is one file of a module, in memory.
type file struct {
	name string
	text []byte
}

// Path implements zip.File.
func (f file) Path() string { return f.name }

// Lstat implements zip.File.
func (f file) Lstat() (os.FileInfo, error) { return info{f}, nil }

// Open implements zip.File.
func (f file) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.text)), nil }

// info describes a file as a regular one.
type info struct{ f file }

func (i info) Name() string       { return path.Base(i.f.name) }
func (i info) Size() int64        { return int64(len(i.f.text)) }
func (i info) Mode() os.FileMode  { return 0o644 }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return false }
func (i info) Sys() any           { return nil }
