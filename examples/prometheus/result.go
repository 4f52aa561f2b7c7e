package prometheus

import (
	"errors"

	"github.com/rollcall-dev/rollcall/store"
)

// resultOf says whether a call of the store succeeded, was refused by an error of the contract, or failed.
func resultOf(err error) string {
	if err == nil {
		return "ok"
	}
	for _, refusal := range []error{store.ErrNotFound, store.ErrVersionMismatch, store.ErrCursor, store.ErrTooMuch, store.ErrBusy} {
		if errors.Is(err, refusal) {
			return "refused"
		}
	}
	if errors.As(err, new(*store.ConflictError)) || errors.As(err, new(*store.ClaimError)) || errors.As(err, new(*store.UnknownMemberError)) {
		return "refused"
	}
	return "failed"
}
