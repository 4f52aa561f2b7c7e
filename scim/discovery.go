package scim

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	elimity "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	elimityschema "github.com/elimity-com/scim/schema"

	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
)

// discovery is what the service tells about itself (RFC 7644 section 4), by path: ServiceProviderConfig,
// Schemas/{urn}, ResourceTypes/{name}. The documents lack only meta.location, which depends on the request.
type discovery struct {
	documents map[string]document.Document
	lists     map[string][]string // Schemas, ResourceTypes: the paths of their documents, in order
}

// discover answers the paths that are not a resource type's.
func (x *exchange) discover(first, rest string) error {
	path := first
	if rest != "" {
		path += "/" + rest
	}
	tells := &x.h.discovery
	if x.mode.Interop {
		tells = &x.h.interop
	}
	paths, isList := tells.lists[path]
	doc, isDocument := tells.documents[path]
	if !isList && !isDocument {
		if _, ok := tells.lists[first]; ok {
			return &Error{Status: http.StatusNotFound, Detail: fmt.Sprintf("there is no such entry in %s: %s", first, quoted(rest))}
		}
		return x.nowhere()
	}
	if x.r.Method != http.MethodGet && x.r.Method != http.MethodHead {
		return x.notAllowed(http.MethodGet, http.MethodHead)
	}
	if isDocument {
		x.buf = x.appendDiscovered(x.buf[:0], path, doc)
		return x.answer(http.StatusOK)
	}
	if params, _ := x.params(); params.Has("filter") {
		return &Error{Status: http.StatusForbidden, Detail: "filter: /" + first + " can't be filtered (RFC 7644 section 4)"}
	}
	x.buf = append(x.buf[:0], `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":`...)
	x.buf = strconv.AppendInt(x.buf, int64(len(paths)), 10)
	x.buf = append(x.buf, `,"startIndex":1,"itemsPerPage":`...)
	x.buf = strconv.AppendInt(x.buf, int64(len(paths)), 10)
	x.buf = append(x.buf, `,"Resources":[`...)
	for i, p := range paths {
		if i > 0 {
			x.buf = append(x.buf, ',')
		}
		x.buf = x.appendDiscovered(x.buf, p, tells.documents[p])
	}
	x.buf = append(x.buf, "]}"...)
	return x.answer(http.StatusOK)
}

// appendDiscovered appends a document completed with its meta.
func (x *exchange) appendDiscovered(b []byte, path string, doc document.Document) []byte {
	resourceType := map[byte]string{'S': "Schema", 'R': "ResourceType"}[path[0]]
	if path == serviceProviderConfig {
		resourceType = serviceProviderConfig
	}
	b = append(b, doc[:len(doc)-1]...)
	b = append(b, `,"meta":{"resourceType":"`...)
	b = append(b, resourceType...)
	b = document.AppendString(append(b, `","location":`...), x.base+"/"+path)
	return append(b, "}}"...)
}

const serviceProviderConfig = "ServiceProviderConfig"

// describeService lets elimity's Server render the discovery documents, once, and completes what it gets wrong.
func (h *Handler) describeService() (discovery, error) {
	d := discovery{documents: make(map[string]document.Document), lists: make(map[string][]string)}
	server, err := elimity.NewServer(&elimity.ServerArgs{ServiceProviderConfig: h.elimityConfig(), ResourceTypes: h.opts.ResourceTypes})
	if err != nil {
		return d, fmt.Errorf("scim: %w", err)
	}
	add := func(list, path string, complete func(*document.Value)) error {
		var answer recorder
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "/"+path, nil)
		if err != nil {
			return fmt.Errorf("scim: %s: %w", path, err)
		}
		server.ServeHTTP(&answer, request)
		v, err := document.Parse(answer.body.String(), 0)
		if err != nil || answer.status != http.StatusOK {
			return fmt.Errorf("scim: %s can't be described: %s", path, answer.body.String())
		}
		complete(&v)
		d.documents[path] = document.Document(document.AppendJSON(nil, v))
		if list != "" {
			d.lists[list] = append(d.lists[list], path)
		}
		return nil
	}
	if err := add("", serviceProviderConfig, h.completeConfig); err != nil {
		return d, err
	}
	for _, rt := range h.opts.ResourceTypes {
		if err := add("ResourceTypes", "ResourceTypes/"+rt.Name, completeResourceType(rt)); err != nil {
			return d, err
		}
		schemas := []schema.Definition{rt.Schema}
		for _, e := range rt.SchemaExtensions {
			schemas = append(schemas, e.Schema)
		}
		for _, s := range schemas {
			if path := "Schemas/" + s.ID; !slices.Contains(d.lists["Schemas"], path) {
				if err := add("Schemas", path, func(v *document.Value) {
					if *v = schema.Describe(s); s.ID == elimityschema.UserSchema {
						h.withCanonical(v)
					}
				}); err != nil {
					return d, err
				}
			}
		}
	}
	return d, nil
}

// recorder is a ResponseWriter into memory.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header {
	if r.header == nil {
		r.header = http.Header{}
	}
	return r.header
}

func (r *recorder) WriteHeader(status int) { r.status = status }

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.body.Write(p)
}

// AuthenticationSchemer is an optional interface of an Authenticator: it says which schemes ServiceProviderConfig shows (RFC 7643
// section 5). Without it a bearer token is shown.
type AuthenticationSchemer interface {
	AuthenticationSchemes() []elimity.AuthenticationScheme
}

// AuthenticationSchemes implements AuthenticationSchemer: there's none.
func (NoAuth) AuthenticationSchemes() []elimity.AuthenticationScheme { return nil }

func (h *Handler) elimityConfig() *elimity.ServiceProviderConfig {
	schemes := []elimity.AuthenticationScheme{{
		Type:        elimity.AuthenticationTypeOauthBearerToken,
		Name:        "Bearer token",
		Description: "Authentication with a bearer token in the Authorization header",
		SpecURI:     optional.NewString("https://www.rfc-editor.org/info/rfc6750"),
		Primary:     true,
	}}
	if s, ok := h.opts.Auth.(AuthenticationSchemer); ok {
		schemes = s.AuthenticationSchemes()
	}
	config := &elimity.ServiceProviderConfig{
		AuthenticationSchemes: schemes,
		MaxResults:            h.opts.Limits.MaxResults,
		SupportFiltering:      true,
		SupportPatch:          true,
	}
	if h.opts.Documentation != "" {
		config.DocumentationURI = optional.NewString(h.opts.Documentation)
	}
	return config
}

// completeConfig says what elimity's fixed answer denies, and leaves out the references that it makes empty.
func (h *Handler) completeConfig(v *document.Value) {
	supported := func(yes bool) document.Value {
		return document.Object(document.Field{Name: "supported", Value: document.Bool(yes)})
	}
	bulk := supported(true)
	bulk.Set("maxOperations", document.Int(int64(h.opts.Limits.BulkOperations)))
	bulk.Set("maxPayloadSize", document.Int(h.opts.Limits.BulkPayload))
	v.Set("bulk", bulk)
	limits := h.opts.Limits
	v.Set("pagination", document.Object( // RFC 9865 section 4
		document.Field{Name: "cursor", Value: document.Bool(true)},
		document.Field{Name: "index", Value: document.Bool(true)},
		document.Field{Name: "defaultPaginationMethod", Value: document.String("index")},
		document.Field{Name: "defaultPageSize", Value: document.Int(int64(limits.PageSize))},
		document.Field{Name: "maxPageSize", Value: document.Int(int64(limits.MaxResults))},
		document.Field{Name: "cursorTimeout", Value: document.Int(max(1, int64(limits.CursorTimeout.Seconds())))},
	))
	v.Set("changePassword", supported(h.opts.Passwords != nil))
	v.Set("sort", supported(true))
	v.Set("etag", supported(true))
	if len(h.opts.SecurityEvents) > 0 { // RFC 9967 section 4
		uris := make([]document.Value, len(h.opts.SecurityEvents))
		for i, uri := range h.opts.SecurityEvents {
			uris[i] = document.String(uri)
		}
		async := "none"
		if h.asynchronous() {
			async = "request"
		}
		v.Set("securityEvents", document.Object(
			document.Field{Name: "asyncRequest", Value: document.String(async)},
			document.Field{Name: "eventUris", Value: document.Array(uris...)},
		))
	}
	if h.opts.Documentation == "" {
		v.Delete("documentationUri")
	}
	schemes := v.Ref("authenticationSchemes")
	for i := range schemes.Items() {
		s := schemes.At(i)
		for _, name := range [...]string{"documentationUri", "specUri"} {
			if s.Get(name).Text() == "" {
				s.Delete(name)
			}
		}
	}
}

// completeResourceType gives a resource type the id that it lacks unless the product chose one: its name (RFC 7643
// section 6), under which clients read it.
func completeResourceType(rt elimity.ResourceType) func(*document.Value) {
	return func(v *document.Value) {
		if v.Get("id").Text() == "" {
			v.Set("id", document.String(rt.Name))
		}
		if v.Get("description").Text() == "" {
			v.Delete("description")
		}
	}
}
