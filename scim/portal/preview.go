package portal

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/store/document"
)

// PreviewModel is what going live would do to what a connection in the state shadow has sent.
type PreviewModel struct {
	Connections []ConnectionModel `json:"connections"`
	Connection  *ConnectionModel  `json:"connection"`
	Rows        []PreviewRowModel `json:"rows"`
	Next        string            `json:"next"`
	Counts      map[string]int    `json:"counts"` // of the rows of this page, by action
	CanBegin    bool              `json:"canBegin"`
	Going       *GoingModel       `json:"going"` // nil: going live has not begun
}

// PreviewRowModel is one person, group or other resource.
type PreviewRowModel struct {
	Type        string               `json:"type"`
	ID          string               `json:"id"`
	Name        string               `json:"name"`
	Action      string               `json:"action"` // create, link, change, deactivate, refuse or unknown
	Explanation string               `json:"explanation,omitempty"`
	Why         Explanation          `json:"why,omitempty"` // Explanation in the page's language
	Changes     []PreviewChangeModel `json:"changes,omitempty"`
	Added       int                  `json:"added,omitempty"` // members
	Removed     int                  `json:"removed,omitempty"`
}

// PreviewChangeModel is an attribute that would be another one.
type PreviewChangeModel struct {
	Attribute string `json:"attribute"`
	From      string `json:"from"`
	To        string `json:"to"`
	Authority string `json:"authority,omitempty"`
}

// GoingModel is how far going live has come.
type GoingModel struct {
	Done  int `json:"done"`
	Total int `json:"total"`
}

func previewPage(v *visit) (any, error) {
	list, one, err := v.connections()
	if err != nil {
		return nil, err
	}
	m := PreviewModel{Rows: []PreviewRowModel{}, Counts: map[string]int{}}
	if m.Connections, err = v.connectionModels(list); err != nil {
		return nil, err
	}
	if v.get("connection") == "" { // the connection of which there is a preview
		for i := range list {
			if list[i].State == lifecycle.ConnectionShadow {
				one = &list[i]
			}
		}
	}
	if one == nil {
		return m, nil
	}
	c, err := v.connectionModel(one)
	if err != nil {
		return nil, err
	}
	m.Connection = &c
	if one.State != lifecycle.ConnectionShadow {
		m.CanBegin = canBegin(one)
		return m, nil
	}
	// Whether going live has begun is known from the form alone, never from the address. Otherwise an address that somebody is made to open
	// could have the page go on by itself.
	if err := v.takeOnce(); err != nil {
		return nil, err
	}
	if v.Secret != nil && v.Secret.Going != nil {
		m.Going = v.Secret.Going
		return m, nil
	}
	page, err := v.p.life.Preview(v.r.Context(), v.Admin.Tenant, one.ID, v.get("cursor"), onPage)
	if err != nil {
		return nil, err
	}
	m.Next = page.Next
	for _, row := range page.Rows {
		x := PreviewRowModel{Type: row.Type, ID: row.ID, Name: row.Name, Action: string(row.Action), Explanation: row.Explanation,
			Added: row.AddedCount, Removed: row.RemovedCount}
		if x.Why, err = v.why(row.Explanation); err != nil {
			return nil, err
		}
		for _, change := range row.Changes {
			x.Changes = append(x.Changes, PreviewChangeModel{change.Attribute, shown(change.From), shown(change.To), change.Authority})
		}
		m.Rows = append(m.Rows, x)
		m.Counts[x.Action]++
	}
	return m, nil
}

// shown is a value as a line of a table has it.
func shown(v document.Value) string {
	if v.IsNull() {
		return ""
	}
	return short(textOf(v), 80)
}

// canBegin says whether a connection may still begin as a shadow: it is live, and nobody has come by it.
func canBegin(c *connection.Connection) bool {
	switch c.Status.State {
	case connection.NotSetUp, connection.WaitingForTest, connection.TestReceived:
		return c.State == lifecycle.ConnectionLive
	}
	return false
}

// beginShadow makes a connection by which nobody has come yet a shadow, of which there is a preview.
func beginShadow(v *visit) (done, error) {
	_, one, err := v.connections()
	if err != nil {
		return done{}, err
	}
	if one == nil || !canBegin(one) {
		return done{}, wrong(v.T("error.mode"))
	}
	mode := lifecycle.ConnectionShadow
	_, err = v.p.opts.Connections.Change(v.r.Context(), v.by(), one.ID, connection.Update{State: &mode})
	return done{to: "/preview?" + query("connection", one.ID), notice: "shadow"}, err
}

// liveSlice is how long one request works on going live. The next request continues where it stopped.
const liveSlice = 8 * time.Second

// goLive applies what the shadow has written, for as long as liveSlice.
func goLive(v *visit) (done, error) {
	_, one, err := v.connections()
	if err != nil {
		return done{}, err
	}
	if one == nil || one.State != lifecycle.ConnectionShadow {
		return done{}, wrong(v.T("error.mode"))
	}
	ctx, cancel := context.WithTimeout(v.r.Context(), liveSlice)
	defer cancel()
	var last lifecycle.LiveProgress
	did, err := v.p.opts.Connections.GoLive(ctx, v.by(), one.ID, func(p lifecycle.LiveProgress) { last = p })
	if err != nil && ctx.Err() != nil && v.r.Context().Err() == nil {
		earlier, _ := strconv.Atoi(v.get("did"))
		so := &GoingModel{Done: max(earlier, 0) + last.Done, Total: max(earlier, 0) + max(last.Total, last.Done)}
		return done{to: "/preview?" + query("connection", one.ID), secret: &Secret{Going: so}}, nil
	}
	return done{to: "/?" + query("connection", one.ID), notice: "live", model: did}, err
}

// exportPreview writes all of a preview as CSV.
func exportPreview(v *visit) error {
	_, one, err := v.connections()
	if err != nil {
		return err
	}
	if one == nil || one.State != lifecycle.ConnectionShadow {
		return wrong(v.T("error.mode"))
	}
	v.w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	v.w.Header().Set("Content-Disposition", `attachment; filename="preview.csv"`)
	_ = http.NewResponseController(v.w).SetWriteDeadline(time.Now().Add(10 * time.Minute))
	v.started = true
	return lifecycle.WritePreviewCSV(v.w, func(yield func(lifecycle.PreviewRow, error) bool) {
		for row, err := range v.p.life.PreviewAll(v.r.Context(), v.Admin.Tenant, one.ID) {
			row.Explanation = v.Say(row.Explanation)
			if !yield(row, err) {
				return
			}
		}
	})
}
