package sqlstore

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

//go:embed migrations
var migrations embed.FS

// migration is a step of the tables' history. Steps are never changed once released; new ones are added.
type migration struct {
	version int
	sql     string
}

// migrationsOf reads an engine's steps in their order, with the names filled in.
func migrationsOf(engine string, n names) ([]migration, error) {
	dir := path.Join("migrations", engine)
	files, err := migrations.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var steps []migration
	for _, f := range files {
		number, _, _ := strings.Cut(f.Name(), "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			return nil, fmt.Errorf("sqlstore: migration %s: %w", f.Name(), err)
		}
		text, err := migrations.ReadFile(path.Join(dir, f.Name()))
		if err != nil {
			return nil, err
		}
		steps = append(steps, migration{version, n.fill(string(text))})
	}
	slices.SortFunc(steps, func(a, b migration) int { return a.version - b.version })
	return steps, nil
}

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
