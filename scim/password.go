package scim

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	elimityschema "github.com/elimity-com/scim/schema"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Passwords takes the passwords that identity providers send, where the product has any use for them. They are handed over in
// memory, and stand in no store, event, journal, log or answer of the library's. It must be safe for concurrent use.
type Passwords interface {
	// Check says whether a user may have the password, before anything of the request is done. It has no effects, and may be called
	// more than once for a request. An error that is an *Error or a *lifecycle.Refusal is the answer: 400 with its reason for
	// a Refusal of the reason Invalid. Any other error is a 500.
	Check(ctx context.Context, p Password) error
	// Set is called when the request is done. An error is a 500 then, though the rest of the request is done.
	Set(ctx context.Context, p Password) error
}

// Password is a password that an identity provider wants a user to have. It is hidden when it is printed or logged.
type Password struct {
	Tenant string
	ID     string // of the user; empty in Check of a creation
	Text   string
}

// String implements fmt.Stringer.
func (p Password) String() string { return "Password of " + p.Tenant + "/" + p.ID + " (hidden)" }

// GoString implements fmt.GoStringer.
func (p Password) GoString() string { return p.String() }

// LogValue implements slog.LogValuer: a handler that writes JSON asks no Stringer.
func (p Password) LogValue() slog.Value { return slog.StringValue(p.String()) }

// password is the password in a request's body, which the schemas drop; "" if there is none, or nobody takes it.
func (c *caller) password(ep *endpoint, method string, body document.Value) string {
	if c.h.opts.Passwords == nil || ep.URN != elimityschema.UserSchema || c.mode.Interop {
		return ""
	}
	if method != http.MethodPatch {
		return ep.passwordIn(body)
	}
	text := ""
	for _, o := range body.Fold("Operations").Items() {
		if op := o.Value.Fold("op").Text(); !strings.EqualFold(op, "add") && !strings.EqualFold(op, "replace") {
			continue
		}
		value, path := o.Value.Fold("value"), o.Value.Fold("path").Text()
		switch p, _, err := filter.ParsePath(path, filter.Options{}); {
		case path == "":
			if found := ep.passwordIn(value); found != "" {
				text = found
			}
		case err == nil && strings.EqualFold(p.Path.Name, "password") && (p.Path.URI == "" || strings.EqualFold(p.Path.URI, ep.URN)) && value.Kind() == document.KindString:
			text = value.Text()
		}
	}
	return text
}

// passwordIn is the password among the members of an object, which may have the URN before its name.
func (ep *endpoint) passwordIn(object document.Value) string {
	for _, m := range object.Items() {
		switch {
		case m.Value.Kind() == document.KindString && (strings.EqualFold(m.Name, "password") || strings.EqualFold(m.Name, ep.URN+":password")):
			return m.Value.Text()
		case m.Value.Kind() == document.KindObject && strings.EqualFold(m.Name, ep.URN):
			return ep.passwordIn(m.Value)
		}
	}
	return ""
}

// checkPassword asks the product about a password before anything is done; text "" is none.
func (c *caller) checkPassword(id, text string) error {
	if text == "" {
		return nil
	}
	return c.h.opts.Passwords.Check(c.ctx, Password{c.who.Tenant, id, text})
}

func (c *caller) setPassword(id, text string) error {
	if text == "" || c.who.State == lifecycle.ConnectionShadow {
		return nil
	}
	return c.h.opts.Passwords.Set(c.ctx, Password{c.who.Tenant, id, text})
}
