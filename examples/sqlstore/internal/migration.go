package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var Migrations embed.FS

// Steps returns an engine's migrations, the oldest first. Once released, a step is never changed; changes are new steps.
func (n Names) Steps(engine string) (all []*goose.Migration, err error) {
	files, err := Migrations.ReadDir(path.Join("migrations", engine))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		version, err := goose.NumericComponent(f.Name())
		if err != nil {
			return nil, err
		}
		text, err := Migrations.ReadFile(path.Join("migrations", engine, f.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, goose.NewGoMigration(version, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			before, after, fills := strings.Cut(string(text), "-- Here the program fills")
			_, err := tx.ExecContext(ctx, n.Fill(before))
			if err == nil && fills {
				if err = n.fillKeys(ctx, tx); err == nil {
					_, err = tx.ExecContext(ctx, n.Fill("--"+after))
				}
			}
			return err
		}}, nil))
	}
	return all, nil
}

// row is a resource with its row number, on SQLite.
type row struct {
	n int64
	Record
}

// batch reads the next resources behind a row number.
func (n Names) batch(ctx context.Context, tx *sql.Tx, after int64) (all []row, err error) {
	rows, err := tx.QueryContext(ctx, n.Fill("SELECT n, tenant, type, id, keys, uniques, attributes, internal FROM ~resource WHERE n > ? ORDER BY n LIMIT ?"), after, Batch)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.n, &r.Tenant, &r.Type, &r.ID, &r.keys, &r.uniques, (*string)(&r.Attributes), (*string)(&r.Internal)); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// fillKeys makes the keys and marks of all resources, on SQLite.
func (n Names) fillKeys(ctx context.Context, tx *sql.Tx) error {
	for after, read := int64(0), Batch; read == Batch; {
		all, err := n.batch(ctx, tx, after)
		if err != nil {
			return err
		}
		for _, r := range all {
			after = r.n
			if set, err := SplitKeys(r.keys, r.uniques); err == nil { // otherwise the row is damaged, and no key found it before either
				for i, key := range set.Hashes(r.Tenant, r.Type) {
					if _, err := tx.ExecContext(ctx, n.Fill("INSERT INTO ~keys (key, id, uniq, n, tenant) VALUES (?, ?, ?, ?, ?)"), key, r.ID, i < set.Uniques, r.n, r.Tenant); err != nil {
						return err
					}
				}
			}
			if cmp.Or(r.Attributes.Check(), r.Internal.Check()) != nil {
				continue
			}
			if _, err := tx.ExecContext(ctx, n.Fill("UPDATE ~resource SET mark = ? WHERE n = ?"), MarkOf(&r.Resource), r.n); err != nil {
				return err
			}
		}
		read = len(all)
	}
	return nil
}

// CheckVersion says whether this program can use the tables of a version; 0 means that there are none yet.
func (n Names) CheckVersion(found int64, steps []*goose.Migration) error {
	first, last := steps[0].Version, steps[len(steps)-1].Version
	switch {
	case found > last:
		return fmt.Errorf("the tables %s* are of version %d, and this program knows no version after %d: start the release that migrated them, or a newer one, or restore a backup from before",
			n.Prefix, found, last)
	case found > 0 && found < first:
		return fmt.Errorf("the tables %s* are of version %d, which was in no release and can't be migrated: drop them, or choose another Options.Prefix", n.Prefix, found)
	}
	return nil
}

// Migrate applies those steps of an engine that a database lacks, each in a transaction. version reads the version of the tables.
func (n Names) Migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, engine string, version func(context.Context) (int64, error), o ...goose.ProviderOption) error {
	steps, err := n.Steps(engine)
	if err != nil {
		return err
	}
	check := func() error {
		found, err := version(ctx)
		if err != nil {
			return err
		}
		return n.CheckVersion(found, steps)
	}
	if err := check(); err != nil {
		return err
	}
	table := n.Prefix + "migration"
	if n.Schema != "" {
		table = n.Schema + "." + table
	}
	p, err := goose.NewProvider(dialect, db, nil, append(o, goose.WithGoMigrations(steps...), goose.WithDisableGlobalRegistry(true), goose.WithTableName(table))...)
	if err != nil {
		return err
	}
	if _, err = p.Up(ctx); err != nil {
		return err
	}
	return check() // a newer program may have migrated the tables meanwhile
}

// VersionSQL reads the version of the tables.
const VersionSQL = "SELECT COALESCE(MAX(version_id), 0) FROM ~migration"

// Names has the names of the tables.
type Names struct {
	Schema, Prefix string
	Replacer       *strings.Replacer
	Filled         *Texts
}

func NewNames(schema, prefix string) Names {
	table := prefix
	if schema != "" {
		table = `"` + schema + `".` + prefix
	}
	return Names{schema, prefix, strings.NewReplacer("~", table, "#", prefix), &Texts{}}
}

// Fill puts the names into a statement, in which "~" is before each table, and "#" before each index.
func (n Names) Fill(sql string) string {
	return n.Filled.Get(sql, n.Replacer.Replace)
}

// Texts remembers the texts that were made of statements. It is for the statements of the program, and not for those whose text depends on a
// filter, because there would be too many.
type Texts struct {
	Made sync.Map
	N    atomic.Int32
}

func (t *Texts) Get(sql string, make func(string) string) string {
	if s, ok := t.Made.Load(sql); ok {
		return s.(string)
	}
	s := make(sql)
	if t.N.Add(1) < 500 {
		t.Made.Store(sql, s)
	}
	return s
}

// checkName returns an error unless a schema or a prefix is a plain identifier, which needs no quotes anywhere.
func checkName(what, s string) error {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'a' || 'z' < c) && (i == 0 || c < '0' || '9' < c) || i >= 40 {
			return fmt.Errorf("sqlstore: %s %q: want at most 40 of a-z, 0-9 and _, not beginning with a digit", what, s)
		}
	}
	return nil
}
