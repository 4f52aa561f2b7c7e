package portal

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// CheckRequest is what Options.Check is asked to try.
type CheckRequest struct {
	Tenant   string
	Provider connection.Provider // of the connection
	Token    string              // is good while the check runs, and revoked afterwards
}

// CheckLine is one thing that was tried.
type CheckLine struct {
	Name   string `json:"name"`
	Rule   string `json:"rule"`   // what is wanted, in a sentence
	Result string `json:"result"` // pass, fail, or another word
	Detail string `json:"detail,omitempty"`
}

// CheckModel is the last check of a connection.
type CheckModel struct {
	Connections []ConnectionModel `json:"connections"`
	Connection  *ConnectionModel  `json:"connection"`
	Time        *time.Time        `json:"time"` // nil: there was none
	Passed      int               `json:"passed"`
	Failed      int               `json:"failed"`
	Lines       []CheckLine       `json:"lines"` // those that failed first
}

const (
	checkType     = "rollcall.PortalCheck"
	mostCheckTime = 3 * time.Minute
	mostLines     = 150
)

// checkRecord is what is kept of a check.
type checkRecord struct {
	Time   time.Time   `json:"time"`
	Passed int         `json:"passed"`
	Failed int         `json:"failed"`
	Lines  []CheckLine `json:"lines"`
}

func hasCheck(p *Portal) bool { return p.opts.Check != nil }

func checkKey(tenant, connection string) store.Key {
	return store.Key{Tenant: tenant, Type: checkType, ID: connection}
}

func checkPage(v *visit) (any, error) {
	list, one, err := v.connections()
	if err != nil {
		return nil, err
	}
	m := CheckModel{Lines: []CheckLine{}}
	if m.Connections, err = v.connectionModels(list); err != nil || one == nil {
		return m, err
	}
	c, err := v.connectionModel(one)
	if err != nil {
		return nil, err
	}
	m.Connection = &c
	r, err := v.p.store.Get(v.r.Context(), checkKey(v.Admin.Tenant, one.ID))
	if isNotFound(err) {
		return m, nil
	}
	var kept checkRecord
	if err == nil && json.Unmarshal([]byte(r.Internal), &kept) != nil {
		err = store.ErrCorrupt
	}
	m.Time, m.Passed, m.Failed, m.Lines = timeOf(kept.Time), kept.Passed, kept.Failed, append(m.Lines, kept.Lines...)
	return m, err
}

// runCheck tries a connection by a credential of its own, and keeps what came of it.
func runCheck(v *visit) (done, error) {
	_, one, err := v.connections()
	if err != nil {
		return done{}, err
	}
	switch {
	case one == nil:
		return done{}, wrong(v.T("error.noconnection"))
	case v.get("sure") == "":
		return done{}, wrong(v.T("error.check"))
	case one.State != lifecycle.ConnectionLive:
		return done{}, wrong(v.T("error.mode"))
	}
	ctx, cancel := context.WithTimeout(v.r.Context(), mostCheckTime)
	defer cancel()
	k, err := v.p.opts.Connections.Issue(ctx, v.by(), one.ID, connection.Ask{Kind: connection.Bearer, Expires: time.Now().Add(mostCheckTime)})
	if err != nil {
		return done{}, err
	}
	lines, err := v.p.opts.Check(ctx, CheckRequest{Tenant: v.Admin.Tenant, Provider: one.Provider, Token: k.Token})
	err = errors.Join(err, v.p.opts.Connections.Revoke(context.WithoutCancel(ctx), v.by(), k.ID))
	if err != nil {
		return done{}, err
	}
	return done{to: "/check?" + query("connection", one.ID), notice: "checked"}, v.keepCheck(ctx, one.ID, lines)
}

func (v *visit) keepCheck(ctx context.Context, connection string, lines []CheckLine) error {
	kept := checkRecord{Time: time.Now().UTC()}
	for i := range lines {
		x := &lines[i]
		switch x.Result {
		case "pass":
			kept.Passed++
		case "fail":
			kept.Failed++
		}
		x.Name, x.Rule, x.Detail = short(x.Name, 100), short(x.Rule, 300), short(x.Detail, 400)
	}
	rank := func(x CheckLine) int {
		switch x.Result {
		case "fail":
			return 0
		case "accepted":
			return 1
		case "pass":
			return 2
		}
		return 3
	}
	slices.SortStableFunc(lines, func(a, b CheckLine) int { return rank(a) - rank(b) })
	kept.Lines = lines[:min(len(lines), mostLines)]
	text, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	d, err := document.Parse(string(text), 0)
	if err != nil {
		return err
	}
	at := kept.Time.Truncate(time.Microsecond)
	r := &store.Resource{Key: checkKey(v.Admin.Tenant, connection), Version: uuid.Must(uuid.NewV7()).String(), Created: at, LastModified: at, Internal: d.Document()}
	put := store.Put{Resource: r}
	old, err := v.p.store.Get(ctx, r.Key)
	if err == nil {
		put.IfVersion, put.Was, r.Created = old.Version, old, old.Created
	} else if !isNotFound(err) {
		return err
	}
	return v.p.store.Commit(ctx, &store.Change{Tenant: v.Admin.Tenant, Put: []store.Put{put}})
}
