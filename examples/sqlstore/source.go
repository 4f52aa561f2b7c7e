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

// source is a resource as a filter sees it. Its documents are parsed once, however many terms the filter has.
type source struct {
	*record
	attributes, internal document.Value
	answers              []string // see answers.columns
	rows                 *[filter.Groups + 1]int

	last      filter.Path // that was asked for: the terms of a long filter are mostly about one attribute
	lastValue document.Value
}

// reset makes it another resource's, or returns store.ErrCorrupt if that can't be read whole.
func (s *source) reset(r *record, rows *[filter.Groups + 1]int) error {
	attributes, err := r.Attributes.Tree()
	internal, damaged := r.Internal.Tree()
	*s = source{record: r, attributes: attributes, internal: internal, answers: s.answers, rows: rows}
	if err = cmp.Or(err, damaged); err != nil {
		return fmt.Errorf("sqlstore: %s %q: %w: %w", r.Type, r.ID, store.ErrCorrupt, err)
	}
	return nil
}

// Attribute implements filter.Source.
func (s *source) Attribute(p filter.Path) document.Value {
	p.Sub = ""
	if s.last != p {
		s.last, s.lastValue = p, s.find(p)
	}
	return s.lastValue
}

func (s *source) find(p filter.Path) document.Value {
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

// Related implements filter.Source, of rows that are in a column.
func (s *source) Related(r filter.Relation, where func(row document.Value) bool) bool {
	if s.rows[r] == 0 {
		return false
	}
	for _, m := range splitRows(nil, s.answers[s.rows[r]-1], "") {
		switch m.ID = m.Group; {
		case r == filter.Members:
		case m.Type != s.Type:
			continue
		default:
			m.Type = groupType
		}
		if where(m.Row()) {
			return true
		}
	}
	return false
}

// splitRows adds the rows of a column that dialect.joined makes to others.
func splitRows(rows []store.Member, joined, id string) []store.Member {
	if joined == "" {
		return rows
	}
	for text := range strings.SplitSeq(joined, keysSplit) {
		typ, rest, _ := strings.Cut(text, keySplit)
		other, label, _ := strings.Cut(rest, keySplit)
		rows = append(rows, store.Member{Group: dec(other), Type: dec(typ), ID: id, Label: dec(label)})
	}
	return rows
}
