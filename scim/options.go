package scim

import (
	"log/slog"

	elimity "github.com/elimity-com/scim"

	"github.com/rollcall-dev/rollcall/lifecycle"
)

// Options configure a Handler. The zero value of every field but Auth is a sensible default.
type Options struct {
	// Auth decides which tenant a request is for. It must be set; [NoAuth] opts out by name.
	Auth Authenticator

	// ResourceTypes are what is served, declared with elimity's schema types; their Handler fields are not used. The
	// default is [UserType] and [GroupType].
	ResourceTypes []elimity.ResourceType

	// Index names further attributes, by resource type, that equality filters should find fast: "emails.value". Unique
	// attributes and externalId are indexed anyway; the default adds emails.value and displayName of users and
	// displayName of groups.
	Index map[string][]string

	// Unique names attributes, by resource type, that no two resources of a tenant may share, beside those that the
	// schema says so of; emails[type eq "work"].value for some elements of one. The default is the displayName of groups, by
	// which Entra ID finds them; an empty map is none.
	Unique map[string][]string

	// Mutability says, by resource type and attribute, what /Schemas tells of attributes whose changes Lifecycle.Guards
	// decide: readOnly, immutable. What is sent for them is neither dropped nor refused before a guard has seen it, who puts
	// back what holds. mapping.Mapping.Mutability makes it. The default leaves all to the schemas.
	Mutability map[string]map[string]string

	// Sensitive names attributes, by resource type, whose values no error shows, beside those that are never returned.
	// mapping.Mapping.Sensitive lists them. The default is none.
	Sensitive map[string][]string

	// Hooks are told what has happened to people and groups. It is short for Lifecycle.Hooks.
	Hooks lifecycle.Hooks

	// Lifecycle are the product's policies. The default provisions everybody and tells Hooks.
	Lifecycle lifecycle.Options

	// BaseURL is the address under which clients reach the handler, without a slash at the end, e.g.
	// https://app.example.com/scim/v2. The default takes scheme, host and prefix from each request.
	BaseURL string

	// TrustForwarded makes the handler believe X-Forwarded-Proto, X-Forwarded-Host and X-Forwarded-Prefix. Set it only
	// behind a proxy that overwrites them.
	TrustForwarded bool

	// Documentation is the address of the product's own help page, shown in ServiceProviderConfig.
	Documentation string

	// Limits bound what one request may ask for.
	Limits Limits

	// Logger gets what an operator must know: panics, failing stores. The default discards it. No attribute values are
	// logged.
	Logger *slog.Logger
}

// Limits bound what one request may ask for. A zero field means the default.
type Limits struct {
	Body       int64 // bytes of a request's body; default 1 MiB; beyond it 413
	Operations int   // of one PATCH; default 1,000; beyond it 413
	Members    int   // that one request adds to or removes from a group; default 20,000; beyond it 413
	Filter     int   // bytes of a filter; default 8 KiB; beyond it 400
	PageSize   int   // of a list without count; default 100
	MaxResults int   // most resources in one list answer; default 1,000; a larger count gets so many
}

func (l Limits) withDefaults() Limits {
	for _, d := range [...]struct {
		field *int
		value int
	}{{&l.Operations, 1_000}, {&l.Members, 20_000}, {&l.Filter, 8 << 10}, {&l.PageSize, 100}, {&l.MaxResults, 1_000}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if l.Body <= 0 {
		l.Body = 1 << 20
	}
	l.PageSize = min(l.PageSize, l.MaxResults)
	return l
}
