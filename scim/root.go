package scim

import "net/http"

// root answers requests of the base URL.
func (x *exchange) root(first string) error {
	return &Error{Status: http.StatusNotImplemented, Detail: "the service doesn't offer /" + first + "; see ServiceProviderConfig for what it does"}
}
