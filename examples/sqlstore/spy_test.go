package sqlstore

import "context"

// spy notes the text of each query that a store asks its engine, also in a snapshot, without those of commits.
func spy(s *Store) (asked *[]string) {
	asked = new([]string)
	s.engine = spiedEngine{s.engine, asked}
	return asked
}

type spiedEngine struct {
	engine
	asked *[]string
}

type spiedSession struct {
	session
	asked *[]string
}

func (s spiedSession) query(ctx context.Context, sql string, args []any, each func(row) error) error {
	*s.asked = append(*s.asked, sql)
	return s.session.query(ctx, sql, args, each)
}

func (s spiedSession) queryOnce(ctx context.Context, sql string, args []any, each func(row) error) error {
	*s.asked = append(*s.asked, sql)
	return s.session.queryOnce(ctx, sql, args, each)
}

func (s spiedEngine) query(ctx context.Context, sql string, args []any, each func(row) error) error {
	return spiedSession{s.engine, s.asked}.query(ctx, sql, args, each)
}

func (s spiedEngine) queryOnce(ctx context.Context, sql string, args []any, each func(row) error) error {
	return spiedSession{s.engine, s.asked}.queryOnce(ctx, sql, args, each)
}

func (s spiedEngine) snapshot(ctx context.Context, read func(session) error) error {
	return s.engine.snapshot(ctx, func(in session) error { return read(spiedSession{in, s.asked}) })
}
