package lifecycle

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/store/document"
)

// columns are the names of what a file of people may have, and what each does to a person.
var columns = map[string]func(p *Person, value string) error{
	"userName":    attribute("userName"),
	"displayName": attribute("displayName"),
	"externalId":  attribute("externalId"),
	"givenName":   partOfName("givenName"),
	"familyName":  partOfName("familyName"),
	"email": func(p *Person, value string) error {
		if at := strings.LastIndexByte(value, '@'); at < 1 || at == len(value)-1 || strings.ContainsAny(value, " \t\r\n") {
			return fmt.Errorf("email: want an address such as ada@example.com, got %s", quoted(value))
		}
		p.Attributes.Set("emails", document.Array(document.Object(
			document.Field{Name: "value", Value: document.String(value)}, document.Field{Name: "primary", Value: document.Bool(true)})))
		return nil
	},
	"id":   func(p *Person, value string) error { p.ID = value; return nil },
	"role": func(p *Person, value string) error { p.Role = value; return nil },
	"state": func(p *Person, value string) error {
		p.State = State(value)
		return nil
	},
	"firstLogin": func(p *Person, value string) error {
		at, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return fmt.Errorf("firstLogin: want a time such as 2024-05-01T09:00:00Z, got %s", quoted(value))
		}
		p.FirstLogin = at.UTC().Truncate(time.Microsecond)
		return nil
	},
	"billed": func(p *Person, value string) (err error) {
		switch value {
		case "true", "false":
			p.Billed = value == "true"
		default:
			err = fmt.Errorf("billed: want true or false, got %s", quoted(value))
		}
		return err
	},
	"groups": func(p *Person, value string) error {
		for name := range strings.SplitSeq(value, ";") {
			if name = strings.TrimSpace(name); name != "" {
				p.Groups = append(p.Groups, name)
			}
		}
		return nil
	},
}

func attribute(name string) func(p *Person, value string) error {
	return func(p *Person, value string) error {
		p.Attributes.Set(name, document.String(value))
		return nil
	}
}

func partOfName(part string) func(p *Person, value string) error {
	return func(p *Person, value string) error {
		name := p.Attributes.Get("name").Clone()
		if name.IsNull() {
			name = document.Object()
		}
		name.Set(part, document.String(value))
		p.Attributes.Set("name", name)
		return nil
	}
}

// FileError says what is wrong with a file as a whole. Nobody can be read behind it.
type FileError struct{ Detail string }

func (e *FileError) Error() string { return e.Detail }

func unknownColumn(name string) error {
	return &FileError{fmt.Sprintf("there is no column %s; there are %s", quoted(name), strings.Join(slices.Sorted(maps.Keys(columns)), ", "))}
}

// set sets what one column says. An empty value says nothing. The first that is wrong is kept.
func (p *Person) set(column, value string) {
	if value = strings.TrimSpace(value); value == "" {
		return
	}
	if err := columns[column](p, value); err != nil && p.Problem == "" {
		p.Problem = err.Error()
	}
}

// PeopleFromCSV reads people from a table whose first line names the columns: userName, email, displayName, givenName, familyName,
// externalId, id, state, firstLogin (RFC 3339), billed (true or false), role, and groups (separated by ";"). A row that is
// wrong has a Problem. An unknown column is a *FileError, before anybody.
func PeopleFromCSV(r io.Reader) iter.Seq2[Person, error] {
	return func(yield func(Person, error) bool) {
		in := csv.NewReader(skipMark(r))
		in.FieldsPerRecord, in.ReuseRecord = -1, true
		head, err := in.Read()
		if err != nil {
			if errors.Is(err, io.EOF) || errors.As(err, new(*csv.ParseError)) {
				err = &FileError{"the file has no line that names its columns: userName, and others"}
			}
			yield(Person{}, err)
			return
		}
		names := slices.Clone(head)
		for i := range names {
			names[i] = strings.TrimSpace(names[i])
			if columns[names[i]] == nil {
				yield(Person{}, unknownColumn(names[i]))
				return
			}
			if slices.Contains(names[:i], names[i]) {
				yield(Person{}, &FileError{"the column " + names[i] + " is there twice"})
				return
			}
		}
		if !slices.Contains(names, "userName") {
			yield(Person{}, &FileError{"the column userName is missing"})
			return
		}
		for {
			record, err := in.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			p := Person{Attributes: document.Object()}
			var broken *csv.ParseError
			switch {
			case errors.As(err, &broken):
				p.Line, p.Problem = broken.StartLine, "it is no line of CSV: "+broken.Err.Error()
			case err != nil:
				yield(Person{}, err)
				return
			default:
				p.Line, _ = in.FieldPos(0)
				if len(record) != len(names) {
					p.Problem = fmt.Sprintf("it has %d values, and there are %d columns", len(record), len(names))
				}
				for i := range min(len(record), len(names)) {
					p.set(names[i], record[i])
				}
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// skipMark skips the byte order mark that spreadsheets write.
func skipMark(r io.Reader) *bufio.Reader {
	in := bufio.NewReader(r)
	if mark, err := in.Peek(3); err == nil && string(mark) == "\uFEFF" {
		_, _ = in.Discard(len(mark))
	}
	return in
}

// PeopleFromNDJSON reads people from lines that are JSON objects each, with the names of PeopleFromCSV. billed may be true or false and
// groups a list of texts. An unknown name is a *FileError.
func PeopleFromNDJSON(r io.Reader) iter.Seq2[Person, error] {
	const longest = 1 << 20
	return func(yield func(Person, error) bool) {
		in := bufio.NewScanner(skipMark(r))
		in.Buffer(nil, longest)
		for line := 1; in.Scan(); line++ {
			text := strings.TrimSpace(in.Text())
			if text == "" {
				continue
			}
			p := Person{Line: line, Attributes: document.Object()}
			v, err := document.Parse(text, 0)
			switch {
			case err != nil:
				p.Problem = "it is no JSON: " + err.Error()
			case v.Kind() != document.KindObject:
				p.Problem = "it is no JSON object"
			default:
				if err := p.setAll(v); err != nil {
					yield(Person{}, err)
					return
				}
			}
			if !yield(p, nil) {
				return
			}
		}
		if err := in.Err(); errors.Is(err, bufio.ErrTooLong) {
			yield(Person{}, &FileError{"a line is longer than " + strconv.Itoa(longest) + " bytes"})
		} else if err != nil {
			yield(Person{}, err)
		}
	}
}

func (p *Person) setAll(v document.Value) error {
	for _, m := range v.Items() {
		if columns[m.Name] == nil {
			return unknownColumn(m.Name)
		}
		switch x := m.Value; {
		case x.IsNull():
		case x.Kind() == document.KindString:
			p.set(m.Name, x.Text())
		case x.Kind() == document.KindBool && m.Name == "billed":
			p.Billed = x.True()
		case x.Kind() == document.KindArray && m.Name == "groups":
			for _, e := range x.Items() {
				if e.Value.Kind() == document.KindString {
					p.Groups = append(p.Groups, e.Value.Text())
				} else if p.Problem == "" {
					p.Problem = "groups: want texts"
				}
			}
		case p.Problem == "":
			p.Problem = m.Name + ": want a text"
		}
	}
	return nil
}
