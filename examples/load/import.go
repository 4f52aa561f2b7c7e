package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
)

// importFile imports the people of a file, whose name says whether it is CSV or has lines of JSON. It shows how far it is, and says which rows
// somebody must look at.
func importFile(ctx context.Context, s *lifecycle.Service, tenant, path string, out, progress io.Writer) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	in := &bar{r: f, size: info.Size(), out: progress}
	people := lifecycle.PeopleFromCSV(in)
	if ext := strings.ToLower(filepath.Ext(path)); ext == ".ndjson" || ext == ".jsonl" {
		people = lifecycle.PeopleFromNDJSON(in)
	}
	began := time.Now()
	var wrong error
	count, err := s.Import(ctx, tenant, people, &lifecycle.ImportOptions{Who: "load", Report: func(row lifecycle.ImportRow) error {
		if row.Outcome == lifecycle.RowConflict || row.Outcome == lifecycle.RowInvalid {
			_, wrong = fmt.Fprintf(out, "line %d: %s: %q: %s\n", row.Line, row.Outcome, row.UserName, row.Reason)
		}
		return wrong
	}})
	in.end()
	if err != nil {
		return fmt.Errorf("%w (%d rows are done; run it again to go on)", err, count.Imported+count.Linked+count.Unchanged+count.Conflict+count.Invalid)
	}
	_, err = fmt.Fprintf(out, "%d imported, %d linked, %d unchanged, %d conflicts, %d invalid in %v\n",
		count.Imported, count.Linked, count.Unchanged, count.Conflict, count.Invalid, time.Since(began).Round(time.Millisecond))
	return err
}

// bar shows how much of a file was read.
type bar struct {
	r          io.Reader
	size, read int64
	shown      int64 // the percentage that was shown last
	out        io.Writer
}

func (b *bar) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.read += int64(n)
	if percent := b.read * 100 / max(b.size, 1); percent > b.shown {
		b.shown = percent
		const width = 40
		full := int(min(percent, 100)) * width / 100
		fmt.Fprintf(b.out, "\r[%s%s] %3d %%", strings.Repeat("=", full), strings.Repeat(" ", width-full), min(percent, 100))
	}
	return n, err
}

func (b *bar) end() {
	if b.shown > 0 {
		fmt.Fprintln(b.out)
	}
}
