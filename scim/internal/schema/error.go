package schema

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Error is an error in a request, which is answered with the HTTP status 400.
type Error struct {
	Type   string // the scimType (RFC 7644 table 9): invalidValue, invalidSyntax, invalidPath, invalidFilter, noTarget, mutability
	Path   string // the attribute where the client should look, such as emails[1].value; it may be ""
	Detail string // what is wrong and what would be right, without Path
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Detail
	}
	return e.Path + ": " + e.Detail
}

// under puts the name of the enclosing attribute before the error's path. Paths are made in this way while an error is returned, so that
// they cost nothing for values without errors.
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

// within puts an extension's URN before the error's path.
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

// unwanted makes an error that says which values would be right, and of which kind the value is.
func unwanted(want string, got document.Value) *Error {
	kind := got.Kind().String()
	if got.Kind() == document.KindArray {
		kind = fmt.Sprintf("array of %d", got.Len())
	}
	return invalid("invalidValue", "", "want %s, got %s", want, kind)
}

// misspelt makes an error like unwanted for a value of the right kind with a wrong text. It shows the text unless the attribute is hidden.
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

// quoted quotes the beginning of a client's text for an error.
func quoted(s string) string { return strconv.Quote(Clip(s, 40)) }

// Clip shortens a client's text for an error to at most so many bytes. It doesn't cut a character in two.
func Clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "..."
}
