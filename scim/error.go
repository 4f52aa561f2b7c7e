package scim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Error is an answer that tells a client what is wrong (RFC 7644 section 3.12). An Authenticator, Store or guard may
// return one to choose the answer; errors of any other kind become a 500 without their text.
type Error struct {
	Status     int    // HTTP status
	Type       string // scimType, may be empty
	Detail     string // for the administrator of the identity provider
	RetryAfter int    // seconds; 0: no such header

	allow string // of a 405
}

func (e *Error) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Type, e.Detail) }

// errorSchema is the URN of an error answer.
const errorSchema = "urn:ietf:params:scim:api:messages:2.0:Error"

func (e *Error) appendJSON(b []byte) []byte {
	b = append(b, `{"schemas":["`+errorSchema+`"],`...)
	if e.Type != "" {
		b = document.AppendString(append(b, `"scimType":`...), e.Type)
		b = append(b, ',')
	}
	b = document.AppendString(append(b, `"detail":`...), e.Detail)
	b = append(b, `,"status":"`...)
	b = strconv.AppendInt(b, int64(e.Status), 10)
	return append(b, `"}`...)
}

func badRequest(scimType, format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Type: scimType, Detail: fmt.Sprintf(format, args...)}
}

// quoted is a client's own words for a detail, cut short, so that an answer doesn't grow with what came in.
func quoted(words string) string { return document.Quoted(words) }

// describe makes any error the answer that the client may see; nil if it may see nothing of it.
func describe(err error) *Error {
	var (
		own      *Error
		invalid  *schema.Error
		syntax   *document.SyntaxError
		query    *filter.Error
		conflict *store.ConflictError
		refusal  *lifecycle.Refusal
	)
	switch {
	case errors.Is(err, store.ErrCorrupt): // first, as it may wrap what a client's own text would be refused with
		return nil
	case errors.As(err, &own):
		return own
	case errors.As(err, &refusal) && refusal.Reason != 0: // it may wrap one of those below, and says more; without a reason, less
		return describeRefusal(refusal)
	case errors.As(err, &invalid) && invalid.Type == "tooMany": // that type is for filters: RFC 7644 table 9
		return &Error{Status: http.StatusRequestEntityTooLarge, Detail: invalid.Error()}
	case errors.As(err, &invalid):
		return badRequest(invalid.Type, "%s", invalid.Error())
	case errors.As(err, &syntax):
		return badRequest("invalidSyntax", "the body is not usable JSON: %s", syntax.Error())
	case errors.As(err, &query):
		return badRequest("invalidFilter", "filter: %s", query.Error())
	case errors.As(err, &conflict):
		return &Error{Status: http.StatusConflict, Type: "uniqueness",
			Detail: fmt.Sprintf("%s: another resource has this value already; it must be unique", conflict.Attribute)}
	case errors.Is(err, ErrUnauthorized):
		return &Error{Status: http.StatusUnauthorized, Detail: "the request has no valid credential: send the header Authorization: Bearer TOKEN with this organization's token"}
	case errors.Is(err, store.ErrNotFound):
		return &Error{Status: http.StatusNotFound, Detail: "there is no such resource"}
	case errors.Is(err, store.ErrVersionMismatch):
		return &Error{Status: http.StatusPreconditionFailed, Detail: "the resource has changed since the version that the request was made for; read it again"}
	case errors.Is(err, lifecycle.ErrContended):
		return &Error{Status: http.StatusServiceUnavailable, RetryAfter: 1, Detail: "too many writers at once on this resource; try again"}
	case errors.Is(err, store.ErrCursor):
		return badRequest("invalidCursor", "cursor: not a cursor of this query; start again without one")
	case errors.Is(err, store.ErrTooMuch):
		return badRequest("tooMany", "filter: it needs more work than one request may ask for, because no index answers it") // RFC 7644 table 9
	case errors.Is(err, store.ErrBusy):
		return &Error{Status: http.StatusTooManyRequests, RetryAfter: 1,
			Detail: "this organization asks for too many costly lists at once; try again, or filter by an attribute that is indexed"}
	case errors.As(err, new(*store.ClaimError)):
		return &Error{Status: http.StatusForbidden, Detail: "a limit of this organization is reached"}
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &Error{Status: http.StatusServiceUnavailable, Detail: "the service can't do this right now; try again later", RetryAfter: 5}
	}
	return nil
}

func describeRefusal(r *lifecycle.Refusal) *Error {
	detail := r.Detail
	if r.Attribute != "" {
		detail = r.Attribute + ": " + detail
	}
	switch r.Reason {
	case lifecycle.Invalid:
		return badRequest("invalidValue", "%s", detail)
	case lifecycle.Taken:
		return &Error{Status: http.StatusConflict, Type: "uniqueness", Detail: detail}
	case lifecycle.TooLarge:
		return &Error{Status: http.StatusRequestEntityTooLarge, Detail: detail}
	case lifecycle.NotFound:
		return &Error{Status: http.StatusNotFound, Detail: detail}
	case lifecycle.HeldBack:
		return &Error{Status: http.StatusTooManyRequests, Detail: detail, RetryAfter: int((r.RetryAfter + time.Second - 1) / time.Second)}
	}
	return &Error{Status: http.StatusForbidden, Detail: detail}
}
