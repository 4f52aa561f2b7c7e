package filter

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rollcall-dev/rollcall/store/document"
)

func TestBudget(t *testing.T) {
	elem := document.Object(document.Field{Name: "value", Value: document.String("X")}, document.Field{Name: "type", Value: document.String("work")},
		document.Field{Name: "display", Value: document.String(strings.Repeat("x", 1000))})
	compare := func(name string, op Op, literal string) Expr {
		return Compare{Attr: Attr{Path: Path{Name: name}, Type: String}, Op: op, Value: document.String(literal)}
	}
	null := func(name string) Expr { return Compare{Attr: Attr{Path: Path{Name: name}, Type: String}, Op: Eq} }
	for _, tt := range []struct {
		where Expr
		want  bool
		costs int
	}{
		{compare("value", Eq, "x"), true, 1},
		{And{compare("value", Eq, "x"), compare("type", Eq, "home")}, false, 2},
		{Or{compare("value", Eq, "x"), compare("type", Eq, "home")}, true, 1},
		{Or{compare("value", Eq, "y"), compare("type", Eq, "work"), compare("type", Eq, "home")}, true, 2},
		{Not{compare("value", Eq, "x")}, false, 1},
		{Present{Attr{Path: Path{Name: "value"}}}, true, 1},
		{null("value"), false, 1},
		{compare("display", Co, "y"), false, 1 + 1000/textUnit},
		{Const(true), true, 0},
		{Has{Attr{Path: Path{Name: "value"}}, Const(true)}, true, 0},
	} {
		b := Budget(100)
		assert.Equal(t, tt.want, b.MatchElement(tt.where, elem), "%v", tt.where)
		assert.Equal(t, tt.costs, 100-int(b), "%v", tt.where)
		assert.Equal(t, tt.want, MatchElement(tt.where, elem), "%v", tt.where)

		enough := Budget(tt.costs)
		assert.Equal(t, tt.want, enough.MatchElement(tt.where, elem), "%v", tt.where)
		assert.False(t, enough.Exceeded(), "%v", tt.where)
		if tt.costs > 0 {
			short := Budget(tt.costs - 1)
			short.MatchElement(tt.where, elem)
			assert.True(t, short.Exceeded(), "%v", tt.where)
			assert.False(t, short.Spend(0))
		}
	}
}

// counted counts how often an attribute is read.
type counted struct {
	treed
	reads int
}

func (c *counted) Attribute(p Path) document.Value {
	c.reads++
	return c.treed.Attribute(p)
}

// TestMatchReadsAnAttributeOnce shows that a filter of many terms reads each attribute of a resource only once (I18).
func TestMatchReadsAnAttributeOnce(t *testing.T) {
	terms := make([]string, 240)
	for i := range terms {
		terms[i] = []string{`title co "y"`, `userName co "y"`, `name.familyName eq "y"`, `not (emails[type eq "work"])`}[i%4]
	}
	src := &counted{treed: treed{Value: document.Object(document.Field{Name: "title", Value: document.String("x")},
		document.Field{Name: "emails", Value: document.Array(document.Object(document.Field{Name: "type", Value: document.String("work")}))})}}
	assert.False(t, Match(bound(t, strings.Join(terms, " or ")), src))
	assert.Equal(t, 4, src.reads)
	src.reads = 0
	assert.False(t, Match(bound(t, "("+strings.Join(terms[:120], " or ")+") and title pr or "+strings.Join(terms[120:], " or ")), src))
	assert.Equal(t, 4, src.reads)
}
