package scimtest

import (
	"fmt"
	"io"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

const kitName = "github.com/rollcall-dev/rollcall/scim/scimtest"

// These are the results of a case.
const (
	Passed     = "pass"
	Failed     = "fail"
	NotClaimed = "not claimed" // the service doesn't claim the feature that the clause is about
	Accepted   = "accepted"    // the clause is broken, and the product says why
)

// Report is the outcome of a run: each clause, with its result. Its JSON form can be kept as evidence.
type Report struct {
	Kit      string   `json:"kit"`
	Version  string   `json:"version"`
	Date     string   `json:"date"` // RFC 3339, in UTC
	Target   string   `json:"target,omitempty"`
	Profile  string   `json:"profile"`
	Seconds  float64  `json:"seconds"`
	Requests int      `json:"requests"`
	Totals   Totals   `json:"totals"`
	Clauses  []Result `json:"clauses"`
	Left     []string `json:"left,omitempty"` // what could not be deleted again
}

// Totals are the numbers of clauses by their results.
type Totals struct {
	Clauses    int `json:"clauses"`
	Passed     int `json:"passed"`
	Failed     int `json:"failed"`
	NotClaimed int `json:"notClaimed"`
	Accepted   int `json:"accepted"`
}

// Result is the result of one clause.
type Result struct {
	ID       string    `json:"id"`
	Document string    `json:"document"` // RFC 7644
	Section  string    `json:"section"`
	Level    string    `json:"level"` // MUST, SHOULD
	Text     string    `json:"text"`  // the rule, in a sentence
	Case     string    `json:"case"`  // the resource types that the case was run on; "service" if it is about none
	Result   string    `json:"result"`
	Reason   string    `json:"reason,omitempty"` // why it isn't claimed, or accepted
	Failures []Failure `json:"failures,omitempty"`
	Millis   float64   `json:"millis"`
}

// Failure says how a clause was broken.
type Failure struct {
	Type      string `json:"resourceType,omitempty"`
	Attribute string `json:"attribute,omitempty"`
	Request   string `json:"request,omitempty"` // the request's method, path and query
	Status    int    `json:"status,omitempty"`
	Text      string `json:"text"` // what was wanted, and what was seen
}

// OK says whether no clause failed.
func (r *Report) OK() bool { return r.Totals.Failed == 0 }

// Failed returns the ids of the clauses that failed.
func (r *Report) Failed() (ids []string) {
	for _, c := range r.Clauses {
		if c.Result == Failed {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

func (r *Report) count(took time.Duration) {
	r.Seconds = float64(took.Milliseconds()) / 1000
	r.Totals = Totals{Clauses: len(r.Clauses)}
	for _, c := range r.Clauses {
		switch c.Result {
		case Passed:
			r.Totals.Passed++
		case Failed:
			r.Totals.Failed++
		case NotClaimed:
			r.Totals.NotClaimed++
		case Accepted:
			r.Totals.Accepted++
		}
	}
}

// String returns one line for the clause, and one for each failure: FAIL, the clause, its section, the attribute, and what is wrong.
func (r Result) String() string {
	where := fmt.Sprintf("%s (%s section %s, %s)", r.ID, r.Document, r.Section, r.Level)
	if strings.HasPrefix(r.Document, "conversation") {
		where = fmt.Sprintf("%s (%s)", r.ID, r.Document)
	}
	switch r.Result {
	case Failed:
		lines := make([]string, len(r.Failures))
		for i, f := range r.Failures {
			lines[i] = "FAIL " + where + " " + f.String() + " [" + r.Text + "]"
		}
		return strings.Join(lines, "\n")
	case Passed:
		return "ok   " + where + " " + r.Case
	}
	return "-    " + where + " " + r.Result + ": " + r.Reason
}

func (f Failure) String() string {
	var b strings.Builder
	for _, part := range []string{f.Type, f.Attribute} {
		if part != "" {
			b.WriteString(part + ": ")
		}
	}
	b.WriteString(f.Text)
	if f.Request != "" {
		fmt.Fprintf(&b, " (%s -> %d)", f.Request, f.Status)
	}
	return b.String()
}

// Table writes the numbers of results by document and section, as a table in Markdown. The error is that of w.
func (r *Report) Table(w io.Writer) error {
	type row struct{ passed, failed, others int }
	rows := map[[2]string]*row{}
	for _, c := range r.Clauses {
		key := [2]string{c.Document, chapter(c.Section)}
		if rows[key] == nil {
			rows[key] = &row{}
		}
		switch c.Result {
		case Passed:
			rows[key].passed++
		case Failed:
			rows[key].failed++
		default:
			rows[key].others++
		}
	}
	var b strings.Builder
	b.WriteString("| document | section | passed | failed | not claimed |\n|---|---|---|---|---|\n")
	for _, key := range slices.SortedFunc(maps.Keys(rows), compareSections) {
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d |\n", key[0], key[1], rows[key].passed, rows[key].failed, rows[key].others)
	}
	fmt.Fprintf(&b, "| all | %d clauses | %d | %d | %d |\n", r.Totals.Clauses, r.Totals.Passed, r.Totals.Failed, r.Totals.NotClaimed+r.Totals.Accepted)
	_, err := io.WriteString(w, b.String())
	return err
}

// Summary writes the numbers of results by document, as a table in Markdown. The error is that of w.
func (r *Report) Summary(w io.Writer) error {
	by := map[string]*Report{}
	for _, c := range r.Clauses {
		if by[c.Document] == nil {
			by[c.Document] = &Report{}
		}
		by[c.Document].Clauses = append(by[c.Document].Clauses, c)
	}
	var b strings.Builder
	b.WriteString("| document | clauses | passed | failed | not claimed |\n|---|---|---|---|---|\n")
	for _, document := range slices.Sorted(maps.Keys(by)) {
		part := by[document]
		part.count(0)
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d |\n", document, part.Totals.Clauses, part.Totals.Passed, part.Totals.Failed, part.Totals.NotClaimed+part.Totals.Accepted)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// compareSections compares pairs of document and section. The parts of a section are compared as numbers: 3.9 comes before 3.10.
func compareSections(a, b [2]string) int {
	if c := strings.Compare(a[0], b[0]); c != 0 {
		return c
	}
	return slices.CompareFunc(strings.Split(a[1], "."), strings.Split(b[1], "."), func(x, y string) int {
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		return strings.Compare(x, y)
	})
}

// chapter returns the first two numbers of a section: 3.4 of 3.4.2.2.
func chapter(section string) string {
	parts := strings.SplitN(section, ".", 3)
	return strings.Join(parts[:min(len(parts), 2)], ".")
}

// kitVersion returns the version of the module that the kit was built from.
func kitVersion() string {
	const module = "github.com/rollcall-dev/rollcall"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(devel)"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == module && m.Version != "" {
			return m.Version
		}
	}
	return "(devel)"
}
