package sqlstore

import (
	"context"

	"github.com/rollcall-dev/rollcall/store/filter"
)

// dialect are the parts of queries that each engine wants otherwise.
type dialect interface {
	// find is where to look for the resources r of a type that a condition may hold for, the whole condition, and the column of
	// their ids.
	find(c condition, ofType string) (from, where, id string)
	// rowsOf joins a resource r to each place p of a list.
	rowsOf() string
	// joined is a column with all the membership rows of a resource r: rowText of each in their order, joined by keysSplit.
	joined(r filter.Relation) string
	// groupsOfAll is a column with a text for each of the first most groups g and memberships m of the resources in p, in their
	// order, joined by keysSplit.
	groupsOfAll(text, most string) string
	// texts makes a parameter of many texts. idsIn is a query for them, as ids; idsOfKeys is a query for the ids of the resources
	// that have one of the keys, of which the texts are the hashes in hexadecimal.
	texts(all []string) any
	idsIn(place string) string
	idsOfKeys(place string) string
}

// session runs queries. In their text "~" stands for the prefix of tables.
type session interface {
	// query runs one of few statements, which may stay prepared.
	query(ctx context.Context, sql string, args []any, each func(row) error) error
	// queryOnce runs one of countless statements: nothing stays of it.
	queryOnce(ctx context.Context, sql string, args []any, each func(row) error) error
}
