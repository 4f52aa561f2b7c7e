package filter

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Error says where a filter or path is not in the grammar, and what would be right there. It shows no part of the values
// in a filter, because one of them may be a password. So it shows no word from the first value on, even if the quotes of the value are
// missing or wrong.
type Error struct {
	Pos  int    // the position of the first wrong character, counted from 1
	Want string // what would be right, such as: an operator (eq, ne, ...)
	Got  string // what is there: a word in quotes, such as "like", or the words: the end, or: other text
}

func (e *Error) Error() string {
	return fmt.Sprintf("at character %d: want %s, got %s", e.Pos, e.Want, e.Got)
}

// fail returns an error at the parser's position.
func (p *parser) fail(want string) error { return p.failWith(want, p.got()) }

func (p *parser) failWith(want, got string) error {
	return &Error{utf8.RuneCountInString(p.in[:p.pos]) + 1, want, got}
}

// got returns the word, bracket or quote at the position, for an error. It doesn't return a word that may be a part of a value.
func (p *parser) got() string {
	const most = 40
	if p.literals && p.pos < len(p.in) && (!isDelimiter(p.in[p.pos]) || isSpace(p.in[p.pos])) {
		return "other text"
	}
	end := p.pos
	for end < len(p.in) && end < p.pos+most && !isDelimiter(p.in[end]) {
		end++
	}
	switch {
	case p.pos == len(p.in):
		return "the end"
	case end == p.pos:
		end++
	}
	for end < len(p.in) && !utf8.RuneStart(p.in[end]) {
		end++
	}
	return strconv.Quote(p.in[p.pos:end])
}
