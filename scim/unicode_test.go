package scim_test

import (
	"encoding/json"
	"net/url"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// userName is compared by RFC 7613 (RFC 7644 section 5): without case, width and what nobody sees, and normalized. Names come
// back as they were sent.
func TestUnicodeNames(t *testing.T) {
	for _, c := range []struct {
		name, a, b string
		same       bool
	}{
		{"ASCII", "ada", "ADA", true},
		{"Kelvin's sign", "kelvin", "\u212Aelvin", true},
		{"Ångström's sign", "\u212Bngstrom", "\u00e5ngstrom", true},
		{"long s", "sam", "\u017Fam", true},
		{"three sigmas", "\u03a3\u03c3\u03c2", "\u03c2\u03c2\u03c2", true},
		{"Cyrillic", "Иван", "иВАН", true},
		{"a Cyrillic a", "ada", "\u0430da", false},
		{"dotted capital I", "\u0130da", "ida", false},
		{"dotless i", "\u0131da", "Ida", false},
		{"sharp s", "straße", "STRASSE", false},
		{"small and capital sharp s", "stra\u00dfe", "STRA\u1e9eE", true},
		{"a ligature", "\ufb01a", "fia", false},
		{"composed and combining", "ren\u00e9", "rene\u0301", true},
		{"blanks around it", "  ada\u00a0", "ada", true},
		{"full width", "\uff21da", "\uff41da", true},
		{"full width and ASCII", "\uff41da", "ada", true},
		{"right to left", "\u202enimda", "nimda", true},
		{"Hebrew and Arabic", "שלום-سلام", "שלום-سلام", true},
		{"a space of no width", "a\u200bda", "ada", true},
		{"an emoji of several", "\U0001f469\u200d\U0001f4bb", "\U0001f469\U0001f4bb", true},
		{"line separators", "a\u2028b\u2029c", "A\u2028B\u2029C", true},
		{"the last character", "x\U0010ffff", "X\U0010ffff", true},
		{"HTML", "<b>&\"'", "<B>&\"'", true},
		{"SQL", `x' OR '1'='1`, `X' or '1'='1`, true},
		{"wildcards", "a%_b", "axxb", false},
		{"a backslash", `corp\ada`, `CORP\ADA`, true},
		{"escapes", "a\x01\x1b\x7fb", "A\x01\x1b\x7fB", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t)
			body := func(name string) string {
				text, err := json.Marshal(map[string]any{"schemas": []string{userURN}, "userName": name, "externalId": name})
				require.NoError(t, err)
				return string(text)
			}
			a := s.do("POST", "/Users", body(c.a)).is(201)
			assert.Equal(t, c.a, a.at("userName"))
			assert.Equal(t, c.a, s.do("GET", "/Users/"+a.id(), "").is(200).at("userName"))
			found := func(attribute, name string) any {
				quoted, err := json.Marshal(name)
				require.NoError(t, err)
				return s.do("GET", "/Users?filter="+url.QueryEscape(attribute+" eq "+string(quoted)), "").is(200).at("totalResults")
			}
			want := map[bool]int{true: 1}[c.same]
			assert.EqualValues(t, want, found("userName", c.b))
			assert.EqualValues(t, 1, found("externalId", c.a))
			if c.a != c.b {
				assert.EqualValues(t, 0, found("externalId", c.b), "externalId minds the case: RFC 7643 section 3.1")
			}
			if c.same {
				s.do("POST", "/Users", body(c.b)).fails(409, "uniqueness", "userName")
			} else {
				s.do("POST", "/Users", body(c.b)).is(201)
			}
		})
	}
}

// What an error quotes can't be taken for anything else: no control character, no break-out of the JSON.
func TestQuotedNames(t *testing.T) {
	s := serve(t)
	for _, id := range []string{"\x00", "\x1b[2J", "a\nb", `"}`, `\`, "\u202e", "\u2028", "\xff\xfe", "\u00a0", "<script>"} {
		a := s.do("GET", "/Users/"+url.PathEscape(id), "").fails(404, "", "there is no User")
		detail := a.at("detail").(string)
		for _, r := range detail {
			assert.True(t, strconv.IsPrint(r), "%q", detail)
		}
	}
}
