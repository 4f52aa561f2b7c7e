package mapping_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/store/document"
)

// governed has an attribute under each authority.
type governed struct {
	Always  string `scim:"userName"`
	Create  string `scim:"displayName,create"`
	IfEmpty string `scim:"title,ifEmpty"`
	Product string `scim:"locale,product"`
	Ignore  string `scim:"timezone,ignore"`
	Secret  string `scim:"nickName,create,sensitive"`
}

const all = `{"userName":"A","displayName":"B","title":"C","locale":"D","timezone":"E","nickName":"F","other":"G"}`

func TestCreate(t *testing.T) {
	m := compiled[governed](t, nil)
	var x governed
	out, err := m.Create(parse(t, all), &x)
	require.NoError(t, err)
	assert.Equal(t, governed{Always: "A", Create: "B", IfEmpty: "C", Secret: "F"}, x)
	assert.Equal(t, `{"userName":"A","displayName":"B","title":"C","nickName":"F","other":"G"}`, text(out.Attributes))
	assert.Equal(t, []string{`locale "D" was ignored: the product decides it`, `timezone "E" was ignored: the product doesn't take it`}, journal(out))
	assert.Equal(t, []string{"Always userName", "Create displayName", "IfEmpty title", "Secret nickName"}, changes(out))

	linked := governed{Always: "a", Create: "b", IfEmpty: "c", Product: "d", Ignore: "e"}
	out, err = m.Create(parse(t, all), &linked)
	require.NoError(t, err)
	assert.Equal(t, governed{Always: "A", Create: "B", IfEmpty: "c", Product: "d", Ignore: "e", Secret: "F"}, linked)
	assert.Equal(t, `{"userName":"A","displayName":"B","title":"c","locale":"d","nickName":"F","other":"G"}`, text(out.Attributes))
	assert.Contains(t, journal(out), `title "C" was ignored: the product has a value already; "c" holds`)
}

func TestUpdate(t *testing.T) {
	old := `{"userName":"a","displayName":"b","title":"c","locale":"d","nickName":"f"}`
	for _, tt := range []struct {
		name, new   string
		has         governed
		want        governed
		holds       string
		journal     []string
		wantChanged []string
	}{
		{"nothing", old, governed{Always: "other"}, governed{Always: "other"}, old, nil, nil},
		{"always", `{"userName":"A","displayName":"b","title":"c","locale":"d","nickName":"f"}`, governed{}, governed{Always: "A"},
			`{"userName":"A","displayName":"b","title":"c","locale":"d","nickName":"f"}`, nil, []string{"Always userName"}},
		{"create", `{"userName":"a","displayName":"B","title":"c","locale":"d","nickName":"f"}`, governed{Create: "b"}, governed{Create: "b"}, old,
			[]string{`displayName "B" was ignored: it is taken only at creation; "b" holds`}, nil},
		{"create, left out", `{"userName":"a","title":"c","locale":"d","nickName":"f"}`, governed{Create: "b"}, governed{Create: "b"},
			`{"userName":"a","title":"c","locale":"d","nickName":"f","displayName":"b"}`,
			[]string{`displayName was ignored: it is taken only at creation; "b" holds`}, nil},
		{"ifEmpty, it is", `{"userName":"a","displayName":"b","title":"C","locale":"d","nickName":"f"}`, governed{}, governed{IfEmpty: "C"},
			`{"userName":"a","displayName":"b","title":"C","locale":"d","nickName":"f"}`, nil, []string{"IfEmpty title"}},
		{"ifEmpty, it isn't", `{"userName":"a","displayName":"b","title":"C","locale":"d","nickName":"f"}`, governed{IfEmpty: "c"}, governed{IfEmpty: "c"}, old,
			[]string{`title "C" was ignored: the product has a value already; "c" holds`}, nil},
		{"product", `{"userName":"a","displayName":"b","title":"c","locale":"D","nickName":"f"}`, governed{Product: "d"}, governed{Product: "d"}, old,
			[]string{`locale "D" was ignored: the product decides it; "d" holds`}, nil},
		{"ignore", `{"userName":"a","displayName":"b","title":"c","locale":"d","nickName":"f","timezone":"E"}`, governed{Ignore: "e"}, governed{Ignore: "e"}, old,
			[]string{`timezone "E" was ignored: the product doesn't take it; "e" holds`}, nil},
		{"sensitive", `{"userName":"a","displayName":"b","title":"c","locale":"d","nickName":"FF"}`, governed{Secret: "f"}, governed{Secret: "f"}, old,
			[]string{`nickName was ignored: it is taken only at creation`}, nil},
		{"what the product has already", `{"userName":"a","displayName":"B","title":"c","locale":"d","nickName":"f"}`, governed{Create: "B"}, governed{Create: "B"},
			`{"userName":"a","displayName":"B","title":"c","locale":"d","nickName":"f"}`, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := compiled[governed](t, nil)
			before, after := parse(t, old), parse(t, tt.new)
			x := tt.has
			out, err := m.Update(before, after, &x)
			require.NoError(t, err)
			assert.Equal(t, tt.want, x)
			assert.Equal(t, tt.holds, text(out.Attributes))
			assert.Equal(t, tt.journal, journal(out))
			assert.Equal(t, tt.wantChanged, changes(out))
			assert.Equal(t, []string{old, tt.new}, []string{text(before), text(after)}, "the arguments stay as they are")
		})
	}
}

func journal(out mapping.Outcome) (lines []string) {
	for _, i := range out.Ignored {
		lines = append(lines, i.String())
	}
	return lines
}

func changes(out mapping.Outcome) (list []string) {
	for _, c := range out.Changed {
		list = append(list, c.Field+" "+c.Path)
	}
	return list
}

func TestReview(t *testing.T) {
	m := compiled[governed](t, nil)
	out, err := m.Review(document.Object(), parse(t, all))
	require.NoError(t, err)
	first := text(out.Attributes)
	out, err = m.Review(out.Attributes, parse(t, `{"userName":"X","displayName":"Y"}`))
	require.NoError(t, err)
	assert.Equal(t, `{"userName":"A","displayName":"B","title":"C","nickName":"F","other":"G"}`, first)
	assert.Equal(t, `{"userName":"X","displayName":"B","title":"C","nickName":"F"}`, text(out.Attributes))
}

func TestUnknown(t *testing.T) {
	m := compiled[governed](t, &mapping.Options{Unknown: mapping.Refuse})
	for _, tt := range []struct{ sent, path string }{
		{`{"userName":"a","displayName":"b","externalId":"x","active":true}`, ""},
		{`{"userName":"a","nonsense":"b"}`, "nonsense"},
		{`{"userName":"a","name":{"givenName":"b"}}`, "name.givenName"},
		{`{"userName":"a","urn:example:x":{"y":1}}`, "urn:example:x:y"},
		{`{"userName":"a","emails":[]}`, ""},
	} {
		_, err := m.Create(parse(t, tt.sent), &governed{})
		if tt.path == "" {
			require.NoError(t, err, tt.sent)
			continue
		}
		var invalid *mapping.InvalidError
		require.ErrorAs(t, err, &invalid, tt.sent)
		assert.Equal(t, tt.path, invalid.Path)
	}
	_, err := m.Update(parse(t, `{"kept":1}`), parse(t, `{"kept":1,"userName":"a"}`), &governed{})
	assert.NoError(t, err, "what was there before is nobody's fault")
}

func TestDrop(t *testing.T) {
	type x struct {
		Login  string `scim:"userName"`
		Given  string `scim:"name.givenName,create"`
		Mobile string `scim:"phoneNumbers[type eq \"mobile\"].value"`
	}
	m := compiled[x](t, &mapping.Options{Unknown: mapping.Drop})
	const sent = `{"externalId":"e","userName":"a","title":"T","name":{"familyName":"F","givenName":"G"},"active":true,"emails":[{"value":"a@x"}],
		"phoneNumbers":[{"type":"work","value":"1"},{"type":"mobile","value":"2"}],"urn:example:x":{"a":1,"b":2}}`
	const held = `{"externalId":"e","userName":"a","name":{"givenName":"G"},"active":true,"phoneNumbers":[{"type":"mobile","value":"2"}]}`
	var p x
	out, err := m.Create(parse(t, sent), &p)
	require.NoError(t, err)
	assert.Equal(t, held, text(out.Attributes), "in the order in which it was sent")
	assert.Equal(t, []string{"title was ignored: the product doesn't take it", "name.familyName was ignored: the product doesn't take it",
		"emails was ignored: the product doesn't take it", "phoneNumbers was ignored: the product doesn't take it",
		"urn:example:x:a was ignored: the product doesn't take it", "urn:example:x:b was ignored: the product doesn't take it"}, journal(out))

	next := parse(t, held)
	next.Set("title", document.String("T"))
	next.Set("name", parse(t, `{"givenName":"H"}`))
	out, err = m.Update(parse(t, held), next, &p)
	require.NoError(t, err)
	assert.Equal(t, held, text(out.Attributes))
	assert.Equal(t, x{"a", "G", "2"}, p)
	assert.Len(t, out.Ignored, 2)
}

func TestDrift(t *testing.T) {
	m := compiled[governed](t, nil)
	report := m.Drift(parse(t, all), &governed{Always: "A", Create: "bb", IfEmpty: "C", Product: "D", Ignore: "x", Secret: "z"})
	assert.Equal(t, []mapping.Difference{
		{Change: mapping.Change{Field: "Create", Path: "displayName"}, Authority: mapping.OnCreate, Provider: `"B"`, Product: `"bb"`},
		{Change: mapping.Change{Field: "Secret", Path: "nickName"}, Authority: mapping.OnCreate},
	}, report)
}

// TestUpdateCopies shows that the value after an update shares no pointer with the value before.
func TestUpdateCopies(t *testing.T) {
	m := compiled[person](t, nil)
	old := full()
	before := m.ToSCIM(&old)
	after := before.Clone()
	after.Set("title", document.String("Prof"))
	next := old
	_, err := m.Update(before, after, &next)
	require.NoError(t, err)
	assert.Equal(t, "Prof", next.Contact.Title)
	assert.Equal(t, full(), old)
	assert.Equal(t, []mapping.Change{{Field: "Contact.Title", Path: "title"}}, m.Diff(&old, &next))
}
