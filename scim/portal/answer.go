package portal

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/store"
)

// problem is an answer that says why something was not done.
type problem struct {
	status int
	key    string // of the catalogue
	detail string // the text, if it isn't one of the catalogue
}

func (p *problem) Error() string { return "portal: " + p.key + p.detail }

var (
	errNobody   = &problem{http.StatusUnauthorized, "error.nobody", ""}
	errNowhere  = &problem{http.StatusNotFound, "error.nowhere", ""}
	errNotMay   = &problem{http.StatusForbidden, "error.ability", ""}
	errOrigin   = &problem{http.StatusForbidden, "error.origin", ""}
	errFailed   = &problem{http.StatusInternalServerError, "error.failed", ""}
	errStore    = &problem{http.StatusServiceUnavailable, "error.store", ""}
	errTooLarge = &problem{http.StatusRequestEntityTooLarge, "error.large", ""}
)

// wrong is a problem with what somebody filled in.
func wrong(detail string) *problem { return &problem{http.StatusBadRequest, "", detail} }

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

// problemOf is what the administrator is told of an error. Texts from inside go to the log only.
func (v *visit) problemOf(err error) *problem {
	var (
		told    *problem
		invalid *connection.InvalidError
		denied  *lifecycle.Denied
		refusal *lifecycle.Refusal
		query   *lifecycle.ErrJournalQuery
		large   *http.MaxBytesError
	)
	switch {
	case errors.As(err, &told):
		return told
	case errors.As(err, &large):
		return errTooLarge
	case errors.As(err, &invalid):
		return wrong(invalid.Detail)
	case errors.As(err, &query):
		return wrong(query.Reason)
	case errors.As(err, &denied):
		return &problem{http.StatusConflict, "denied." + string(denied.Reason), ""}
	case errors.As(err, &refusal):
		return &problem{http.StatusConflict, "", refusal.Detail}
	case errors.Is(err, lifecycle.ErrNoBody):
		return &problem{http.StatusConflict, "error.body", ""}
	case errors.Is(err, store.ErrCursor), errors.Is(err, lifecycle.ErrPreviewCursor):
		return wrong(v.T("error.cursor"))
	case errors.Is(err, store.ErrTooMuch), errors.Is(err, store.ErrBusy):
		return &problem{http.StatusServiceUnavailable, "error.much", ""}
	case isNotFound(err):
		return errNowhere
	case errors.Is(err, connection.ErrUncertain):
		return &problem{http.StatusServiceUnavailable, "error.uncertain", ""}
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, lifecycle.ErrContended):
		return errStore
	}
	if v.r.Context().Err() == nil {
		v.p.opts.Logger.ErrorContext(v.r.Context(), "the portal failed", slog.String("error", err.Error()))
	}
	return errFailed
}

// wantsJSON says whether the client prefers JSON: it names it and not HTML.
func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}

// words are the text of a problem.
func (v *visit) words(p *problem) string {
	if p.detail != "" {
		return v.Say(p.detail)
	}
	return v.T(p.key)
}

// fail answers a page of its own that says what is wrong.
func (v *visit) fail(err error) {
	if v.started {
		panic(http.ErrAbortHandler) // a part of the answer has been sent: the client must see that it broke off
	}
	p := v.problemOf(err)
	if wantsJSON(v.r) {
		v.json(p.status, map[string]string{"error": v.words(p)})
		return
	}
	v.Page, v.Model = &page{name: "problem"}, nil
	v.Problem, v.Notice = v.words(p), ""
	v.html(p.status)
}

func (v *visit) json(status int, model any) {
	v.w.Header().Set("Content-Type", "application/json")
	v.w.WriteHeader(status)
	e := json.NewEncoder(v.w)
	e.SetEscapeHTML(true)
	_ = e.Encode(model)
}

// html renders the page's template. It is rendered whole before anything is sent.
func (v *visit) html(status int) {
	var body bytes.Buffer
	if err := v.p.templates.execute(&body, v.Page.name, v); err != nil {
		v.p.opts.Logger.ErrorContext(v.r.Context(), "a template failed", slog.String("page", v.Page.name), slog.String("error", err.Error()))
		v.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		v.w.WriteHeader(http.StatusInternalServerError)
		return
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.Header().Set("Content-Language", v.language.name)
	v.w.WriteHeader(status)
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write(body.Bytes())
	}
}

// servePage answers a page.
func (p *Portal) servePage(x *page) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		v := r.Context().Value(visitKey{}).(*visit)
		v.r, v.Page = r, x
		err := v.enter(x.needs, x.open)
		if err == nil && x.stream != nil {
			if err = x.stream(v); err != nil {
				v.fail(err)
			}
			return
		}
		if err == nil {
			v.Model, err = x.model(v)
		}
		if err == nil && !wantsJSON(r) {
			err = v.takeOnce()
		}
		if err != nil {
			v.fail(err)
			return
		}
		if key := v.r.URL.Query().Get("done"); key != "" {
			if _, ok := v.language.texts["done."+key]; ok {
				v.Notice = "done." + key
			}
		}
		if wantsJSON(r) {
			v.json(http.StatusOK, v.Model)
			return
		}
		v.html(http.StatusOK)
	}
}

// enter finds out who asks. It returns an error if nobody is signed in, or if the ability that is needed is missing.
func (v *visit) enter(needs Ability, open bool) error {
	if v.vendor != nil {
		return v.identifyVendor()
	}
	err := v.identify()
	if open && errors.Is(err, errNobody) {
		return nil
	}
	if err == nil && !open && !v.Admin.can(needs) {
		err = errNotMay
	}
	return err
}

// done is what a form did, and which page comes next.
type done struct {
	to     string // a path of the portal, perhaps with a query
	notice string // key behind "done."
	secret *Secret
	model  any // for the JSON answer
}

// serveForm does what a form asks for, and redirects the browser to a page (303), so that loading that page again does nothing twice. If it
// can't be done, the form's own page is shown and says why.
func (p *Portal) serveForm(x *form) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		v := r.Context().Value(visitKey{}).(*visit)
		v.r = r
		err := v.enter(x.needs, x.open)
		if err == nil {
			err = v.readForm()
		}
		var d done
		if err == nil {
			d, err = x.do(v)
		}
		if err != nil {
			v.again(x, err)
			return
		}
		if wantsJSON(r) {
			answer := map[string]any{"location": v.base + d.to}
			if d.notice != "" {
				answer["done"] = d.notice
			}
			if d.secret != nil {
				answer["secret"] = d.secret
			}
			if d.model != nil {
				answer["result"] = d.model
			}
			v.json(http.StatusOK, answer)
			return
		}
		to, fragment, _ := strings.Cut(d.to, "#")
		path, query, _ := strings.Cut(to, "?")
		if d.secret != nil {
			if err := v.keepOnce(d.secret, v.base+path); err != nil {
				v.fail(err)
				return
			}
		}
		q, _ := url.ParseQuery(query)
		if d.notice != "" {
			q.Set("done", d.notice)
		}
		if query = q.Encode(); query != "" {
			query = "?" + query
		}
		if fragment != "" {
			query += "#" + fragment
		}
		http.Redirect(v.w, r, v.base+path+query, http.StatusSeeOther)
	}
}

// readForm reads the body: what a form sends, or a JSON object of texts, numbers and booleans.
func (v *visit) readForm() error {
	kind, _, _ := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if kind != "application/json" {
		if err := v.r.ParseForm(); err != nil {
			return errors.Join(err, wrong(v.T("error.form")))
		}
		return nil
	}
	var body map[string]any
	d := json.NewDecoder(v.r.Body)
	d.UseNumber()
	if err := d.Decode(&body); err != nil {
		return errors.Join(err, wrong(v.T("error.form")))
	}
	v.r.Form = v.r.URL.Query()
	for name, value := range body {
		switch x := value.(type) {
		case string:
			v.r.Form.Set(name, x)
		case json.Number:
			v.r.Form.Set(name, x.String())
		case bool:
			v.r.Form.Del(name)
			if x {
				v.r.Form.Set(name, "true")
			}
		case nil:
			v.r.Form.Del(name)
		default:
			return wrong(v.T("error.form"))
		}
	}
	v.r.PostForm = v.r.Form
	return nil
}

// again shows the page that a form stands on, with what is wrong.
func (v *visit) again(x *form, err error) {
	p := v.problemOf(err)
	if x.at == nil || !v.signedIn || p.status == http.StatusForbidden || p.status >= 500 || p.status == http.StatusNotFound || wantsJSON(v.r) {
		v.fail(p)
		return
	}
	at := x.at
	if !v.Can(at.needs) {
		v.fail(p)
		return
	}
	model, err := at.model(v)
	if err != nil {
		v.fail(p)
		return
	}
	v.Page, v.Model, v.Problem = at, model, v.words(p)
	v.html(p.status)
}
