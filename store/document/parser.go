package document

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// DefaultDepth is how deep values may nest unless the caller says otherwise. SCIM's own resources need five levels.
const DefaultDepth = 32

const trustedDepth = 1 << 20

// SyntaxError says why a text is not JSON that SCIM can use.
type SyntaxError struct {
	Offset int    // bytes before the place
	Path   string // the field there, e.g. emails[0].value; "" at the top
	Reason string // e.g. want a value, got '}'
}

func (e *SyntaxError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("at byte %d: %s", e.Offset, e.Reason)
	}
	return fmt.Sprintf("at byte %d, in %s: %s", e.Offset, e.Path, e.Reason)
}

// under puts a step in front of the error's path. Errors learn their path on the way out, so that texts without errors
// don't pay for it.
func (e *SyntaxError) under(step string) *SyntaxError {
	if e.Path != "" && e.Path[0] != '[' {
		step += "."
	}
	e.Path = step + e.Path
	return e
}

// Parse parses one JSON value and nothing behind it. Two fields of one object whose names differ at most in case,
// invalid UTF-8, NUL characters and values nested deeper than depth (DefaultDepth if it is 0) are errors, always
// *[SyntaxError]. The result shares in's memory.
func Parse(in string, depth int) (Value, error) {
	if depth <= 0 {
		depth = DefaultDepth
	}
	p := parser{in: in, depth: depth}
	if !utf8.ValidString(in) {
		for p.pos < len(in) {
			r, n := utf8.DecodeRuneInString(in[p.pos:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			p.pos += n
		}
		return Value{}, p.fail("invalid UTF-8")
	}
	defer p.release()
	p.space()
	v, err := p.value()
	if err != nil {
		return Value{}, err
	}
	if p.space(); p.pos < len(in) {
		return Value{}, p.fail("want the end, got more text")
	}
	return v, nil
}

// ParseScalar parses the null, boolean, number or string that starts at in[pos], and returns the offset behind it. It is
// for languages with JSON literals in them, whose parsers have checked that in is valid UTF-8. Errors are *[SyntaxError].
func ParseScalar(in string, pos int) (v Value, behind int, err error) {
	p := parser{in: in, pos: pos} // of depth 0: arrays and objects are too deep
	v, e := p.value()
	if e != nil {
		return Value{}, p.pos, e
	}
	return v, p.pos, nil
}

// parser is a recursive descent. Its methods return *SyntaxError, not error: only the exported functions do.
type parser struct {
	in      string
	pos     int
	depth   int      // levels left
	trusted bool     // our own encoder's output: no duplicate names to look for, and no white space
	exotic  bool     // the last string has characters beyond ASCII
	stack   *[]Field // of the arrays and objects not yet closed, so that each has its size when it gets memory
	slab    Slab
}

// stacks lends parsers their stacks.
var stacks = sync.Pool{New: func() any { return new(make([]Field, 0, 32)) }}

// release gives the stack back, without what it held. Every parser that a bracket may come to must end with it.
func (p *parser) release() {
	const keep = 1 << 10
	if p.stack == nil || cap(*p.stack) > keep {
		return
	}
	clear((*p.stack)[:cap(*p.stack)])
	*p.stack = (*p.stack)[:0]
	stacks.Put(p.stack)
}

func (p *parser) fail(reason string) *SyntaxError { return &SyntaxError{Offset: p.pos, Reason: reason} }

// got describes what stands at the position.
func (p *parser) got() string {
	if p.pos >= len(p.in) {
		return "the end"
	}
	r, _ := utf8.DecodeRuneInString(p.in[p.pos:])
	return strconv.QuoteRune(r)
}

func (p *parser) space() {
	for p.pos < len(p.in) {
		switch p.in[p.pos] {
		case ' ', '\t', '\n', '\r':
			if p.trusted { // no place for it in a canonical text, and Get and Fields would stop there
				return
			}
			p.pos++
		default:
			return
		}
	}
}

func (p *parser) peek() byte {
	if p.pos < len(p.in) {
		return p.in[p.pos]
	}
	return 0
}

func (p *parser) value() (Value, *SyntaxError) {
	switch p.peek() {
	case '"':
		s, err := p.string()
		return String(s), err
	case '{':
		return p.object()
	case '[':
		return p.array()
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return p.number()
	case 't':
		return p.word("true", Bool(true))
	case 'f':
		return p.word("false", Bool(false))
	case 'n':
		return p.word("null", Value{})
	}
	return Value{}, p.fail("want a value, got " + p.got())
}

func (p *parser) word(text string, v Value) (Value, *SyntaxError) {
	if !strings.HasPrefix(p.in[p.pos:], text) {
		return Value{}, p.fail("want a value, got " + p.got())
	}
	p.pos += len(text)
	return v, nil
}

const tooDeep = "nested too deep"

// enter goes into a bracket.
func (p *parser) enter() *SyntaxError {
	if p.depth == 0 {
		return p.fail(tooDeep)
	}
	if p.stack == nil {
		p.stack = stacks.Get().(*[]Field)
	}
	p.depth--
	p.pos++
	p.space()
	return nil
}

// leave goes out of the bracket and takes what was in it off the stack.
func (p *parser) leave(base int) []Field {
	p.pos++
	p.depth++
	const perField = 32 // bytes of text, roughly
	ahead := len(p.in)
	if p.slab.free != nil { // the first brackets to be left may stand at the end
		ahead -= p.pos
	}
	items := p.slab.Take(len(*p.stack)-base, ahead/perField)
	copy(items, (*p.stack)[base:])
	*p.stack = (*p.stack)[:base]
	return items
}

func (p *parser) object() (Value, *SyntaxError) {
	if err := p.enter(); err != nil {
		return Value{}, err
	}
	base := len(*p.stack)
	var names names
	for p.peek() != '}' {
		start := p.pos
		name, err := p.name()
		if err != nil {
			return Value{}, err
		}
		names.exotic = names.exotic || p.exotic
		if !p.trusted && names.has((*p.stack)[base:], name) {
			p.pos = start
			return Value{}, p.fail(twice(name))
		}
		v, err := p.value()
		if err != nil {
			return Value{}, err.under(short(name))
		}
		*p.stack = append(*p.stack, Field{name, v})
		if err := p.next('}'); err != nil {
			return Value{}, err
		}
	}
	return Value{kind: KindObject, items: p.leave(base)}, nil
}

// name parses a field's name and the colon behind it.
func (p *parser) name() (string, *SyntaxError) {
	if p.peek() != '"' {
		return "", p.fail("want a field name in quotes, got " + p.got())
	}
	name, err := p.string()
	if err != nil {
		return "", err
	}
	if p.space(); p.peek() != ':' {
		return "", p.fail("want ':', got " + p.got())
	}
	p.pos++
	p.space()
	return name, nil
}

func (p *parser) array() (Value, *SyntaxError) {
	if err := p.enter(); err != nil {
		return Value{}, err
	}
	base := len(*p.stack)
	for i := 0; p.peek() != ']'; i++ {
		v, err := p.value()
		if err != nil {
			return Value{}, err.under("[" + strconv.Itoa(i) + "]")
		}
		*p.stack = append(*p.stack, Field{Value: v})
		if err := p.next(']'); err != nil {
			return Value{}, err
		}
	}
	return Value{kind: KindArray, items: p.leave(base)}, nil
}

// next goes to the next field or element, or to the closing bracket.
func (p *parser) next(closing byte) *SyntaxError {
	p.space()
	switch p.peek() {
	case closing:
		return nil
	case ',':
		p.pos++
		p.space()
		if p.peek() == closing {
			return p.fail("want another value behind the comma, got " + p.got())
		}
		return nil
	}
	return p.fail("want ',' or '" + string(closing) + "', got " + p.got())
}

// names finds fields whose names differ at most in case.
type names struct {
	exotic bool            // there may be names beyond ASCII, where those of different length can be equal
	seen   map[string]bool // folded; only of large objects, where comparing each with each would cost too much
}

// has says whether name is among the items. It is to be asked for each new item.
func (n *names) has(items []Field, name string) bool {
	const few = 24
	if len(items) < few {
		for i := range items {
			if other := items[i].Name; (len(other) == len(name) || n.exotic) && strings.EqualFold(other, name) {
				return true
			}
		}
		return false
	}
	if n.seen == nil {
		n.seen = make(map[string]bool, 2*few)
		for i := range items {
			n.seen[FoldName(items[i].Name)] = true
		}
	}
	folded := FoldName(name)
	if n.seen[folded] {
		return true
	}
	n.seen[folded] = true
	return false
}

func twice(name string) string {
	return "the field " + strconv.Quote(short(name)) + " is there twice (names ignore case)"
}

// short shortens a name for an error.
func short(name string) string {
	const shown = 64
	if len(name) <= shown {
		return name
	}
	cut := shown
	for cut > 0 && !utf8.RuneStart(name[cut]) { // a damaged document may have none
		cut--
	}
	return name[:cut] + "..."
}
