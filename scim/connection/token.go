package connection

import (
	"crypto/rand"
	"hash/crc32"
	"math/big"
	"strings"
)

// The form of a bearer token: a prefix of the product's choice, "_scim_", 43 characters of 256 random bits and 6 of the CRC32
// (IEEE) of all characters before them, both in base 62. So a scanner for secrets can confirm a token without asking anybody,
// and one that was mistyped is refused without a look-up. As a regular expression for scanners:
//
//	[0-9A-Za-z]+_scim_[0-9A-Za-z]{49}
const (
	marker      = "_scim_"
	randomChars = 43
	sumChars    = 6
	alphabet    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// newToken makes a token. It is shown once, and only its SHA-256 is kept.
func newToken(prefix string) string {
	bits := make([]byte, 32)
	_, _ = rand.Read(bits) // it never fails
	t := prefix + marker + base62(new(big.Int).SetBytes(bits), randomChars)
	return t + sumOf(t)
}

func base62(n *big.Int, chars int) string {
	b := make([]byte, chars)
	base, digit := big.NewInt(int64(len(alphabet))), new(big.Int)
	for i := chars - 1; i >= 0; i-- {
		n.DivMod(n, base, digit)
		b[i] = alphabet[digit.Int64()]
	}
	return string(b)
}

// sumOf is the checksum of a token's beginning.
func sumOf(t string) string {
	n := crc32.ChecksumIEEE([]byte(t))
	var b [sumChars]byte
	for i := sumChars - 1; i >= 0; i-- {
		b[i] = alphabet[n%uint32(len(alphabet))]
		n /= uint32(len(alphabet))
	}
	return string(b[:])
}

// isOurs says whether a text looks like a token of this form, and whether its checksum is right. The prefix may be any,
// so that tokens stay good when the product changes it.
func isOurs(t string) (ours, right bool) {
	at := strings.LastIndex(t, marker)
	if at < 1 || !isBase62(t[:at]) {
		return false, false
	}
	rest := t[at+len(marker):]
	if len(rest) != randomChars+sumChars || !isBase62(rest) {
		return true, false
	}
	return true, sumOf(t[:len(t)-sumChars]) == t[len(t)-sumChars:]
}

func isBase62(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		default:
			return false
		}
	}
	return true
}
