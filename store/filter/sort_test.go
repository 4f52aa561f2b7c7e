package filter

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

// sorted has documents in the order of an attribute. Those in one row have equal keys.
var sorted = map[string][][]string{
	"userName": {
		{`{"userName":""}`},
		{`{"userName":"1"}`},
		{`{"userName":"A"}`, `{"userName":"a"}`},
		{`{"userName":"aB"}`, `{"userName":"Ab"}`},
		{`{"userName":"B"}`},
		{`{"userName":"É"}`, `{"userName":"é"}`},
		{`{"userName":"日"}`},
		{`{"userName":"😀"}`},
	},
	"externalId": {
		{`{"externalId":"A"}`}, {`{"externalId":"B"}`}, {`{"externalId":"a"}`}, {`{"externalId":"aa"}`}, {`{"externalId":"b"}`},
	},
	"active": {{`{"active":false}`}, {`{"active":true}`}},
	"logins": {
		{`{"logins":-100}`}, {`{"logins":-20}`}, {`{"logins":-3}`}, {`{"logins":0}`, `{"logins":-0}`}, {`{"logins":3}`}, {`{"logins":20}`, `{"logins":2e1}`},
		{`{"logins":100}`}, {`{"logins":9223372036854775807}`},
	},
	"score": {{`{"score":-1.5}`}, {`{"score":-1.25}`}, {`{"score":0.5}`}, {`{"score":1.5}`, `{"score":1.50}`}, {`{"score":10}`}},
	"hired": {
		{`{"hired":"0999-01-01T00:00:00Z"}`},
		{`{"hired":"2011-05-13T04:42:34+02:00"}`},
		{`{"hired":"2011-05-13T04:42:34Z"}`, `{"hired":"2011-05-13T06:42:34+02:00"}`, `{"hired":"2011-05-13T04:42:34.000"}`},
		{`{"hired":"2011-05-13T04:42:34.000001Z"}`},
		{`{"hired":"2011-05-13T04:42:34.1Z"}`},
		{`{"hired":"2011-05-13T04:42:34-05:00"}`},
	},
	"name.familyName": {{`{"name":{"familyName":"a"}}`}, {`{"name":{"familyName":"B"}}`}},
	"tags":            {{`{"tags":["a","z"]}`}, {`{"tags":["B","a"]}`}},
	"numbers":         {{`{"numbers":[3,1]}`}, {`{"numbers":[20,1]}`}},
	"emails.value": {
		{`{"emails":[{"value":"a"},{"value":"z"}]}`, `{"emails":[{"value":"z"},{"value":"a","primary":true}]}`, `{"emails":[{"type":"x"},{"value":"a"}]}`},
		{`{"emails":[{"value":"b","primary":false},{"value":"a"}]}`, `{"emails":[{"type":"work","primary":true},{"value":"b"}]}`},
		{`{"emails":[{"value":"C"}]}`},
	},
	"emails":                       {{`{"emails":[{"value":"a"}]}`}, {`{"emails":[{"value":"a"},{"value":"b","primary":true}]}`}},
	"emails.type":                  {{`{"emails":[{"value":"a","type":"home"}]}`}, {`{"emails":[{"value":"a","type":"work"}]}`}},
	"manager.value":                {{`{"manager":{"value":"A"}}`}, {`{"manager":{"value":"a"}}`}},
	"manager":                      {{`{"manager":{"value":"A"}}`}, {`{"manager":{"value":"b"}}`}},
	"urn:example:2.0:Badge:number": {{`{"urn:example:2.0:Badge":{"number":9}}`}, {`{"urn:example:2.0:Badge":{"number":10}}`}},
}

func TestSortKey(t *testing.T) {
	for name, rows := range sorted {
		by := attributes[name]
		var last string
		for i, row := range rows {
			first, ok := SortKey(source(t, row[0]), by)
			assert.True(t, ok, row[0])
			assert.True(t, utf8.ValidString(first) && !strings.Contains(first, "\x00"), "a database must be able to keep %q", first)
			for _, json := range row[1:] {
				key, ok := SortKey(source(t, json), by)
				assert.True(t, ok, json)
				assert.Equal(t, first, key, "%s: %s and %s are in the same place", name, row[0], json)
			}
			assert.True(t, i == 0 || last < first, "%s: %s comes behind, but %q does not come behind %q", name, row[0], first, last)
			last = first
		}
	}
}

func TestSortKeyAbsent(t *testing.T) {
	for _, json := range []string{
		`{}`,
		`{"name":{},"emails":[],"tags":[],"manager":{}}`,
		`{"name":{"givenName":"x"},"emails":[{"display":"x"},{"value":null,"primary":true}],"manager":{"displayName":"x"}}`,
		`{"userName":1,"active":"x","logins":"x","hired":"x","tags":[[],{}],"externalId":true}`,
	} {
		for name, by := range attributes {
			if name == "emails.primary" {
				continue
			}
			_, ok := SortKey(source(t, json), by)
			assert.False(t, ok, "%s of %s", name, json)
		}
	}
}
