package guide

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxSize bounds a file of a guide, in bytes.
const maxSize = 64 << 10

// source is a guide's file, taken apart into its sections.
type source struct {
	path     string
	header   map[string]string
	sections []section
}

// section is what stands under one heading.
type section struct {
	path  string // of the file that it came from, for errors
	line  int    // of the first line of lines there
	id    string
	title string
	lines []string
	gone  bool // a product took it away
}

// The sections that are no steps.
const (
	summarySection  = "summary"
	failuresSection = "failures"
	sourcesSection  = "sources"
)

var (
	headerLine  = regexp.MustCompile(`^([a-z]+): (.+)$`)
	headingLine = regexp.MustCompile(`^## ([a-z][a-z0-9-]*): (.+)$`)
	placeholder = regexp.MustCompile(`\{([A-Za-z][A-Za-z0-9]*)\}`)
	slotLine    = regexp.MustCompile(`^\{([a-z]+)\}$`)
	actionLine  = regexp.MustCompile(`^\d+\. +(.+)$`)
	ruleRow     = regexp.MustCompile(`^\|[-| ]+\|$`)
)

// split takes a file apart: lines "name: value", then the summary, then sections that begin with "## id: Title".
func split(path, text string) (*source, error) {
	if len(text) > maxSize {
		return nil, fmt.Errorf("%s: longer than %d bytes", path, maxSize)
	}
	s := &source{path: path, header: map[string]string{}}
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	n := 0
	for ; n < len(lines) && strings.TrimSpace(lines[n]) != ""; n++ {
		m := headerLine.FindStringSubmatch(lines[n])
		if m == nil {
			return nil, fmt.Errorf("%s, line %d: want a line such as \"name: Okta\", or an empty line behind them", path, n+1)
		}
		s.header[m[1]] = strings.TrimSpace(m[2])
	}
	current := section{path: path, line: n + 1, id: summarySection}
	for ; n < len(lines); n++ {
		if m := headingLine.FindStringSubmatch(lines[n]); m != nil {
			s.sections = append(s.sections, current)
			current = section{path: path, line: n + 2, id: m[1], title: m[2]}
			continue
		}
		current.lines = append(current.lines, lines[n])
	}
	s.sections = append(s.sections, current)
	seen := map[string]bool{}
	for _, x := range s.sections {
		if seen[x.id] {
			return nil, fmt.Errorf("%s, line %d: the section %q is there already", path, x.line-1, x.id)
		}
		seen[x.id] = true
	}
	return s, nil
}

// splitSection reads the file of a single section: a line "# Title", then its blocks.
func splitSection(path, id, text string) (section, error) {
	if len(text) > maxSize {
		return section{}, fmt.Errorf("%s: longer than %d bytes", path, maxSize)
	}
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	s := section{path: path, id: id, line: 1, lines: lines, gone: strings.TrimSpace(text) == ""}
	if s.gone || id == summarySection || id == sourcesSection {
		return s, nil
	}
	title, ok := strings.CutPrefix(lines[0], "# ")
	if !ok {
		return section{}, fmt.Errorf("%s, line 1: want the title, a line that begins with \"# \"", path)
	}
	s.title, s.lines, s.line = title, lines[1:], 2
	return s, nil
}

// build makes the guide of a source. Words say in the guide's language what a placeholder stands for.
func (s *source) build(language, id string, words map[string]string) (*Guide, error) {
	g := &Guide{ID: id, Language: language, Provider: s.header["provider"], Credential: s.header["credential"], Name: s.header["name"],
		Way: s.header["way"], Checked: s.header["checked"], Sources: map[string]Text{}}
	for name := range s.header {
		if !slices.Contains([]string{"name", "way", "provider", "credential", "checked"}, name) {
			return nil, fmt.Errorf("%s: unknown line %q, known are name, way, provider, credential, checked and like", s.path, name)
		}
	}
	if g.Name == "" || g.Provider == "" {
		return nil, fmt.Errorf("%s: the lines name and provider are required", s.path)
	}
	slot, known := slotOf[g.Credential]
	if !known {
		return nil, fmt.Errorf("%s: the credential is %q, want bearer, client or federation", s.path, g.Credential)
	}
	p := parser{words: words}
	for _, x := range s.sections {
		if x.gone {
			continue
		}
		blocks, err := p.blocks(x)
		if err != nil {
			return nil, err
		}
		title, err := p.text(x.title)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", x.path, x.line-1, err)
		}
		switch x.id {
		case summarySection:
			g.Summary = blocks
		case failuresSection:
			g.FailuresTitle = title
			for _, row := range rowsOf(blocks) {
				if len(row) != 3 {
					return nil, fmt.Errorf("%s: a row of %q has %d cells, want three: what is seen, what it means, what helps", x.path, x.id, len(row))
				}
				status, _ := strconv.Atoi(row[0].String()) // what is no number has no status
				g.Failures = append(g.Failures, Failure{Status: status, Sign: row[0], Means: row[1], Cure: row[2]})
			}
		case sourcesSection:
			for _, row := range rowsOf(blocks) {
				if len(row) != 2 {
					return nil, fmt.Errorf("%s: a row of %q has %d cells, want two: the SCIM attribute, and what the provider calls it", x.path, x.id, len(row))
				}
				g.Sources[row[0].String()] = row[1]
			}
		default:
			g.Steps = append(g.Steps, Step{ID: x.id, Title: title, Blocks: blocks})
		}
	}
	if !g.has(slot) {
		return nil, fmt.Errorf("%s: no step has the line {%s}, where the credential is made", s.path, slot)
	}
	return g, nil
}

// slotOf says where each kind of credential is made.
var slotOf = map[string]Slot{"bearer": SlotCredential, "client": SlotCredential, "federation": SlotFederation}

func (g *Guide) has(slot Slot) bool {
	return slices.ContainsFunc(g.Steps, func(s Step) bool {
		return slices.ContainsFunc(s.Blocks, func(b Block) bool { return b.Slot == slot })
	})
}

func rowsOf(blocks []Block) (rows [][]Text) {
	for _, b := range blocks {
		rows = append(rows, b.Rows...)
	}
	return rows
}

type parser struct {
	words map[string]string
}

// blocks reads the lines of a section, which are a small part of Markdown: paragraphs, numbered and plain lists, notes behind ">", tables, fenced
// code, and slots.
func (p parser) blocks(s section) ([]Block, error) {
	var blocks []Block
	last := func(k Kind) *Block { // the block that a line goes on with
		if len(blocks) == 0 || blocks[len(blocks)-1].Kind != k {
			blocks = append(blocks, Block{Kind: k})
		}
		return &blocks[len(blocks)-1]
	}
	for i := 0; i < len(s.lines); i++ {
		line := strings.TrimRight(s.lines[i], " \t")
		fail := func(err error) error { return fmt.Errorf("%s, line %d: %w", s.path, s.line+i, err) }
		var err error
		switch {
		case line == "":
			continue
		case strings.HasPrefix(line, "```"):
			end := slices.Index(s.lines[i+1:], "```")
			if end < 0 {
				return nil, fail(fmt.Errorf("the code that begins here has no end"))
			}
			var t Text
			t, err = p.placeholders(Value, strings.Join(s.lines[i+1:i+1+end], "\n"))
			blocks = append(blocks, Block{Kind: Code, Text: t})
			if err == nil {
				i += end + 1
			}
		case slotLine.MatchString(line):
			slot := Slot(slotLine.FindStringSubmatch(line)[1])
			if !slices.Contains(Slots, slot) {
				return nil, fail(fmt.Errorf("unknown slot {%s}, known are %s", slot, braced(Slots)))
			}
			blocks = append(blocks, Block{Kind: Insert, Slot: slot})
		case actionLine.MatchString(line):
			err = p.item(last(Actions), actionLine.FindStringSubmatch(line)[1])
		case strings.HasPrefix(line, "- "):
			err = p.item(last(List), line[2:])
		case strings.HasPrefix(line, "> "):
			var t Text
			t, err = p.text(line[2:])
			blocks = append(blocks, Block{Kind: Note, Text: t})
		case strings.HasPrefix(line, "|"):
			err = p.row(last(Table), line)
		case strings.HasPrefix(line, "#"), strings.HasPrefix(line, " "):
			return nil, fail(fmt.Errorf("headings within a section and indented lines are not known"))
		default:
			var t Text
			t, err = p.text(line)
			blocks = append(blocks, Block{Kind: Paragraph, Text: t})
		}
		if err != nil {
			return nil, fail(err)
		}
	}
	return blocks, nil
}

func (p parser) item(b *Block, text string) error {
	t, err := p.text(text)
	b.Items = append(b.Items, t)
	return err
}

func (p parser) row(b *Block, line string) error {
	if ruleRow.MatchString(line) {
		return nil
	}
	var row []Text
	for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
		t, err := p.text(strings.TrimSpace(cell))
		if err != nil {
			return err
		}
		row = append(row, t)
	}
	if b.Head == nil {
		b.Head = row
		return nil
	}
	if len(row) != len(b.Head) {
		return fmt.Errorf("the row has %d cells, and the table %d columns", len(row), len(b.Head))
	}
	b.Rows = append(b.Rows, row)
	return nil
}

// text reads one line: **labels**, `values` and placeholders.
func (p parser) text(s string) (Text, error) {
	var t Text
	for s != "" {
		style, open, mark := Plain, len(s), ""
		for m, st := range map[string]Style{"**": Label, "`": Value} {
			if i := strings.Index(s, m); i >= 0 && i < open {
				style, open, mark = st, i, m
			}
		}
		part, err := p.placeholders(Plain, s[:open])
		if err != nil {
			return nil, err
		}
		t, s = append(t, part...), s[open:]
		if s == "" {
			break
		}
		inner, rest, closed := strings.Cut(s[len(mark):], mark)
		if !closed {
			return nil, fmt.Errorf("%q is opened and not closed", mark)
		}
		if part, err = p.placeholders(style, inner); err != nil {
			return nil, err
		}
		t, s = append(t, part...), rest
	}
	return t, nil
}

// placeholders reads a text of one style.
func (p parser) placeholders(style Style, s string) (Text, error) {
	var t Text
	at := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(s, -1) {
		name := Placeholder(s[m[2]:m[3]])
		if !slices.Contains(Placeholders, name) {
			return nil, fmt.Errorf("unknown placeholder {%s}, known are %s", name, braced(Placeholders))
		}
		if m[0] > at {
			t = append(t, Span{Style: style, Text: s[at:m[0]]})
		}
		t = append(t, Span{Style: style, Text: p.words[string(name)], Placeholder: name, Missing: true})
		at = m[1]
	}
	if at < len(s) {
		t = append(t, Span{Style: style, Text: s[at:]})
	}
	return t, nil
}

func braced[T ~string](names []T) string {
	var all []string
	for _, n := range names {
		all = append(all, "{"+string(n)+"}")
	}
	return strings.Join(all, ", ")
}
