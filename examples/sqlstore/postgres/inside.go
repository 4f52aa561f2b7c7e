package postgres

import (
	"github.com/jackc/pgx/v5/pgxpool"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
)

// This file is for the tests of both engines, which are in another package. A product can't reach these methods.

// Pool returns the pool that the store uses.
func (p *engine) Pool() *pgxpool.Pool { return p.pool }

// Shared returns the queue of the changes that share transactions.
func (p *engine) Shared() *sqlstore.Queue[*store.Change] { return &p.shared }

// Sharing returns how many shared transactions run at the same time, and how many changes share one.
func (p *engine) Sharing() (transactions, each int) { return sharers, mostShared }

// Made returns the remembered texts of statements.
func (p *engine) Made() *sqlstore.Texts { return p.Filled }

// TablesIn returns the schema of the tables.
func (p *engine) TablesIn() string { return p.Schema }
