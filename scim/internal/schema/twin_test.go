package schema

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// TestTwinsAreOne shows that spellings of a name that look alike have the same key, so that a filter with one of them finds any other.
func TestTwinsAreOne(t *testing.T) {
	u := userType(t)
	twins := []string{"rené@x.example", "rene\u0301@x.example", "ＲＥＮÉ＠x.example", "ren\u200bé@x.example", " rené@x.example\u00a0", "RENÉ@X.EXAMPLE"}
	for _, one := range twins {
		v := document.Object(document.Field{Name: "userName", Value: document.String(one)})
		keys, label := u.Index(v)
		assert.Equal(t, []store.IndexKey{{Attribute: "userName", Value: "rené@x.example", Unique: true}}, keys, "%+q", one)
		assert.Equal(t, one, label, "what was sent is kept")
		for _, other := range twins {
			x := filter.Expr(filter.Compare{Attr: filter.Attr{Path: filter.Path{Name: "userName"}}, Op: filter.Eq, Value: document.String(other)})
			bound, err := u.Bind(x, nil)
			require.NoError(t, err)
			assert.Equal(t, keys[0].Value, bound.(filter.Compare).Value.Text(), "the literal is the key: %+q", other)
			assert.True(t, filter.Match(bound, &source{Resource: store.Resource{Attributes: v.Document()}}), "%+q and %+q", one, other)
		}
	}
}

// TestNamesAreNotFoldedAsValues shows that names of attributes are ASCII, and that only their case may differ.
func TestNamesAreNotFoldedAsValues(t *testing.T) {
	u := userType(t)
	for _, name := range []string{" userName", "user\u200bName", "ｕserName", "userName\u00a0"} {
		_, err := u.Decode(document.Object(document.Field{Name: name, Value: document.String("x")}), nil)
		assert.ErrorContains(t, err, "userName: required", "%q", name)
	}
}

// TestInvisibleNames shows that a userName of invisible characters counts as none, and is no key.
func TestInvisibleNames(t *testing.T) {
	u := userType(t)
	for _, name := range []string{"", " ", "\u200b", "\u00a0\u00ad\ufeff", "\u3164"} {
		body := document.Object(document.Field{Name: "userName", Value: document.String(name)})
		_, err := u.Decode(body, nil)
		assert.ErrorContains(t, err, "userName: required", "%q", name)
		keys, _ := u.Index(document.Object(document.Field{Name: "userName", Value: document.String(name)}, document.Field{Name: "emails",
			Value: document.Array(document.Object(document.Field{Name: "value", Value: document.String(name)}))}))
		assert.Empty(t, keys, "%q", name)
	}
}

// TestFoldedKeysAreBounded shows that a key isn't longer than databases allow, even if the folded text is longer than the one that was sent.
func TestFoldedKeysAreBounded(t *testing.T) {
	u := userType(t)
	for name, fits := range map[string]bool{
		strings.Repeat("a", maxKey): true, strings.Repeat("a", maxKey+1): false, strings.Repeat("İ", maxKey/3): true, strings.Repeat("İ", maxKey/3+1): false,
		strings.Repeat("\uFB2C", 56): true, strings.Repeat("\uFB2C", 200): false,
	} {
		v, err := u.Decode(document.Object(document.Field{Name: "userName", Value: document.String(name)}), nil)
		if !fits {
			assert.ErrorContains(t, err, "userName: want at most 1024 bytes", len(name))
			continue
		}
		require.NoError(t, err, len(name))
		keys, _ := u.Index(v)
		assert.LessOrEqual(t, len(keys[0].Value), maxKey)
	}
}
