package postgres

import (
	"bytes"
	"slices"
	"strings"
	"sync"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
)

// pgRows makes statements that insert rows into a table. Rows in the text of a statement cost less than rows from an array.
type pgRows struct {
	into, row, behind string // row has the values of one row, in which each "$" is a parameter
	columns           int
	most              int // the most rows of a statement
}

var (
	pgResources = newRows("~resource (tenant, type, id, version, created, modified, label, folded, keys, uniques, attributes, internal, mark)", "$,$,$,$,$,$,$,$,$,$,$,$,$", "", mostShared)
	pgKeys      = newRows("~keys (key, id, uniq, tenant)", "$,$,$,$", "", 4*mostShared)
	pgEvents    = newRows("~event (tenant, id, consumer, kind, subject_type, subject_id, subject, time, data, urgent)", "$,$,$,$,$,$,$,$,$,$", "", mostShared)
	pgJournal   = newRows("~journal (tenant, "+sqlstore.JournalColumns+")", "$,$,$,$,$,$,$,$,$,$,$", "", mostShared)
	pgCounts    = newRows("~count AS c (tenant, type, counter, mark, n, claimed, moves, shard)", "$,$,$,$,$,$,$,1 + pg_backend_pid() % 64",
		" ON CONFLICT (tenant, type, counter, shard, mark) DO UPDATE SET n = c.n + EXCLUDED.n, claimed = c.claimed + EXCLUDED.claimed, moves = c.moves + EXCLUDED.moves", 2*mostShared)
)

func newRows(into, row, behind string, most int) pgRows {
	return pgRows{into, row, behind, strings.Count(row, "$"), most}
}

// of returns how many rows the values make.
func (r pgRows) of(values []any) int { return len(values) / r.columns }

// text returns the statement for so many rows, whose first parameter comes after others other ones.
func (r pgRows) text(rows, others int) string {
	var b strings.Builder
	b.WriteString("INSERT INTO " + r.into + " VALUES ")
	for n := range rows {
		if n > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('(')
		for i, part := range strings.Split(r.row, "$") {
			if i > 0 {
				others++
				b.WriteString(sqlstore.Place(others))
			}
			b.WriteString(part)
		}
		b.WriteByte(')')
	}
	b.WriteString(r.behind)
	return b.String()
}

// pgShape says how many rows a statement inserts into the tables that are written last. One statement writes all three tables, because a
// statement costs more than a few rows, and none of these inserts depends on another.
type pgShape struct{ events, journal, counts int }

func (x pgShape) text() string {
	var parts []string
	others := 0
	for _, t := range []struct {
		pgRows
		n int
	}{{pgEvents, x.events}, {pgJournal, x.journal}, {pgCounts, x.counts}} {
		if t.n > 0 {
			parts = append(parts, t.text(t.n, others))
			others += t.n * t.columns
		}
	}
	text, last := "", len(parts)-1
	for i, part := range parts[:last] {
		text += [...]string{"WITH a AS (", ", b AS ("}[i] + part + ") "
	}
	return text + parts[last]
}

// shaped remembers the texts of shapes.
type shaped struct{ texts sync.Map }

func (s *shaped) text(x any, make func() string) string {
	if t, ok := s.texts.Load(x); ok {
		return t.(string)
	}
	t := make()
	s.texts.Store(x, t)
	return t
}

func (b *pgBatch) insert(r pgRows, values []any) {
	for len(values) > 0 {
		n := min(r.of(values), r.most)
		text := b.shapes.text([2]any{r.into, n}, func() string { return b.Fill(r.text(n, 0)) })
		b.Queue(text, values[:n*r.columns]...)
		values = values[n*r.columns:]
	}
}

// insertKeys inserts keys in their order, because a unique key may have to wait for another transaction.
func (b *pgBatch) insertKeys() {
	slices.SortFunc(b.keys, func(x, y pgKey) int { return bytes.Compare(x.key, y.key) })
	values := make([]any, 0, 4*len(b.keys))
	for _, k := range b.keys {
		values = append(values, k.key, k.id, k.isUnique, k.tenant)
	}
	b.insert(pgKeys, values)
}

// insertLast inserts events and entries of the journal, and adds to counts.
func (b *pgBatch) insertLast() {
	counts := make([]any, 0, pgCounts.columns*len(b.counts))
	for k, d := range b.counts.InOrder() {
		counts = append(counts, k.Tenant, k.Typ, k.Counter, k.Mark, d.N, d.Claimed, d.Moves)
	}
	x := pgShape{pgEvents.of(b.events), pgJournal.of(b.journal), pgCounts.of(counts)}
	if x == (pgShape{}) {
		return
	}
	if x.events > pgEvents.most || x.journal > pgJournal.most || x.counts > pgCounts.most {
		b.insert(pgEvents, b.events)
		b.insert(pgJournal, b.journal)
		b.insert(pgCounts, counts)
		return
	}
	text := b.shapes.text(x, func() string { return b.Fill(x.text()) })
	b.Queue(text, slices.Concat(b.events, b.journal, counts)...)
}
