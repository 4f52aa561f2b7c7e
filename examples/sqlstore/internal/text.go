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

// Texts in the tables are UTF-8 without the bytes 0 to 3, because PostgreSQL has no NUL, and the others separate keys. Such a
// byte b is written as \x01 and b+0x10, which keeps the order of texts. A byte that isn't part of UTF-8 is written as \x01\x20 and two
// hexadecimal digits.
const (
	escape    = "\x01"
	KeySplit  = "\x02" // between the attribute and the value of a key
	KeysSplit = "\x03" // between keys
	lowest    = 4      // the first byte that needs no escape
)

// Enc makes a text that both engines can store.
func Enc(s string) string {
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

// Dec returns the text that Enc was given.
func Dec(s string) string {
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

// KeyOf makes the text of a key.
func KeyOf(attribute, value string) string { return Enc(attribute) + KeySplit + Enc(value) }

// HashOf returns the form of a key in the index of keys. It begins with 6 bytes of a hash of the tenant and 4 of one of the type and the
// attribute, so that the keys of an attribute are together. The value follows, so that these are in the order of values. The function #hash
// does the same in PostgreSQL.
func HashOf(tenant, typ, key string) []byte {
	return TenantHash(tenant).Of(typ, key)
}

// TenantHash returns the bytes with which the keys of a tenant begin.
func TenantHash(tenant string) (p keyPrefix) {
	var buf [64]byte
	h := sha256.Sum256(append(buf[:0], tenant...))
	copy(p[:], h[:])
	return p
}

type keyPrefix [6]byte

const (
	ofAttribute = 10  // the bytes of a key before the value
	wholeValue  = 200 // the most bytes of a value that are in a key
	valueHash   = 12  // the bytes of a longer value's hash, which follow its first bytes
)

func (p keyPrefix) Of(typ, key string) []byte {
	attribute, value, _ := strings.Cut(key, KeySplit)
	b := p.attribute(typ, attribute, len(value))
	if len(value) <= wholeValue {
		return append(b, value...)
	}
	h := sha256.Sum256([]byte(value))
	return append(append(b, value[:wholeValue]...), h[:valueHash]...)
}

// attribute returns the bytes with which the keys of an attribute begin, with memory for more.
func (p keyPrefix) attribute(typ, attribute string, more int) []byte {
	var buf [160]byte
	h := sha256.Sum256(append(append(append(buf[:0], typ...), KeysSplit...), attribute...))
	b := make([]byte, 0, ofAttribute+min(more, wholeValue+valueHash))
	return append(append(b, p[:]...), h[:ofAttribute-len(p)]...)
}

// isCut says whether a key doesn't have the whole value, so that its order among keys with the same beginning means nothing.
func isCut(key []byte) bool { return len(key) > ofAttribute+wholeValue }

// next returns the least bytes that are greater than all that begin with a prefix.
func next(prefix []byte) []byte {
	b := bytes.Clone(prefix)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i]++; b[i] != 0 {
			return b[:i+1]
		}
	}
	return bytes.Repeat([]byte{0xff}, len(prefix)+1) // the prefix has only the greatest byte
}

// bounds returns the least bytes that can be a key of the tenant, and the least that are greater than all its keys.
func (p keyPrefix) bounds() (least, behind []byte) { return p[:], next(p[:]) }

// Number returns a hash of several texts.
func Number(texts ...string) int64 {
	h := sha256.Sum256([]byte(strings.Join(texts, KeysSplit)))
	return int64(binary.BigEndian.Uint64(h[:]))
}

// KeySet has a resource's index keys in the form of the tables.
type KeySet struct {
	Keys    []string // the keys, each once, the unique ones first
	Uniques int
}

func KeysOf(index []store.IndexKey) (s KeySet) {
	if len(index) == 0 {
		return s
	}
	s.Keys = make([]string, 0, len(index))
	for _, unique := range []bool{true, false} {
		for _, x := range index {
			if x.Unique != unique {
				continue
			}
			if k := KeyOf(x.Attribute, x.Value); !slices.Contains(s.Keys, k) {
				s.Keys = append(s.Keys, k)
			}
		}
		if unique {
			s.Uniques = len(s.Keys)
		}
	}
	return s
}

// Without returns the keys that another set doesn't have, or not with the same uniqueness.
func (s KeySet) Without(o KeySet) (rest KeySet) {
	for i, k := range s.Keys {
		if at := slices.Index(o.Keys, k); at >= 0 && (at < o.Uniques) == (i < s.Uniques) {
			continue
		}
		if rest.Keys = append(rest.Keys, k); i < s.Uniques {
			rest.Uniques++
		}
	}
	return rest
}

// IsSame says whether a set has the same keys in the same order.
func (s KeySet) IsSame(o KeySet) bool { return s.Uniques == o.Uniques && slices.Equal(s.Keys, o.Keys) }

// Hashes returns the hashes of the keys.
func (s KeySet) Hashes(tenant, typ string) [][]byte {
	all, prefix := make([][]byte, len(s.Keys)), TenantHash(tenant)
	for i, k := range s.Keys {
		all[i] = prefix.Of(typ, k)
	}
	return all
}

// Joined returns the set as the text of a column.
func (s KeySet) Joined() string { return strings.Join(s.Keys, KeysSplit) }

// SplitKeys returns the set of which Joined made a text. It returns store.ErrCorrupt for a text that Joined can't have made.
func SplitKeys(joined string, uniques int) (s KeySet, err error) {
	if joined != "" {
		s = KeySet{strings.Split(joined, KeysSplit), uniques}
	}
	if uniques < 0 || uniques > len(s.Keys) {
		return KeySet{}, store.ErrCorrupt
	}
	return s, nil
}

// index returns the index keys of which KeysOf made the set. It returns store.ErrCorrupt for a key that KeyOf can't have made.
func (s KeySet) index() ([]store.IndexKey, error) {
	if len(s.Keys) == 0 {
		return nil, nil
	}
	index := make([]store.IndexKey, len(s.Keys))
	for i, k := range s.Keys {
		attribute, value, ok := strings.Cut(k, KeySplit)
		if !ok {
			return nil, store.ErrCorrupt
		}
		index[i] = store.IndexKey{Attribute: Dec(attribute), Value: Dec(value), Unique: i < s.Uniques}
	}
	return index, nil
}

// EncAll applies Enc to each text.
func EncAll(texts []string) []string {
	all := make([]string, len(texts))
	for i, s := range texts {
		all[i] = Enc(s)
	}
	return all
}
