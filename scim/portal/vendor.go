package portal

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/scim/connection"
)

// VendorOptions configure the vendor's own view over all tenants.
type VendorOptions struct {
	Path string // under which it is mounted, such as /admin/provisioning
	// Who says who of the vendor's staff asks, or ErrNobody. It must be set.
	Who func(*http.Request) (string, error)
	// Tenants lists tenants, at most about 50 of them, from a cursor ("" at first; the last page's is ""): no store does. It must be set.
	Tenants func(ctx context.Context, cursor string) (tenants []string, next string, err error)
	// Links lets the staff make setup links for a customer's administrator.
	Links bool
}

// Vendor is the vendor's view: all tenants, those that need attention first. It is a handler of its own, and knows none of the
// portal's sessions.
func (p *Portal) Vendor(o VendorOptions) (http.Handler, error) {
	if o.Who == nil || o.Tenants == nil || o.Path == "" || o.Path[0] != '/' {
		return nil, errors.New("portal: VendorOptions: Path, Who and Tenants must be set")
	}
	s := &vendor{VendorOptions: o}
	mux := http.NewServeMux()
	p.mount(mux, []page{{path: "/{$}", name: "vendor", model: s.overview}}, []form{{path: "/link", page: "/{$}", do: s.link}})
	s.Path = strings.TrimRight(o.Path, "/")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(w, r, s.Path, mux, s) }), nil
}

type vendor struct{ VendorOptions }

// VendorModel is a page of tenants.
type VendorModel struct {
	Tenants []TenantModel `json:"tenants"`
	Next    string        `json:"next"`
	Links   bool          `json:"links"`
}

// TenantModel is a line of it.
type TenantModel struct {
	Tenant        string           `json:"tenant"`
	State         connection.State `json:"state"`
	Connections   int              `json:"connections"`
	LastRequest   *time.Time       `json:"lastRequest"`
	LastError     *ProblemModel    `json:"lastError"`
	ExpiresInDays *int             `json:"expiresInDays"`
}

func (s *vendor) overview(v *visit) (any, error) {
	tenants, next, err := s.Tenants(v.r.Context(), v.get("cursor"))
	if err != nil {
		return nil, err
	}
	m := VendorModel{Tenants: []TenantModel{}, Next: next, Links: s.Links}
	for _, tenant := range tenants {
		list, err := v.p.opts.Connections.List(v.r.Context(), tenant)
		if err != nil {
			return nil, err
		}
		t := TenantModel{Tenant: tenant, State: stateOf(list), Connections: len(list)}
		for i := range list {
			c, err := v.connectionModel(&list[i])
			if err != nil {
				return nil, err
			}
			if c.LastRequest != nil && (t.LastRequest == nil || t.LastRequest.Before(*c.LastRequest)) {
				t.LastRequest = c.LastRequest
			}
			if c.LastError != nil && (t.LastError == nil || t.LastError.Time.Before(c.LastError.Time)) {
				t.LastError = c.LastError
			}
			if c.ExpiresInDays != nil && (t.ExpiresInDays == nil || *c.ExpiresInDays < *t.ExpiresInDays) {
				t.ExpiresInDays = c.ExpiresInDays
			}
		}
		m.Tenants = append(m.Tenants, t)
	}
	slices.SortStableFunc(m.Tenants, func(a, b TenantModel) int { return slices.Index(worst, a.State) - slices.Index(worst, b.State) })
	return m, nil
}

// link makes a setup link for a customer's administrator. It is shown once.
func (s *vendor) link(v *visit) (done, error) {
	if !s.Links {
		return done{}, errNowhere
	}
	var abilities []Ability
	for _, x := range Abilities() {
		if v.get(string(x)) != "" {
			abilities = append(abilities, x)
		}
	}
	text, err := v.p.Link(v.r.Context(), Link{Tenant: v.get("tenant"), Who: v.get("who"), Abilities: abilities})
	var invalid *InvalidLinkError
	if errors.As(err, &invalid) {
		return done{}, wrong(invalid.Detail)
	}
	return done{to: "/", notice: "link", secret: &Secret{Link: text}}, err
}
