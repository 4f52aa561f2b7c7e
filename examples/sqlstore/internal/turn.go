package sqlstore

import (
	"context"
	"fmt"
)

// newCalls makes Scans that give each tenant so many turns, and all tenants the connections.
func newCalls(turns, connections int) *Scans {
	return &Scans{Each: turns, All: make(chan struct{}, connections), Tenants: map[string]*scanTurns{}}
}

// Turn waits until a tenant may use one more connection. A nil receiver admits every call at once.
func (s *Scans) Turn(ctx context.Context, tenant string) (leave func(), err error) {
	if s == nil {
		return func() {}, nil
	}
	if leave, err = s.Enter(ctx, tenant); err != nil {
		return nil, fmt.Errorf("sqlstore: %w", ctx.Err())
	}
	return leave, nil
}
