package portal

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/scim/portal/guide"
)

// visit is one request, and what the templates are given: its methods and exported fields are for them.
type visit struct {
	p        *Portal
	w        http.ResponseWriter
	r        *http.Request
	base     string  // the path under which the pages are
	vendor   *vendor // nil: the visitor is a customer's administrator
	language *language
	zone     *time.Location
	signedIn bool
	started  bool

	Page     *page
	Admin    Admin
	Model    any
	Notice   string          // key of what was done
	Problem  string          // what went wrong, in words
	Secret   *Secret         // is shown once
	linkless bool            // the administrator came by the product's own session
	names    map[string]Part // of what was looked up for explanations, by kind and id
}

// Secret is what the next page shows once, such as a new credential, which nobody can see again.
type Secret struct {
	ID           string `json:"id,omitempty"` // of the credential
	Token        string `json:"token,omitempty"`
	ClientID     string `json:"clientId,omitempty"`
	ClientSecret string `json:"clientSecret,omitempty"`
	Link         string `json:"link,omitempty"` // a setup link

	Going *GoingModel `json:"going,omitempty"` // how far going live has come
}

// identify finds out who asks. Until their session ends, somebody who came by a setup link is the administrator whom the link names.
func (v *visit) identify() error {
	if t, ok := v.ticket(""); ok {
		var g granted
		_, err := v.p.find(v.r.Context(), t, sessionType, &g)
		if err == nil {
			v.Admin = Admin{Tenant: t.tenant, Who: g.Who, Abilities: g.Abilities, Language: g.Language, Return: g.Return}
			if g.Zone != "" {
				v.Admin.Zone, _ = time.LoadLocation(g.Zone)
			}
			return v.welcome()
		}
		if !isNotFound(err) {
			return err
		}
	}
	if v.p.opts.Session == nil {
		return errNobody
	}
	a, err := v.p.opts.Session(v.r)
	if errors.Is(err, ErrNobody) {
		return errNobody
	}
	if err == nil {
		err = a.check()
	}
	if err != nil {
		return err
	}
	v.Admin, v.linkless = a, true
	return v.welcome()
}

// identifyVendor finds out who of the vendor's staff asks.
func (v *visit) identifyVendor() error {
	who, err := v.vendor.Who(v.r)
	if errors.Is(err, ErrNobody) || err == nil && who == "" {
		return errNobody
	}
	v.Admin.Who, v.signedIn, v.linkless = who, err == nil, true
	return err
}

func (v *visit) welcome() error {
	v.signedIn = true
	if v.Admin.Zone != nil {
		v.zone = v.Admin.Zone
	}
	if l := v.p.languages[v.Admin.Language]; l != nil && v.chosen() == "" {
		v.language = l
	}
	return nil
}

// chosen is the language that was chosen on a page.
func (v *visit) chosen() string {
	c, err := v.r.Cookie(v.p.cookie + "-language")
	if err != nil || v.p.languages[c.Value] == nil {
		return ""
	}
	return c.Value
}

func (v *visit) ticket(name string) (ticket, bool) {
	c, err := v.r.Cookie(v.p.cookie + name)
	if err != nil {
		return ticket{}, false
	}
	return parseTicket(c.Value)
}

// setCookie sets a cookie of the portal's, or removes it by a negative age.
func (v *visit) setCookie(name, value string, age time.Duration) {
	c := &http.Cookie{Name: v.p.cookie + name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: int(age / time.Second)}
	if age < 0 {
		c.MaxAge = -1
	}
	if len(v.p.opts.Frames) > 0 {
		c.SameSite, c.Partitioned = http.SameSiteNoneMode, true
	}
	http.SetCookie(v.w, c)
}

// by is the request of the administrator's click.
func (v *visit) by() lifecycle.Request {
	return lifecycle.Request{Tenant: v.Admin.Tenant, Who: v.Admin.Who}
}

// get is a value of the query or the form, cut to 2,000 bytes.
func (v *visit) get(name string) string {
	text := strings.TrimSpace(v.r.FormValue(name))
	if len(text) > 2_000 {
		text = strings.ToValidUTF8(text[:2_000], "")
	}
	return text
}

// connections returns the tenant's connections, and the one that the page is about: the one that the query names, else the first that isn't
// switched off, else nil.
func (v *visit) connections() (list []connection.Connection, one *connection.Connection, err error) {
	if list, err = v.p.opts.Connections.List(v.r.Context(), v.Admin.Tenant); err != nil {
		return nil, nil, err
	}
	id := v.get("connection")
	i := slices.IndexFunc(list, func(c connection.Connection) bool {
		return c.ID == id || id == "" && c.State != lifecycle.ConnectionOff
	})
	switch {
	case i >= 0:
		return list, &list[i], nil
	case id != "":
		return nil, nil, errNowhere
	}
	return list, nil, nil
}

// The methods below are for templates.

// T is a text of the catalogue, with its arguments.
func (v *visit) T(key string, args ...any) string { return v.language.text(key, args...) }

// Or is a text of the catalogue, or the word itself if there is none.
func (v *visit) Or(prefix, word string) string {
	if text, ok := v.language.texts[prefix+word]; ok {
		return text
	}
	return word
}

// Breaks are the parts of an address between which a line may end.
func (v *visit) Breaks(text string) []string { return strings.SplitAfter(text, "@") }

// Path is a path of the portal as browsers ask for it.
func (v *visit) Path(path string) string { return v.base + path }

// With is the page's own address with other values of the query: names and values in turn. An empty value takes a name away.
func (v *visit) With(pairs ...string) string {
	q := url.Values{}
	for name, values := range v.r.URL.Query() {
		if name != "done" {
			q[name] = values
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return v.base + v.r.URL.Path
	}
	return v.base + v.r.URL.Path + "?" + q.Encode()
}

// Can says whether the administrator has an ability.
func (v *visit) Can(what Ability) bool {
	return v.signedIn && (v.vendor != nil || v.Admin.can(what))
}

// Product is the product's name.
func (v *visit) Product() string { return v.p.opts.Theme.Product }

// Support is where there is help.
func (v *visit) Support() string { return v.p.opts.Theme.Support }

// HasLogo says whether there is a logo.
func (v *visit) HasLogo() bool { return v.p.opts.Theme.Logo != nil }

// Language is the page's language.
func (v *visit) Language() string { return v.language.name }

// Languages are the others that there are.
func (v *visit) Languages() []string {
	var names []string
	for name := range v.p.languages {
		if name != v.language.name {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// NameOf is a language's own name.
func (v *visit) NameOf(language string) string { return v.p.languages[language].texts["language"] }

// Menu is the pages of the navigation that the administrator may open.
func (v *visit) Menu() (menu []*page) {
	if v.vendor != nil {
		return nil
	}
	for i := range v.p.pages {
		if x := &v.p.pages[i]; x.menu && v.Can(x.needs) && (x.shown == nil || x.shown(v.p)) {
			menu = append(menu, x)
		}
	}
	return menu
}

// SignOut says whether there is a session of the portal's own to end.
func (v *visit) SignOut() bool { return v.signedIn && !v.linkless }

// Self is the page's address, for a form that returns to it. After an error, or in the answer to a form, it is the overview's.
func (v *visit) Self() string {
	if v.r.Method != http.MethodGet || v.Page.name == "problem" {
		return v.base + "/"
	}
	return v.With()
}

// Num is a number as the language writes it.
func (v *visit) Num(n int) string { return v.language.number(n) }

// Moment is a time as templates show it.
type Moment struct {
	ISO  string // for machines
	Full string // the date and time of the visitor's zone
	Ago  string // how long ago it is, or how soon
}

// At is a time as templates show it. It is nil for the zero time.
func (v *visit) At(t time.Time) *Moment {
	if t.IsZero() {
		return nil
	}
	return &Moment{t.UTC().Format(time.RFC3339), v.language.date(t.In(v.zone)), v.language.ago(time.Since(t))}
}

// When is At of a time that may be nil.
func (v *visit) When(t *time.Time) *Moment {
	if t == nil {
		return nil
	}
	return v.At(*t)
}

// Newer says whether a time is within the last hour.
func (v *visit) Newer(t time.Time) bool { return time.Since(t) < time.Hour }

// Int is the number that n points to.
func (v *visit) Int(n *int) int { return *n }

// ZoneName is the zone of the times that are shown.
func (v *visit) ZoneName() string { return v.zone.String() }

// Lifetimes are the days to choose from for a credential.
func (v *visit) Lifetimes() []int { return []int{90, 180, 365, 730} }

// Tone is the class of a state's colour.
func (v *visit) Tone(state any) string { return tones[fmt.Sprint(state)] }

var tones = map[string]string{
	"syncing": "good", "firstPerson": "good", "testReceived": "good", "waitingForTest": "calm", "attention": "bad", "paused": "warn",
	"provisioned": "calm", "pending": "warn", "active": "good", "suspended": "bad",
	"create": "good", "link": "calm", "change": "calm", "deactivate": "bad", "refuse": "bad",
	"created": "good", "linked": "good", "updated": "good", "removed": "warn", "refused": "bad", "held": "warn",
}

// Copied is a text with a button that copies it.
type Copied struct{ ID, Text, Name, Copied string }

// Copy is a text that can be copied.
func (v *visit) Copy(id, text string) Copied {
	return Copied{id, text, v.T("copy"), v.T("copied")}
}

// Blocks are blocks of a guide for the template of that name.
func (v *visit) Blocks(list []guide.Block) any {
	return struct {
		V    *visit
		List []guide.Block
	}{v, list}
}

// Table is a table of attributes with its caption.
func (v *visit) Table(caption string, list []AttributeModel) any {
	return struct {
		V       *visit
		Caption string
		List    []AttributeModel
	}{v, v.T(caption), list}
}

// Chart draws the bars of requests and refusals.
func (v *visit) Chart(c Chart) chartView { return c.draw(v) }

// Given is a value of the query or the form.
func (v *visit) Given(name string) string { return v.get(name) }

// Query is the query of the page, for another page with the same filters.
func (v *visit) Query() template.URL {
	q := v.r.URL.Query()
	for name := range q {
		if !slices.Contains(journalFilters, name) {
			q.Del(name)
		}
	}
	if len(q) == 0 {
		return ""
	}
	return template.URL("?" + q.Encode()) // Encode leaves nothing that means anything in HTML but &
}

// Sorts are the orders of people.
func (v *visit) Sorts() []string { return []string{"", "created", "userName", "userNameDown"} }

// Next is the order that a click on a column leads to.
func (v *visit) Next(up, down string) string {
	if v.get("sort") == up {
		return down
	}
	return up
}

// By says who did what an entry tells.
func (v *visit) By(e lifecycle.JournalEntry) string {
	if e.Who != "" {
		return e.Who
	}
	return v.Or("source.", string(e.By))
}

// Short is as much of a text as fits into a line of a list.
func (v *visit) Short(text string) string { return short(text, mostShort) }

// Trail is entries of the journal for the template of that name.
func (v *visit) Trail(list []LineModel) any {
	return struct {
		V    *visit
		List []LineModel
	}{v, list}
}

// Holds says whether the product tells how it has a person itself.
func (v *visit) Holds() bool { return v.p.opts.Holds != nil }

// Maps says whether the product has told which attributes it maps.
func (v *visit) Maps() bool { return len(v.p.opts.People) > 0 }

// Brake is a brake for the template of that name.
func (v *visit) Brake(name string, b *lifecycle.Brake) any {
	x := struct {
		V                          *visit
		Name, Max, Percent, Window string
		Set                        bool
		Windows                    []string
	}{V: v, Name: name, Window: v.WindowOf(b), Windows: v.WindowsWith(b), Set: b != nil}
	if b != nil {
		x.Max, x.Percent = v.IntOr(b.Max), v.Percent(b.Share)
	}
	return x
}

// Wanted is the value that a form asks for a setting.
func (v *visit) Wanted(name, is string) string {
	if to := v.get(name); to != "" {
		return to
	}
	if is == "true" || is == "false" {
		return "false"
	}
	return is
}

// AllAbilities are the abilities that a link may have.
func (v *visit) AllAbilities() []Ability { return Abilities() }
