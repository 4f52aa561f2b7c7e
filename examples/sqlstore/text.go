package sqlstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
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

// hashOf tells a key in the index of keys: short, however long the value is. 4 bytes are of the tenant, so that its keys stand
// together, and 12 of the type and the key, of which two are never the same in practice. PostgreSQL does the same in #hash.
func hashOf(tenant, typ, key string) []byte {
	return tenantHash(tenant).of(typ, key)
}

// tenantHash is what the hashes of a tenant's keys begin with.
func tenantHash(tenant string) keyPrefix {
	var buf [64]byte
	h := sha256.Sum256(append(buf[:0], tenant...))
	return keyPrefix(h[:4])
}

type keyPrefix [4]byte

func (p keyPrefix) of(typ, key string) []byte {
	var buf [160]byte
	b := append(append(buf[:0], typ...), keysSplit...)
	h := sha256.Sum256(append(b, key...))
	return append(append(make([]byte, 0, 16), p[:]...), h[:12]...)
}

// bounds are the least and the greatest hash that a tenant's keys can have.
func (p keyPrefix) bounds() (least, greatest []byte) {
	return append(p[:], make([]byte, 12)...), append(p[:], bytes.Repeat([]byte{0xff}, 12)...)
}

// number is a hash of texts, in which they can't run into each other.
func number(texts ...string) int64 {
	h := sha256.Sum256([]byte(strings.Join(texts, keysSplit)))
	return int64(binary.BigEndian.Uint64(h[:]))
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

// isSame says whether a set has the same keys in the same order.
func (s keySet) isSame(o keySet) bool { return s.uniques == o.uniques && slices.Equal(s.keys, o.keys) }

// hashes are what the keys are told by.
func (s keySet) hashes(tenant, typ string) [][]byte {
	all, prefix := make([][]byte, len(s.keys)), tenantHash(tenant)
	for i, k := range s.keys {
		all[i] = prefix.of(typ, k)
	}
	return all
}

// joined is the set as the column has it.
func (s keySet) joined() string { return strings.Join(s.keys, keysSplit) }

// splitKeys undoes joined. It returns store.ErrCorrupt for what joined can't have made.
func splitKeys(joined string, uniques int) (s keySet, err error) {
	if joined != "" {
		s = keySet{strings.Split(joined, keysSplit), uniques}
	}
	if uniques < 0 || uniques > len(s.keys) {
		return keySet{}, store.ErrCorrupt
	}
	return s, nil
}

// index undoes keysOf. It returns store.ErrCorrupt for a key that keyOf can't have made.
func (s keySet) index() ([]store.IndexKey, error) {
	if len(s.keys) == 0 {
		return nil, nil
	}
	index := make([]store.IndexKey, len(s.keys))
	for i, k := range s.keys {
		attribute, value, ok := strings.Cut(k, keySplit)
		if !ok {
			return nil, store.ErrCorrupt
		}
		index[i] = store.IndexKey{Attribute: dec(attribute), Value: dec(value), Unique: i < s.uniques}
	}
	return index, nil
}

// encAll is enc of each.
func encAll(texts []string) []string {
	all := make([]string, len(texts))
	for i, s := range texts {
		all[i] = enc(s)
	}
	return all
}
