package scim

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Fault 27: a semicolon is a character of a name or a value, encoded or not.
func TestQuerySemicolon(t *testing.T) {
	for query, want := range map[string]url.Values{
		`filter=userName+eq+"a;b"`:     {"filter": {`userName eq "a;b"`}},
		`filter=userName+eq+"a%3Bb"`:   {"filter": {`userName eq "a;b"`}},
		`count=1;startIndex=2&count=3`: {"count": {"1;startIndex=2", "3"}},
		`;&a;b=c&=;`:                   {";": {""}, "a;b": {"c"}, "": {";"}},
	} {
		got, err := parseQuery(query)
		require.NoError(t, err, query)
		assert.Equal(t, want, got, query)
	}
}

func TestBadQuery(t *testing.T) {
	for _, query := range []string{"filter=s3cr3t%zz", "%=s3cr3t", "a=%e", strings.Repeat("s3cr3t&", mostParams)} {
		_, err := parseQuery(query)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "s3cr3t")
	}
	values, err := parseQuery(strings.Repeat("a&", mostParams-1))
	require.NoError(t, err)
	assert.Len(t, values["a"], mostParams-1)
}

// Without semicolons parseQuery and url.ParseQuery say the same.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{"", "a", "a=b", "a=b&c", "&&a=&=b", "a=b=c", "a+b=c%20d", "%zz", "a=%", "a=%ff", "filter=userName+eq+%22a%22&", "?a=b"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		if strings.Contains(query, ";") || strings.Count(query, "&") >= mostParams {
			t.Skip()
		}
		want, failed := url.ParseQuery(query)
		got, err := parseQuery(query)
		require.Equal(t, failed == nil, err == nil, failed)
		if err == nil {
			require.Equal(t, want, got)
		}
	})
}
