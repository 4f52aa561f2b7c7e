package postgres

import (
	"github.com/jackc/pgx/v5/pgxpool"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
)

// What follows is for the tests of both engines, which are in another package. A product can't reach it.

// Pool is the pool that the store uses.
func (p *engine) Pool() *pgxpool.Pool { return p.pool }

// Shared are those that wait to share a transaction.
func (p *engine) Shared() *sqlstore.Queue[*store.Change] { return &p.shared }

// Sharing is how many shared transactions there are at the same time, and how many changes share one.
func (p *engine) Sharing() (transactions, each int) { return sharers, mostShared }

// Made remembers what was made of statements.
func (p *engine) Made() *sqlstore.Texts { return p.Filled }

// TablesIn is the schema of the tables.
func (p *engine) TablesIn() string { return p.Schema }
