package portal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/connection"
)

// OverviewModel is the page that an administrator sees first.
type OverviewModel struct {
	State       connection.State  `json:"state"` // of the connection that needs attention most; notSetUp if there is none
	Connections []ConnectionModel `json:"connections"`
	Seats       *SeatsModel       `json:"seats"`            // nil: the store can't tell
	People      []StateCount      `json:"people,omitempty"` // by state; only for who may see
}

// ConnectionModel is a connection as pages show it.
type ConnectionModel struct {
	ID            string                    `json:"id"`
	Name          string                    `json:"name"`
	Provider      connection.Provider       `json:"provider"`
	Recognised    connection.Provider       `json:"recognised,omitempty"`
	Mode          lifecycle.ConnectionState `json:"mode"`  // live, shadow, paused or off
	State         connection.State          `json:"state"` // how it is doing
	LastRequest   *time.Time                `json:"lastRequest"`
	LastSuccess   *time.Time                `json:"lastSuccess"`
	LastError     *ProblemModel             `json:"lastError"`
	Counts        connection.Counts         `json:"counts"`
	ExpiresInDays *int                      `json:"expiresInDays"`
	Charts        []Chart                   `json:"charts,omitempty"`
}

// ProblemModel is the last request of a connection that was refused. Detail and Explanation may name somebody, so they are empty for an
// administrator without the ability See.
type ProblemModel struct {
	connection.Problem
	Why Explanation `json:"why"` // what the rule says, in the page's language
}

// SeatsModel is how many seats are taken.
type SeatsModel struct {
	Used  int  `json:"used"`
	Limit *int `json:"limit"` // nil: none
}

// Full says whether no seat is left.
func (s *SeatsModel) Full() bool { return s.Limit != nil && s.Used >= *s.Limit }

// Most is the limit.
func (s *SeatsModel) Most() int { return *s.Limit }

// StateCount is how many people are in a state.
type StateCount struct {
	State lifecycle.State `json:"state"`
	Count int             `json:"count"`
}

// connectionModel is a connection without its charts.
func (v *visit) connectionModel(c *connection.Connection) (ConnectionModel, error) {
	m := ConnectionModel{ID: c.ID, Name: c.Name, Provider: c.Provider, Mode: c.State, State: c.Status.State, LastRequest: timeOf(c.Status.LastRequest),
		LastSuccess: timeOf(c.Status.LastSuccess), Counts: c.Status.Counts, ExpiresInDays: c.Status.ExpiresInDays}
	if c.Recognised != c.Provider {
		m.Recognised = c.Recognised
	}
	if c.Status.LastError == nil {
		return m, nil
	}
	e := *c.Status.LastError
	why, err := v.why(e.Explanation)
	if !v.Can(See) {
		e.Detail, e.Explanation = "", ""
	}
	m.LastError = &ProblemModel{e, why}
	return m, err
}

// connectionModels are connections, to choose one of them.
func (v *visit) connectionModels(list []connection.Connection) ([]ConnectionModel, error) {
	models := make([]ConnectionModel, len(list))
	for i := range list {
		m, err := v.connectionModel(&list[i])
		if err != nil {
			return nil, err
		}
		models[i] = m
	}
	return models, nil
}

func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// worst has the states of connections in the order of the attention that they need. A tenant has the first one that one of its connections has.
var worst = []connection.State{connection.Attention, connection.WaitingForTest, connection.TestReceived, connection.FirstPerson, connection.Syncing,
	connection.Paused, connection.NotSetUp, connection.Off}

func overview(v *visit) (any, error) {
	ctx, tenant := v.r.Context(), v.Admin.Tenant
	list, err := v.p.opts.Connections.List(ctx, tenant)
	if err != nil {
		return nil, err
	}
	m := OverviewModel{State: stateOf(list), Connections: []ConnectionModel{}}
	for i := range list {
		c, err := v.connectionModel(&list[i])
		if err != nil {
			return nil, err
		}
		c.Charts = []Chart{chartOf("hours", list[i].Status.Hours, time.Hour, 24), chartOf("days", list[i].Status.Days, 24*time.Hour, 7)}
		m.Connections = append(m.Connections, c)
	}
	if used, limit, err := v.p.life.Seats(ctx, tenant); err == nil {
		m.Seats = &SeatsModel{Used: used}
		if limit >= 0 {
			m.Seats.Limit = &limit
		}
	}
	if v.Can(See) {
		if m.People, err = v.p.countStates(ctx, tenant); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func stateOf(list []connection.Connection) connection.State {
	for _, s := range worst {
		for i := range list {
			if list[i].Status.State == s {
				return s
			}
		}
	}
	return connection.NotSetUp
}

// live tells the browser by server-sent events when the state of a connection changes. The pages work without it.
func live(v *visit) error {
	list, one, err := v.connections()
	if err != nil {
		return err
	}
	if wantsJSON(v.r) {
		v.json(http.StatusOK, liveModel(list, one))
		return nil
	}
	select {
	case v.p.streams <- struct{}{}:
		defer func() { <-v.p.streams }()
	default:
		return &problem{http.StatusServiceUnavailable, "error.busy", ""}
	}
	out := http.NewResponseController(v.w)
	_ = out.SetWriteDeadline(time.Now().Add(mostStream + 10*time.Second))
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.WriteHeader(http.StatusOK)
	v.started = true
	ctx, cancel := context.WithTimeout(v.r.Context(), mostStream)
	defer cancel()
	tick := time.NewTicker(streamEvery)
	defer tick.Stop()
	told := ""
	for {
		text := liveModel(list, one).State
		if string(text) != told {
			told = string(text)
			if _, err := fmt.Fprintf(v.w, "data: %s\n\n", told); err != nil {
				return nil
			}
		} else if _, err := fmt.Fprint(v.w, ": \n\n"); err != nil {
			return nil
		}
		if err := out.Flush(); err != nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := v.identify(); err != nil { // the session may have ended
			return nil
		}
		if list, one, err = v.connections(); err != nil && ctx.Err() == nil && !errors.Is(err, errNowhere) {
			v.p.opts.Logger.DebugContext(ctx, "the status could not be read", "error", err.Error())
			return nil
		}
	}
}

const (
	streamEvery = 2 * time.Second
	mostStream  = 4 * time.Minute // then the browser connects again
)

// LiveModel is the JSON of /live.
type LiveModel struct {
	State connection.State `json:"state"`
}

func liveModel(list []connection.Connection, one *connection.Connection) LiveModel {
	if one != nil {
		return LiveModel{one.Status.State}
	}
	return LiveModel{stateOf(list)}
}
