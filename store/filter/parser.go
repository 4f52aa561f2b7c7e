package filter

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rollcall-dev/rollcall/store/document"
)

// Options limit what [Parse] and [ParsePath] accept. The zero Options are lenient and have the default limits.
type Options struct {
	Strict    bool // whether to refuse the deviations of Dialect
	MaxLength int  // the most bytes of the text; the default is 8192
	MaxDepth  int  // the most levels of brackets, round or square; the default is 32
	MaxTerms  int  // the most comparisons and presence tests; the default is 256
}

// Dialect is the set of tolerated deviations from the grammar that a text has.
type Dialect uint8

// These are the deviations from the grammar that are tolerated unless Options.Strict is set.
const (
	// UnquotedValue is a string without quotes behind eq, as in userName eq jo@x.example.
	UnquotedValue Dialect = 1 << iota
	// ValuePathOperator is an operator behind a filter in brackets: emails[type eq "work"].value eq "x" is taken for
	// emails[type eq "work" and value eq "x"].
	ValuePathOperator
)

// Has says whether x is in the set.
func (d Dialect) Has(x Dialect) bool { return d&x != 0 }

// Parse parses a filter (RFC 7644 section 3.4.2.2, figure 1). "not" binds closer than "and", and "and" closer than "or".
// The attributes of the expression are not bound. The error is an *[Error].
//
// White space is needed only between words, because an example of RFC 7644 section 3.5.2.2 has none before a quote:
// members[value eq"2819c223"].
//
// The URN of an attribute ends at the last colon, because an attribute's name can't have a colon and a URN may have several. Without a
// schema, the URN of a whole extension can't be told from the name of an attribute. So it becomes a Path whose Name is the last part of the
// URN, and binding has to put the two together again.
func Parse(s string, o Options) (Expr, Dialect, error) {
	p, err := newParser(s, o)
	if err != nil {
		return nil, 0, err
	}
	x, err := p.or()
	if err == nil {
		err = p.end("and, or, or the end")
	}
	if err != nil {
		return nil, 0, err
	}
	return x, p.dialect, nil
}

// ParsePath parses the path of a PATCH operation (RFC 7644 section 3.5.2, figure 7), by the rules of [Parse]. A URN
// whose last part can't be an attribute's name, such as urn:example:2.0, becomes a Path without Name. The error is an *[Error].
func ParsePath(s string, o Options) (PatchPath, Dialect, error) {
	p, err := newParser(s, o)
	if err != nil {
		return PatchPath{}, 0, err
	}
	path, err := p.patchPath()
	if err != nil {
		return PatchPath{}, 0, err
	}
	return path, p.dialect, nil
}

type parser struct {
	in       string
	pos      int
	opts     Options
	depth    int  // how many brackets are open
	terms    int  // how many terms there are so far
	element  bool // whether the position is within square brackets, where names are those of sub-attributes
	literals bool // whether the position is at a value or behind one, where errors must not show words
	dialect  Dialect
}

func newParser(s string, o Options) (parser, error) {
	if o.MaxLength <= 0 {
		o.MaxLength = 8192
	}
	if o.MaxDepth <= 0 {
		o.MaxDepth = 32
	}
	if o.MaxTerms <= 0 {
		o.MaxTerms = 256
	}
	p := parser{in: s, opts: o}
	if len(s) > o.MaxLength {
		p.pos = o.MaxLength
		return p, p.failWith("at most "+strconv.Itoa(o.MaxLength)+" bytes", strconv.Itoa(len(s)))
	}
	if !utf8.ValidString(s) {
		for p.pos < len(s) {
			r, n := utf8.DecodeRuneInString(s[p.pos:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			p.pos += n
		}
		return p, p.failWith("UTF-8", "a byte that is none")
	}
	p.space()
	return p, nil
}

func (p *parser) or() (Expr, error) {
	x, err := p.and()
	if err != nil || !p.word("or") {
		return x, err
	}
	some := appendOr(make(Or, 0, 2), x)
	for {
		if x, err = p.and(); err != nil {
			return nil, err
		}
		if some = appendOr(some, x); !p.word("or") {
			return some, nil
		}
	}
}

func (p *parser) and() (Expr, error) {
	x, err := p.term()
	if err != nil || !p.word("and") {
		return x, err
	}
	all := appendAnd(make(And, 0, 2), x)
	for {
		if x, err = p.term(); err != nil {
			return nil, err
		}
		if all = appendAnd(all, x); !p.word("and") {
			return all, nil
		}
	}
}

// appendAnd appends a term, or the terms of an And: the brackets of (a and b) and c change nothing.
func appendAnd(all And, x Expr) And {
	if terms, ok := x.(And); ok {
		return append(all, terms...)
	}
	return append(all, x)
}

func appendOr(some Or, x Expr) Or {
	if terms, ok := x.(Or); ok {
		return append(some, terms...)
	}
	return append(some, x)
}

// term parses a term of and or or.
func (p *parser) term() (Expr, error) {
	p.space()
	if p.peek() == '(' {
		return p.group()
	}
	if p.not() {
		x, err := p.group()
		if err != nil {
			return nil, err
		}
		return Not{x}, nil
	}
	path, err := p.attribute()
	if err != nil {
		return nil, err
	}
	if p.peek() == '[' {
		return p.valuePath(path)
	}
	return p.predicate(path)
}

// not goes to the bracket behind the word not, and says whether there is one. Without a bracket, not is the name of an attribute.
func (p *parser) not() bool {
	if len(p.in)-p.pos < 3 || !strings.EqualFold(p.in[p.pos:p.pos+3], "not") {
		return false
	}
	start := p.pos
	p.pos += 3
	if p.space(); p.peek() == '(' {
		return true
	}
	p.pos = start
	return false
}

func (p *parser) group() (Expr, error) {
	if err := p.open(); err != nil {
		return nil, err
	}
	x, err := p.or()
	if err != nil {
		return nil, err
	}
	return x, p.close(')')
}

// valuePath parses the brackets behind a path, and the operator that Dialect tolerates behind them.
func (p *parser) valuePath(path Path) (Expr, error) {
	where, err := p.where(path)
	if err != nil {
		return nil, err
	}
	if p.peek() == '.' && !p.opts.Strict {
		p.pos++
		sub, err := p.name(aSubAttribute)
		if err != nil {
			return nil, err
		}
		x, err := p.predicate(Path{Name: sub})
		if err != nil {
			return nil, err
		}
		p.dialect |= ValuePathOperator
		where = append(appendAnd(make(And, 0, 2), where), x)
	}
	return Has{Attr{Path: path}, where}, nil
}

// where parses a filter in square brackets.
func (p *parser) where(path Path) (Expr, error) {
	if p.element {
		return nil, p.fail("an operator, as square brackets don't nest")
	}
	if path.Sub != "" || path.Name == "" {
		return nil, p.fail("no square brackets behind a sub-attribute")
	}
	if err := p.open(); err != nil {
		return nil, err
	}
	p.element = true
	x, err := p.or()
	if err != nil {
		return nil, err
	}
	p.element = false
	return x, p.close(']')
}

// predicate parses the operator and the value behind an attribute.
func (p *parser) predicate(path Path) (Expr, error) {
	if !p.gap() {
		return nil, p.fail("a space and an operator")
	}
	if p.terms++; p.terms > p.opts.MaxTerms {
		return nil, p.failWith("at most "+strconv.Itoa(p.opts.MaxTerms)+" comparisons", "one more")
	}
	start := p.pos
	for p.pos < len(p.in) && isLetter(p.in[p.pos]) {
		p.pos++
	}
	op, present := operator(p.in[start:p.pos])
	if !present && op == 0 || isName(p.peek()) {
		p.pos = start
		return nil, p.fail("an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr)")
	}
	if present {
		return Present{Attr{Path: path}}, nil
	}
	if !p.gap() && p.peek() != '"' {
		return nil, p.fail("a space and a value")
	}
	v, err := p.literal(op)
	if err != nil {
		return nil, err
	}
	return Compare{Attr: Attr{Path: path}, Op: op, Value: v}, nil
}

func operator(word string) (op Op, present bool) {
	if len(word) != 2 {
		return 0, false
	}
	switch [2]byte{word[0] | 0x20, word[1] | 0x20} { // letters in lower case
	case [2]byte{'e', 'q'}:
		return Eq, false
	case [2]byte{'n', 'e'}:
		return Ne, false
	case [2]byte{'c', 'o'}:
		return Co, false
	case [2]byte{'s', 'w'}:
		return Sw, false
	case [2]byte{'e', 'w'}:
		return Ew, false
	case [2]byte{'g', 't'}:
		return Gt, false
	case [2]byte{'g', 'e'}:
		return Ge, false
	case [2]byte{'l', 't'}:
		return Lt, false
	case [2]byte{'l', 'e'}:
		return Le, false
	case [2]byte{'p', 'r'}:
		return 0, true
	}
	return 0, false
}

// literal parses a JSON string, number, boolean or null, or a string without quotes, which Dialect tolerates.
func (p *parser) literal(op Op) (document.Value, error) {
	p.literals = true
	const want = "a value: a string in double quotes, a number, true, false or null"
	end := p.pos
	if p.peek() != '"' {
		for end < len(p.in) && !isDelimiter(p.in[end]) {
			end++
		}
	}
	v, behind, err := document.ParseScalar(p.in, p.pos)
	switch word := p.in[p.pos:end]; {
	case p.peek() == '"' && err != nil:
		return v, p.syntax(err)
	case p.peek() == '"' || err == nil && behind == end:
		p.pos = behind
		return v, nil
	case op != Eq || p.opts.Strict || !isWord(word):
		return v, p.fail(want)
	default:
		p.pos = end
		p.dialect |= UnquotedValue
		return document.String(word), nil
	}
}

// isWord says whether a word without quotes may be meant as a string. That isn't so if there is no value, if it has quotes of
// another kind, or control characters, which a string in quotes would have to escape.
func isWord(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	if strings.ContainsFunc(s, unicode.IsControl) || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("+-_.@#/$", r) {
		return false
	}
	return !strings.EqualFold(s, "and") && !strings.EqualFold(s, "or") && !strings.EqualFold(s, "not")
}

// syntax makes an Error from the error of a JSON literal, without the character that this shows.
func (p *parser) syntax(err error) error {
	var e *document.SyntaxError
	if !errors.As(err, &e) {
		return err
	}
	p.pos = e.Offset
	want, _, _ := strings.Cut(strings.TrimPrefix(e.Reason, "want "), ", got ")
	return p.fail(want)
}
