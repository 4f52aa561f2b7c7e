package portal

import (
	"encoding/csv"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
)

// ActivityModel is a page of the journal.
type ActivityModel struct {
	Filter      map[string]string   `json:"filter"`
	Entries     []LineModel         `json:"entries"`
	Next        string              `json:"next"`
	Connections []ConnectionModel   `json:"-"`
	Outcomes    []lifecycle.Outcome `json:"-"`
}

var outcomes = []lifecycle.Outcome{lifecycle.Created, lifecycle.Linked, lifecycle.Updated, lifecycle.Unchanged, lifecycle.Removed, lifecycle.Refused, lifecycle.Held}

// journalFilters are the names of the filters in a query.
var journalFilters = []string{"connection", "subject", "outcome", "operation", "requestId", "from", "to"}

// journalQuery reads the filters.
func (v *visit) journalQuery() (q lifecycle.JournalQuery, given map[string]string, err error) {
	given = map[string]string{}
	for _, name := range journalFilters {
		if text := v.get(name); text != "" {
			given[name] = text
		}
	}
	q = lifecycle.JournalQuery{Tenant: v.Admin.Tenant, Connection: given["connection"], Subject: given["subject"], Outcome: lifecycle.Outcome(given["outcome"]),
		Operation: given["operation"], Request: given["requestId"], Before: v.get("before"), Max: onPage}
	for name, at := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		text := given[name]
		if text == "" {
			continue
		}
		if *at, err = time.Parse(time.RFC3339, text); err == nil {
			continue
		}
		if *at, err = time.ParseInLocation(time.DateOnly, text, v.zone); err != nil {
			return q, given, wrong(v.T("error.time"))
		}
		if name == "to" { // the whole of that day
			*at = at.AddDate(0, 0, 1)
		}
	}
	return q, given, nil
}

func activity(v *visit) (any, error) {
	q, given, err := v.journalQuery()
	if err != nil {
		return nil, err
	}
	m := ActivityModel{Filter: given, Outcomes: outcomes}
	entries, next, err := v.p.life.Journal(v.r.Context(), q)
	if err != nil {
		return nil, err
	}
	m.Next = next
	if m.Entries, err = v.lines(entries); err != nil {
		return nil, err
	}
	list, err := v.p.opts.Connections.List(v.r.Context(), v.Admin.Tenant)
	if err != nil {
		return nil, err
	}
	m.Connections, err = v.connectionModels(list)
	return m, err
}

// EntryModel is an entry in full.
type EntryModel struct {
	LineModel
	ConnectionName string      `json:"connectionName"`
	RequestID      string      `json:"-"`
	Request        *SentModel  `json:"request"` // nil: it was not kept
	Again          *AgainModel `json:"again"`   // with ?again=1
}

// SentModel is a request as it was sent.
type SentModel struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Query  string `json:"query,omitempty"`
	Body   string `json:"body"`
}

// AgainModel is what would become of the request today. Nothing is written to find out.
type AgainModel struct {
	Outcome lifecycle.Outcome `json:"outcome"`
	Status  int               `json:"status"`
	Detail  string            `json:"detail"`
	Why     Explanation       `json:"why"` // Detail in the page's language
}

const mostShownBody = 16 << 10

func entryPage(v *visit) (any, error) {
	ctx, tenant, id := v.r.Context(), v.Admin.Tenant, v.r.PathValue("id")
	e, body, err := v.p.life.KeptBody(ctx, tenant, id)
	if err != nil && !errors.Is(err, lifecycle.ErrNoBody) {
		return nil, err
	}
	m := EntryModel{RequestID: e.Request}
	if err == nil {
		m.Request = &SentModel{body.Method, body.Path, body.Query, short(body.Text, mostShownBody)}
	}
	lines, err := v.lines([]lifecycle.JournalEntry{e})
	if err != nil {
		return nil, err
	}
	m.LineModel = lines[0]
	list, err := v.p.opts.Connections.List(ctx, tenant)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if c.ID == e.Connection {
			m.ConnectionName = c.Name
		}
	}
	if v.get("again") != "" {
		var tried scim.Retried
		if tried, err = v.p.opts.Handler.Retry(ctx, tenant, id); err != nil {
			return nil, err
		}
		m.Again = &AgainModel{Outcome: tried.Outcome, Status: tried.Status, Detail: tried.Detail}
		if m.Again.Why, err = v.why(tried.Detail); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// mostExported bounds an export.
const mostExported = 100_000

// export writes entries of the journal, newest first, as JSON lines or as CSV.
func export(asCSV bool) func(*visit) error {
	return func(v *visit) error {
		q, _, err := v.journalQuery()
		if err != nil {
			return err
		}
		q.Max = 1_000
		if q.Before == "" { // a wrong query is said before the answer begins
			if _, _, err := v.p.life.Journal(v.r.Context(), lifecycle.JournalQuery{Tenant: q.Tenant, Max: 1}); err != nil {
				return err
			}
		}
		name, kind := "activity.jsonl", "application/jsonl"
		if asCSV {
			name, kind = "activity.csv", "text/csv; charset=utf-8"
		}
		v.w.Header().Set("Content-Type", kind)
		v.w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
		_ = http.NewResponseController(v.w).SetWriteDeadline(time.Now().Add(10 * time.Minute))
		v.started = true
		if !asCSV {
			return v.p.life.Export(v.r.Context(), q, v.w)
		}
		w := csv.NewWriter(v.w)
		_ = w.Write([]string{"time", "id", "by", "who", "operation", "type", "subject", "name", "outcome", "status", "explanation", "changed", "requestId", "connection"})
		for n := 0; n < mostExported; {
			entries, next, err := v.p.life.Journal(v.r.Context(), q)
			if err != nil {
				return err
			}
			for _, e := range entries {
				row := []string{e.Time.UTC().Format(time.RFC3339Nano), e.ID, string(e.By), e.Who, e.Operation, e.Type, e.Subject, e.Name, string(e.Outcome), strconv.Itoa(e.Status),
					v.said(e.Reasons), strings.Join(e.Changed, " "), e.Request, e.Connection}
				for i := range row {
					row[i] = lifecycle.CSVCell(row[i])
				}
				if err := w.Write(row); err != nil {
					return err
				}
			}
			n += len(entries)
			if q.Before = next; next == "" {
				break
			}
		}
		w.Flush()
		return w.Error()
	}
}
