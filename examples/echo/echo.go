// Package echo mounts SCIM under a router of labstack/echo.
package echo

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// Mount serves a scim.Handler under a path such as /scim/v2.
func Mount(e *echo.Echo, path string, h http.Handler) {
	serve := echo.WrapHandler(http.StripPrefix(path, h))
	e.Any(path, serve)
	e.Any(path+"/*", serve)
}
