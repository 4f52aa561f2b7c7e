package sqlstore

import (
	"context"

	"github.com/rollcall-dev/rollcall/store/filter"
)

// dialect returns those parts of queries that differ between the engines. In them r is a resource, k a key, g a group, and m a membership
// row.
type dialect interface {
	// Find returns the FROM clause in which the resources of a type are found for which a condition may hold, the whole condition, and the
	// column of their ids.
	Find(c Condition, ofType string) (from, where, id string)
	// Contains returns the condition that a text contains another one.
	Contains(text, part string) string
	// ByKey returns the FROM clause in which the resources of a type are found by keys. ByKeys does so for the keys p of a query, of which
	// it gets the part behind SELECT.
	ByKey(ofType string) string
	ByKeys(ofType, query string) string
	// Without returns the condition that a resource has no key of an attribute, for which there is an index, and the column of
	// that index that says that the resource may have a value nevertheless.
	Without(attribute string) (none, suspect string)
	// RowsOf returns a join of a resource to each position p of a list.
	RowsOf() string
	// Joined returns a column with all membership rows of a resource: the RowText of each in their order, joined by KeysSplit.
	Joined(r filter.Relation) string
	// GroupsOfAll returns a column with a text for each of the first most memberships of the resources in p, in their
	// order, joined by KeysSplit.
	GroupsOfAll(text, most string) string
	// Texts makes a parameter of many texts. IdsIn returns a query for these as ids. IdsOfKeys returns a query for the ids of the resources
	// that have one of the keys whose hashes, in hexadecimal, the texts are.
	Texts(all []string) any
	IdsIn(place string) string
	IdsOfKeys(place string) string
}

// Session runs queries. In their text, "~" stands for the prefix of tables.
type Session interface {
	// Query runs a statement of which there are few different texts. The engine may keep it prepared.
	Query(ctx context.Context, sql string, args []any, each func(Row) error) error
	// QueryOnce runs a statement whose text depends on a filter. The engine keeps nothing of it.
	QueryOnce(ctx context.Context, sql string, args []any, each func(Row) error) error
}
