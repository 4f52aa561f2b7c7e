package table_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/mapping/table"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// generated is a table of many people, whose rows are made when they are read.
type generated struct {
	*table.Memory[employee]
	n, most int
	listed  func(call int)
	calls   int
}

func (c *generated) List(_ context.Context, _, after string, most int) (page []*table.Record[employee], err error) {
	c.calls, c.most = c.calls+1, max(c.most, most)
	c.listed(c.calls)
	from := 0
	if after != "" {
		if _, err := fmt.Sscanf(after, "%d", &from); err != nil {
			return nil, err
		}
		from++
	}
	for i := from; i < min(from+most, c.n); i++ {
		page = append(page, &table.Record[employee]{ID: fmt.Sprintf("%07d", i), Value: employee{Login: fmt.Sprintf("p%d@x.example", i), Family: fmt.Sprint("f", i%1000)}})
	}
	return page, nil
}

// TestStream shows that a query that a repository can't answer is evaluated in batches, and that only the page is kept in memory.
func TestStream(t *testing.T) {
	const n = 100_000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, peak := heap(), uint64(0)
	people := &generated{Memory: table.NewMemory[employee](), n: n, listed: func(call int) {
		if call%50 == 0 {
			peak = max(peak, heap())
		}
	}}
	s, err := table.New(table.Of(compiled[employee](t, nil), people), table.Table{}, nil)
	require.NoError(t, err)
	family := filter.Attr{Path: filter.Path{Name: "name", Sub: "familyName"}, Type: filter.String}
	q := store.Query{Tenant: "acme", Types: []string{"User"}, Count: 10, Filter: filter.Compare{Attr: family, Op: filter.Sw, Value: document.String("f9")}}
	page, err := s.List(t.Context(), q)
	require.NoError(t, err)
	assert.Equal(t, 11_100, page.Total)
	assert.Len(t, page.Resources, 10)
	assert.LessOrEqual(t, people.most, 256)
	assert.Greater(t, people.calls, n/256)
	assert.Less(t, peak, before+4<<20, "the heap doesn't grow with the tenant")

	ctx, stop := context.WithCancel(t.Context())
	people.calls, people.listed = 0, func(call int) {
		if call == 3 {
			stop()
		}
	}
	_, err = s.List(ctx, q)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 3, people.calls, "nobody reads on for a client that left")

	people.listed = func(int) {}
	q.Filter = filter.Compare{Attr: filter.Attr{Path: filter.Path{Name: "userName"}, Type: filter.String}, Op: filter.Eq, Value: document.String("p1@x.example")}
	page, err = s.List(t.Context(), q)
	require.NoError(t, err)
	assert.Equal(t, 1, page.Total)
	_, err = people.Find(t.Context(), "acme", "userName", "x")
	require.True(t, errors.Is(err, errors.ErrUnsupported), "it was found without an index")
}
