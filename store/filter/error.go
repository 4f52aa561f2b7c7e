package filter

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Error says where a filter or path is not in the grammar, and what would be right there. It shows nothing of the values
// that the filter compares, as one of them may be a password: from the first value on, even if its quotes are missing or
// wrong, no word is shown.
type Error struct {
	Pos  int    // of the first character that is wrong; the first of all is 1
	Want string // e.g. an operator (eq, ne, ...)
	Got  string // e.g. "like" in quotes, or: the end, or: other text
}

func (e *Error) Error() string {
	return fmt.Sprintf("at character %d: want %s, got %s", e.Pos, e.Want, e.Got)
}

// fail returns the error at the parser's position.
func (p *parser) fail(want string) error { return p.failWith(want, p.got()) }

func (p *parser) failWith(want, got string) error {
	return &Error{utf8.RuneCountInString(p.in[:p.pos]) + 1, want, got}
}

// got shows the word at the position, or the one bracket or quote. Behind the beginning of a value a word may be a part of
// the value, so that it is not shown.
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
