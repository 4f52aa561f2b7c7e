package portal

import (
	"net/url"
	"strings"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/scim/portal/guide"
)

// SetupModel is the set-up page: the guides to choose from, and the one that was chosen.
type SetupModel struct {
	Connections []ConnectionModel `json:"connections"`
	Connection  *ConnectionModel  `json:"connection"` // nil: none yet
	Guides      []GuideModel      `json:"guides"`
	Guide       *guide.Guide      `json:"guide"` // nil: none is chosen yet
	BaseURL     string            `json:"baseUrl"`
	TokenURL    string            `json:"tokenUrl,omitempty"`
	Attributes  []AttributeModel  `json:"attributes"`
	Groups      []AttributeModel  `json:"groups"`
	Credentials []CredentialModel `json:"credentials"`
	Failure     *guide.Failure    `json:"failure,omitempty"` // what the last error means, as the guide says
	Kind        connection.Kind   `json:"kind"`              // of the credential that the guide needs
	Stages      []StageModel      `json:"stages"`
}

// StageModel is a part of setting up.
type StageModel struct {
	Name string `json:"name"` // connection, credential, test, people or policy
	Done bool   `json:"done"`
	Now  bool   `json:"now"`
	Href string `json:"-"` // another page for it
}

// stages says how far setting up has come.
func (v *visit) stages(one *connection.Connection) []StageModel {
	list := []StageModel{{Name: "connection"}, {Name: "credential"}, {Name: "test"}, {Name: "people"}}
	if one != nil {
		s := one.Status
		for i, done := range []bool{true, s.State != connection.NotSetUp, !s.LastSuccess.IsZero(), s.People} {
			list[i].Done = done
		}
	}
	for i := range list {
		if !list[i].Done {
			list[i].Now = true
			break
		}
	}
	if len(v.p.opts.Choices) > 0 {
		list = append(list, StageModel{Name: "policy", Href: "/settings"})
	}
	return list
}

// GuideModel is a guide to choose.
type GuideModel struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Way      string `json:"way,omitempty"`
	Provider string `json:"provider"`
}

// AttributeModel is a line of the table of attributes.
type AttributeModel struct {
	mapping.Attribute
	Source  string `json:"source,omitempty"` // what the identity provider calls it
	Example string `json:"example,omitempty"`
}

func setUp(v *visit) (any, error) {
	list, one, err := v.connections()
	if err != nil {
		return nil, err
	}
	m := SetupModel{BaseURL: v.p.opts.SCIM, TokenURL: v.p.opts.TokenURL, Guides: []GuideModel{},
		Attributes: []AttributeModel{}, Groups: []AttributeModel{}, Credentials: []CredentialModel{}}
	if m.Connections, err = v.connectionModels(list); err != nil {
		return nil, err
	}
	if v.get("connection") == "" && v.get("new") != "" {
		one = nil
	}
	m.Stages = v.stages(one)
	chosen := v.get("guide")
	for _, g := range v.p.guides.Guides(v.language.name) {
		if g.Credential != string(connection.Bearer) && v.p.opts.TokenURL == "" {
			continue
		}
		m.Guides = append(m.Guides, GuideModel{g.ID, g.Name, g.Way, g.Provider})
		if chosen == "" && one != nil && g.Provider == string(one.Provider) {
			chosen = g.ID
		}
	}
	if one != nil {
		c, err := v.connectionModel(one)
		if err != nil {
			return nil, err
		}
		m.Connection, m.Credentials = &c, credentialModels(one)
	}
	if chosen == "" {
		return m, nil
	}
	g := v.p.guides.Guide(v.language.name, chosen)
	if g == nil || g.Credential != string(connection.Bearer) && v.p.opts.TokenURL == "" {
		return nil, errNowhere
	}
	m.Kind = connection.Kind(g.Credential)
	if err := v.takeOnce(); err != nil {
		return nil, err
	}
	values := guide.Values{guide.Product: v.p.opts.Theme.Product, guide.Tenant: v.Admin.Tenant, guide.BaseURL: v.p.opts.SCIM, guide.TokenURL: v.p.opts.TokenURL,
		guide.Support: strings.TrimPrefix(v.p.opts.Theme.Support, "mailto:")}
	if s := v.Secret; s != nil {
		values[guide.Token], values[guide.ClientID], values[guide.ClientSecret] = s.Token, s.ClientID, s.ClientSecret
	}
	if one != nil {
		for _, k := range one.Credentials {
			if k.Kind == connection.Federation && m.Kind == k.Kind {
				values[guide.ClientID], values[guide.Issuer], values[guide.JWKS], values[guide.Subject], values[guide.Audience] = k.ClientID, k.Trust.Issuer, k.Trust.JWKS, k.Trust.Subject, k.Trust.Audience
			} else if k.Kind == connection.Client && m.Kind == k.Kind && values[guide.ClientID] == "" {
				values[guide.ClientID] = k.ClientID
			}
		}
		if e := one.Status.LastError; e != nil {
			m.Failure = g.With(values).Failure(e.Status)
		}
	}
	m.Guide = g.With(values)
	m.Attributes, m.Groups = attributeModels(v.p.opts.People, m.Guide), attributeModels(v.p.opts.Groups, m.Guide)
	return m, nil
}

func attributeModels(list []mapping.Attribute, g *guide.Guide) []AttributeModel {
	models := make([]AttributeModel, 0, len(list))
	for _, a := range list {
		if a.Authority != mapping.Ignore { // an attribute that is never taken needs no line
			models = append(models, AttributeModel{a, g.Sources[a.Path].String(), exampleOf(a)})
		}
	}
	return models
}

// examples are values of well-known attributes.
var examples = map[string]string{
	"userName": "ada@acme.example", "displayName": "Ada Lovelace", "name.givenName": "Ada", "name.familyName": "Lovelace", "active": "true",
	"externalId": "00uab12cd34", "preferredLanguage": "en", "title": "Engineer", "phoneNumbers": "+49 301234567",
	`phoneNumbers[type eq "mobile"].value`: "+49 301234567", `phoneNumbers[type eq "work"].value`: "+49 301234567",
	`emails[type eq "work"].value`: "ada@acme.example", "timezone": "Europe/Berlin", "locale": "en-GB", "nickName": "Ada",
}

func exampleOf(a mapping.Attribute) string {
	if x, ok := examples[a.Path]; ok {
		return x
	}
	if _, x, ok := strings.Cut(a.Want, "such as "); ok { // what is wanted names an example
		return x
	}
	return ""
}

// createConnection begins a connection by a guide.
func createConnection(v *visit) (done, error) {
	g := v.p.guides.Guide(v.language.name, v.get("guide"))
	if g == nil {
		return done{}, wrong(v.T("error.guide"))
	}
	name := v.get("name")
	if name == "" {
		name = g.Name
	}
	list, err := v.p.opts.Connections.List(v.r.Context(), v.Admin.Tenant)
	if err != nil {
		return done{}, err
	}
	var c *connection.Connection
	for i := range list { // somebody who chooses the same guide twice gets one connection
		if x := &list[i]; x.Name == name && x.Provider == connection.Provider(g.Provider) && x.State == lifecycle.ConnectionLive &&
			len(x.Credentials) == 0 && x.Status.LastRequest.IsZero() {
			c = x
		}
	}
	if c == nil {
		if c, err = v.p.opts.Connections.Create(v.r.Context(), v.by(), name, connection.Provider(g.Provider)); err != nil {
			return done{}, err
		}
	}
	return done{to: "/connect?" + query("connection", c.ID, "guide", g.ID), notice: "connected", model: map[string]string{"id": c.ID}}, nil
}

// query writes names and values in turn.
func query(pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q.Encode()
}
