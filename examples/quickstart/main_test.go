package main

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/boot"
)

func TestStory(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, boot.Run(t.Context(), app(&out), []string{"-once", "-addr", "127.0.0.1:0", "-store", "memory",
		"-token", "contoso=" + entraToken, "-token", "initech=" + oktaToken}, &out, io.Discard))
	for _, line := range []string{
		"ready http://127.0.0.1:",
		`  IdP    POST /Users ines.okafor@bluequay.example -> 201 ines.okafor@bluequay.example, active`,
		`           product hook: provisioned <ines.okafor@bluequay.example>`,
		`  IdP    PATCH /Users/<after@bluequay.example> {Replace userName "after@bluequay.example"} -> 200 after@bluequay.example, active`,
		`           product hook: members.changed <Members L>`,
		"\nAt the end of the day contoso has\n",
		"  group Members L: m2@bluequay.example\n",
		"  dee.act@okfixture.example, disabled\n",
		"\nEvery answer was as the identity providers expect it.\n",
	} {
		assert.Contains(t, out.String(), line)
	}
	assert.NotContains(t, out.String(), "WRONG")
}

// A wrong answer is told, and makes the command fail.
func TestStoryFails(t *testing.T) {
	var out bytes.Buffer
	err := boot.Run(t.Context(), app(&out), []string{"-once", "-addr", "127.0.0.1:0", "-store", "memory",
		"-token", "contoso=" + entraToken, "-token", "initech=another"}, &out, io.Discard)
	require.ErrorContains(t, err, "answers were not as the identity providers expect them")
	assert.Contains(t, out.String(), "WRONG: want the status [201], got 401")
}
