package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// tag tags all modules at HEAD. It changes nothing but tags, and pushes nothing.
func (r *repository) tag(ctx context.Context, version string) error {
	if err := r.releasable(ctx, version); err != nil {
		return err
	}
	tags := []string{}
	for _, m := range r.modules {
		if taken, err := output(ctx, r.dir, "git", "tag", "--list", m.tag(version)); err != nil || taken != "" {
			return fmt.Errorf("there is a tag %s already: a version that somebody may have fetched is never moved (%w)", strings.TrimSpace(taken), err)
		}
		tags = append(tags, m.tag(version))
	}
	for _, name := range tags {
		if _, err := output(ctx, r.dir, "git", "tag", "--annotate", name, "--message", name); err != nil {
			return err
		}
	}
	fmt.Printf("Tagged HEAD. To publish all of it at once:\n\n  git push --atomic origin main %s\n", strings.Join(tags, " "))
	return nil
}

// releasable says what is in the way of a release.
func (r *repository) releasable(ctx context.Context, version string) error {
	required, err := r.version()
	if err != nil {
		return err
	}
	if required != version {
		return fmt.Errorf("the modules require each other by %s: use release set %s, and commit", required, version)
	}
	changed, err := output(ctx, r.dir, "git", "status", "--porcelain")
	if err != nil {
		return err
	}
	if changed != "" {
		return fmt.Errorf("not everything is in a commit:\n%s", changed)
	}
	changelog, err := os.ReadFile(filepath.Join(r.dir, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	heading := "\n## " + strings.TrimPrefix(version, "v") + " - "
	_, entry, found := strings.Cut(string(changelog), heading)
	if !found {
		return fmt.Errorf("CHANGELOG.md has no heading %q with a date behind it", strings.TrimSpace(heading))
	}
	if entry, _, _ = strings.Cut(entry, "\n## "); strings.Count(strings.TrimSpace(entry), "\n") < 2 {
		return fmt.Errorf("CHANGELOG.md says nothing of %s", version)
	}
	return nil
}
