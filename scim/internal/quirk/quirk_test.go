package quirk

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTable(t *testing.T) {
	assert.LessOrEqual(t, len(Table), 64, "a Set has 64 bits")
	name := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	seen := map[string]bool{}
	for q, row := range Table {
		assert.Regexp(t, name, row.Name, "row %d", q)
		assert.False(t, seen[row.Name], "%s is there twice", row.Name)
		seen[row.Name] = true
		assert.NotEmpty(t, row.From, row.Name)
		assert.NotEmpty(t, row.Becomes, row.Name)
		assert.Equal(t, row.Name, Quirk(q).String())
	}
}

func TestSet(t *testing.T) {
	var s Set
	assert.False(t, s.Has(StringBoolean))
	s.Add(DottedKeys)
	s.Add(StringBoolean)
	s.Add(DottedKeys)
	assert.True(t, s.Has(DottedKeys))
	assert.False(t, s.Has(StringNumber))
	var got []Quirk
	for q := range s.All() {
		got = append(got, q)
	}
	assert.Equal(t, []Quirk{StringBoolean, DottedKeys}, got)
	for range s.All() {
		break // the walk must end here
	}
}
