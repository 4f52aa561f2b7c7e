package document

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"golang.org/x/text/unicode/norm"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "abc": "abc", "ABC": "abc", "aBc-1_@": "abc-1_@", "É": "é", "Straße": "straße", "STRASSE": "strasse", "ẞ": "ß",
		"\u212a": "k", "K": "k", "ſ": "s", "Σ": "σ", "ς": "σ", "σ": "σ", "Ω": "ω", "\u2126": "ω", "Å": "å", "\u212b": "å",
		"I": "i", "ı": "ı", "ǅ": "ǆ", "Ǆ": "ǆ", "日本": "日本", "a\xffB": "a\uFFFDb",
		"İ": "i\u0307", "ᾼ": "αι", "ΑΙ": "αι", "J\u030c": "ǰ", "ǰ": "ǰ", "가": "가", "\u1100\u1161": "가", "ﾃﾞｰﾀ": "データ", "Ђ": "ђ", "Й": "й",
		"\u00a0\u3000 a\u2003b \t": "a b", " ": "", "\u200b": "", "a  b": "a  b", "a\nb": "a b", "a\x00\x7fb": "ab", "\u00adx": "x",
	} {
		assert.Equal(t, want, Fold(in), "%q", in)
	}
}

// Twins are spellings of one name that nobody can tell apart, or that RFC 7613 says are the same.
func TestFoldTwins(t *testing.T) {
	for name, twins := range map[string][]string{
		"decomposed":              {"rené.østby@nordlys.example", "rene\u0301.østby@nordlys.example", "RENÉ.ØSTBY@NORDLYS.EXAMPLE", "RENE\u0301.Østby@nordlys.example"},
		"two marks, in any order": {"a\u0323\u0302", "a\u0302\u0323", "ậ", "Ậ", "\u00c2\u0323"},
		"full-width":              {"bjensen@example.com", "ｂｊｅｎｓｅｎ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ＢJensen@example.com"},
		"half-width":              {"ガス", "ｶﾞｽ"},
		"zero-width":              {"admin", "ad\u200bmin", "\u200cadmin", "admin\u200d", "\ufeffadmin", "ad\u2060min"},
		"soft hyphen":             {"admin", "ad\u00admin"},
		"selectors":               {"☺", "☺\ufe0f", "☺\ufe0e", "☺\U000e0100"},
		"direction":               {"admin", "\u202eadmin\u202c", "\u200eadmin", "\u2066ad\u2069min", "\u061cadmin"},
		"fillers and joiners":     {"admin", "ad\u3164min", "ad\u115fmin", "a\u034fdmin", "ad\uffa0min"},
		"control characters":      {"admin", "ad\u0001min", "admin\u007f", "admin\u0085"},
		"blank-padded":            {"admin", " admin", "admin ", "\tadmin\r\n", "\u00a0admin\u2003", "\u3000admin", " \u200badmin\u200b ", "admin \u200b "},
		"blank of another kind":   {"sales emea", "Sales\u00a0EMEA", "sales\u3000emea", "sales\u202femea", "sales\temea"},
		"Kelvin sign":             {"kelvin", "\u212aelvin", "Kelvin"},
		"Angstrom sign":           {"ångström", "\u212bngstr\u00f6m", "A\u030angstro\u0308m"},
		"final sigma":             {"Οδυσσεύς", "ΟΔΥΣΣΕΎΣ", "οδυσσεύσ"},
		"sharp s":                 {"straße", "STRAẞE"},
		"dotted I":                {"İstanbul", "i\u0307stanbul", "I\u0307STANBUL"},
		"iota below":              {"ᾳ", "ᾼ", "α\u0345", "ΑΙ", "\u0391\u0399"},
		"a hundred marks":         {"a" + strings.Repeat("\u0316", 30), "A" + strings.Repeat("\u0316", 100)},
		"syllables":               {"각", "\u1100\u1161\u11a8"},
	} {
		want := Fold(twins[0])
		assert.NotEmpty(t, want, name)
		for _, twin := range twins {
			assert.Equal(t, want, Fold(twin), "%s: %+q", name, twin)
			assert.True(t, FoldsTo(twin, want), "%s: %+q", name, twin)
		}
	}
}

// What is not the same name stays apart.
func TestFoldStrangers(t *testing.T) {
	for _, pair := range [][2]string{
		{"straße", "strasse"}, {"ı", "i"}, {"İ", "i"}, {"é", "e"}, {"ø", "o"}, {"a b", "ab"}, {"a  b", "a b"}, {"а", "a"}, {"ﬁ", "fi"}, {"admin", "admin1"},
		{"admin", "a dmin"}, {"ab", "b"}, {"", "a"}, {"a", ""}, {"e\u0301x", "ex"}, {"☺", "☻"},
	} {
		assert.NotEqual(t, Fold(pair[0]), Fold(pair[1]), "%q and %q", pair[0], pair[1])
		assert.False(t, FoldsTo(pair[0], Fold(pair[1])), "%q and %q", pair[0], pair[1])
		assert.False(t, FoldsTo(pair[1], Fold(pair[0])), "%q and %q", pair[1], pair[0])
	}
}

func TestFoldPartKeepsBlanks(t *testing.T) {
	for in, want := range map[string]string{" A b ": " a b ", "\u00a0É": " é", " ": " ", "\u200b ": " ", "A\u3000": "a "} {
		assert.Equal(t, want, FoldPart(in), "%q", in)
	}
}

// The short ways through Fold say the same as the long one.
func TestFoldEveryRune(t *testing.T) {
	for r := range rune(unicode.MaxRune + 1) {
		if 0xD800 <= r && r <= 0xDFFF || 0x33480 <= r && r < 0xE0000 || r > 0xE0FFF && r < unicode.MaxRune-0xFF {
			continue // surrogates, and planes that are empty or private
		}
		s := string(r)
		f := Fold(s)
		if Fold(f) != f || !norm.NFC.IsNormalString(f) || IsBlank(s) != (f == "") || !FoldsTo(s, f) {
			t.Fatalf("%U folds to %q, and that to %q", r, f, Fold(f))
		}
		if o := string(unicode.SimpleFold(r)); Fold(o) != f {
			t.Fatalf("%U and its fold %q fold to %q and %q", r, o, f, Fold(o))
		}
		if d := Fold(norm.NFD.String(s)); d != f {
			t.Fatalf("%U folds to %q, taken apart to %q", r, f, d)
		}
		if isSimple(r) {
			if long := foldMarks([]byte(s)); long != f || norm.NFC.PropertiesString(f).CCC() != 0 || norm.NFC.FirstBoundaryInString("a"+f) < 0 {
				t.Fatalf("%U folds to %q, the long way to %q", r, f, long)
			}
		}
	}
}

// Nothing that needs no more than its case folded is composed with what stands before it.
func TestFoldSimpleRunesStandAlone(t *testing.T) {
	for r := range rune(0xD7A4) {
		if isSimple(r) && !norm.NFC.PropertiesString(Fold(string(r))).BoundaryBefore() {
			t.Fatalf("%U may be composed with what stands before it", r)
		}
	}
}

func TestFoldAllocatesNothingForFoldedASCII(t *testing.T) {
	folded, padded, mixed := "bjensen@example.com", " bjensen@example.com ", "BJensen@Example.COM"
	assert.Zero(t, testing.AllocsPerRun(100, func() { Fold(folded); Fold(padded); FoldPart(padded); _ = FoldName(folded) }))
	assert.Zero(t, testing.AllocsPerRun(100, func() { FoldsTo(mixed, folded); FoldsTo(padded, folded); FoldsTo(mixed, "x"); IsBlank(padded) }))
}

func TestFoldName(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "userName": "username", "URN:Example:2.0": "urn:example:2.0", "\u212a": "k", " a": " a", "a\u200b": "a\u200b", "É": "é", "e\u0301": "e\u0301", "ａ": "ａ",
	} {
		assert.Equal(t, want, FoldName(in), "%q", in)
	}
}

// FoldName and strings.EqualFold are the same relation, or the two ways to look for duplicate names would disagree.
func TestFoldNameEveryRune(t *testing.T) {
	for r := range rune(unicode.MaxRune + 1) {
		if !unicode.IsLetter(r) && unicode.SimpleFold(r) == r {
			continue
		}
		s := string(r)
		f := FoldName(s)
		if FoldName(f) != f || !strings.EqualFold(f, s) {
			t.Fatalf("%U folds to %q, and that to %q", r, f, FoldName(f))
		}
		if o := string(unicode.SimpleFold(r)); FoldName(o) != f {
			t.Fatalf("%U and its fold %q fold to %q and %q", r, o, f, FoldName(o))
		}
	}
}

func FuzzFoldName(f *testing.F) {
	f.Add("Kelvin", "\u212aELVIN")
	f.Add("straße", "STRASSE")
	f.Add("İ", "i")
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = strings.ToValidUTF8(a, "?"), strings.ToValidUTF8(b, "?")
		if (FoldName(a) == FoldName(b)) != strings.EqualFold(a, b) {
			t.Fatalf("%q and %q fold to %q and %q", a, b, FoldName(a), FoldName(b))
		}
		if FoldName(a)+FoldName(b) != FoldName(a+b) {
			t.Fatalf("%q and %q fold otherwise together", a, b)
		}
	})
}

func FuzzFold(f *testing.F) {
	f.Add("Kelvin", "\u212aELVIN")
	f.Add("straße", "STRASSE")
	f.Add("İ", "i\u0307")
	f.Add(" e\u0301\u200b ", "É")
	f.Add("ｶﾞ", "ガ")
	f.Add("\u0391\u0345\u0301", "ᾴ")
	f.Add("a  \u200b", "a")
	f.Add("a"+strings.Repeat("\u0301\u0316", 40), "\u0344\u0344")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := Fold(a), Fold(b)
		if Fold(x) != x || !utf8.ValidString(x) || !norm.NFC.IsNormalString(x) {
			t.Fatalf("%+q folds to %+q, and that to %+q", a, x, Fold(x))
		}
		if FoldsTo(a, y) != (x == y) || FoldsTo(b, x) != (x == y) || !FoldsTo(a, x) {
			t.Fatalf("%+q and %+q fold to %+q and %+q", a, b, x, y)
		}
		if (x == "") != IsBlank(a) {
			t.Fatalf("%+q folds to %+q, and is blank: %v", a, x, IsBlank(a))
		}
		if part := FoldPart(a); strings.Trim(part, " ") != x || FoldPart(part) != part {
			t.Fatalf("%+q folds to %+q as a part, and to %+q as a whole", a, part, x)
		}
		if strings.EqualFold(a, b) && x != y {
			t.Fatalf("%+q and %+q differ only in case, and fold to %+q and %+q", a, b, x, y)
		}
		if c := Fold(norm.NFC.String(a)); !hasManyMarks(a) && c != x {
			t.Fatalf("%+q folds to %+q, composed to %+q", a, x, c)
		}
	})
}

// hasManyMarks says whether some letter may have more marks than Fold counts.
func hasManyMarks(s string) bool {
	n := 0
	for _, r := range norm.NFD.String(s) {
		if r == graphemeJoiner || isInvisible(r) {
			continue
		}
		if n++; norm.NFD.PropertiesString(string(r)).CCC() == 0 {
			n = 0
		}
		if n > 30 {
			return true
		}
	}
	return false
}
