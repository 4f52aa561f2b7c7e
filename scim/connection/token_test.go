package connection

import (
	"hash/crc32"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The form is what the documentation gives to scanners.
func TestToken(t *testing.T) {
	form := regexp.MustCompile(`^[0-9A-Za-z]+_scim_[0-9A-Za-z]{49}$`)
	seen := map[string]bool{}
	for range 1_000 {
		token := newToken("acme")
		assert.Regexp(t, form, token)
		ours, right := isOurs(token)
		assert.True(t, ours && right, token)
		assert.False(t, seen[token])
		seen[token] = true
		n, ok := new(big.Int), true
		for _, c := range token[len(token)-sumChars:] {
			i := strings.IndexRune(alphabet, c)
			ok = ok && i >= 0
			n.Add(n.Mul(n, big.NewInt(62)), big.NewInt(int64(i)))
		}
		assert.True(t, ok)
		assert.EqualValues(t, crc32.ChecksumIEEE([]byte(token[:len(token)-sumChars])), n.Int64())
	}
	assert.Equal(t, strings.Repeat("0", 43), base62(new(big.Int), 43), "padded with 0")
	most := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	assert.Len(t, base62(most, randomChars), randomChars)
	assert.Zero(t, most.Set(new(big.Int).Lsh(big.NewInt(1), 256)).Cmp(most))

	token := newToken("x")
	for i := range token {
		for _, c := range []string{"0", "z", "!"} {
			if wrong := token[:i] + c + token[i+1:]; wrong != token {
				_, right := isOurs(wrong)
				assert.False(t, right, "one character mistyped: %s", wrong)
			}
		}
	}
	for _, wrong := range []string{"", "_scim_", "x_scim_", token + "0", token[1:] + "0", token[:len(token)-1]} {
		_, right := isOurs(wrong)
		assert.False(t, right, wrong)
	}
}

func FuzzToken(f *testing.F) {
	f.Add(newToken("x"))
	f.Add("x_scim_")
	f.Add("_scim__scim_")
	f.Fuzz(func(t *testing.T, token string) {
		ours, right := isOurs(token)
		if right && (!ours || !isBase62(strings.ReplaceAll(token, "_scim_", ""))) {
			t.Error(token)
		}
	})
}
