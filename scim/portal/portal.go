// Package portal is the pages in which the IT administrator of one customer connects an identity provider, and sees later what it
// does and why. A product mounts it beside its SCIM service:
//
//	p, err := portal.New(portal.Options{Store: s, Handler: h, Connections: c, URL: "https://app.example/setup", SCIM: "https://app.example/scim/v2"})
//	mux.Handle("/setup/", p)
//	url, err := p.Link(ctx, portal.Link{Tenant: "acme", Abilities: portal.Abilities()})
//
// What is served stands in two tables, pages and forms (pages.go). A page is a function that reads a model; the model is what
// its template shows and, by Accept: application/json, what is answered. A form is a function that does something and says which
// page comes next. One place decides who may do what, before either is called.
package portal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/scim/portal/guide"
	"github.com/rollcall-dev/rollcall/store"
)

// Options configure a Portal. Store, Handler, Connections, URL and SCIM must be set.
type Options struct {
	// Store is the one that Handler and Connections work on. Setup links and sessions are kept there.
	Store store.Store
	// Handler is the SCIM service.
	Handler *scim.Handler
	// Connections are those of the service: its Auth.
	Connections *connection.Service

	// URL is where browsers reach the portal, such as https://app.example/setup. The handler answers under its path. Browsers keep the
	// session's cookie only if the URL is https, or http on this machine.
	URL string
	// SCIM is the address of the SCIM service, as customers enter it in their identity provider.
	SCIM string
	// TokenURL is the address of the OAuth token endpoint (connection.Service.TokenEndpoint). "": there is none.
	TokenURL string

	// Session says who is signed in to the product: administrators then come in without a setup link. It returns ErrNobody if
	// nobody is. It may be nil.
	Session func(*http.Request) (Admin, error)

	// Theme is how the portal looks.
	Theme Theme
	// Text replaces texts of the catalogue by language and key, or adds a language. An added language must have all keys of text/en.json. The
	// keys of text/rules.de.json are the English texts of what the library refuses and explains; a language that lacks one shows the English text.
	Text map[string]map[string]string
	// Templates has files that take the place of those of the same name in templates/. It may be nil.
	Templates fs.FS
	// Guides change the set-up guides, and add others: see guide.New.
	Guides []fs.FS
	// Zone is the time zone in which times are shown to an administrator who has no zone of their own. Default UTC.
	Zone *time.Location
	// Frames are the origins whose pages may show the portal in a frame, such as https://app.example. Cookies are then
	// Partitioned. Without any, no page may show it in a frame.
	Frames []string

	// People and Groups say what the product maps: mapping.Mapping.Attributes. They are shown in the set-up guide and on the page
	// of a person. Without them the page of a person shows all that is kept.
	People, Groups []mapping.Attribute
	// Role says what a group becomes in the product: its role, or "" if it has none there. It may be nil.
	Role func(ctx context.Context, tenant, group string) (string, error)
	// ProtectedGroups are the names that lifecycle.ProtectGroups has been given, so that the groups are marked.
	ProtectedGroups []string

	// Holds says how the product itself has a person, by the paths of attributes: where its own tables have something else than what is kept
	// here, or show it in another form. The page of a person shows it in a column of its own. It may be nil.
	Holds func(ctx context.Context, person *store.Resource) (map[string]string, error)

	// Settings are those that StoredSettings keeps. nil: the customer decides none.
	Settings *lifecycle.StoredSettings
	// Choices are the names of the settings that the customer decides, of those in ChoiceNames.
	Choices []string

	// Check tries a connection by a token that is good for it, and says what it found: package scim/scimtest can, where a product
	// links it. It may take minutes, and should leave nothing behind. nil: there is no such page.
	Check func(ctx context.Context, r CheckRequest) ([]CheckLine, error)

	// LinkLifetime is how long a setup link is good that has no Expires of its own. Default 7 days.
	LinkLifetime time.Duration
	// SessionLifetime is how long a session that began with a setup link lasts at most. Default 8 hours.
	SessionLifetime time.Duration

	// Logger gets the failures that administrators aren't told of. The default discards them.
	Logger *slog.Logger
}

// Theme is how the portal looks.
type Theme struct {
	Product string // its name. Default Rollcall
	Logo    []byte // SVG or PNG, of at most 64 KiB; it is shown 32 pixels high. nil: the name alone
	CSS     string // is added behind the portal's own style sheet: set the custom properties that stand at the top of assets/portal.css
	Support string // where administrators get help: an address that begins with https:// or mailto:. It may be empty
}

// Portal serves the pages. It is safe for concurrent use; any number of processes may serve the same.
type Portal struct {
	opts      Options
	store     store.Store
	life      *lifecycle.Service
	path      string // of the URL, without a slash at the end
	cookie    string // the beginning of the names of cookies
	languages map[string]*language
	rules     []rule
	guides    *guide.Library
	templates templates
	assets    map[string]asset
	pages     []page
	mux       *http.ServeMux
	origin    *http.CrossOriginProtection
	policy    string // Content-Security-Policy
	streams   chan struct{}
}

// New makes a Portal.
func New(o Options) (*Portal, error) {
	p := &Portal{opts: o, store: o.Store, mux: http.NewServeMux(), origin: http.NewCrossOriginProtection(), streams: make(chan struct{}, mostStreams)}
	switch {
	case o.Store == nil || o.Handler == nil || o.Connections == nil:
		return nil, errors.New("portal: Options.Store, Handler and Connections must be set")
	case len(o.Theme.Logo) > mostLogo:
		return nil, fmt.Errorf("portal: Options.Theme.Logo: want at most %d bytes", mostLogo)
	case o.Theme.Support != "" && !strings.HasPrefix(o.Theme.Support, "https://") && !strings.HasPrefix(o.Theme.Support, "mailto:"):
		return nil, errors.New("portal: Options.Theme.Support: want an address that begins with https:// or mailto:")
	case o.LinkLifetime < 0 || o.SessionLifetime < 0:
		return nil, errors.New("portal: Options.LinkLifetime and SessionLifetime must not be negative")
	case len(o.Choices) > 0 && o.Settings == nil:
		return nil, errors.New("portal: Options.Choices needs Options.Settings")
	}
	at, err := url.Parse(o.URL)
	if err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http" || at.RawQuery != "" || at.Fragment != "" {
		return nil, errors.New("portal: Options.URL: want where browsers reach the portal, such as https://app.example/setup")
	}
	if s, err := url.Parse(o.SCIM); err != nil || s.Host == "" {
		return nil, errors.New("portal: Options.SCIM: want the address of the SCIM service, such as https://app.example/scim/v2")
	}
	p.life, p.path, p.opts.URL = o.Handler.Lifecycle(), strings.TrimRight(at.Path, "/"), strings.TrimRight(o.URL, "/")
	sum := sha256.Sum256([]byte(p.opts.URL)) // cookies of a host don't tell its ports and paths apart
	p.cookie = "__Host-portal-" + hex.EncodeToString(sum[:4])
	if p.opts.Theme.Product == "" {
		p.opts.Theme.Product = "Rollcall"
	}
	if p.opts.Zone == nil {
		p.opts.Zone = time.UTC
	}
	if p.opts.LinkLifetime == 0 {
		p.opts.LinkLifetime = 7 * 24 * time.Hour
	}
	if p.opts.SessionLifetime == 0 {
		p.opts.SessionLifetime = 8 * time.Hour
	}
	if p.opts.Logger == nil {
		p.opts.Logger = slog.New(slog.DiscardHandler)
	}
	frames := "'none'"
	for i, origin := range o.Frames {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || origin != u.Scheme+"://"+u.Host {
			return nil, fmt.Errorf("portal: Options.Frames: want an origin such as https://app.example, got %q", origin)
		}
		if i == 0 {
			frames = ""
		}
		frames += " " + origin
	}
	p.policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors " + strings.TrimSpace(frames)
	if p.languages, p.rules, err = loadLanguages(o.Text); err != nil {
		return nil, err
	}
	if p.guides, err = guide.New(o.Guides...); err != nil {
		return nil, fmt.Errorf("portal: Options.Guides: %w", err)
	}
	if p.templates, err = loadTemplates(o.Templates); err != nil {
		return nil, err
	}
	if p.assets, err = p.loadAssets(); err != nil {
		return nil, err
	}
	if err := p.checkChoices(); err != nil {
		return nil, err
	}
	p.pages = allPages()
	p.mount(p.mux, p.pages, allForms())
	return p, nil
}

const (
	mostLogo    = 64 << 10
	mostStreams = 500 // pages that a process tells their live status at once
	mostBody    = 64 << 10
)

// ServeHTTP implements http.Handler.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.serve(w, r, p.path, p.mux, nil) }

// headers are those of each answer, beside the Content-Security-Policy. Only assets have another Cache-Control.
var headers = map[string]string{
	"Cache-Control":                "no-store",
	"Referrer-Policy":              "no-referrer",
	"X-Content-Type-Options":       "nosniff",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
	"X-Robots-Tag":                 "noindex",
	"Vary":                         "Accept, Accept-Language, Cookie",
}

// serve answers a request under a path by the pages and forms of a mux. s is nil, except for the vendor's view.
func (p *Portal) serve(w http.ResponseWriter, r *http.Request, base string, mux *http.ServeMux, s *vendor) {
	h := w.Header()
	h.Set("Content-Security-Policy", p.policy)
	for name, value := range headers {
		h.Set(name, value)
	}
	if len(p.opts.Frames) == 0 {
		h.Set("X-Frame-Options", "DENY")
	}
	v := &visit{p: p, w: w, r: r, base: base, vendor: s, language: p.languageOf(r), zone: p.opts.Zone}
	if err := p.origin.Check(r); err != nil {
		v.fail(errOrigin)
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path, base)
	switch {
	case ok && rest == "":
		http.Redirect(w, r, base+"/", http.StatusSeeOther)
		return
	case !ok || rest[0] != '/':
		v.fail(errNowhere)
		return
	}
	// The mux sees the path without the prefix. It gets a request of its own, as the caller's must not be changed.
	v.r = r.Clone(context.WithValue(r.Context(), visitKey{}, v))
	v.r.URL.Path, v.r.URL.RawPath = rest, ""
	v.r.Body = http.MaxBytesReader(w, r.Body, mostBody)
	if _, pattern := mux.Handler(v.r); pattern == "" {
		v.fail(errNowhere)
		return
	}
	mux.ServeHTTP(w, v.r)
}

type visitKey struct{}
