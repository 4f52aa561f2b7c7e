package sqlstore

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// A mark is a short text that says whether a resource is active, and which state Resource.Internal has: filters often ask for these, and they
// have few values. An index has the resources of each mark in the order of their ids, and the tables count them.

var (
	activePath = filter.Path{Name: "active"}
	statePath  = filter.Path{URI: filter.InternalURI, Name: "state"}
)

// These stand in a mark for other values.
const (
	otherActive = 'x'
	otherState  = "!"
)

// MarkOf returns the mark of a resource.
func MarkOf(r *store.Resource) string {
	b := []byte{'-'}
	switch v := r.Attributes.Get("active"); {
	case v.IsNull():
	case v.Kind() != document.KindBool:
		b[0] = otherActive
	case v.True():
		b[0] = 't'
	default:
		b[0] = 'f'
	}
	if v := r.Internal.Get("state"); !v.IsNull() {
		word := v.Text()
		if v.Kind() != document.KindString || word == "" || len(word) > 32 ||
			slices.ContainsFunc([]byte(word), func(c byte) bool { return c < 'a' || 'z' < c }) {
			word = otherState
		}
		b = append(b, word...)
	}
	return string(b)
}

// mark is a mark, on which a filter can be evaluated as on the resource.
type mark string

// Attribute implements filter.Source.
func (m mark) Attribute(p filter.Path) document.Value {
	switch {
	case p != activePath:
		if word := string(m[1:]); word != "" {
			return document.String(word)
		}
		return document.Value{}
	case m[0] == '-':
		return document.Value{}
	}
	return document.Bool(m[0] == 't')
}

// Related implements filter.Source. No filter that marks answer asks for it.
func (mark) Related(filter.Relation, func(document.Value) bool) bool { return false }

// answers says whether the mark has what a filter asks for: active, the state, or both.
func (m mark) answers(active, state bool) bool {
	return m != "" && !(active && m[0] == otherActive) && !(state && string(m[1:]) == otherState)
}

// asksMark says whether an expression asks for active, for the state, and for nothing else than these.
func asksMark(x filter.Expr) (active, state, only bool) {
	var terms []filter.Expr
	of := func(p filter.Path) (bool, bool, bool) {
		return p == activePath, p == statePath, p == activePath || p == statePath
	}
	switch x := x.(type) {
	case filter.And:
		terms = x
	case filter.Or:
		terms = x
	case filter.Not:
		return asksMark(x.X)
	case filter.Compare:
		return of(x.Attr.Path)
	case filter.Present:
		return of(x.Attr.Path)
	}
	only = len(terms) > 0
	for _, t := range terms {
		a, s, all := asksMark(t)
		active, state, only = active || a, state || s, only && all
	}
	return active, state, only
}

// marked has what the tables count of a type: how many resources have each mark, and how many have changed.
type marked struct {
	n     map[mark]int64
	total int64
	moves int64 // how many were deleted or got other keys; the time at which the count began is added, so that a new count differs
	turns int64 // how many got another mark
}

// marks reads what the tables count of the types.
func (l *list) marks(ctx context.Context) (map[string]marked, error) {
	found := map[string]marked{}
	var types []string
	for _, t := range l.Types {
		types = append(types, Enc(t))
	}
	args := []any{Enc(l.Tenant)}
	sql := "SELECT type, mark, CAST(SUM(n) AS bigint), CAST(SUM(moves + born) AS bigint), CAST(SUM(turns) AS bigint) FROM ~count WHERE tenant = $1 AND type " + l.engine.List(&args, types) + " GROUP BY type, mark"
	err := l.in.Query(ctx, sql, args, func(rw Row) error {
		var (
			typ, is         string
			n, moves, turns int64
		)
		if err := rw.Scan(&typ, &is, &n, &moves, &turns); err != nil {
			return err
		}
		of, ok := found[Dec(typ)]
		if !ok {
			of.n = map[mark]int64{}
		}
		of.moves, of.turns = of.moves+moves, of.turns+turns
		if of.total += n; n != 0 {
			of.n[mark(is)] = n
		}
		found[Dec(typ)] = of
		return nil
	})
	return found, err
}

// splitMarks divides a filter into the terms that marks can answer and the rest.
func splitMarks(x filter.Expr) (of, rest filter.Expr) {
	terms := []filter.Expr{x}
	if and, ok := x.(filter.And); ok {
		terms = and
	}
	var marks, others filter.And
	for _, t := range terms {
		if _, _, only := asksMark(t); only {
			marks = append(marks, t)
		} else {
			others = append(others, t)
		}
	}
	if len(marks) > 0 {
		of = marks
	}
	if len(others) > 0 {
		rest = others
	}
	return of, rest
}

// errMarks says that there are so many resources to look at that it is better to use marks.
var errMarks = errors.New("sqlstore: marks help")

// errUndecided says that some marks don't have what the filter asks for.
var errUndecided = errors.New("sqlstore: a mark doesn't tell")

// applyMark narrows the conditions to the marks for which l.mark holds. A walk in the order of ids becomes one
// for each mark, because the index of marks has the resources of each in this order.
func (l *list) applyMark(ctx context.Context) error {
	active, state, _ := asksMark(l.mark)
	counted, err := l.marks(ctx)
	if err != nil {
		return err
	}
	var types []listType
	l.total = 0
	isCertain := true
	for _, t := range l.types {
		all := slices.Sorted(maps.Keys(counted[t.name].n))
		var are []mark
		for _, m := range all {
			if !m.answers(active, state) {
				return errUndecided
			}
			if filter.Match(l.mark, m) {
				are = append(are, m)
				l.total += counted[t.name].n[m]
			}
		}
		isCertain = isCertain && (t.isCertain() || t.isNever())
		restrict := func(are ...mark) {
			of := t
			of.answers.columns = slices.Clone(t.columns)
			places := make([]string, len(are))
			l.args = slices.Clip(l.args)
			for i, m := range are {
				l.args = append(l.args, string(m))
				places[i] = Place(len(l.args))
			}
			of.SQL, of.IsIDs, of.parts = "r.mark IN ("+strings.Join(places, ", ")+")", false, many
			if t.SQL != "TRUE" {
				of.SQL = "(" + of.SQL + " AND " + t.SQL + ")"
			}
			l.plain, l.fixed = false, false
			types = append(types, of)
		}
		switch {
		case t.isNever() || len(are) == 0:
			t.Condition, t.rest = never, nil
			types = append(types, t)
			l.plain = false
		case len(are) == len(all):
			types = append(types, t)
		case t.Ids == "" && l.column == "id":
			for _, m := range are {
				restrict(m)
			}
		default:
			restrict(are...)
		}
	}
	if l.types = types; !isCertain || !l.exact {
		l.total = -1
	}
	return nil
}
