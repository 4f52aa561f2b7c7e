package scim

import (
	"errors"
	"net/url"
	"strings"
)

// mostParams bounds the parameters of one query string. No client has a use for more than a dozen.
const mostParams = 1_000

// parseQuery reads a query string as url.ParseQuery does, except that a semicolon is a character like any other. In a URL it needs
// no encoding (RFC 3986 section 3.4), so clients send `filter=userName eq "a;b"` with it. HTML 4 had it separate parameters
// as & does; net/url refuses it because servers disagreed on that, but no client of SCIM separates by it. An error says
// nothing of the values.
func parseQuery(query string) (url.Values, error) {
	if strings.Count(query, "&") >= mostParams {
		return nil, errors.New("it has too many parameters")
	}
	values := url.Values{}
	for query != "" {
		var pair string
		if pair, query, _ = strings.Cut(query, "&"); pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil {
			return nil, errors.New("it is not well encoded")
		}
		values[name] = append(values[name], value)
	}
	return values, nil
}
