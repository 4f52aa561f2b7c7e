package sqlstore

import (
	"context"

	"github.com/rollcall-dev/rollcall/store/filter"
)

// dialect are the parts of queries that each engine wants otherwise.
type dialect interface {
	// Find is where to look for the resources r of a type that a condition may hold for, the whole condition, and the column of
	// their ids.
	Find(c Condition, ofType string) (from, where, id string)
	// Contains is the condition that a text has another one in it.
	Contains(text, part string) string
	// ByKey is where the resources r of a type are looked for that keys k are of. ByKeys is the same for keys p that a query has,
	// of which this is what comes behind SELECT.
	ByKey(ofType string) string
	ByKeys(ofType, query string) string
	// Without is the condition on a resource r, of which there is an index, to have no key of an attribute; and the column of
	// that index which says that it may have a value all the same.
	Without(attribute string) (none, suspect string)
	// RowsOf joins a resource r to each place p of a list.
	RowsOf() string
	// Joined is a column with all the membership rows of a resource r: rowText of each in their order, joined by keysSplit.
	Joined(r filter.Relation) string
	// GroupsOfAll is a column with a text for each of the first most groups g and memberships m of the resources in p, in their
	// order, joined by keysSplit.
	GroupsOfAll(text, most string) string
	// Texts makes a parameter of many texts. idsIn is a query for them, as ids; idsOfKeys is a query for the ids of the resources
	// that have one of the keys, of which the texts are the hashes in hexadecimal.
	Texts(all []string) any
	IdsIn(place string) string
	IdsOfKeys(place string) string
}

// Session runs queries. In their text "~" stands for the prefix of tables.
type Session interface {
	// Query runs one of few statements, which may stay prepared.
	Query(ctx context.Context, sql string, args []any, each func(Row) error) error
	// QueryOnce runs one of countless statements: nothing stays of it.
	QueryOnce(ctx context.Context, sql string, args []any, each func(Row) error) error
}
