package scim

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	elimity "github.com/elimity-com/scim"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/internal/patch"
)

// Options configure a Handler. The zero value of every field but Auth is a sensible default.
type Options struct {
	// Auth decides which tenant a request is for. It must be set; [NoAuth] opts out by name.
	Auth Authenticator

	// Types are resource types that say all of themselves in one value: scim/typed makes them of the product's own Go types.
	// Of a type that is here, ResourceTypes, Index, Unique, Mutability, Advertise, Sensitive and Lifecycle.Link must say nothing.
	Types []Type

	// ResourceTypes are what is served beside Types, declared with elimity's schema types; their Handler fields are not used.
	// The default is [UserType] and [GroupType], as far as they aren't in Types; an empty list that is not nil is none.
	ResourceTypes []elimity.ResourceType

	// Index names further attributes, by resource type, that equality filters should find fast: "emails.value". Unique
	// attributes and externalId are indexed anyway; the default adds emails.value and displayName of users and
	// displayName of groups.
	Index map[string][]string

	// Unique names attributes, by resource type, that no two resources of a tenant may share, beside those that are unique by the
	// schema. A path such as emails[type eq "work"].value means only those elements. The default is the displayName of groups, by
	// which Entra ID finds them; an empty map means none.
	Unique map[string][]string

	// Mutability says, by resource type and attribute, what /Schemas tells of attributes whose changes Lifecycle.Guards decide:
	// readOnly or immutable. A value that is sent for such an attribute is neither dropped nor refused before a guard has seen it;
	// the guard puts back the value that holds. mapping.Mapping.Mutability makes it. The default leaves all to the schemas.
	Mutability map[string]map[string]string

	// Advertise names, by resource type, the attributes that /Schemas shows, where guards drop all others: name.givenName, or the URN of
	// an extension. The others are taken as before, and can be asked for in filters. What is required and active are always shown, and so are
	// groups and members. The default shows all.
	Advertise map[string][]string

	// Sensitive names attributes, by resource type, whose values no error shows, beside those that are never returned.
	// mapping.Mapping.Sensitive lists them. The default is none.
	Sensitive map[string][]string

	// SecurityEvents are the URIs of the Security Event Tokens (RFC 9967) that receivers can get from the product, for
	// ServiceProviderConfig: such as payload.SETEvents. nil: there are none. With payload.SETAsyncResp among them, bulk requests
	// that prefer it are answered before they are done (section 2.5.1) while Lifecycle().Run runs in the process: the results
	// are events of the kind lifecycle.KindRequestCompleted. Then somebody must be told of these: Lifecycle.Feed, or Hooks.Any.
	SecurityEvents []string

	// Hooks are told what has happened to people and groups. It is short for Lifecycle.Hooks; only one of the two may be set.
	Hooks lifecycle.Hooks

	// Lifecycle are the product's policies. The default provisions everybody and tells Hooks. Its Index, Check
	// and Types follow from the schemas, its MaxResource is Limits.Resource, and none of these must be set.
	Lifecycle lifecycle.Options

	// BaseURL is the address under which clients reach the handler, without a slash at the end, e.g.
	// https://app.example.com/scim/v2, with http or https and a host. The default takes scheme, host and prefix from each request.
	BaseURL string

	// TrustForwarded makes the handler believe X-Forwarded-Proto, X-Forwarded-Host and X-Forwarded-Prefix. Set it only
	// behind a proxy that overwrites them.
	TrustForwarded bool

	// Passwords takes the passwords that identity providers send, and makes ServiceProviderConfig say so (changePassword). The
	// default checks that a password is a text, and drops it.
	Passwords Passwords

	// GroupPatchBody answers a PATCH of a group of up to 100 members with 200 and the group, for clients that want it back. The
	// default, and the answer for larger groups, is 204, so that no group is loaded for an answer that nobody reads.
	GroupPatchBody bool

	// UnknownManager says what becomes of a manager.value that is the id of no user: "" takes it, as it may be provisioned later;
	// "record" takes it, and the journal says so; "refuse" answers 400.
	UnknownManager UnknownManager

	// IndirectGroups says whether a tenant's users show the groups that they are in because a group of theirs is, as indirect (RFC
	// 7643 section 4.1.2). It is asked for each answer that shows groups. The default shows a user's own groups alone.
	IndirectGroups func(tenant string) bool

	// Roles and Entitlements are served as resources that nobody but the product changes: its role templates, and what can be
	// granted one by one. Okta finds their types through /ResourceTypes. The values are the canonicalValues of the attributes
	// roles and entitlements of users in /Schemas. The default serves none.
	Roles, Entitlements []Grant

	// PublicDiscovery shows /Schemas and /ResourceTypes to requests without a credential, as /ServiceProviderConfig always is. A
	// request with a wrong credential is refused all the same. The default asks for one.
	PublicDiscovery bool

	// Me finds the resource of whoever is authenticated, for requests of /Me (RFC 7644 section 3.11): the type's name and the id, in
	// the principal's tenant. It is called in the request and may be called concurrently. ErrNotFound of package store is 404,
	// an *Error is answered as it is, any other error is a 500. Without it /Me is answered with 501.
	Me func(r *http.Request, p Principal) (resourceType, id string, err error)

	// Documentation is the address of the product's own help page, shown in ServiceProviderConfig.
	Documentation string

	// CursorKey seals the cursors of pages (RFC 9865), at least 32 random bytes. Set it to the same in all processes, or leave it
	// out: then each tenant has a key in the store, which is made when it is first needed.
	CursorKey []byte

	// RateLimit bounds how many requests a tenant and a connection may make; beyond it 429. See [NewRateLimiter]. The default is
	// no limit.
	RateLimit RateLimiter

	// DisableCompression leaves long answers uncompressed, for clients that take gzip. Those of a type with attributes in Sensitive
	// are never compressed. Compressed requests are taken in any case.
	DisableCompression bool

	// ServerTiming adds the header Server-Timing to answers: how many milliseconds authentication took, and the whole. Clients need
	// not know that, so set it only while you look for what is slow.
	ServerTiming bool

	// Limits bound what one request may ask for.
	Limits Limits

	// Logger gets what an operator must know: panics, failing stores. Of the same failure, a line a second is logged, with the
	// count of those that were left out. The default discards all. No attribute values are logged.
	Logger *slog.Logger
}

// Limits bound what one request may ask for. A field that is zero means the default; a negative one is an error of NewHandler.
type Limits struct {
	Body       int64 // bytes of a request's body; default 1 MiB; beyond it 413
	Operations int   // operations of one PATCH; default 1,000; beyond it 413

	// Comparisons are how many one PATCH may need: of values with the filters in paths, and of elements with those that are added or
	// removed. The default is 2,000,000; beyond it 413.
	Comparisons int

	Members    int // members that one request adds to or removes from a group; default 20,000; beyond it 413
	Filter     int // bytes of a filter; default 8 KiB; beyond it 400
	PageSize   int // resources in an answer to a list without count; default 100
	MaxResults int // most resources in one list answer; default 1,000; a larger count gets so many

	BulkOperations int   // operations of one bulk request; default 1,000; beyond it 413
	BulkPayload    int64 // bytes of a bulk request; default 8 MiB; beyond it 413

	CursorTimeout time.Duration // for how long a cursor can be used (RFC 9865 section 4); default 1 h

	// MembersBody is how many bytes the body may have that writes a resource of a type with members; beyond it 413. The default is
	// Body and 400 bytes for each of Members, about 8.6 MiB, so that as many members fit in one PATCH with value, $ref, type and
	// display.
	MembersBody int64

	// Resource is how many bytes the attributes of one resource may have as they are kept, without its members. The default is 1
	// MiB; a request that would make them larger gets 413.
	Resource int
}

// bytesOfMember is what a member takes in a body: {"value":UUID,"$ref":URL,"type":"User","display":"..."}, with room to spare.
const bytesOfMember = 400

func (l Limits) withDefaults() Limits {
	for _, d := range [...]struct {
		field *int
		value int
	}{
		{&l.Operations, 1_000}, {&l.Comparisons, patch.DefaultComparisons}, {&l.Members, 20_000}, {&l.Filter, 8 << 10}, {&l.PageSize, 100}, {&l.MaxResults, 1_000}, {&l.Resource, 1 << 20},
		{&l.BulkOperations, 1_000},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if l.Body == 0 {
		l.Body = 1 << 20
	}
	if l.BulkPayload == 0 {
		l.BulkPayload = 8 << 20
	}
	if l.CursorTimeout == 0 {
		l.CursorTimeout = time.Hour
	}
	if l.MembersBody == 0 {
		l.MembersBody = l.Body + bytesOfMember*int64(l.Members)
	}
	l.PageSize = min(l.PageSize, l.MaxResults)
	return l
}

func (l Limits) check() error {
	for name, n := range map[string]int64{
		"Body": l.Body, "Operations": int64(l.Operations), "Comparisons": int64(l.Comparisons), "Members": int64(l.Members), "Filter": int64(l.Filter), "PageSize": int64(l.PageSize),
		"MaxResults": int64(l.MaxResults), "MembersBody": l.MembersBody, "BulkOperations": int64(l.BulkOperations), "BulkPayload": l.BulkPayload, "CursorTimeout": int64(l.CursorTimeout), "Resource": int64(l.Resource),
	} {
		if n < 0 {
			return fmt.Errorf("scim: Options.Limits.%s: want a positive number, or 0 for the default, got %d", name, n)
		}
	}
	return nil
}

// bodyOf is the limit of the body of a request to a resource type. Members come only in what writes.
func (l Limits) bodyOf(ep *endpoint, scope string) int64 {
	if scope == ScopeWrite && ep.HasMembers() {
		return l.MembersBody
	}
	return l.Body
}

// check says what is wrong with options, as far as it can be said without the schemas.
func (o *Options) check() error {
	if o.Auth == nil {
		return errors.New("scim: Options.Auth is not set: use BearerTokens, an Authenticator of your own, or NoAuth to let every request in")
	}
	if err := checkAuthenticator(o.Auth); err != nil {
		return err
	}
	if err := o.Limits.check(); err != nil {
		return err
	}
	if err := o.UnknownManager.check(); err != nil {
		return err
	}
	if o.CursorKey != nil && len(o.CursorKey) < 32 {
		return fmt.Errorf("scim: Options.CursorKey: want at least 32 random bytes, got %d", len(o.CursorKey))
	}
	if o.BaseURL != "" {
		u, err := url.Parse(o.BaseURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.ContainsAny(o.BaseURL, "?#") {
			return errors.New("scim: Options.BaseURL: want an address with http or https and a host, such as https://app.example.com/scim/v2")
		}
	}
	switch l := o.Lifecycle; {
	case !reflect.ValueOf(o.Hooks).IsZero() && !reflect.ValueOf(l.Hooks).IsZero():
		return errTwoHooks
	case l.Index != nil:
		return errors.New("scim: Options.Lifecycle.Index is set, but the schemas say what is indexed: leave it out, and name further attributes in Options.Index")
	case l.Check != nil:
		return errors.New("scim: Options.Lifecycle.Check is set, but the schemas say what is right: leave it out, and refuse more in Options.Lifecycle.Guards")
	case l.Types != nil:
		return errors.New("scim: Options.Lifecycle.Types is set, but Options.ResourceTypes says which there are: leave it out")
	case l.MaxResource != 0:
		return errors.New("scim: Options.Lifecycle.MaxResource is set: set Options.Limits.Resource instead")
	case len(o.Mutability) > 0 && len(l.Guards) == 0:
		return errors.New("scim: Options.Mutability leaves attributes to guards, and there are none in Options.Lifecycle.Guards")
	}
	return nil
}

// checkTypes says which option is about a resource type that isn't served.
func (o *Options) checkTypes(types map[string]*endpoint) error {
	for _, option := range [...]struct {
		name  string
		types iter.Seq[string]
	}{
		{"Index", maps.Keys(o.Index)}, {"Unique", maps.Keys(o.Unique)}, {"Mutability", maps.Keys(o.Mutability)},
		{"Advertise", maps.Keys(o.Advertise)},
		{"Sensitive", maps.Keys(o.Sensitive)}, {"Lifecycle.Link", maps.Keys(o.Lifecycle.Link)},
	} {
		for name := range option.types {
			if types[name] == nil {
				return fmt.Errorf("scim: Options.%s: there is no resource type %q; want one of %v", option.name, name, slices.Sorted(maps.Keys(types)))
			}
		}
	}
	return nil
}
