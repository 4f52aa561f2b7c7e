package document

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// DefaultDepth is how deep values may nest unless the caller says otherwise. SCIM's own resources need five levels.
const DefaultDepth = 32

const trustedDepth = 1 << 20

// SyntaxError says why a text is not JSON that SCIM can use.
type SyntaxError struct {
	Offset int    // bytes before the place
	Path   string // the member there, e.g. emails[0].value; "" at the top
	Reason string // e.g. want a value, got '}'
}

func (e *SyntaxError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("at byte %d: %s", e.Offset, e.Reason)
	}
	return fmt.Sprintf("at byte %d, in %s: %s", e.Offset, e.Path, e.Reason)
}

// Parse parses one JSON value and nothing behind it. Two members of one object whose names differ at most in case,
// invalid UTF-8 and values nested deeper than depth (DefaultDepth if it is 0) are errors, always *[SyntaxError].
// The result shares in's memory.
func Parse(in string, depth int) (Value, error) {
	if depth <= 0 {
		depth = DefaultDepth
	}
	p := parser{in: in, depth: depth}
	if !utf8.ValidString(in) {
		for p.pos < len(in) {
			if r, n := utf8.DecodeRuneInString(in[p.pos:]); r == utf8.RuneError && n == 1 {
				break
			} else {
				p.pos += n
			}
		}
		return Value{}, p.fail("invalid UTF-8")
	}
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
func ParseScalar(in string, pos int) (Value, int, error) {
	p := parser{in: in, pos: pos}
	v, err := p.value() // of depth 0: arrays and objects are too deep
	return v, p.pos, err
}

type parser struct {
	in      string
	pos     int
	depth   int    // levels left
	trusted bool   // our own encoder's output: no duplicate keys to look for
	path    []step // where we are, for errors
}

type step struct {
	name  string
	index int // of an array element, if name is ""
}

func (p *parser) fail(reason string) error {
	var b strings.Builder
	for _, s := range p.path {
		switch {
		case s.name == "":
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		case b.Len() > 0:
			b.WriteString("." + s.name)
		default:
			b.WriteString(s.name)
		}
	}
	return &SyntaxError{p.pos, b.String(), reason}
}

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

func (p *parser) value() (Value, error) {
	switch c := p.peek(); {
	case c == '"':
		s, err := p.string()
		return String(s), err
	case c == '{':
		return p.object()
	case c == '[':
		return p.array()
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	}
	for _, w := range [...]struct {
		text string
		v    Value
	}{{"true", Bool(true)}, {"false", Bool(false)}, {"null", Value{}}} {
		if strings.HasPrefix(p.in[p.pos:], w.text) {
			p.pos += len(w.text)
			return w.v, nil
		}
	}
	return Value{}, p.fail("want a value, got " + p.got())
}

func (p *parser) enter() error {
	if p.depth--; p.depth < 0 {
		return p.fail("nested too deep")
	}
	p.pos++
	p.space()
	return nil
}

func (p *parser) object() (Value, error) {
	if err := p.enter(); err != nil {
		return Value{}, err
	}
	v := Value{kind: KindObject, items: make([]Member, 0, 4)}
	var seen map[string]bool // only of large objects, where comparing each with each would cost too much
	for p.peek() != '}' {
		if p.peek() != '"' {
			return Value{}, p.fail("want a quoted member name, got " + p.got())
		}
		start := p.pos
		name, err := p.string()
		if err != nil {
			return Value{}, err
		}
		if !p.trusted && duplicate(v.items, name, &seen) {
			p.pos = start
			return Value{}, p.fail("the member " + strconv.Quote(name) + " stands twice (names ignore case)")
		}
		p.space()
		if p.peek() != ':' {
			return Value{}, p.fail("want ':', got " + p.got())
		}
		p.pos++
		p.space()
		p.path = append(p.path, step{name: name})
		x, err := p.value()
		if err != nil {
			return Value{}, err
		}
		p.path = p.path[:len(p.path)-1]
		v.items = append(v.items, Member{name, x})
		if err := p.next('}'); err != nil {
			return Value{}, err
		}
	}
	p.pos++
	p.depth++
	return v, nil
}

func duplicate(items []Member, name string, seen *map[string]bool) bool {
	const few = 24
	if len(items) < few {
		for i := range items {
			if len(items[i].Name) == len(name) && strings.EqualFold(items[i].Name, name) {
				return true
			}
		}
		return false
	}
	if *seen == nil {
		*seen = make(map[string]bool, 2*few)
		for i := range items {
			(*seen)[Fold(items[i].Name)] = true
		}
	}
	f := Fold(name)
	if (*seen)[f] {
		return true
	}
	(*seen)[f] = true
	return false
}

func (p *parser) array() (Value, error) {
	if err := p.enter(); err != nil {
		return Value{}, err
	}
	v := Value{kind: KindArray}
	for i := 0; p.peek() != ']'; i++ {
		p.path = append(p.path, step{index: i})
		x, err := p.value()
		if err != nil {
			return Value{}, err
		}
		p.path = p.path[:len(p.path)-1]
		v.items = append(v.items, Member{Value: x})
		if err := p.next(']'); err != nil {
			return Value{}, err
		}
	}
	p.pos++
	p.depth++
	return v, nil
}

// next goes to the next member or element, or to the closing bracket.
func (p *parser) next(closing byte) error {
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

func (p *parser) number() (Value, error) {
	start := p.pos
	if p.peek() == '-' {
		p.pos++
	}
	switch c := p.peek(); {
	case c == '0':
		p.pos++
	case '1' <= c && c <= '9':
		p.digits()
	default:
		return Value{}, p.fail("want a digit, got " + p.got())
	}
	if p.peek() == '.' {
		if p.pos++; !p.digits() {
			return Value{}, p.fail("want a digit, got " + p.got())
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		if !p.digits() {
			return Value{}, p.fail("want a digit, got " + p.got())
		}
	}
	return Number(p.in[start:p.pos]), nil
}

func (p *parser) digits() bool {
	start := p.pos
	for c := p.peek(); '0' <= c && c <= '9'; c = p.peek() {
		p.pos++
	}
	return p.pos > start
}

// string parses the quoted string at the position. Without escapes it is a part of the input, not a copy.
func (p *parser) string() (string, error) {
	p.pos++
	start := p.pos
	for p.pos < len(p.in) {
		switch c := p.in[p.pos]; {
		case c == '"':
			p.pos++
			return p.in[start : p.pos-1], nil
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", p.fail("want the control character escaped")
		}
		p.pos++
	}
	return "", p.fail("want a closing quote, got the end")
}

func (p *parser) escaped(start int) (string, error) {
	b := []byte(p.in[start:p.pos])
	for p.pos < len(p.in) {
		c := p.in[p.pos]
		switch {
		case c == '"':
			p.pos++
			return string(b), nil
		case c < ' ':
			return "", p.fail("want the control character escaped")
		case c != '\\':
			b = append(b, c)
			p.pos++
			continue
		}
		p.pos++
		e := p.peek()
		if i := strings.IndexByte(`"\/bfnrt`, e); i >= 0 && e != 0 {
			b = append(b, "\"\\/\b\f\n\r\t"[i])
			p.pos++
			continue
		}
		if e != 'u' {
			return "", p.fail("want a JSON escape, got " + p.got())
		}
		r, ok := p.hex4()
		if !ok {
			return "", p.fail(`want four hexadecimal digits behind \u`)
		}
		if utf16.IsSurrogate(r) {
			low, ok := rune(0), false
			if strings.HasPrefix(p.in[p.pos:], `\u`) {
				p.pos++
				low, ok = p.hex4()
			}
			if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
				return "", p.fail("a surrogate without its other half")
			}
		}
		if r == 0 { // no database keeps it, and no attribute means it
			return "", p.fail("a NUL character can't be kept")
		}
		b = utf8.AppendRune(b, r)
	}
	return "", p.fail("want a closing quote, got the end")
}

func (p *parser) hex4() (rune, bool) {
	if p.pos+5 > len(p.in) {
		return 0, false
	}
	n, err := strconv.ParseUint(p.in[p.pos+1:p.pos+5], 16, 16)
	p.pos += 5
	return rune(n), err == nil
}
