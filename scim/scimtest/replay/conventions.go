package replay

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

const (
	errorURN = "urn:ietf:params:scim:api:messages:2.0:Error"
	listURN  = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
)

// conventions checks what is true of every SCIM answer: the media type (RFC 7644 section 3.8), the fields of an Error (3.12), Location
// and the resource on 201 (3.3), the form of a list (3.4.2), and that there is no password anywhere (RFC 7643 section 4.1.1).
func conventions(request *http.Request, r *Result, body any) (failures []string) {
	check := func(want any, got any, at string) { failures = append(failures, match(want, got, at)...) }
	header := func(name string) any {
		if v := r.Header.Get(name); v != "" {
			return v
		}
		return missing{}
	}
	nonempty := map[string]any{"$nonempty": true}
	if _, none := body.(missing); !none {
		if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/scim+json" && !(t == "application/json" && onlyJSON(request)) {
			failures = append(failures, fmt.Sprintf("header Content-Type: want application/scim+json, got %q", r.Header.Get("Content-Type")))
		}
		if hasField(body, "password") {
			failures = append(failures, "$: want no password in the answer")
		}
	}
	switch {
	case r.Status >= 400:
		check(map[string]any{"schemas": []any{errorURN}, "status": strconv.Itoa(r.Status), "detail": nonempty}, body, "$")
		if r.Status == http.StatusUnauthorized {
			check(nonempty, header("WWW-Authenticate"), "header WWW-Authenticate")
		}
		if r.Status == http.StatusMethodNotAllowed {
			check(nonempty, header("Allow"), "header Allow")
		}
	case r.Status == http.StatusNoContent, r.Status == http.StatusNotModified: // net/http lets no body through
	case r.Status == http.StatusCreated:
		check(map[string]any{"id": nonempty, "schemas": nonempty, "meta": map[string]any{
			"resourceType": nonempty, "created": nonempty, "lastModified": nonempty, "location": header("Location")}}, body, "$")
	case request.Method == http.MethodGet:
		if object, ok := body.(map[string]any); ok && len(match([]any{listURN}, object["schemas"], "$")) == 0 {
			check(map[string]any{"totalResults": map[string]any{"$type": "number"}, "Resources": map[string]any{"$type": "array"}}, body, "$")
		} else {
			check(map[string]any{"schemas": nonempty}, body, "$")
		}
	}
	return failures
}

// onlyJSON says whether a client accepts application/json and doesn't name SCIM's type. It may be answered with either.
func onlyJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "scim+json")
}

// hasField says whether there is a field of that name at any depth. It finds no attributes of a schema, whose names are values.
func hasField(v any, name string) bool {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if hasField(e, name) {
				return true
			}
		}
	case map[string]any:
		for n, e := range v {
			if n == name || hasField(e, name) {
				return true
			}
		}
	}
	return false
}
