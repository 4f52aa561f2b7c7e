package schema

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Error is a request's fault, always HTTP status 400.
type Error struct {
	Type   string // scimType (RFC 7644 table 9): invalidValue, invalidSyntax, invalidPath, invalidFilter, noTarget, mutability
	Path   string // the attribute as the client should look for it, e.g. emails[1].value; may be ""
	Detail string // what is wrong and what would be right; without Path
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Detail
	}
	return e.Path + ": " + e.Detail
}

// under puts what encloses the place of the error before it. Errors learn their path on the way out, so that values
// without errors never pay for it.
func (e *Error) under(path string) *Error {
	switch {
	case path == "":
	case e.Path == "":
		e.Path = path
	case e.Path[0] == '[':
		e.Path = path + e.Path
	default:
		e.Path = path + "." + e.Path
	}
	return e
}

// within is under for an extension's URN.
func (e *Error) within(urn string) *Error {
	if e.Path != "" {
		urn += ":"
	}
	e.Path = urn + e.Path
	return e
}

func (e *Error) at(i int) *Error { return e.under("[" + strconv.Itoa(i) + "]") }

func invalid(scimType, path, detail string, args ...any) *Error {
	return &Error{Type: scimType, Path: path, Detail: fmt.Sprintf(detail, args...)}
}

// unwanted says what attribute a wants and of what kind the value is that it got.
func unwanted(want string, got document.Value) *Error {
	kind := got.Kind().String()
	if got.Kind() == document.KindArray {
		kind = fmt.Sprintf("array of %d", got.Len())
	}
	return invalid("invalidValue", "", "want %s, got %s", want, kind)
}

// misspelt is unwanted where the kind is right and the text is not. It shows the text unless that is a secret.
func misspelt(a *Attribute, want string, got document.Value) *Error {
	if a.Hidden() {
		return invalid("invalidValue", "", "want %s, got something else", want)
	}
	return invalid("invalidValue", "", "want %s, got %s", want, quoted(got.Text()))
}

func article(t filter.Type) string {
	if t == filter.Integer {
		return "an integer"
	}
	return "a " + t.String()
}

// quoted quotes a client's text for an error, cut short.
func quoted(s string) string { return strconv.Quote(Clip(s, 40)) }

// Clip cuts a client's text short for an error: to that many bytes, without a part of a character at its end.
func Clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "..."
}
