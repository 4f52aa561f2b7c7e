package filter

import (
	"strconv"
	"strings"
)

// ahead returns the text up to the next delimiter.
func (p *parser) ahead() string {
	end := p.pos
	for end < len(p.in) && !isDelimiter(p.in[end]) {
		end++
	}
	return p.in[p.pos:end]
}

// word goes behind the word w, which is and or or, and says whether it was there.
func (p *parser) word(w string) bool {
	start := p.pos
	if p.space(); !strings.EqualFold(p.ahead(), w) {
		p.pos = start
		return false
	}
	p.pos += len(w)
	return true
}

// gap skips white space, and says whether there was any.
func (p *parser) gap() bool {
	start := p.pos
	p.space()
	return p.pos > start
}

func (p *parser) space() {
	for p.pos < len(p.in) && isSpace(p.in[p.pos]) {
		p.pos++
	}
}

// end fails unless only white space is left.
func (p *parser) end(want string) error {
	if p.space(); p.pos < len(p.in) {
		return p.fail(want)
	}
	return nil
}

// open notes that a bracket was opened. It fails if there are too many.
func (p *parser) open() error {
	if p.depth++; p.depth > p.opts.MaxDepth {
		return p.failWith("at most "+strconv.Itoa(p.opts.MaxDepth)+" brackets in each other", "one more")
	}
	p.pos++
	return nil
}

// close goes behind the closing bracket. It fails if that is missing.
func (p *parser) close(bracket byte) error {
	if p.space(); p.peek() != bracket {
		return p.fail("and, or, or '" + string(bracket) + "'")
	}
	p.depth--
	p.pos++
	return nil
}

func (p *parser) peek() byte {
	if p.pos < len(p.in) {
		return p.in[p.pos]
	}
	return 0
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isDelimiter(c byte) bool {
	return c == '(' || c == ')' || c == '[' || c == ']' || c == '"' || isSpace(c)
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isName(c byte) bool {
	return isLetter(c) || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '$'
}
