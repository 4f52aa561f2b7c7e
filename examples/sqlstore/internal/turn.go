package sqlstore

import (
	"context"
	"fmt"

	"github.com/rollcall-dev/rollcall/store"
)

// newCalls makes Scans by which no tenant uses more than three quarters of the connections at once, so that a call of another tenant finds
// a free one.
func newCalls(connections int) *Scans {
	return &Scans{Each: max(1, connections*3/4), All: make(chan struct{}, connections), Tenants: map[string]*scanTurns{}}
}

// turn waits until a tenant may use one more connection.
func (s *Store) turn(ctx context.Context, tenant string) (leave func(), err error) {
	if leave, err = s.calls.Enter(ctx, tenant); err != nil {
		return nil, fmt.Errorf("sqlstore: %w", ctx.Err())
	}
	return leave, nil
}

// isAddition says whether a change only creates resources. Many such changes share a connection.
func isAddition(c *store.Change) bool {
	for _, p := range c.Put {
		if p.IfVersion != "" {
			return false
		}
	}
	return len(c.Put) > 0 && len(c.Members)+len(c.Delete) == 0
}
