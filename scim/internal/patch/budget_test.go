package patch

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
)

// repeated joins n operations. make gets the number of each.
func repeated(n int, make func(i int) string) string {
	ops := strings.Builder{}
	for i := range n {
		if i > 0 {
			ops.WriteByte(',')
		}
		ops.WriteString(make(i))
	}
	return "[" + ops.String() + "]"
}

// many returns a user with almost a thousand e-mail addresses and keys.
func many(t testing.TB, st *schema.Type) document.Value {
	mails, keys := document.Array(), document.Array()
	zones := document.Array()
	for i := range 50 {
		zones.Append(document.String(fmt.Sprint("zone", i)))
	}
	for i := range 990 {
		mails.Append(document.Object(document.Field{Name: "value", Value: document.String(fmt.Sprintf("person.%d@example.com", i))},
			document.Field{Name: "type", Value: document.String("work")}))
		keys.Append(document.Object(document.Field{Name: "value", Value: document.String(fmt.Sprint("key", i))}, document.Field{Name: "zones", Value: zones}))
	}
	cur := parse(t, babs)
	cur.Set("emails", mails)
	cur.Set(badge, document.Object(document.Field{Name: "keys", Value: keys}))
	cur, err := st.Finish(cur)
	require.NoError(t, err)
	return cur
}

// hostile are valid requests of up to 1 MiB that would need far more work than their size suggests (I18).
var hostile = map[string]func() string{
	"250 terms in 202 filters": func() string {
		terms := strings.Repeat(`value eq \"\" or `, 249) + `value eq \"x\"`
		return repeated(202, func(int) string { return `{"op":"remove","path":"emails[` + terms + `]"}` })
	},
	"co on everything": func() string {
		terms := strings.Repeat(`value co \"zz\" or `, 200) + `value co \"x\"`
		return repeated(200, func(int) string { return `{"op":"replace","path":"emails[` + terms + `].display","value":"x"}` })
	},
	"adding lists": func() string {
		return repeated(1000, func(i int) string {
			return `{"op":"add","path":"emails","value":[` + strings.Repeat(`{"value":"a"},`, 50) + fmt.Sprintf(`{"value":"b%d"}]}`, i%10)
		})
	},
	"removing lists without values": func() string {
		return repeated(60, func(int) string {
			return `{"op":"remove","path":"emails","value":[` + strings.Repeat(`{"type":"a"},`, 999) + `{"type":"b"}]}`
		})
	},
	"lists in elements": func() string {
		return repeated(300, func(i int) string {
			return fmt.Sprintf(`{"op":"add","path":"%s:keys[value pr].zones","value":["x%d"]}`, badge, i)
		})
	},
	"lists for elements": func() string {
		var zones strings.Builder
		for i := range 999 {
			fmt.Fprintf(&zones, `"y%d",`, i)
		}
		return repeated(100, func(int) string {
			return `{"op":"replace","path":"` + badge + `:keys[value pr].zones","value":[` + zones.String() + `"x"]}`
		})
	},
	"keys of a value that are filters": func() string {
		keys := make([]string, 9000)
		for i := range keys {
			keys[i] = fmt.Sprintf(`"emails[type eq \"work\" and value eq \"%d\"].display":"x"`, i)
		}
		return `[{"op":"replace","value":{` + strings.Join(keys, ",") + `}}]`
	},
}

func TestComparisonsAreBounded(t *testing.T) {
	st := userType(t)
	cur := many(t, st)
	for name, ops := range hostile {
		t.Run(name, func(t *testing.T) {
			text := message(ops())
			require.Less(t, len(text), 2<<20)
			parsed, err := Parse(st, parse(t, text), nil, Limits{})
			require.NoError(t, err)
			before := cur.Document()
			_, _, err = Apply(st, cur, parsed, nil)
			requireError(t, "tooMany Operations: at most 2000000 comparisons", err)
			assert.Equal(t, before, cur.Document())
		})
	}
}

// TestComparisonsLimit shows that a budget that is just enough doesn't change the result, and that one less is refused.
func TestComparisonsLimit(t *testing.T) {
	st, group := userType(t), groupType(t)
	cur := many(t, st)
	for ops, want := range map[string]int{
		`[{"op":"remove","path":"emails[value eq \"x\"]"}]`:                                                        1980,
		`[{"op":"replace","path":"emails[value eq \"x\" and type eq \"home\"].display","value":"y"}]`:              1982,
		`[{"op":"replace","path":"displayName","value":"y"}]`:                                                      0,
		`[{"op":"add","path":"emails","value":[{"value":"new"}]}]`:                                                 990,
		`[{"op":"add","path":"emails","value":[{"value":"new"}]},{"op":"remove","path":"emails[value eq \"x\"]"}]`: 2972,
	} {
		for budget, fits := range map[int]bool{want: true, want - 1: false} {
			if budget <= 0 {
				continue
			}
			parsed, err := Parse(st, parse(t, message(ops)), nil, Limits{Comparisons: budget})
			require.NoError(t, err)
			got, _, err := Apply(st, cur, parsed, nil)
			if !fits {
				requireError(t, fmt.Sprintf("tooMany Operations: want operations that need at most %d comparisons", budget), err)
				continue
			}
			require.NoError(t, err, ops)
			unlimited, err := Parse(st, parse(t, message(ops)), nil, Limits{})
			require.NoError(t, err)
			other, _, err := Apply(st, cur, unlimited, nil)
			require.NoError(t, err)
			assert.Equal(t, other.Document(), got.Document(), ops)
		}
	}
	ids := repeated(2000, func(i int) string { return fmt.Sprintf(`{"value":"%d"}`, i) })
	ops := `[{"op":"add","path":"members","value":` + ids + `},` + repeated(999, func(int) string { return `{"op":"remove","path":"members[value sw \"x\"]"}` })[1:]
	parsed, err := Parse(group, parse(t, message(ops)), nil, Limits{})
	require.NoError(t, err)
	_, _, err = Apply(group, document.Value{}, parsed, nil)
	requireError(t, "tooMany Operations: comparisons", err)
}

func BenchmarkHostile(b *testing.B) {
	st := userType(b)
	cur := many(b, st)
	for name, ops := range hostile {
		body := parse(b, message(ops()))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				parsed, err := Parse(st, body, nil, Limits{})
				if err != nil {
					b.Fatal(err)
				}
				if _, _, err := Apply(st, cur, parsed, nil); err == nil {
					b.Fatal("no error")
				}
			}
		})
	}
}
