package sqlstore

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rollcall-dev/rollcall/store"
)

// Texts in the tables are UTF-8 without the bytes 0 to 3: PostgreSQL knows no NUL, and the others separate keys. Such a
// byte b is kept as \x01 and b+0x10, which keeps the order of texts; a byte that is no UTF-8 as \x01\x20 and two
// hexadecimal digits.
const (
	escape    = "\x01"
	keySplit  = "\x02" // between the attribute and the value of a key
	keysSplit = "\x03" // between keys
	lowest    = 4      // the first byte that needs no escape
)

// enc makes a text that both engines keep.
func enc(s string) string {
	if isPlain(s) {
		return s
	}
	const digits = "0123456789abcdef"
	b := make([]byte, 0, len(s)+16)
	for i := 0; i < len(s); {
		c := s[i]
		_, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case c < lowest:
			b = append(b, escape[0], c+0x10)
		case c >= utf8.RuneSelf && n == 1:
			b = append(b, escape[0], 0x20, digits[c>>4], digits[c&15])
		default:
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return string(b)
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < lowest || s[i] >= utf8.RuneSelf && !utf8.ValidString(s[i:]) {
			return false
		} else if s[i] >= utf8.RuneSelf {
			return !strings.ContainsAny(s[i:], "\x00\x01\x02\x03")
		}
	}
	return true
}

// dec undoes enc.
func dec(s string) string {
	if !strings.Contains(s, escape) {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != escape[0] || i+1 == len(s):
			b = append(b, s[i])
		case s[i+1] == 0x20 && i+3 < len(s):
			x, _ := hex.DecodeString(s[i+2 : i+4])
			b = append(b, x...)
			i += 3
		default:
			b = append(b, s[i+1]-0x10)
			i++
		}
	}
	return string(b)
}

// keyOf makes the text of a key.
func keyOf(attribute, value string) string { return enc(attribute) + keySplit + enc(value) }

// hashOf is what a key is told by in the index of a tenant's resources of a type: short, however long the value is, and
// never the same for two keys. PostgreSQL does the same in #hash.
func hashOf(tenant, typ, key string) []byte {
	b := make([]byte, 0, 128)
	b = append(append(b, tenant...), keysSplit...)
	b = append(append(b, typ...), keysSplit...)
	h := sha256.Sum256(append(b, key...))
	return h[:16]
}

// keySet is a resource's index as the tables have it.
type keySet struct {
	keys    []string // each once, unique ones first
	uniques int
}

func keysOf(index []store.IndexKey) (s keySet) {
	if len(index) == 0 {
		return s
	}
	s.keys = make([]string, 0, len(index))
	for _, unique := range []bool{true, false} {
		for _, x := range index {
			if x.Unique != unique {
				continue
			}
			if k := keyOf(x.Attribute, x.Value); !slices.Contains(s.keys, k) {
				s.keys = append(s.keys, k)
			}
		}
		if unique {
			s.uniques = len(s.keys)
		}
	}
	return s
}

// without are the keys that another set doesn't have in the same way, and how many of them are unique.
func (s keySet) without(o keySet) (rest keySet) {
	for i, k := range s.keys {
		if at := slices.Index(o.keys, k); at >= 0 && (at < o.uniques) == (i < s.uniques) {
			continue
		}
		if rest.keys = append(rest.keys, k); i < s.uniques {
			rest.uniques++
		}
	}
	return rest
}

// hashes are what the keys are told by.
func (s keySet) hashes(tenant, typ string) [][]byte {
	all := make([][]byte, len(s.keys))
	for i, k := range s.keys {
		all[i] = hashOf(tenant, typ, k)
	}
	return all
}

// joined is the set as the column has it.
func (s keySet) joined() string { return strings.Join(s.keys, keysSplit) }

// splitKeys undoes joined.
func splitKeys(joined string, uniques int) keySet {
	if joined == "" {
		return keySet{}
	}
	return keySet{strings.Split(joined, keysSplit), uniques}
}

// index undoes keysOf.
func (s keySet) index() []store.IndexKey {
	if len(s.keys) == 0 {
		return nil
	}
	index := make([]store.IndexKey, len(s.keys))
	for i, k := range s.keys {
		attribute, value, _ := strings.Cut(k, keySplit)
		index[i] = store.IndexKey{Attribute: dec(attribute), Value: dec(value), Unique: i < s.uniques}
	}
	return index
}
