package portal

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/rollcall-dev/rollcall/lifecycle"
)

// page is one page: what it shows, and who may see it.
type page struct {
	path   string // a pattern of http.ServeMux
	name   string // of its template, and of its texts in the catalogue
	needs  Ability
	menu   bool // it is in the navigation
	open   bool // everybody may see it
	shown  func(*Portal) bool
	model  func(*visit) (any, error)
	part   string             // the page of the navigation that it belongs to; "": itself
	stream func(*visit) error // in the place of model: it writes the answer itself
}

// Href is where the navigation leads.
func (x *page) Href() string { return strings.TrimSuffix(x.path, "{$}") }

// Section is the page of the navigation that it belongs to.
func (x *page) Section() string { return cmp.Or(x.part, x.name) }

// Name is the page's name in the catalogue.
func (x *page) Name() string { return x.name }

// form is one form: what it does, and who may send it.
type form struct {
	path  string
	page  string // the path of the page that it stands on
	needs Ability
	open  bool
	do    func(*visit) (done, error)
	at    *page // of page
}

// allPages are all that there is to see.
func allPages() []page {
	return []page{
		{path: "/{$}", name: "overview", menu: true, model: overview},
		{path: "/connect", name: "connect", needs: Connect, menu: true, model: setUp},
		{path: "/credentials", name: "credentials", needs: Connect, menu: true, model: credentials},
		{path: "/people", name: "people", needs: See, menu: true, model: people},
		{path: "/people/{id}", name: "person", part: "people", needs: See, model: personPage},
		{path: "/groups", name: "groups", needs: See, menu: true, model: groups},
		{path: "/groups/{id}", name: "group", part: "groups", needs: See, model: groupPage},
		{path: "/activity", name: "activity", needs: See, menu: true, model: activity},
		{path: "/activity/{id}", name: "entry", part: "activity", needs: See, model: entryPage},
		{path: "/activity.jsonl", name: "activity", needs: See, stream: export(false)},
		{path: "/activity.csv", name: "activity", needs: See, stream: export(true)},
		{path: "/preview", name: "preview", needs: See, menu: true, model: previewPage},
		{path: "/preview.csv", name: "preview", needs: See, stream: exportPreview},
		{path: "/safety", name: "safety", needs: See, menu: true, model: safetyPage},
		{path: "/settings", name: "settings", needs: Connect, menu: true, shown: hasChoices, model: settings},
		{path: "/check", name: "check", needs: Connect, menu: true, shown: hasCheck, model: checkPage},
		{path: "/off", name: "off", needs: Connect, menu: true, model: offPage},
		{path: "/live", name: "live", stream: live},
		{path: "/begin/{ticket}", name: "begin", open: true, model: openLink},
		{path: "/bye", name: "bye", open: true, model: func(*visit) (any, error) { return struct{}{}, nil }},
	}
}

// allForms are all that can be done.
func allForms() []form {
	forms := []form{
		{path: "/begin/{ticket}", open: true, do: beginSession},
		{path: "/end", open: true, do: endSession},
		{path: "/language", open: true, do: chooseLanguage},
		{path: "/connect", page: "/connect", needs: Connect, do: createConnection},
		{path: "/credentials/issue", page: "/credentials", needs: Connect, do: issueCredential},
		{path: "/credentials/rotate", page: "/credentials", needs: Connect, do: rotateCredential},
		{path: "/credentials/complete", page: "/credentials", needs: Connect, do: endRotation((*connectionService).Complete, "rotated")},
		{path: "/credentials/cancel", page: "/credentials", needs: Connect, do: endRotation((*connectionService).Cancel, "cancelled")},
		{path: "/credentials/revoke", page: "/credentials", needs: Connect, do: endRotation((*connectionService).Revoke, "revoked")},
		{path: "/people/acquire", page: "/people", needs: People, do: acquire},
		{path: "/people/{id}/protect", page: "/people/{id}", needs: Safety, do: protect(true, "protected")},
		{path: "/people/{id}/unprotect", page: "/people/{id}", needs: Safety, do: protect(false, "unprotected")},
		{path: "/safety/release", page: "/safety", needs: Safety, do: releaseBrake},
		{path: "/safety/brakes", page: "/safety", needs: Safety, do: setBrakes},
		{path: "/safety/pause", page: "/safety", needs: Safety, do: setMode(lifecycle.ConnectionLive, lifecycle.ConnectionPaused, "paused")},
		{path: "/safety/resume", page: "/safety", needs: Safety, do: setMode(lifecycle.ConnectionPaused, lifecycle.ConnectionLive, "resumed")},
		{path: "/preview/begin", page: "/preview", needs: Connect, do: beginShadow},
		{path: "/preview/live", page: "/preview", needs: Connect, do: goLive},
		{path: "/settings", page: "/settings", needs: Connect, do: setSettings},
		{path: "/check", page: "/check", needs: Connect, do: runCheck},
		{path: "/off", page: "/off", needs: Connect, do: switchOff},
		{path: "/on", page: "/off", needs: Connect, do: switchOn},
	}
	for i := range personActions {
		forms = append(forms, form{path: "/people/{id}/" + personActions[i].name, page: "/people/{id}", needs: People, do: toPerson(i)})
	}
	return forms
}

// mount puts pages and forms into a mux.
func (p *Portal) mount(mux *http.ServeMux, pages []page, forms []form) {
	at := make(map[string]*page)
	for _, x := range pages {
		if x.shown == nil || x.shown(p) {
			at[x.path] = &x
			mux.HandleFunc("GET "+x.path, p.servePage(&x))
		}
	}
	for _, x := range forms {
		if x.page != "" {
			if x.at = at[x.page]; x.at == nil { // it isn't shown
				continue
			}
		}
		mux.HandleFunc("POST "+x.path, p.serveForm(&x))
	}
	for name, a := range p.assets {
		mux.HandleFunc("GET /assets/"+name, func(w http.ResponseWriter, r *http.Request) { a.serve(w, r) })
	}
}

func hasChoices(p *Portal) bool { return len(p.opts.Choices) > 0 }
