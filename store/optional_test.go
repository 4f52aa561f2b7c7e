package store_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// wrapper is a store that wraps another one and adds nothing.
type wrapper struct{ store.Store }

func (w wrapper) Unwrap() store.Store { return w.Store }

// counting is a wrapper that reads counters by itself.
type counting struct{ wrapper }

func (counting) Counters(ctx context.Context, _ string, _ ...string) ([]store.Counter, error) {
	return []store.Counter{{Name: "its own"}}, ctx.Err()
}

// closed has only the four methods: it doesn't say what it wraps.
type closed struct{ store.Store }

// A wrapped store loses none of its optional interfaces.
func TestAs(t *testing.T) {
	fake := storetest.NewFake()
	var nowhere store.Store
	for name, tt := range map[string]struct {
		s    store.Store
		want any // the store that is found as a CounterReader; nil: none
	}{
		"the store itself":                   {fake, fake},
		"a wrapper":                          {wrapper{fake}, fake},
		"a wrapper of a pointer's":           {&wrapper{fake}, fake},
		"a wrapper of a wrapper":             {wrapper{wrapper{fake}}, fake},
		"one that doesn't say what it wraps": {closed{fake}, nil},
		"a wrapper of such a one":            {wrapper{closed{fake}}, nil},
		"a wrapper of nothing":               {wrapper{}, nil},
		"a wrapper of a wrapper of nothing":  {wrapper{wrapper{}}, nil},
		"nothing":                            {nowhere, nil},
		"a wrapper that does it by itself":   {counting{wrapper{fake}}, counting{wrapper{fake}}},
		"a wrapper of one that does":         {wrapper{counting{wrapper{fake}}}, counting{wrapper{fake}}},
		"one that does, of one that does":    {counting{wrapper{counting{wrapper{fake}}}}, counting{wrapper{counting{wrapper{fake}}}}},
		"one that does, of one that can't":   {counting{wrapper{closed{fake}}}, counting{wrapper{closed{fake}}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := store.As[store.CounterReader](tt.s)
			assert.Equal(t, tt.want != nil, ok)
			if tt.want == nil {
				assert.Nil(t, got)
			} else {
				assert.Equal(t, tt.want, got)
			}
		})
	}

	_, ok := store.As[store.RelatedReader](wrapper{fake})
	assert.False(t, ok, "nobody of them is a RelatedReader")
	source, ok := store.As[store.EventSource](counting{wrapper{fake}})
	assert.True(t, ok)
	assert.Same(t, fake, source, "a wrapper that does one thing hides no other")
}

// TestWrappedFake runs all rules on a Fake that is wrapped: those on optional interfaces find them behind the wrapper.
func TestWrappedFake(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return wrapper{wrapper{storetest.NewFake()}} })
	storetest.Random(t, 5, 500, storetest.NewFake(), wrapper{storetest.NewFake()})
}
