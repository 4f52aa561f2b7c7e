package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// tidy checks the go.mod and go.sum of each module as a product sees them: without go.work, with the other modules as they
// are published. write corrects them.
//
// A go.sum holds no sums of our own modules. They change with every edit, and nobody needs them: in the checkout go.work
// takes their place, and a product has a go.sum of its own.
func tidy(ctx context.Context, r *repository, write bool) error {
	s, err := newStranger(ctx, r)
	if err != nil {
		return err
	}
	var untidy []error
	for _, m := range r.modules {
		files, err := r.filesOf(m)
		if err != nil {
			return errors.Join(err, s.leave())
		}
		dir := filepath.Join(s.dir, "tidy", m.Dir)
		for _, f := range files {
			f := f.(file)
			name := filepath.Join(dir, f.name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, f.text, 0o644)); err != nil {
				return errors.Join(err, s.leave())
			}
		}
		if err := s.do(ctx, dir, "go", "mod", "tidy"); err != nil {
			untidy = append(untidy, fmt.Errorf("%s: %w", m.Dir, err))
			continue
		}
		for _, name := range []string{"go.mod", "go.sum"} {
			want, err := withoutOwn(filepath.Join(dir, name), name)
			if err != nil {
				return errors.Join(err, s.leave())
			}
			at := filepath.Join(r.dir, m.Dir, name)
			have, err := os.ReadFile(at)
			switch {
			case err != nil && !errors.Is(err, os.ErrNotExist):
				return errors.Join(err, s.leave())
			case string(have) == want:
			case write:
				if err := os.WriteFile(at, []byte(want), 0o644); err != nil {
					return errors.Join(err, s.leave())
				}
			default:
				untidy = append(untidy, fmt.Errorf("%s/%s is not tidy: use release tidy -w; it should be\n%s", m.Dir, name, want))
			}
		}
	}
	return errors.Join(append(untidy, s.leave())...)
}

// withoutOwn reads a go.mod, or a go.sum without the sums of our own modules. There may be no go.sum.
func withoutOwn(path, name string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil || name == "go.mod" {
		return string(text), err
	}
	var kept strings.Builder
	for line := range strings.Lines(string(text)) {
		if of, _, _ := strings.Cut(line, " "); !own(of) {
			kept.WriteString(line)
		}
	}
	return kept.String(), nil
}
