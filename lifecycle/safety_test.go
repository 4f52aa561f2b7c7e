package lifecycle_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
)

// A safety that allows everything is kept as such, and not as a record that was lost (I12).
func TestSafetyThatAllowsEverything(t *testing.T) {
	most := 1
	h := newHouse(t, func(o *lifecycle.Options, _ *lifecycle.Settings) {
		o.Safety = func() lifecycle.Safety {
			return lifecycle.Safety{Members: &lifecycle.Brake{Max: &most, Window: lifecycle.Window(3600e9)}}
		}
	})
	ada := h.create("User", `{"userName":"ada"}`)
	_, err := h.s.SetSafety(t.Context(), admin, func(s *lifecycle.Safety) error { *s = lifecycle.Safety{}; return nil })
	require.NoError(t, err)
	is, err := h.s.Safety(t.Context(), "acme")
	require.NoError(t, err)
	assert.Nil(t, is.Members)
	require.NoError(t, h.del(ada))
}
