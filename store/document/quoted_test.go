package document_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rollcall-dev/rollcall/store/document"
)

func TestQuoted(t *testing.T) {
	for words, want := range map[string]string{
		"":                            `""`,
		"a\"b\n":                      `"a\"b\n"`,
		strings.Repeat("x", 64):       `"` + strings.Repeat("x", 64) + `"`,
		strings.Repeat("x", 65):       `"` + strings.Repeat("x", 64) + `..."`,
		strings.Repeat("ü", 40):       `"` + strings.Repeat("ü", 32) + `..."`,
		"x" + strings.Repeat("ü", 40): `"x` + strings.Repeat("ü", 31) + `..."`,
		strings.Repeat("\xbf", 65):    `"..."`,
	} {
		assert.Equal(t, want, document.Quoted(words))
	}
}
