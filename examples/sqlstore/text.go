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

// maxKey is how long a key can be in an index, in bytes; an entry of a B-tree has at most 2,704 in PostgreSQL.
const maxKey = 900

// keyOf makes the text of a key in the index. A long value is told by its beginning and its hash.
func keyOf(attribute, value string) string {
	k := enc(attribute) + keySplit + enc(value)
	if len(k) <= maxKey {
		return k
	}
	h := sha256.Sum256([]byte(k))
	return strings.ToValidUTF8(k[:maxKey-100], "") + escape + "\x1f" + hex.EncodeToString(h[:])
}

// keySet is a resource's index as the tables have it.
type keySet struct {
	keys    []string // each once, unique ones first
	uniques int
	long    string // all with their full values, if some key is shortened
}

func keysOf(index []store.IndexKey) (s keySet) {
	if len(index) == 0 {
		return s
	}
	full := make([]string, 0, len(index))
	s.keys = make([]string, 0, len(index))
	isLong := false
	for _, unique := range []bool{true, false} {
		for _, x := range index {
			if x.Unique != unique {
				continue
			}
			k := keyOf(x.Attribute, x.Value)
			from := 0
			if !unique {
				from = s.uniques
			}
			if slices.Contains(s.keys[from:], k) {
				continue
			}
			f := k
			if len(k) >= maxKey-100 {
				f = enc(x.Attribute) + keySplit + enc(x.Value)
				isLong = isLong || f != k
			}
			s.keys, full = append(s.keys, k), append(full, f)
		}
		if unique {
			s.uniques = len(s.keys)
		}
	}
	if isLong {
		s.long = strings.Join(full, keysSplit)
	}
	return s
}

// joined is the set as the column has it.
func (s keySet) joined() string { return strings.Join(s.keys, keysSplit) }

// holder is what a key's row says beside the key.
func (s keySet) holder(i int, id string) string {
	if i < s.uniques {
		return ""
	}
	return id
}

// indexOf undoes keysOf.
func indexOf(keys string, uniques int, long string) []store.IndexKey {
	if long != "" {
		keys = long
	}
	if keys == "" {
		return nil
	}
	index := make([]store.IndexKey, 0, strings.Count(keys, keysSplit)+1)
	for k := range strings.SplitSeq(keys, keysSplit) {
		attribute, value, _ := strings.Cut(k, keySplit)
		index = append(index, store.IndexKey{Attribute: dec(attribute), Value: dec(value), Unique: len(index) < uniques})
	}
	return index
}
