package sqlstore_test

import (
	"context"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
)

// spy notes the text of each query that a store runs, also in a snapshot, except for those of commits.
func spy(s *sqlstore.Store) (asked *[]string) {
	asked = new([]string)
	sqlstore.SetEngine(s, spiedEngine{sqlstore.EngineOf(s), asked})
	return asked
}

type spiedEngine struct {
	sqlstore.Engine
	asked *[]string
}

type spiedSession struct {
	sqlstore.Session
	asked *[]string
}

func (s spiedSession) Query(ctx context.Context, sql string, args []any, each func(sqlstore.Row) error) error {
	*s.asked = append(*s.asked, sql)
	return s.Session.Query(ctx, sql, args, each)
}

func (s spiedSession) QueryOnce(ctx context.Context, sql string, args []any, each func(sqlstore.Row) error) error {
	*s.asked = append(*s.asked, sql)
	return s.Session.QueryOnce(ctx, sql, args, each)
}

func (s spiedEngine) Query(ctx context.Context, sql string, args []any, each func(sqlstore.Row) error) error {
	return spiedSession{s.Engine, s.asked}.Query(ctx, sql, args, each)
}

func (s spiedEngine) QueryOnce(ctx context.Context, sql string, args []any, each func(sqlstore.Row) error) error {
	return spiedSession{s.Engine, s.asked}.QueryOnce(ctx, sql, args, each)
}

func (s spiedEngine) Snapshot(ctx context.Context, read func(sqlstore.Session) error) error {
	return s.Engine.Snapshot(ctx, func(in sqlstore.Session) error { return read(spiedSession{in, s.asked}) })
}
