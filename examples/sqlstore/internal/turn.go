package sqlstore

import (
	"context"
	"fmt"
)

// newCalls lets no tenant have more than three quarters of the connections and processors at once, so that another one's call finds
// one free.
func newCalls(connections, processors int) *Scans {
	return &Scans{Each: max(1, min(connections, processors)*3/4), All: make(chan struct{}, connections), Tenants: map[string]*scanTurns{}}
}

// turn waits until a tenant may have one more connection.
func (s *Store) turn(ctx context.Context, tenant string) (leave func(), err error) {
	if leave, err = s.calls.Enter(ctx, tenant); err != nil {
		return nil, fmt.Errorf("sqlstore: %w", ctx.Err())
	}
	return leave, nil
}
