package mapping_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/store/document"
)

// person has a field of every kind.
type person struct {
	Email   string          `scim:"userName,trim"`
	Given   string          `scim:"name.givenName"`
	Family  string          `scim:"name.familyName"`
	Mobile  string          `scim:"phoneNumbers[type eq \"mobile\"].value"`
	Work    string          `scim:"emails[type eq \"work\" and primary eq true].value"`
	Dept    string          `scim:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"`
	Active  bool            `scim:"active"`
	Locale  *string         `scim:"locale"`
	Hired   time.Time       `scim:"urn:example:hr:hired"`
	Grade   int8            `scim:"urn:example:hr:grade"`
	Desks   uint16          `scim:"urn:example:hr:desks"`
	Rate    float64         `scim:"urn:example:hr:rate"`
	Share   *float32        `scim:"urn:example:hr:share"`
	Badge   []byte          `scim:"urn:example:hr:badge"`
	Raw     json.RawMessage `scim:"urn:example:hr:raw"`
	Tags    []string        `scim:"urn:example:hr:tags"`
	Roles   []string        `scim:"roles"`
	Team    team            `scim:"urn:example:hr:team"`
	Office  address         `scim:"addresses[type eq \"work\"]"`
	Phones  []phone         `scim:"ims"`
	Level   level           `scim:"urn:example:hr:level"`
	Nick    nick            `scim:"nickName"`
	Contact *contact
	Secret  string `scim:"urn:example:hr:secret,sensitive"`
}

type contact struct {
	Home  string `scim:"emails[type eq \"home\"].value"`
	Title string `scim:"title"`
}

type team struct {
	Name string `scim:"name"`
	Size int    `scim:"size"`
}

type address struct {
	Street string `scim:"streetAddress"`
	City   string `scim:"locality"`
}

type phone struct {
	Value string `scim:"value"`
	Kind  string `scim:"type"`
}

type nick string

// level implements encoding.TextMarshaler and encoding.TextUnmarshaler.
type level int

func (l level) MarshalText() ([]byte, error) {
	return []byte([]string{"", "junior", "senior"}[l]), nil
}

type levelError struct{}

func (levelError) Error() string { return "no such level" }
func (levelError) Want() string  { return "junior or senior" }

func (l *level) UnmarshalText(text []byte) error {
	switch string(text) {
	case "junior":
		*l = 1
	case "senior":
		*l = 2
	default:
		return levelError{}
	}
	return nil
}

func compiled[T any](t testing.TB, o *mapping.Options) *mapping.Mapping[T] {
	t.Helper()
	m, err := mapping.Compile[T](o)
	require.NoError(t, err)
	return m
}

func parse(t testing.TB, text string) document.Value {
	t.Helper()
	v, err := document.Parse(text, 0)
	require.NoError(t, err, text)
	return v
}

func text(v document.Value) string { return string(document.AppendJSON(nil, v)) }
