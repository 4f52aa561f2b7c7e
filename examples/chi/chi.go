// Package chi mounts SCIM under a router of go-chi/chi.
package chi

import (
	"net/http"

	"github.com/go-chi/chi/v5"
)

// Mount serves a scim.Handler under a path such as /scim/v2. Chi leaves the path as it is, so the prefix is taken off.
func Mount(r chi.Router, path string, h http.Handler) {
	h = http.StripPrefix(path, h)
	r.Handle(path, h)
	r.Handle(path+"/*", h)
}
