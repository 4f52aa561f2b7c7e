// Package sqlstore has the tests that the SQL stores of examples/sqlstore/postgres and examples/sqlstore/sqlite share. There is
// nothing in it to import: a product imports one of the two.
package sqlstore
