package portal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

const (
	userType     = "User"
	groupType    = "Group"
	retainedType = "rollcall.Retained" // users whom the product keeps after a DELETE
)

const onPage = 50 // lines of a list

// countStates counts the people by state.
func (p *Portal) countStates(ctx context.Context, tenant string) ([]StateCount, error) {
	counts, err := p.life.CountStates(ctx, tenant)
	list := []StateCount{}
	for _, s := range lifecycle.States {
		if s != lifecycle.None {
			list = append(list, StateCount{s, counts[s]})
		}
	}
	return list, err
}

// PeopleModel is a page of people.
type PeopleModel struct {
	Search string        `json:"search"`
	State  string        `json:"state"`
	Sort   string        `json:"sort"`
	People []PersonModel `json:"people"`
	Next   string        `json:"next"`    // cursor of the next page; "" on the last
	States []string      `json:"states"`  // to choose from
	Manual bool          `json:"acquire"` // accounts outside can be acquired
}

// PersonModel is a line of it.
type PersonModel struct {
	ID        string           `json:"id"`
	UserName  string           `json:"userName"`
	Name      string           `json:"name"`
	State     lifecycle.State  `json:"state"`
	Active    bool             `json:"active"` // as the identity provider sent it
	Source    lifecycle.Source `json:"source"`
	Changed   time.Time        `json:"lastModified"`
	Protected bool             `json:"protected"`
	Retained  bool             `json:"retained"` // the identity provider has deleted the person, and the product keeps the account
}

// peopleSorts are the orders of the list. A store has an index of each. Ids begin with the time of creation, so their order is that of creation,
// except for people whom the product brought with ids of its own.
var peopleSorts = map[string]*store.Sort{
	"":             nil, // as they came
	"created":      {By: filter.Attr{Path: filter.Path{Name: "id"}, Type: filter.String, CaseExact: true}, Descending: true},
	"userName":     {By: byUserName},
	"userNameDown": {By: byUserName, Descending: true},
}

var byUserName = filter.Attr{Path: filter.Path{Name: "userName"}, Type: filter.String}

func people(v *visit) (any, error) {
	ctx := v.r.Context()
	m := PeopleModel{Search: v.get("q"), State: v.get("state"), Sort: v.get("sort"), People: []PersonModel{}, Manual: v.Can(People)}
	for _, s := range lifecycle.States[1:] {
		m.States = append(m.States, string(s))
	}
	by, ok := peopleSorts[m.Sort]
	if !ok || m.State != "" && !slices.Contains(m.States, m.State) {
		return nil, wrong(v.T("error.filter"))
	}
	safety, err := v.p.life.Safety(ctx, v.Admin.Tenant)
	if err != nil {
		return nil, err
	}
	list, next, err := v.p.life.Accounts(ctx, v.Admin.Tenant, lifecycle.AccountQuery{State: lifecycle.State(m.State), Search: m.Search, Sort: by, Cursor: v.get("cursor"), Count: onPage})
	if err != nil {
		return nil, err
	}
	if m.Search != "" && v.get("cursor") == "" { // it may be an id
		r, err := v.p.user(ctx, v.Admin.Tenant, m.Search)
		switch {
		case err == nil:
			list = append(list, r)
		case !isNotFound(err):
			return nil, err
		}
	}
	for _, r := range list {
		x := personModel(r)
		x.Protected = slices.Contains(safety.Protected, r.ID)
		m.People = append(m.People, x)
	}
	m.Next = next
	return m, nil
}

func personModel(r *store.Resource) PersonModel {
	m := PersonModel{ID: r.ID, UserName: r.Attributes.Get("userName").Text(), Name: nameOf(r), Changed: r.LastModified, Retained: r.Type == retainedType}
	active := r.Attributes.Get("active")
	m.Active = active.IsNull() || active.True()
	if a, err := lifecycle.AccountOf(r); err == nil {
		m.State, m.Source = a.State, a.Source
	} else {
		m.State = "damaged" // it is shown, so that somebody repairs it
	}
	return m
}

func nameOf(r *store.Resource) string {
	if name := r.Attributes.Get("displayName").Text(); name != "" {
		return name
	}
	name := r.Attributes.Get("name")
	if text := name.Get("formatted").Text(); text != "" {
		return text
	}
	return strings.TrimSpace(name.Get("givenName").Text() + " " + name.Get("familyName").Text())
}

// PersonPageModel is all that is known of one person.
type PersonPageModel struct {
	PersonModel
	Created    time.Time         `json:"created"`
	FirstLogin *time.Time        `json:"firstLogin"`
	Billed     bool              `json:"billed"`
	Held       bool              `json:"held"` // an administrator has shut this person out
	Role       string            `json:"role"`
	Manager    string            `json:"manager"` // name of the connection that manages the person
	Attributes []HeldModel       `json:"attributes"`
	Groups     []MembershipModel `json:"groups"`
	Timeline   []LineModel       `json:"timeline"`
	Next       string            `json:"next"`    // cursor of the timeline
	Actions    []string          `json:"actions"` // that the administrator may do: approve, reject, suspend, reactivate, protect, unprotect
}

// HeldModel is an attribute of a person.
type HeldModel struct {
	Path      string             `json:"path"`
	Value     string             `json:"value"`            // as it is kept, and the identity provider is answered; "" if it isn't to be shown
	Holds     string             `json:"holds,omitempty"`  // as the product has it: Options.Holds
	Authority *mapping.Authority `json:"authority"`        // who decides it; nil: the product doesn't map it
	Secret    bool               `json:"secret,omitempty"` // the value isn't shown
}

// MembershipModel is a group that somebody is in.
type MembershipModel struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role string `json:"role,omitempty"`
}

func (p *Portal) user(ctx context.Context, tenant, id string) (*store.Resource, error) {
	if len(id) > 200 {
		return nil, store.ErrNotFound
	}
	r, err := p.store.Get(ctx, store.Key{Tenant: tenant, Type: userType, ID: id})
	if isNotFound(err) {
		r, err = p.store.Get(ctx, store.Key{Tenant: tenant, Type: retainedType, ID: id})
	}
	return r, err
}

func personPage(v *visit) (any, error) {
	ctx, tenant := v.r.Context(), v.Admin.Tenant
	r, err := v.p.user(ctx, tenant, v.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	m := PersonPageModel{PersonModel: personModel(r), Created: r.Created, Attributes: []HeldModel{}, Groups: []MembershipModel{}, Actions: []string{}}
	account, err := lifecycle.AccountOf(r)
	if err == nil {
		m.FirstLogin, m.Billed, m.Held, m.Role = timeOf(account.FirstLogin), account.Billed, account.Held, account.Role
	}
	list, err := v.p.opts.Connections.List(ctx, tenant)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(list, func(c connection.Connection) bool { return c.ID == account.Manager }); i >= 0 {
		m.Manager = list[i].Name
	}
	if m.Attributes, err = v.p.held(ctx, r); err != nil {
		return nil, err
	}
	if m.Groups, err = v.p.groupsOf(ctx, tenant, r.ID); err != nil {
		return nil, err
	}
	safety, err := v.p.life.Safety(ctx, tenant)
	if err != nil {
		return nil, err
	}
	m.Protected = slices.Contains(safety.Protected, r.ID)
	timeline, next, err := v.p.life.Journal(ctx, lifecycle.JournalQuery{Tenant: tenant, Subject: r.ID, Before: v.get("before"), Max: 20})
	if err != nil {
		return nil, err
	}
	m.Next = next
	if m.Timeline, err = v.lines(timeline); err != nil {
		return nil, err
	}
	m.Actions, err = v.actions(account, m.Protected)
	return m, err
}

// actions are what the administrator may do to an account.
func (v *visit) actions(a lifecycle.Account, protected bool) ([]string, error) {
	list := []string{}
	by := v.by()
	if err := v.p.life.Admit(v.r.Context(), &by); err != nil {
		return nil, err
	}
	if v.Can(People) {
		for _, x := range personActions {
			if _, ok := lifecycle.Table[a.State][x.cause]; !ok || x.name == "reactivate" && (a.State == lifecycle.Active || a.State == lifecycle.Provisioned) ||
				x.name == "suspend" && (a.State == lifecycle.Suspended || a.State == lifecycle.Deactivated) {
				continue
			}
			if x.cause == lifecycle.Suspend || x.cause == lifecycle.Reactivate {
				if a.Source == lifecycle.SourceSCIM && !by.Settings.SuspendManaged {
					continue
				}
			}
			list = append(list, x.name)
		}
	}
	if v.Can(Safety) {
		if protected {
			list = append(list, "unprotect")
		} else {
			list = append(list, "protect")
		}
	}
	return list, nil
}

// personActions are what can be done to an account, in the order of the buttons.
var personActions = []struct {
	name  string
	cause lifecycle.Cause
	do    func(*lifecycle.Service, context.Context, lifecycle.Request, string) (*store.Resource, error)
}{
	{"approve", lifecycle.Approve, (*lifecycle.Service).Approve},
	{"reject", lifecycle.Reject, (*lifecycle.Service).Reject},
	{"reactivate", lifecycle.Reactivate, (*lifecycle.Service).Reactivate},
	{"suspend", lifecycle.Suspend, (*lifecycle.Service).Suspend},
}

// toPerson is the form of an action.
func toPerson(i int) func(*visit) (done, error) {
	return func(v *visit) (done, error) {
		x, id := personActions[i], v.r.PathValue("id")
		if _, err := v.p.user(v.r.Context(), v.Admin.Tenant, id); err != nil {
			return done{}, err
		}
		if _, err := x.do(v.p.life, v.r.Context(), v.by(), id); err != nil {
			return done{}, err
		}
		return done{to: "/people/" + id, notice: x.name}, nil
	}
}

// protect protects somebody from losing access by the identity provider, or ends that protection.
func protect(on bool, notice string) func(*visit) (done, error) {
	return func(v *visit) (done, error) {
		r, err := v.p.user(v.r.Context(), v.Admin.Tenant, v.r.PathValue("id"))
		if err != nil {
			return done{}, err
		}
		_, err = v.p.life.SetSafety(v.r.Context(), v.by(), func(s *lifecycle.Safety) error {
			s.Protected = slices.DeleteFunc(slices.Clone(s.Protected), func(id string) bool { return id == r.ID })
			if on {
				s.Protected = append(s.Protected, r.ID)
			}
			return checked(*s)
		})
		to := "/people/" + r.ID
		if v.get("back") == "safety" || !v.Can(See) {
			to = "/safety"
		}
		return done{to: to, notice: notice}, err
	}
}

// checked is what is wrong with settings of safety, in words for the administrator.
func checked(s lifecycle.Safety) error {
	if err := s.Validate(); err != nil {
		return wrong(err.Error())
	}
	return nil
}

// acquire takes an account from outside into the organization.
func acquire(v *visit) (done, error) {
	name := v.get("name")
	if name == "" {
		return done{}, wrong(v.T("error.name"))
	}
	if err := v.p.life.Acquire(v.r.Context(), v.by(), name); err != nil {
		return done{}, err
	}
	return done{to: "/people", notice: "acquired"}, nil
}

// held are a person's attributes, those that the product maps first.
func (p *Portal) held(ctx context.Context, r *store.Resource) ([]HeldModel, error) {
	v, err := r.Attributes.Tree()
	if err != nil {
		return nil, store.ErrCorrupt
	}
	var holds map[string]string
	if p.opts.Holds != nil {
		if holds, err = p.opts.Holds(ctx, r); err != nil {
			return nil, err
		}
	}
	var all []HeldModel
	for _, m := range v.Items() {
		if len(all) < mostAttributes {
			all = flatten(all, m.Name, m.Value)
		}
	}
	list := make([]HeldModel, 0, len(all))
	taken := make([]bool, len(all))
	for _, a := range p.opts.People {
		n := len(list)
		for i, x := range all {
			if !taken[i] && isAt(x.Path, a.Path) {
				taken[i] = true
				x.Authority, x.Holds = &a.Authority, holds[x.Path]
				if a.Sensitive {
					x.Value, x.Holds, x.Secret = "", "", true
				}
				list = append(list, x)
			}
		}
		if len(list) == n { // nobody has sent it
			list = append(list, HeldModel{Path: a.Path, Authority: &a.Authority, Holds: holds[a.Path], Secret: a.Sensitive})
		}
	}
	for i, x := range all {
		if !taken[i] {
			if x.Path == "externalId" || x.Path == "active" { // they belong to the protocol, and are always kept
				x.Authority = new(mapping.Authority)
			}
			list = append(list, x)
		}
	}
	return list, nil
}

const (
	mostAttributes = 200
	mostValue      = 300 // bytes of a value that is shown
)

// isAt says whether a value stands at the path of a mapped attribute, or in it.
func isAt(path, at string) bool {
	rest, ok := strings.CutPrefix(path, at)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[' || rest[0] == ':')
}

// flatten lists the values of an attribute by the paths that mappings have for them.
func flatten(list []HeldModel, path string, v document.Value) []HeldModel {
	switch v.Kind() {
	case document.KindObject:
		dot := "."
		if strings.HasPrefix(path, "urn:") && !strings.Contains(path[strings.LastIndexByte(path, ':'):], ".") {
			dot = ":"
		}
		for _, m := range v.Items() {
			list = flatten(list, path+dot+m.Name, m.Value)
		}
		return list
	case document.KindArray:
		for i, m := range v.Items() {
			if i == 20 {
				return append(list, HeldModel{Path: path, Value: "…"})
			}
			element := m.Value
			if element.Kind() != document.KindObject {
				list = append(list, HeldModel{Path: path, Value: short(textOf(element), mostValue)})
				continue
			}
			at := fmt.Sprintf("%s[%d]", path, i+1)
			if typ := element.Get("type").Text(); typ != "" {
				at = fmt.Sprintf("%s[type eq %q]", path, short(typ, 40))
			}
			for _, sub := range element.Items() {
				if sub.Name != "type" {
					list = flatten(list, at+"."+sub.Name, sub.Value)
				}
			}
		}
		return list
	}
	return append(list, HeldModel{Path: short(path, 200), Value: short(textOf(v), mostValue)})
}

func textOf(v document.Value) string {
	if v.Kind() == document.KindString {
		return v.Text()
	}
	return string(document.AppendJSON(nil, v))
}
