package patch

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
)

// TestProperties applies random operations, valid and invalid ones, and checks what must hold for all: the original resource
// is never changed, an error changes nothing, the result is complete, the operations can be applied again to
// the same resource with the same result, and replaces and removes that succeeded change nothing more the second time.
func TestProperties(t *testing.T) {
	st := userType(t)
	r := rand.New(rand.NewPCG(1, 2))
	failed := 0
	for i := range 4000 {
		text := message("[" + strings.Join(randomOps(r), ",") + "]")
		cur, err := st.Finish(parse(t, babs))
		require.NoError(t, err)
		before := cur.Document()
		m := &schema.Mode{Refused: refused(i%4 == 0)}
		ops, err := Parse(st, parse(t, text), m, Limits{})
		require.NoErrorf(t, notSchema(err), text)
		if err != nil {
			failed++
			continue
		}
		got, _, err := Apply(st, cur, ops, m)
		require.Equal(t, before, cur.Document(), text)
		again, _, errAgain := Apply(st, cur, ops, m)
		require.Equal(t, err, errAgain, text)
		if err != nil {
			require.NoErrorf(t, notSchema(err), text)
			assert.True(t, got.IsNull(), text)
			failed++
			continue
		}
		after := got.Document()
		require.Equal(t, after, again.Document(), text)
		finished, err := st.Finish(after.Value())
		require.NoError(t, err, text)
		require.Equal(t, after, finished.Document(), text)

		if len(ops) > 1 || ops[0].Op == Add {
			continue
		}
		again, _, err = Apply(st, got, ops, m)
		if err == nil { // a filter may not match any more what the operation has changed
			require.Equal(t, after, again.Document(), text)
		}
		require.Equal(t, after, got.Document(), text)
	}
	assert.Greater(t, failed, 100)
	assert.Less(t, failed, 3000)
}

// notSchema returns an error that isn't a *schema.Error.
func notSchema(err error) error {
	if _, ok := err.(*schema.Error); ok {
		return nil
	}
	return err
}

func randomOps(r *rand.Rand) (ops []string) {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	mail := func() string {
		return fmt.Sprintf(`{"value":"%s@x","type":"%s","primary":%s}`, pick("a", "b", "babs"), pick("work", "home", "Other"), pick("true", "false"))
	}
	for range 1 + r.IntN(4) {
		op := pick("add", "remove", "replace")
		filter := fmt.Sprintf(`[type eq \"%s\"]`, pick("work", "home", "other"))
		var path, value string
		switch r.IntN(10) {
		case 0:
			path, value = pick("displayName", "title", "userName"), pick(`"x"`, `"y"`, "null", "7")
		case 1:
			path, value = "name", pick(`{"givenName":"G"}`, `{"familyName":null}`, `{}`, "null", `"x"`)
		case 2:
			path, value = "name."+pick("givenName", "middleName", "shoe"), pick(`"G"`, "null")
		case 3:
			path, value = "emails", pick("["+mail()+"]", "["+mail()+","+mail()+"]", mail(), "[]", "null")
		case 4:
			path, value = "emails"+filter, pick(mail(), `{"display":"d"}`, "null")
		case 5:
			path, value = "emails"+filter+"."+pick("value", "type", "display"), pick(`"v"`, `""`, "null")
		case 6:
			path, value = "emails"+filter+".primary", pick("true", "false", `"True"`)
		case 7:
			path, value = badge+":"+pick("number", "tags", "level", "keys"), pick(`"1"`, `["1"]`, "1", `[{"value":"k"}]`)
		case 8:
			path, value = enterprise+pick("", ":manager", ":department"), pick(`{"value":"m"}`, `{"department":"D"}`, `"D"`, "null")
		case 9:
			if op != "remove" {
				ops = append(ops, fmt.Sprintf(`{"op":"%s","value":{"title":%s,"emails":[%s],"name.givenName":"Z"}}`, op, pick(`"t"`, "null"), mail()))
				continue
			}
			path, value = "emails[value co \\\"b\\\"]", "null"
		}
		if op == "remove" && r.IntN(4) > 0 {
			ops = append(ops, fmt.Sprintf(`{"op":"remove","path":"%s"}`, path))
			continue
		}
		ops = append(ops, fmt.Sprintf(`{"op":"%s","path":"%s","value":%s}`, op, path, value))
	}
	return ops
}

// TestApplyKeepsOperations shows that operations can be applied to one resource after another, and keep nothing of any.
func TestApplyKeepsOperations(t *testing.T) {
	st := userType(t)
	m := &schema.Mode{}
	ops, err := Parse(st, parse(t, message(`[{"op":"add","path":"emails","value":[{"value":"n@x"}]},{"op":"replace","path":"emails[value eq \"n@x\"].type","value":"t"},{"op":"add","path":"name","value":{"givenName":"G"}}]`)), m, Limits{})
	require.NoError(t, err)
	first, _, err := Apply(st, parse(t, `{"userName":"a"}`), ops, m)
	require.NoError(t, err)
	second, _, err := Apply(st, parse(t, `{"userName":"b"}`), ops, m)
	require.NoError(t, err)
	first.Ref("emails").At(0).Set("value", document.String("changed"))
	assert.Equal(t, `{"userName":"b","name":{"givenName":"G"},"emails":[{"value":"n@x","type":"t"}]}`, string(second.Document()))
	third, _, err := Apply(st, parse(t, `{"userName":"b"}`), ops, m)
	require.NoError(t, err)
	assert.Equal(t, second.Document(), third.Document())
}

// TestManyElements shows that the cost of adding to a large array grows in proportion to its length, not to the square of it.
func TestManyElements(t *testing.T) {
	st := userType(t)
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, `{"value":"role-%d"},`, i)
	}
	all := strings.TrimSuffix(b.String(), ",")
	op := `{"op":"add","path":"roles","value":[` + all + `]}`
	m := &schema.Mode{}
	got, _, err := run(t, st, parse(t, `{"userName":"u"}`), parse(t, message("["+op+","+op+`,{"op":"add","path":"roles","value":[{"value":"role-7"}]}]`)), m)
	require.NoError(t, err)
	assert.Equal(t, 1000, got.Get("roles").Len())
	got, _, err = run(t, st, got, parse(t, message(`[{"op":"remove","path":"roles","value":[`+all+`]}]`)), m)
	require.NoError(t, err)
	assert.True(t, got.Get("roles").IsEmpty())
}
