package app

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"mime"
	"net/http"

	"github.com/rollcall-dev/rollcall/lifecycle"
)

// mostImported is the size of the largest file of people, in bytes.
const mostImported = 64 << 20

// report is what POST /app/import answers.
type report struct {
	lifecycle.ImportCount
	Rows []lifecycle.ImportRow `json:"rows"`
}

// importPeople answers POST /app/import?tenant=: the body is a file of people, as text/csv or application/x-ndjson.
func (a *App) importPeople(w http.ResponseWriter, r *http.Request) {
	answer := func(status int, out any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(out)
	}
	tenant := r.URL.Query().Get("tenant")
	if tenant == "" {
		answer(http.StatusBadRequest, failure{Error: "tenant is missing"})
		return
	}
	var people func(io.Reader) iter.Seq2[lifecycle.Person, error]
	switch media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media {
	case "text/csv":
		people = lifecycle.PeopleFromCSV
	case "application/x-ndjson":
		people = lifecycle.PeopleFromNDJSON
	default:
		answer(http.StatusUnsupportedMediaType, failure{Error: "want the Content-Type text/csv or application/x-ndjson"})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostImported))
	if errors.As(err, new(*http.MaxBytesError)) {
		answer(http.StatusRequestEntityTooLarge, failure{Error: "the file is larger than 64 MiB; send it in parts"})
		return
	}
	if err != nil {
		answer(http.StatusBadRequest, failure{Error: "the body could not be read"})
		return
	}
	for _, err := range people(bytes.NewReader(body)) { // a file that can't be read to its end changes nothing
		if err != nil {
			answer(http.StatusBadRequest, failure{Error: err.Error()})
			return
		}
	}
	out := report{Rows: []lifecycle.ImportRow{}}
	out.ImportCount, err = a.service.Import(r.Context(), tenant, people(bytes.NewReader(body)), &lifecycle.ImportOptions{
		Who:    cmp.Or(r.URL.Query().Get("who"), "demo"),
		Report: func(row lifecycle.ImportRow) error { out.Rows = append(out.Rows, row); return nil },
	})
	if err != nil {
		answer(describe(err))
		return
	}
	answer(http.StatusOK, out)
}
