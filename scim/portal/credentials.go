package portal

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/connection"
)

type connectionService = connection.Service

// CredentialsModel is the credentials of a connection.
type CredentialsModel struct {
	Connections []ConnectionModel `json:"connections"`
	Connection  *ConnectionModel  `json:"connection"` // that the page is about; nil if there is none
	Credentials []CredentialModel `json:"credentials"`
	Kinds       []connection.Kind `json:"kinds"`              // that can be issued
	TokenURL    string            `json:"tokenUrl,omitempty"` // for OAuth clients
}

// CredentialModel is a credential, without its secret.
type CredentialModel struct {
	ID         string          `json:"id"`
	Kind       connection.Kind `json:"kind"`
	Prefix     string          `json:"prefix"`
	ClientID   string          `json:"clientId,omitempty"`
	Issuer     string          `json:"issuer,omitempty"`
	Subject    string          `json:"subject,omitempty"`
	Created    time.Time       `json:"created"`
	Expires    *time.Time      `json:"expires"`
	LastUsed   *time.Time      `json:"lastUsed"`
	Replaces   string          `json:"replaces,omitempty"`   // the credential that this one will replace
	ReplacedBy string          `json:"replacedBy,omitempty"` // the one that will replace this one
	Expired    bool            `json:"expired"`
}

func credentials(v *visit) (any, error) {
	list, one, err := v.connections()
	if err != nil {
		return nil, err
	}
	m := CredentialsModel{Kinds: v.p.kinds(), TokenURL: v.p.opts.TokenURL, Credentials: []CredentialModel{}}
	if m.Connections, err = v.connectionModels(list); err != nil || one == nil {
		return m, err
	}
	c, err := v.connectionModel(one)
	m.Connection, m.Credentials = &c, credentialModels(one)
	return m, err
}

func (p *Portal) kinds() []connection.Kind {
	kinds := []connection.Kind{connection.Bearer}
	if p.opts.TokenURL != "" {
		kinds = append(kinds, connection.Client, connection.Federation)
	}
	return kinds
}

func credentialModels(c *connection.Connection) []CredentialModel {
	list := make([]CredentialModel, len(c.Credentials))
	for i, k := range c.Credentials {
		list[i] = CredentialModel{ID: k.ID, Kind: k.Kind, Prefix: k.Prefix, ClientID: k.ClientID, Issuer: k.Trust.Issuer, Subject: k.Trust.Subject,
			Created: k.Created, Expires: timeOf(k.Expires), LastUsed: timeOf(k.LastUsed), Replaces: k.Replaces,
			Expired: !k.Expires.IsZero() && !k.Expires.After(time.Now())}
	}
	for i := range list {
		for k := range list {
			if list[k].ID == list[i].Replaces {
				list[k].ReplacedBy = list[i].ID
			}
		}
	}
	return list
}

// secretOf is what is shown once.
func secretOf(k *connection.Issued) *Secret {
	return &Secret{ID: k.ID, Token: k.Token, ClientID: k.ClientID, ClientSecret: k.Secret}
}

// expiry reads in how many days a credential shall expire; "" is never.
func (v *visit) expiry() (time.Time, error) {
	text := v.get("days")
	if text == "" {
		return time.Time{}, nil
	}
	days, err := strconv.Atoi(text)
	if err != nil || days < 1 || days > 3_650 {
		return time.Time{}, wrong(v.T("error.days"))
	}
	return time.Now().Add(time.Duration(days) * 24 * time.Hour), nil
}

// back is the page of a connection that a form came from: the guide or the credentials.
func (v *visit) back(connection string) string {
	if guide := v.get("guide"); guide != "" {
		return "/connect?" + query("connection", connection, "guide", guide) + "#credential"
	}
	return "/credentials?" + query("connection", connection)
}

func issueCredential(v *visit) (done, error) {
	_, one, err := v.connections()
	if err != nil {
		return done{}, err
	}
	if one == nil {
		return done{}, wrong(v.T("error.noconnection"))
	}
	ask := connection.Ask{Kind: connection.Kind(v.get("kind"))}
	if ask.Kind == connection.Federation {
		ask.Trust = connection.Trust{Issuer: v.get("issuer"), JWKS: v.get("jwks"), Subject: v.get("subject"), Audience: v.get("audience")}
		if tenant := v.get("entra"); tenant != "" && ask.Trust.Issuer == "" { // all that Entra ID's addresses differ in
			ask.Trust.Issuer = "https://login.microsoftonline.com/" + tenant + "/v2.0"
			ask.Trust.JWKS = "https://login.microsoftonline.com/" + tenant + "/discovery/v2.0/keys"
		}
		if strings.HasPrefix(ask.Trust.Issuer, "https://login.microsoftonline.com/") { // it shows a scope, and signs the audience in front of /.default
			ask.Trust.Audience = strings.TrimSuffix(ask.Trust.Audience, "/.default")
		}
	}
	if ask.Expires, err = v.expiry(); err != nil {
		return done{}, err
	}
	k, err := v.p.opts.Connections.Issue(v.r.Context(), v.by(), one.ID, ask)
	if err != nil {
		return done{}, err
	}
	return done{to: v.back(one.ID), notice: "issued", secret: secretOf(k)}, nil
}

func rotateCredential(v *visit) (done, error) {
	expires, err := v.expiry()
	if err != nil {
		return done{}, err
	}
	k, err := v.p.opts.Connections.Rotate(v.r.Context(), v.by(), v.get("credential"), expires)
	if err != nil {
		return done{}, err
	}
	return done{to: v.back(k.Connection), notice: "rotating", secret: secretOf(k)}, nil
}

// endRotation ends a credential in one of the ways that there are.
func endRotation(end func(s *connectionService, ctx context.Context, by lifecycle.Request, id string) error, notice string) func(*visit) (done, error) {
	return func(v *visit) (done, error) {
		if err := end(v.p.opts.Connections, v.r.Context(), v.by(), v.get("credential")); err != nil {
			return done{}, err
		}
		return done{to: v.back(v.get("connection")), notice: notice}, nil
	}
}

// short is a text of at most so many bytes.
func short(text string, most int) string {
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
