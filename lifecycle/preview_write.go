package lifecycle

import (
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/rollcall-dev/rollcall/store/document"
)

// WritePreviewCSV writes a preview as CSV, one line for each row: type, id, name, action, changes, added, removed, explanation. No cell is
// a formula: see CSVCell.
func WritePreviewCSV(w io.Writer, rows iter.Seq2[PreviewRow, error]) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"type", "id", "name", "action", "changes", "added", "removed", "explanation"}); err != nil {
		return err
	}
	for row, err := range rows {
		if err != nil {
			return err
		}
		cells := []string{row.Type, row.ID, row.Name, string(row.Action), changesText(row.Changes), "", "", row.Explanation}
		if row.AddedCount+row.RemovedCount > 0 {
			cells[5], cells[6] = strconv.Itoa(row.AddedCount), strconv.Itoa(row.RemovedCount)
		}
		for i := range cells {
			cells[i] = CSVCell(cells[i])
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// CSVCell is a text that no spreadsheet takes for a formula. What identity providers and people write stands in the cells of exports, so an
// export needs it for each cell. A text that could begin a formula gets an apostrophe in front.
func CSVCell(text string) string {
	trimmed := strings.TrimLeft(text, " \t\r\n\u00a0\ufeff")
	if trimmed != "" && strings.ContainsRune("=+-@|%＝＋－＠", []rune(trimmed)[0]) || trimmed != text && strings.ContainsRune("\t\r\n", []rune(text)[0]) {
		return "'" + text
	}
	return text
}

// WritePreviewTable writes a preview for a terminal, and how many rows there are of each action.
func WritePreviewTable(w io.Writer, rows iter.Seq2[PreviewRow, error]) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "ACTION\tTYPE\tNAME\tID\tWHAT")
	counts := map[PreviewAction]int{}
	for row, err := range rows {
		if err != nil {
			return err
		}
		counts[row.Action]++
		what := changesText(row.Changes)
		if row.AddedCount+row.RemovedCount > 0 {
			what = strings.TrimPrefix(what+fmt.Sprintf("; members +%d -%d", row.AddedCount, row.RemovedCount), "; ")
		}
		if row.Explanation != "" {
			what = strings.TrimPrefix(what+"; "+row.Explanation, "; ")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", row.Action, row.Type, printable(row.Name), row.ID, printable(what))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	var parts []string
	for _, a := range [...]PreviewAction{PreviewCreate, PreviewLink, PreviewChange, PreviewDeactivate, PreviewRefuse, PreviewUnknown} {
		if counts[a] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", a, counts[a]))
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing"}
	}
	_, err := fmt.Fprintf(w, "\n%s\n", strings.Join(parts, ", "))
	return err
}

// printable takes out of a text what could do something to a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202a || r >= 0x202b && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, s)
}

// changesText is what changes, in one line.
func changesText(list []AttributeChange) string {
	var parts []string
	for _, c := range list {
		text := c.Attribute
		if !c.From.IsNull() || !c.To.IsNull() {
			text += ": " + shortValue(c.From) + " -> " + shortValue(c.To)
		}
		if c.Authority != "always" {
			text += " (" + c.Authority + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

func shortValue(v document.Value) string {
	const most = 80
	if v.IsNull() {
		return "none"
	}
	text := v.Text()
	if v.Kind() == document.KindObject || v.Kind() == document.KindArray {
		text = string(document.AppendJSON(nil, v))
	}
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}
