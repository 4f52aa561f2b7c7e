package lifecycle

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write STATES.md from the table")

var (
	allStates = []State{StateNone, StateProvisioned, StatePending, StateActive, StateSuspended, StateDeactivated}
	allCauses = []Cause{CauseCreate, CauseCreateInactive, CauseCreateReview, CauseOn, CauseOff, CauseDelete, CauseLogin, CauseApprove, CauseReject, CauseSuspend, CauseReactivate}
)

// TestEveryCell says of each state, billed or not, and each cause what becomes of it; what isn't listed stays.
func TestEveryCell(t *testing.T) {
	want := map[string]string{
		"none, SCIM create":                   "provisioned: provisioned",
		"none, SCIM create, active=false":     "deactivated: provisioned deactivated",
		"none, SCIM create, review":           "pending: provisioned",
		"provisioned, SCIM active=false":      "deactivated: deactivated",
		"provisioned, SCIM delete":            "none: deleted",
		"provisioned, login":                  "active billed: activated billed",
		"provisioned, suspend":                "suspended: suspended",
		"pending, SCIM active=false":          "deactivated: deactivated",
		"pending, SCIM delete":                "none: deleted",
		"pending, approve":                    "provisioned: approved",
		"pending, reject":                     "deactivated: deactivated",
		"active billed, SCIM active=false":    "deactivated: deactivated unbilled",
		"active billed, SCIM delete":          "none: unbilled deleted",
		"active billed, suspend":              "suspended billed: suspended",
		"suspended, SCIM active=false":        "deactivated: deactivated",
		"suspended, SCIM delete":              "none: deleted",
		"suspended, reactivate":               "provisioned: reactivated",
		"suspended billed, SCIM active=false": "deactivated: deactivated unbilled",
		"suspended billed, SCIM delete":       "none: unbilled deleted",
		"suspended billed, reactivate":        "active billed: reactivated",
		"deactivated, SCIM active=true":       "provisioned: reactivated",
		"deactivated, SCIM delete":            "none: deleted",
	}
	name := func(a account) string {
		s := string(a.State)
		if s == "" {
			s = "none"
		}
		if a.Billed {
			s += " billed"
		}
		return s
	}
	cells := 0
	for _, state := range allStates {
		for _, billed := range []bool{false, true} {
			if from := (account{State: state, Billed: billed}); legal(from) {
				for _, cause := range allCauses {
					cells++
					cell := name(from) + ", " + string(cause)
					expect, moves := want[cell]
					if !moves {
						expect = name(from) + ":"
					}
					delete(want, cell)
					to, kinds, ok := from.next(cause)
					assert.Equal(t, moves, ok, cell)
					assert.Equal(t, expect, strings.TrimSpace(name(to)+": "+words(kinds)), cell)
					assert.True(t, legal(to), "%s leads to an illegal account", cell)
				}
			}
		}
	}
	assert.Equal(t, 7*len(allCauses), cells)
	assert.Empty(t, want, "cells that can't be reached")
}

// TestRowsAreReachable: no row stands behind another, and none names a state or cause that isn't listed.
func TestRowsAreReachable(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range steps {
		require.True(t, slices.Contains(allStates, s.From) && slices.Contains(allStates, s.To) && slices.Contains(allCauses, s.Cause), "%v", s)
		for _, billed := range []bool{false, true} {
			if s.Billed == nil || *s.Billed == billed {
				key := fmt.Sprint(s.From, "/", s.Cause, "/", billed)
				require.False(t, seen[key], key)
				seen[key] = true
			}
		}
	}
}

// legal: active is billed, suspended may be, all others are not.
func legal(a account) bool {
	return a.State == StateSuspended || a.Billed == (a.State == StateActive)
}

func words(kinds []Kind) string {
	all := make([]string, len(kinds))
	for i, k := range kinds {
		all[i] = string(k)
	}
	return strings.Join(all, " ")
}

// TestDrawing: STATES.md is drawn from the table (go generate ./lifecycle).
func TestDrawing(t *testing.T) {
	var b strings.Builder
	b.WriteString("# The states of an account\n\nDrawn from the table in states.go by `go generate ./lifecycle`. An arrow is labelled with its cause and, behind the\nslash, the events that are told. What has no arrow changes nothing.\n\n```mermaid\nstateDiagram-v2\n")
	node := func(s State) string {
		if s == StateNone {
			return "[*]"
		}
		return string(s)
	}
	for _, s := range steps {
		label := string(s.Cause)
		if s.Billed != nil {
			label += map[bool]string{false: ", not billed", true: ", billed"}[*s.Billed]
		}
		fmt.Fprintf(&b, "    %s --> %s: %s / %s\n", node(s.From), node(s.To), label, words(s.Events))
	}
	b.WriteString("```\n")
	if *update {
		require.NoError(t, os.WriteFile("STATES.md", []byte(b.String()), 0o644))
	}
	is, err := os.ReadFile("STATES.md")
	require.NoError(t, err)
	assert.Equal(t, b.String(), string(is), "run go generate ./lifecycle")
}
