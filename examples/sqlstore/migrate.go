package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"path"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// steps are an engine's migrations, oldest first. Steps are never changed once released; new ones are added.
func (n names) steps(engine string) (all []*goose.Migration, err error) {
	files, err := migrations.ReadDir(path.Join("migrations", engine))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		version, err := goose.NumericComponent(f.Name())
		if err != nil {
			return nil, err
		}
		text, err := migrations.ReadFile(path.Join("migrations", engine, f.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, goose.NewGoMigration(version, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, n.fill(string(text)))
			return err
		}}, nil))
	}
	return all, nil
}

// checkVersion says whether this program can use the tables of a version; 0 means that there are none yet.
func (n names) checkVersion(found int64, steps []*goose.Migration) error {
	first, last := steps[0].Version, steps[len(steps)-1].Version
	switch {
	case found > last:
		return fmt.Errorf("the tables %s* are of version %d, and this program knows no version after %d: start the release that migrated them, or a newer one, or restore a backup from before",
			n.prefix, found, last)
	case found > 0 && found < first:
		return fmt.Errorf("the tables %s* are of version %d, which was in no release and can't be migrated: drop them, or choose another Options.Prefix", n.prefix, found)
	}
	return nil
}

// migrate applies an engine's steps that a database lacks, each in a transaction. version reads that of the tables.
func (n names) migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, engine string, version func(context.Context) (int64, error), o ...goose.ProviderOption) error {
	steps, err := n.steps(engine)
	if err != nil {
		return err
	}
	check := func() error {
		found, err := version(ctx)
		if err != nil {
			return err
		}
		return n.checkVersion(found, steps)
	}
	if err := check(); err != nil {
		return err
	}
	table := n.prefix + "migration"
	if n.schema != "" {
		table = n.schema + "." + table
	}
	p, err := goose.NewProvider(dialect, db, nil, append(o, goose.WithGoMigrations(steps...), goose.WithDisableGlobalRegistry(true), goose.WithTableName(table))...)
	if err != nil {
		return err
	}
	if _, err = p.Up(ctx); err != nil {
		return err
	}
	return check() // a newer program may have been faster
}

// versionSQL reads the version of the tables.
const versionSQL = "SELECT COALESCE(MAX(version_id), 0) FROM ~migration"

// names are how the tables are called.
type names struct {
	schema, prefix string
	replacer       *strings.Replacer
	filled         *texts
}

func newNames(schema, prefix string) names {
	table := prefix
	if schema != "" {
		table = `"` + schema + `".` + prefix
	}
	return names{schema, prefix, strings.NewReplacer("~", table, "#", prefix), &texts{}}
}

// fill puts the names into a statement: "~" is in front of every table, "#" in front of every index.
func (n names) fill(sql string) string {
	return n.filled.get(sql, n.replacer.Replace)
}

// texts remembers what was made of statements, of so many as a program has; those with a filter in them are countless.
type texts struct {
	made sync.Map
	n    atomic.Int32
}

func (t *texts) get(sql string, make func(string) string) string {
	if s, ok := t.made.Load(sql); ok {
		return s.(string)
	}
	s := make(sql)
	if t.n.Add(1) < 500 {
		t.made.Store(sql, s)
	}
	return s
}

// checkName says whether a schema or a prefix is a plain identifier, so that it needs no quoting anywhere.
func checkName(what, s string) error {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'a' || 'z' < c) && (i == 0 || c < '0' || '9' < c) || i >= 40 {
			return fmt.Errorf("sqlstore: %s %q: want at most 40 of a-z, 0-9 and _, not beginning with a digit", what, s)
		}
	}
	return nil
}
