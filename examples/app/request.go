package app

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// input is the content of a request: of its JSON body, or of its query.
type input struct {
	Tenant   string `json:"tenant"`
	UserName string `json:"userName"`
	Who      string `json:"who"` // the administrator; "demo" if the request doesn't say
	raw      []byte // the body
}

// click returns the request of the administrator for package lifecycle.
func (in input) click() lifecycle.Request {
	return lifecycle.Request{Tenant: in.Tenant, Who: cmp.Or(in.Who, "demo")}
}

// attributes returns all fields of the body but tenant, userName and who, and those of the object "attributes" if there is one.
func (in input) attributes() (document.Value, error) {
	v, err := document.Parse(string(in.raw), 0)
	if err != nil {
		return v, badInput{err}
	}
	more := v.Get("attributes")
	if !more.IsNull() && more.Kind() != document.KindObject {
		return v, badInput{errors.New("attributes: want an object")}
	}
	for _, name := range []string{"tenant", "userName", "who", "attributes"} {
		v.Delete(name)
	}
	for _, m := range more.Items() {
		v.Set(m.Name, m.Value)
	}
	return v, nil
}

// page returns a handler that decodes a request, calls do, and encodes its result or its error.
func page(do func(r *http.Request, in input) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in, err := read(r)
		var out any
		if err == nil {
			out, err = do(r, in)
		}
		status := http.StatusOK
		if err != nil {
			status, out = describe(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(out)
	})
}

// badInput is the error of a request that is wrong.
type badInput struct{ error }

func read(r *http.Request) (in input, err error) {
	in.Tenant, in.UserName = r.URL.Query().Get("tenant"), r.URL.Query().Get("userName")
	if r.Method != http.MethodGet && r.Method != http.MethodDelete {
		if in.raw, err = io.ReadAll(http.MaxBytesReader(nil, r.Body, 64<<10)); err != nil || !json.Valid(in.raw) {
			return in, badInput{errors.New("the body is not JSON, or too long")}
		}
		if string(bytes.TrimSpace(in.raw)) == "null" || json.Unmarshal(in.raw, &in) != nil { // a body of null is no object
			return in, badInput{errors.New(`want an object with "tenant", "userName" and "who", which are strings`)}
		}
	}
	if in.Tenant == "" && r.URL.Path != "/app/accounts" {
		return in, badInput{errors.New("tenant is missing")}
	}
	if in.UserName == "" && r.Method != http.MethodGet && r.Method != http.MethodPut && !namesNobody[r.URL.Path] {
		return in, badInput{errors.New("userName is missing")}
	}
	if len(in.Tenant)+len(in.UserName) > 2_000 {
		return in, badInput{errors.New("tenant and userName are too long")}
	}
	return in, nil
}

// namesNobody are the paths whose requests need no userName.
var namesNobody = map[string]bool{"/app/release": true}

// failure is the body of an answer to a request that failed.
type failure struct {
	Error  string `json:"error"`
	Reason string `json:"reason,omitempty"`
}

// denials has the HTTP status and the text of each reason for which a sign-in is denied.
var denials = map[lifecycle.DeniedReason]struct {
	status int
	words  string
}{
	lifecycle.DeniedSuspended:   {http.StatusForbidden, "the account is suspended"},
	lifecycle.DeniedDeactivated: {http.StatusForbidden, "the account is deactivated"},
	lifecycle.DeniedPending:     {http.StatusForbidden, "the account waits for an administrator's approval"},
	lifecycle.DeniedUnknown:     {http.StatusNotFound, "there is no such account"},
	lifecycle.DeniedSSODisabled: {http.StatusForbidden, "sign-in is switched off for this organization"},
	lifecycle.DeniedNoSeat:      {http.StatusForbidden, "all seats of this organization's plan are in use"},
	lifecycle.DeniedManual:      {http.StatusForbidden, "adding people by hand is switched off for this organization"},
	lifecycle.DeniedManaged:     {http.StatusForbidden, "the identity provider manages this user"},
	lifecycle.DeniedNotPossible: {http.StatusConflict, "that can't be done to an account in its state"},
	lifecycle.DeniedExists:      {http.StatusConflict, "a user of this organization has this name already"},
	lifecycle.DeniedElsewhere:   {http.StatusConflict, "an account with this name exists outside of the organization; acquire it first"},
}

func describe(err error) (int, failure) {
	var (
		denied  *lifecycle.Denied
		refusal *lifecycle.Refusal
		bad     badInput
	)
	switch {
	case errors.As(err, &denied):
		d := denials[denied.Reason]
		return d.status, failure{d.words, string(denied.Reason)}
	case errors.As(err, &refusal) && refusal.Reason == lifecycle.Invalid:
		return http.StatusBadRequest, failure{Error: refusal.Detail}
	case errors.As(err, &refusal):
		return http.StatusForbidden, failure{Error: refusal.Detail}
	case errors.As(err, &bad):
		return http.StatusBadRequest, failure{Error: bad.Error()}
	case errors.Is(err, store.ErrUnavailable):
		return http.StatusServiceUnavailable, failure{Error: "the store is unavailable; try again"}
	}
	return http.StatusInternalServerError, failure{Error: "the service failed"}
}
