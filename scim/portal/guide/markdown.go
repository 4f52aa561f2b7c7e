package guide

import (
	"fmt"
	"regexp"
	"strings"
)

// Attribute is a row of the table of a product's attributes.
type Attribute struct {
	Name     string // the path of the SCIM attribute, such as "name.givenName"
	Required bool
	Decides  string // in words: who decides its value
	Format   string // in words: what form is wanted
	Example  string
}

// attributeHeads are the heads of that table, as words.txt names them.
var attributeHeads = []string{"source", "attribute", "decides", "format", "example"}

// Markdown writes a guide for a help page, in CommonMark with tables. The attributes stand in the place of their slot; the other slots, which
// only a portal can fill, are left out. All values are escaped: none can begin a heading, a link or HTML.
func (l *Library) Markdown(g *Guide, attributes []Attribute) string {
	w := &writer{words: l.words[g.Language], attributes: attributes, guide: g}
	title := g.Name
	if g.Way != "" {
		title += ": " + g.Way
	}
	w.line("# " + escape(title))
	w.blocks(g.Summary)
	for i, s := range g.Steps {
		w.line(fmt.Sprintf("## %d. %s", i+1, w.text(s.Title)))
		w.blocks(s.Blocks)
	}
	if len(g.Failures) > 0 {
		w.line("## " + w.text(g.FailuresTitle))
		for _, f := range g.Failures {
			w.b.WriteString("- " + w.text(f.Sign) + ": " + w.text(f.Means) + " " + w.text(f.Cure) + "\n")
		}
	}
	return strings.TrimRight(w.b.String(), "\n") + "\n"
}

type writer struct {
	b          strings.Builder
	words      map[string]string
	attributes []Attribute
	guide      *Guide
}

// line writes a block of one line, and an empty line behind it.
func (w *writer) line(s string) { w.b.WriteString(s + "\n\n") }

func (w *writer) blocks(blocks []Block) {
	for _, b := range blocks {
		switch b.Kind {
		case Paragraph:
			w.line(w.text(b.Text))
		case Note:
			w.line("> " + w.text(b.Text))
		case Code:
			fence := "```"
			for strings.Contains(b.Text.String(), fence) {
				fence += "`"
			}
			w.line(fence + "\n" + b.Text.String() + "\n" + fence)
		case Actions:
			for i, t := range b.Items {
				fmt.Fprintf(&w.b, "%d. %s\n", i+1, w.text(t))
			}
			w.b.WriteString("\n")
		case List:
			for _, t := range b.Items {
				w.b.WriteString("- " + w.text(t) + "\n")
			}
			w.b.WriteString("\n")
		case Table:
			w.table(b.Head, b.Rows)
		case Insert:
			if b.Slot == SlotAttributes && len(w.attributes) > 0 {
				w.attributeTable()
			}
		}
	}
}

func (w *writer) attributeTable() {
	var head []Text
	for _, h := range attributeHeads {
		head = append(head, Text{{Text: w.words[h]}})
	}
	var rows [][]Text
	for _, a := range w.attributes {
		format := a.Format
		if a.Required {
			format = strings.TrimPrefix(format+"; "+w.words["required"], "; ")
		}
		rows = append(rows, []Text{w.guide.Sources[a.Name], {{Style: Value, Text: a.Name}}, {{Text: a.Decides}}, {{Text: format}}, {{Style: Value, Text: a.Example}}})
	}
	w.table(head, rows)
}

func (w *writer) table(head []Text, rows [][]Text) {
	w.row(head)
	w.b.WriteString("|" + strings.Repeat("---|", len(head)) + "\n")
	for _, r := range rows {
		w.row(r)
	}
	w.b.WriteString("\n")
}

func (w *writer) row(cells []Text) {
	w.b.WriteString("|")
	for _, c := range cells {
		// A bar ends a cell even within code, unless it is escaped.
		w.b.WriteString(" " + strings.ReplaceAll(strings.ReplaceAll(w.text(c), `\|`, "|"), "|", `\|`) + " |")
	}
	w.b.WriteString("\n")
}

// text writes spans; neighbours of one style stand in one pair of marks.
func (w *writer) text(t Text) string {
	var b strings.Builder
	for i := 0; i < len(t); {
		style, missing, s := t[i].Style, t[i].Missing, ""
		for ; i < len(t) && t[i].Style == style && t[i].Missing == missing; i++ {
			s += t[i].Text
		}
		s = breaks.Replace(s)
		switch {
		case strings.TrimSpace(s) == "":
			b.WriteString(s)
		case missing:
			b.WriteString("*" + escape(s) + "*")
		case style == Label:
			b.WriteString("**" + escape(s) + "**")
		case style == Value:
			b.WriteString(code(s))
		default:
			b.WriteString(escape(s))
		}
	}
	return strings.TrimSpace(b.String())
}

var (
	breaks = strings.NewReplacer("\r", " ", "\n", " ")
	marks  = regexp.MustCompile("[\\\\`*_\\[\\]<>#|~&!]")
)

// escape has every mark of Markdown stand for itself.
func escape(s string) string { return marks.ReplaceAllString(s, `\$0`) }

// code sets a value in a pair of backquotes longer than any within it.
func code(s string) string {
	fence, pad := "`", ""
	for strings.Contains(s, fence) {
		fence, pad = fence+"`", " "
	}
	return fence + pad + s + pad + fence
}
