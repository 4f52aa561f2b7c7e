// Package gin mounts SCIM under a router of gin-gonic/gin.
package gin

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// Mount serves a scim.Handler under a path such as /scim/v2.
func Mount(r *gin.Engine, path string, h http.Handler) {
	serve := gin.WrapH(http.StripPrefix(path, h))
	r.Any(path, serve)
	r.Any(path+"/*any", serve)
}
