package patch

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

func refs(ids ...string) (r []store.MemberRef) {
	for _, id := range ids {
		r = append(r, store.MemberRef{ID: id})
	}
	return r
}

// TestMembers compiles sequences of operations on members, without a group. None changes the group's attributes.
func TestMembers(t *testing.T) {
	for _, r := range []struct {
		name   string
		ops    string
		want   lifecycle.Members
		where  int // the number of filters in RemoveWhere
		err    string
		strict string
		quirks []quirk.Quirk
	}{
		{name: "add", ops: `[{"op":"add","path":"members","value":[{"display":"Babs Jensen","$ref":"https://example.com/v2/Users/2819c223","value":"2819c223"}]}]`,
			want: lifecycle.Members{Add: []store.MemberRef{{Type: "User", ID: "2819c223"}}}},
		{name: "add one object", ops: `[{"op":"add","path":"members","value":{"value":"a"}}]`, want: lifecycle.Members{Add: refs("a")}},
		{name: "add without path", ops: `[{"op":"add","value":{"members":[{"value":"a"},{"value":"b"}]}}]`, want: lifecycle.Members{Add: refs("a", "b")}},
		{name: "add one twice", ops: `[{"op":"add","path":"members","value":[{"value":"a"},{"value":"a"}]},{"op":"add","path":"members","value":[{"value":"a"}]}]`,
			want: lifecycle.Members{Add: refs("a")}},
		{name: "ids are exact", ops: `[{"op":"add","path":"members","value":[{"value":"a"},{"value":"A"}]}]`, want: lifecycle.Members{Add: refs("a", "A")}},
		{name: "$ref null", ops: `[{"op":"add","path":"members","value":[{"$ref":null,"value":"a"}]}]`, want: lifecycle.Members{Add: refs("a")}},
		{name: "$ref alone", ops: `[{"op":"add","path":"members","value":[{"$ref":"https://x/v2/Users/a"},{"$ref":"Users/b/"},{"$ref":"c"}]}]`, want: lifecycle.Members{Add: []store.MemberRef{{Type: "User", ID: "a"}, {Type: "User", ID: "b"}, {ID: "c"}}}},
		{name: "$ref decoded", ops: `[{"op":"add","path":"members","value":[{"$ref":"Groups/a%40b"}]}]`, want: lifecycle.Members{Add: []store.MemberRef{{Type: "Group", ID: "a@b"}}}},
		{name: "what else a member says", ops: `[{"name":"addMember","op":"add","path":"members","value":[{"displayName":"new User","VALUE":"a","type":"direct"}]}]`,
			want: lifecycle.Members{Add: refs("a")}},
		{name: "add nothing", ops: `[{"op":"add","path":"members","value":[]}]`},
		{name: "a string", ops: `[{"op":"add","path":"members","value":"a"}]`, want: lifecycle.Members{Add: refs("a")}, quirks: is(quirk.ScalarComplex), strict: `invalidValue Operations[0] members: want an object with value, got a string`},
		{name: "strings", ops: `[{"op":"add","path":"members","value":["a","b"]}]`, want: lifecycle.Members{Add: refs("a", "b")}, quirks: is(quirk.ScalarComplex), strict: `invalidValue Operations[0] members[0]`},
		{name: "a member without id", ops: `[{"op":"add","path":"members","value":[{"value":"a"},{"display":"x"}]}]`, err: `invalidValue Operations[0] members[1]: want the member's id in value as a string, got nothing`},
		{name: "a member with an empty id", ops: `[{"op":"add","path":"members","value":[{"value":""}]}]`, err: `invalidValue Operations[0] members[0].value: want the id of a resource`},
		{name: "a number", ops: `[{"op":"add","path":"members","value":[{"value":7}]}]`, err: `invalidValue Operations[0] members[0]: want the member's id in value as a string, got a number`},
		{name: "null in the list", ops: `[{"op":"remove","path":"members","value":[null]}]`, err: `invalidValue`, strict: `invalidValue`},

		{name: "remove by filter", ops: `[{"op":"remove","path":"members[value eq \"a\"]"}]`, want: lifecycle.Members{Remove: []string{"a"}}},
		{name: "remove by filter, exact", ops: `[{"op":"remove","path":"members[VALUE eq \"Ab\"]"}]`, want: lifecycle.Members{Remove: []string{"Ab"}}},
		{name: "remove by or", ops: `[{"op":"remove","path":"members[value eq \"a\" or value eq \"b\" or value eq \"a\"]"}]`, want: lifecycle.Members{Remove: []string{"a", "b"}}},
		{name: "remove by $ref", ops: `[{"op":"remove","path":"members[$ref eq \"https://x/v2/Users/a\"]"}]`, want: lifecycle.Members{Remove: []string{"a"}}},
		{name: "remove by filter, with the same in the value", ops: `[{"op":"remove","path":"members[value eq \"a\" or value eq \"b\"]","value":[{"value":"a"}]}]`,
			want: lifecycle.Members{Remove: []string{"a", "b"}}, quirks: is(quirk.RemoveWithValue), strict: `invalidValue`},
		{name: "remove by filter, with another in the value", ops: `[{"op":"remove","path":"members[value eq \"a\"]","value":[{"value":"b"}]}]`,
			err: `invalidValue Operations[0] members[value eq "a"]: the value names a member`, strict: `invalidValue`},
		{name: "remove by another filter, with somebody in the value", ops: `[{"op":"remove","path":"members[type eq \"User\"]","value":[{"value":"b"}]}]`,
			err: `invalidValue`, strict: `invalidValue`},
		{name: "remove by filter, with an empty value", ops: `[{"op":"remove","path":"members[value eq \"a\"]","value":[]}]`, want: lifecycle.Members{Remove: []string{"a"}}},
		{name: "remove by another filter", ops: `[{"op":"remove","path":"members[type eq \"Group\"]"}]`, where: 1},
		{name: "remove by an unknown sub-attribute", ops: `[{"op":"remove","path":"members[shoe eq \"Group\"]"}]`, err: `invalidFilter`},
		{name: "remove all", ops: `[{"op":"remove","path":"members"}]`, want: lifecycle.Members{Replace: true}},
		{name: "remove with null", ops: `[{"op":"remove","path":"members","value":null}]`, want: lifecycle.Members{Replace: true}},
		{name: "remove with a list", ops: `[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"a"},{"value":"b"}]}]`,
			want: lifecycle.Members{Remove: []string{"a", "b"}}, quirks: is(quirk.OperationCase, quirk.RemoveWithValue), strict: `invalidSyntax`},
		{name: "remove with an object", ops: `[{"op":"remove","path":"members","value":{"value":"a"}}]`, want: lifecycle.Members{Remove: []string{"a"}},
			quirks: is(quirk.RemoveWithValue, quirk.ScalarForArray), strict: `invalidValue Operations[0] members: remove takes no value`},
		{name: "remove with a string", ops: `[{"op":"remove","path":"members","value":"a"}]`, want: lifecycle.Members{Remove: []string{"a"}},
			quirks: is(quirk.RemoveWithValue, quirk.ScalarForArray, quirk.ScalarComplex), strict: `invalidValue`},
		{name: "remove with an empty list removes nobody", ops: `[{"op":"remove","path":"members","value":[]}]`,
			quirks: is(quirk.RemoveWithValue), strict: `invalidValue`},

		{name: "replace", ops: `[{"op":"replace","path":"members","value":[{"value":"a"},{"value":"b"}]}]`, want: lifecycle.Members{Replace: true, Add: refs("a", "b")}},
		{name: "replace without path", ops: `[{"op":"replace","value":{"members":[{"value":"a"}]}}]`, want: lifecycle.Members{Replace: true, Add: refs("a")}},
		{name: "replace by nobody", ops: `[{"op":"replace","path":"members","value":[]}]`, want: lifecycle.Members{Replace: true}},
		{name: "replace by nobody without path", ops: `[{"op":"replace","value":{"members":[]}}]`, want: lifecycle.Members{Replace: true}},
		{name: "replace by null is refused", ops: `[{"op":"replace","path":"members","value":null}]`, err: `invalidValue Operations[0] members: null doesn't say`},
		{name: "replace by null without path is refused", ops: `[{"op":"replace","value":{"displayName":"x","members":null}}]`, err: `invalidValue Operations[0] members: null doesn't say`},
		{name: "replace by null by the URN", ops: `[{"op":"replace","value":{"urn:ietf:params:scim:schemas:core:2.0:Group":{"members":null}}}]`, err: `invalidValue Operations[0] members: null doesn't say`},
		{name: "replace by a list of null", ops: `[{"op":"replace","path":"members","value":[null]}]`, err: `invalidValue Operations[0] members[0]`},
		{name: "replace by an empty object", ops: `[{"op":"replace","path":"members","value":{}}]`, err: `invalidValue Operations[0] members`},
		{name: "replace by an empty string", ops: `[{"op":"replace","path":"members","value":""}]`, err: `invalidValue`},
		{name: "replace by no value", ops: `[{"op":"replace","path":"members"}]`, err: `invalidValue Operations[0].value: replace wants a value`},
		{name: "add of null adds nobody", ops: `[{"op":"add","path":"members","value":null}]`},
		{name: "add of null without path adds nobody", ops: `[{"op":"add","value":{"members":null}}]`},
		{name: "members twice in one value", ops: `[{"op":"replace","value":{"members":[{"value":"a"}],"urn:ietf:params:scim:schemas:core:2.0:Group:members":[{"value":"b"}]}}]`,
			err: `invalidSyntax Operations[0] urn:ietf:params:scim:schemas:core:2.0:Group:members: given twice`, strict: `invalidPath`},
		{name: "members and one of them in one value", ops: `[{"op":"replace","value":{"members[value eq \"a\"]":{"value":"a"},"members":[{"value":"b"}]}}]`,
			err: `invalidSyntax Operations[0] members: given twice`, strict: `invalidPath`},
		{name: "replace with one object", ops: `[{"op":"replace","path":"members","value":{"value":"a"}}]`, want: lifecycle.Members{Replace: true, Add: refs("a")},
			quirks: is(quirk.ScalarForArray), strict: `invalidValue Operations[0] members: want an array of members`},

		{name: "add, then remove", ops: `[{"op":"add","path":"members","value":[{"value":"a"},{"value":"b"}]},{"op":"remove","path":"members[value eq \"a\"]"}]`,
			want: lifecycle.Members{Add: refs("b"), Remove: []string{"a"}}},
		{name: "remove, then add", ops: `[{"op":"remove","path":"members[value eq \"a\"]"},{"op":"add","path":"members","value":[{"value":"a"}]}]`, want: lifecycle.Members{Add: refs("a")}},
		{name: "remove all, then add (the RFC's own example)", ops: `[{"op":"remove","path":"members"},{"op":"add","path":"members","value":[{"value":"a"},{"value":"b"}]}]`,
			want: lifecycle.Members{Replace: true, Add: refs("a", "b")}},
		{name: "remove one and add one (the RFC's own example)", ops: `[{"op":"remove","path":"members[value eq\"a\"]"},{"op":"add","path":"members","value":[{"display":"James Smith","value":"b"}]}]`,
			want: lifecycle.Members{Add: refs("b"), Remove: []string{"a"}}},
		{name: "replace, then add and remove", ops: `[{"op":"replace","path":"members","value":[{"value":"a"},{"value":"b"}]},{"op":"add","path":"members","value":[{"value":"c"}]},{"op":"remove","path":"members[value eq \"a\"]"}]`,
			want: lifecycle.Members{Replace: true, Add: refs("b", "c")}},
		{name: "what is before a replace doesn't count", ops: `[{"op":"add","path":"members","value":[{"value":"x"}]},{"op":"remove","path":"members[type eq \"Group\"]"},{"op":"replace","path":"members","value":[{"value":"a"}]}]`,
			err: `noTarget Operations[1] members[type eq "Group"]`},
		{name: "a filter before a replace doesn't count", ops: `[{"op":"remove","path":"members[type eq \"Group\"]"},{"op":"replace","path":"members","value":[{"value":"a"}]}]`,
			want: lifecycle.Members{Replace: true, Add: refs("a")}},
		{name: "a filter, then add", ops: `[{"op":"remove","path":"members[type eq \"Group\"]"},{"op":"add","path":"members","value":[{"value":"a"}]}]`, want: lifecycle.Members{Add: refs("a")}, where: 1},
		{name: "a filter sees who was added", ops: `[{"op":"add","path":"members","value":[{"value":"ab"},{"value":"c"}]},{"op":"remove","path":"members[value sw \"a\"]"}]`,
			want: lifecycle.Members{Add: refs("c"), Remove: []string{"ab"}}, where: 1},
		{name: "a filter sees who was added, and who wasn't", ops: `[{"op":"add","path":"members","value":[{"value":"ab"},{"value":"c"}]},{"op":"remove","path":"members[value sw \"a\" and not (value eq \"ab\") or value co \"z\" or not (value pr)]"}]`,
			want: lifecycle.Members{Add: refs("ab", "c")}, where: 1},
		{name: "a filter sees no labels of who is only being added", ops: `[{"op":"add","path":"members","value":[{"value":"ab"}]},{"op":"remove","path":"members[value sw \"a\" and display eq \"x\"]"}]`,
			err: `noTarget`},
		{name: "a filter sees who replaced", ops: `[{"op":"replace","path":"members","value":[{"value":"ab"},{"value":"c"}]},{"op":"remove","path":"members[value sw \"a\"]"}]`,
			want: lifecycle.Members{Replace: true, Add: refs("c")}},

		{name: "a label is derived", ops: `[{"op":"replace","path":"members[value eq \"a\"].display","value":"x"},{"op":"remove","path":"members[value eq \"a\"].displayName"}]`},
		{name: "a member's id stays", ops: `[{"op":"replace","path":"members[value eq \"a\"].value","value":"b"}]`, err: `mutability Operations[0] members[value eq "a"].value`},
		{name: "all members' ids stay", ops: `[{"op":"replace","path":"members.value","value":"b"}]`, err: `mutability Operations[0] members.value`},
		{name: "add on a filter", ops: `[{"op":"add","path":"members[value eq \"a\"]","value":{"display":"x"}}]`, want: lifecycle.Members{Add: refs("a")}, quirks: is(quirk.CreateFromFilter), strict: `mutability`},
		{name: "replace on a filter, the same", ops: `[{"op":"replace","path":"members[value eq \"a\"]","value":{"value":"a"}}]`, want: lifecycle.Members{Add: refs("a")}, quirks: is(quirk.CreateFromFilter), strict: `mutability`},
		{name: "replace on a filter, another", ops: `[{"op":"replace","path":"members[value eq \"a\"]","value":{"value":"b"}}]`, err: `mutability`},
		{name: "replace on another filter", ops: `[{"op":"replace","path":"members[type eq \"User\"]","value":{"value":"b"}}]`, err: `mutability`},
	} {
		t.Run(r.name, func(t *testing.T) {
			st := groupType(t)
			for _, strict := range []bool{false, true} {
				if strict && r.strict == "" && len(r.quirks) > 0 {
					continue
				}
				m := &schema.Mode{Refused: refused(strict)}
				ops, err := Parse(st, parse(t, message(r.ops)), m, Limits{})
				got := &lifecycle.Members{}
				if err == nil {
					_, got, err = Apply(st, document.Value{}, ops, m)
				}
				want := r.err
				if strict && r.strict != "" {
					want = r.strict
				}
				if want != "" {
					requireError(t, want, err)
					continue
				}
				require.NoError(t, err)
				if got == nil { // the operations change no members
					got = &lifecycle.Members{}
				}
				assert.Len(t, got.RemoveWhere, r.where)
				got.RemoveWhere = nil
				assert.Equal(t, r.want, *got)
				if !strict {
					var used quirk.Set
					for _, q := range r.quirks {
						used.Add(q)
					}
					assert.Equal(t, names(used), names(m.Quirks))
				}
			}
		})
	}
}

func TestTouchesAttributes(t *testing.T) {
	st := groupType(t)
	for ops, want := range map[string]bool{
		`[{"op":"add","path":"members","value":[{"value":"a"}]}]`:                                                   false,
		`[{"op":"remove","path":"members"},{"op":"add","path":"members","value":[{"value":"a"}]}]`:                  false,
		`[{"op":"remove","path":"members[type eq \"Group\"]"}]`:                                                     false,
		`[{"op":"add","path":"members","value":[{"value":"a"}]},{"op":"replace","path":"displayName","value":"x"}]`: true,
		`[{"op":"replace","value":{"id":"g","displayName":"x"}}]`:                                                   true,
		`[{"op":"replace","value":{"unknown":1}}]`:                                                                  true,
		`[{"op":"replace","path":"members[value eq \"a\"].display","value":"x"}]`:                                   true,
		`[]`: true,
	} {
		parsed, err := Parse(st, parse(t, message(ops)), &schema.Mode{}, Limits{})
		require.NoError(t, err)
		assert.Equal(t, want, TouchesAttributes(st, parsed), ops)
	}
}

// TestRenameKeepsMembers shows that operations that don't name members never change them.
func TestRenameKeepsMembers(t *testing.T) {
	st := groupType(t)
	cur := parse(t, `{"displayName":"Crew","externalId":"x"}`)
	got, members, err := run(t, st, cur, parse(t, message(`[{"op":"replace","value":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"g","externalId":"ak-g-1","displayName":"AK Crew 2"}}]`)), &schema.Mode{})
	require.NoError(t, err)
	assert.Nil(t, members)
	assert.True(t, document.Equal(parse(t, `{"displayName":"AK Crew 2","externalId":"ak-g-1"}`), got))
}

// manyMembers returns a PATCH of as many members as scim.Limits.Members allows, each as Entra ID and Okta may write it.
func manyMembers(n int) string {
	b := strings.Builder{}
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"value":"0199c1de-98b2-7a0e-b2c5-%012d","$ref":"https://scim.example.com/scim/v2/Users/0199c1de-98b2-7a0e-b2c5-%012d","type":"User","display":"Person Number %d"}`, i, i, i)
	}
	return message(`[{"op":"add","path":"members","value":[` + b.String() + `]}]`)
}

// TestManyMembers reads 20,000 members with value, $ref, type and display in one PATCH, and checks that this needs only a few times as
// much memory as the body.
func TestManyMembers(t *testing.T) {
	const n = 20_000
	st := groupType(t)
	text := manyMembers(n)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, members, err := run(t, st, document.Value{}, parse(t, text), &schema.Mode{})
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.Len(t, members.Add, n)
	assert.Equal(t, store.MemberRef{Type: "User", ID: "0199c1de-98b2-7a0e-b2c5-000000019999"}, members.Add[n-1])
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(6*len(text)), "of a body of %d bytes", len(text))
}
