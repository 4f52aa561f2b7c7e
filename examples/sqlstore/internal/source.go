package sqlstore

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Source is a resource that filters are evaluated on. Its documents are parsed only once, even if the filter has many terms.
type Source struct {
	*Record
	attributes, internal document.Value
	answers              []string // the values of answers.columns
	rows                 *[filter.Groups + 1]int

	last      filter.Path // the last path that was asked for, as the terms of a long filter are mostly about one attribute
	lastValue document.Value
}

// Reset sets another resource. It returns store.ErrCorrupt if that can't be read whole.
func (s *Source) Reset(r *Record, rows *[filter.Groups + 1]int) error {
	attributes, err := r.Attributes.Tree()
	internal, damaged := r.Internal.Tree()
	*s = Source{Record: r, attributes: attributes, internal: internal, answers: s.answers, rows: rows}
	if err = cmp.Or(err, damaged); err != nil {
		return fmt.Errorf("sqlstore: %s %q: %w: %w", r.Type, r.ID, store.ErrCorrupt, err)
	}
	return nil
}

// Attribute implements filter.Source.
func (s *Source) Attribute(p filter.Path) document.Value {
	p.Sub = ""
	if s.last != p {
		s.last, s.lastValue = p, s.Find(p)
	}
	return s.lastValue
}

func (s *Source) Find(p filter.Path) document.Value {
	switch p.URI {
	case "":
		if p.Name == "id" || p.Name == "meta" {
			return s.Resource.Attribute(p)
		}
		return s.attributes.Get(p.Name)
	case filter.InternalURI:
		return s.internal.Get(p.Name)
	case answered:
		n, _ := strconv.Atoi(p.Name)
		return document.Bool(s.answers[n] != "")
	}
	extension := s.attributes.Get(p.URI)
	if p.Name == "" {
		return extension
	}
	return extension.Get(p.Name)
}

// Related implements filter.Source by the rows that the statement has returned in a column.
func (s *Source) Related(r filter.Relation, where func(row document.Value) bool) bool {
	if s.rows[r] == 0 {
		return false
	}
	for _, m := range splitRows(nil, s.answers[s.rows[r]-1], "") {
		switch m.ID = m.Group; {
		case r == filter.Members:
		case m.Type != s.Type:
			continue
		default:
			m.Type = GroupType
		}
		if where(m.Row()) {
			return true
		}
	}
	return false
}

// splitRows appends the rows of a column that dialect.Joined made.
func splitRows(rows []store.Member, joined, id string) []store.Member {
	if joined == "" {
		return rows
	}
	for text := range strings.SplitSeq(joined, KeysSplit) {
		typ, rest, _ := strings.Cut(text, KeySplit)
		other, label, _ := strings.Cut(rest, KeySplit)
		rows = append(rows, store.Member{Group: Dec(other), Type: Dec(typ), ID: id, Label: Dec(label)})
	}
	return rows
}
