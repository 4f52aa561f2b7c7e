package scim

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
)

const (
	contentType = "application/scim+json"
	jsonType    = "application/json"
)

// Header values that every answer shares; net/http only reads them.
var (
	contentTypes = []string{contentType}
	jsonTypes    = []string{jsonType}
)

// checkContentType accepts SCIM's own type and plain JSON (RFC 7644 section 3.8), and a request that names none.
func (x *exchange) checkContentType() error {
	unsupported := func(detail string) error {
		return &Error{Status: http.StatusUnsupportedMediaType, Detail: detail}
	}
	ct := x.r.Header.Get("Content-Type")
	switch {
	case ct == "", ct == contentType, ct == contentType+"; charset=utf-8", ct == jsonType && !x.mode.Interop:
		return nil
	}
	media, params, err := mime.ParseMediaType(ct)
	switch {
	case err == nil && media == contentType:
	case x.mode.Interop:
		return unsupported("Content-Type: want " + contentType)
	case err == nil && (media == jsonType || media == "text/json" && x.mode.Tolerate(quirk.TextJSON)):
	default:
		return unsupported("Content-Type: want " + contentType + " or " + jsonType)
	}
	charset := params["charset"]
	if charset == "" || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8") && x.mode.Tolerate(quirk.CharsetSpelling) {
		return nil
	}
	return unsupported("Content-Type: the only charset is utf-8")
}

// negotiate chooses the media type of the answer. It is SCIM's own, whatever the client says: identity providers that ask for plain
// JSON, as JumpCloud and PingFederate do, expect SCIM's type all the same. Only where the dialect is strict the client gets
// plain JSON if it takes that and not the other, and 406 if it takes neither (RFC 7644 section 3.8).
func (x *exchange) negotiate() error {
	values := x.r.Header["Accept"]
	if len(values) == 0 || len(values) == 1 && values[0] == contentType {
		return nil
	}
	scim, json := quality(values, contentType), quality(values, jsonType)
	switch {
	case scim > 0 && scim >= json:
	case json > 0 && x.mode.Refused.Has(quirk.AcceptOther):
		x.media = jsonTypes
	case json > 0:
	case !x.mode.Tolerate(quirk.AcceptOther):
		return &Error{Status: http.StatusNotAcceptable, Detail: "Accept: the service answers in " + contentType + " or " + jsonType}
	}
	return nil
}

// quality says how much a client wants something, by the most specific range that it lists for it (RFC 9110 section 12.5.1).
func quality(values []string, media string) (q float64) {
	specific := -1
	for _, value := range values {
		for item := range strings.SplitSeq(value, ",") {
			name, params, _ := strings.Cut(item, ";")
			name = strings.ToLower(strings.TrimSpace(name))
			how := -1
			major, minor, isMedia := strings.Cut(media, "/")
			switch {
			case name == media:
				how = 2
			case isMedia && name == major+"/*" && minor != "":
				how = 1
			case name == "*/*" && isMedia, name == "*" && !isMedia:
				how = 0
			}
			if how > specific {
				specific, q = how, weightOf(params)
			}
		}
	}
	return q
}

// weightOf is the parameter q of a range; 1 if there is none.
func weightOf(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		if name, value, ok := strings.Cut(strings.TrimSpace(p), "="); ok && strings.EqualFold(name, "q") {
			q, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return 0
			}
			return q
		}
	}
	return 1
}
