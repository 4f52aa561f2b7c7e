// Package benchmarks_test compares Rollcall with elimity's own Server, both over a store in memory, in one run:
//
//	go test -bench Elimity -benchmem ./examples/benchmarks
package benchmarks_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	elimity "github.com/elimity-com/scim"
	elimityerrors "github.com/elimity-com/scim/errors"
	"github.com/elimity-com/scim/optional"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/scim"
)

// BenchmarkElimity runs the same requests through elimity's Server ("elimity") and through ours ("rollcall"). Above the
// results it says which version of elimity they are of, in the way that benchstat reads.
func BenchmarkElimity(b *testing.B) {
	fmt.Printf("elimity: %s\n", elimityVersion(b))
	const users = 1_000
	for _, job := range []struct {
		name    string
		request func(ids []string, i int) *http.Request
		status  int
	}{
		{"GET", func(ids []string, i int) *http.Request {
			return request(http.MethodGet, "/Users/"+ids[i%len(ids)], "")
		}, http.StatusOK},
		{"POST", func(_ []string, i int) *http.Request {
			return request(http.MethodPost, "/Users", user("post"+strconv.Itoa(i)))
		}, http.StatusCreated},
		{"FilterUserName", func(_ []string, i int) *http.Request {
			return request(http.MethodGet, fmt.Sprintf(`/Users?filter=userName+eq+%%22user%d@corp.example%%22`, i%users), "")
		}, http.StatusOK},
		{"PATCH", func(ids []string, i int) *http.Request {
			return request(http.MethodPatch, "/Users/"+ids[i%len(ids)], fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
				"Operations":[{"op":"replace","path":"name.familyName","value":"Name %d"}]}`, i))
		}, http.StatusOK},
		{"List100", func(_ []string, i int) *http.Request {
			return request(http.MethodGet, "/Users?startIndex=1&count=100", "")
		}, http.StatusOK},
	} {
		for _, server := range []struct {
			name    string
			handler func(testing.TB) http.Handler
		}{{"elimity", elimityServer}, {"rollcall", rollcallServer}} {
			b.Run(job.name+"/"+server.name, func(b *testing.B) {
				h := server.handler(b)
				ids := fill(b, h, users)
				requests := make([]*http.Request, b.N)
				for i := range requests {
					requests[i] = job.request(ids, i)
				}
				b.ReportAllocs()
				b.ResetTimer()
				for _, r := range requests {
					w := &discard{header: http.Header{}}
					h.ServeHTTP(w, r)
					if w.status != job.status {
						b.Fatalf("status %d", w.status)
					}
				}
			})
		}
	}
}

// discard is a ResponseWriter that costs nothing, so that only the servers are measured.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header    { return d.header }
func (d *discard) WriteHeader(status int) { d.status = status }
func (d *discard) Write(p []byte) (int, error) {
	if d.status == 0 {
		d.status = http.StatusOK
	}
	return len(p), nil
}

// request makes what net/http would hand over, without the cost of parsing it.
func request(method, target, body string) *http.Request {
	path, query, _ := strings.Cut(target, "?")
	return &http.Request{
		Method:        method,
		URL:           &url.URL{Path: path, RawQuery: query},
		RequestURI:    target,
		Host:          "127.0.0.1",
		Header:        http.Header{"Authorization": {"Bearer benchmark-token"}, "Content-Type": {"application/scim+json"}},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
	}
}

// user returns what Entra ID sends for a new user with its default mapping.
func user(name string) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
		"externalId":"%[1]s","userName":"%[1]s@corp.example","active":true,"displayName":"Display of %[1]s",
		"emails":[{"primary":true,"type":"work","value":"%[1]s@corp.example"}],
		"name":{"formatted":"Given Family","familyName":"Family","givenName":"Given"},
		"phoneNumbers":[{"type":"work","value":"+47 55 55 55 55"},{"type":"mobile","value":"+47 99 99 99 99"}],
		"addresses":[{"type":"work","formatted":"Street 1, Oslo","streetAddress":"Street 1","locality":"Oslo","country":"NO"}],
		"title":"Engineer","preferredLanguage":"nb-NO",
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"701984","department":"Research"}}`, name)
}

func fill(tb testing.TB, h http.Handler, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request(http.MethodPost, "/Users", user("user"+strconv.Itoa(i))))
		require.Equal(tb, http.StatusCreated, w.Code, w.Body.String())
		_, rest, _ := strings.Cut(w.Body.String(), `"id":"`)
		ids[i], _, _ = strings.Cut(rest, `"`)
	}
	return ids
}

func rollcallServer(tb testing.TB) http.Handler {
	h, err := scim.NewHandler(memstore.New(), &scim.Options{Auth: scim.BearerTokens{"benchmark-token": "acme"}})
	require.NoError(tb, err)
	return h
}

func elimityServer(tb testing.TB) http.Handler {
	users := scim.UserType()
	users.Handler = &mapHandler{resources: map[string]elimity.Resource{}}
	s, err := elimity.NewServer(&elimity.ServerArgs{
		ServiceProviderConfig: &elimity.ServiceProviderConfig{SupportFiltering: true, SupportPatch: true, MaxResults: 100},
		ResourceTypes:         []elimity.ResourceType{users},
	})
	require.NoError(tb, err)
	return s
}

// elimityVersion returns the version that the modules select. A test binary doesn't know what it was built with.
func elimityVersion(tb testing.TB) string {
	out, err := exec.CommandContext(tb.Context(), "go", "list", "-m", "-f", "{{.Version}}", "github.com/elimity-com/scim").Output()
	require.NoError(tb, err)
	return strings.TrimSpace(string(out))
}

// mapHandler keeps resources in a map, as elimity's documentation shows, with what Rollcall's store does too: a lock,
// a unique userName and the order of creation.
type mapHandler struct {
	mu        sync.RWMutex
	resources map[string]elimity.Resource
	names     map[string]string
	order     []string
}

func (h *mapHandler) Create(_ *http.Request, attributes elimity.ResourceAttributes) (elimity.Resource, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	name, _ := attributes["userName"].(string)
	if _, taken := h.names[strings.ToLower(name)]; taken {
		return elimity.Resource{}, elimityerrors.ScimErrorUniqueness
	}
	if h.names == nil {
		h.names = map[string]string{}
	}
	id := strconv.Itoa(len(h.order))
	r := elimity.Resource{ID: id, Attributes: attributes}
	if e, ok := attributes["externalId"].(string); ok {
		r.ExternalID = optional.NewString(e)
	}
	h.names[strings.ToLower(name)] = id
	h.order = append(h.order, id)
	h.resources[id] = r
	return clone(r), nil
}

func (h *mapHandler) Get(_ *http.Request, id string) (elimity.Resource, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	r, ok := h.resources[id]
	if !ok {
		return r, elimityerrors.ScimErrorResourceNotFound(id)
	}
	return clone(r), nil
}

func (h *mapHandler) GetAll(_ *http.Request, params elimity.ListRequestParams) (elimity.Page, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	page := elimity.Page{Resources: []elimity.Resource{}}
	for _, id := range h.order {
		r := h.resources[id]
		if v := params.FilterValidator; v != nil && v.PassesFilter(r.Attributes) != nil {
			continue
		}
		if page.TotalResults++; page.TotalResults >= params.StartIndex && len(page.Resources) < params.Count {
			page.Resources = append(page.Resources, clone(r))
		}
	}
	return page, nil
}

func (h *mapHandler) Replace(_ *http.Request, id string, attributes elimity.ResourceAttributes) (elimity.Resource, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r, ok := h.resources[id]
	if !ok {
		return r, elimityerrors.ScimErrorResourceNotFound(id)
	}
	r.Attributes = attributes
	h.resources[id] = r
	return clone(r), nil
}

func (h *mapHandler) Delete(_ *http.Request, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.resources, id)
	return nil
}

// Patch applies what the benchmark sends: a replace of a sub-attribute.
func (h *mapHandler) Patch(_ *http.Request, id string, operations []elimity.PatchOperation) (elimity.Resource, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r, ok := h.resources[id]
	if !ok {
		return r, elimityerrors.ScimErrorResourceNotFound(id)
	}
	r = clone(r)
	for _, op := range operations {
		outer, _ := r.Attributes[op.Path.AttributePath.AttributeName].(map[string]any)
		inner := map[string]any{}
		for k, v := range outer {
			inner[k] = v
		}
		inner[op.Path.AttributePath.SubAttributeName()] = op.Value
		r.Attributes[op.Path.AttributePath.AttributeName] = inner
	}
	h.resources[id] = r
	return clone(r), nil
}

// clone keeps elimity's Server, which writes into the map that it is given, away from the stored one.
func clone(r elimity.Resource) elimity.Resource {
	attributes := make(elimity.ResourceAttributes, len(r.Attributes))
	for k, v := range r.Attributes {
		attributes[k] = v
	}
	r.Attributes = attributes
	return r
}
