// Package chi mounts SCIM under a router of go-chi/chi.
package chi

import (
	"net/http"

	"github.com/go-chi/chi/v5"
)

// Mount serves a scim.Handler under a path such as /scim/v2. It strips this prefix, because chi doesn't change the path.
func Mount(r chi.Router, path string, h http.Handler) {
	h = http.StripPrefix(path, h)
	r.Handle(path, h)
	r.Handle(path+"/*", h)
}
