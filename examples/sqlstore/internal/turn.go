package sqlstore

import (
	"context"
	"fmt"
)

// newCalls makes Scans by which no tenant uses more than three quarters of the connections, or of the processors, at once, so that a call
// of another tenant finds a free one.
func newCalls(connections, processors int) *Scans {
	return &Scans{Each: max(1, min(connections, processors)*3/4), All: make(chan struct{}, connections), Tenants: map[string]*scanTurns{}}
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
