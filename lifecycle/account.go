package lifecycle

import (
	"fmt"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// State is where a user's account stands in the product.
type State string

// The states. None is the state of somebody who isn't there: who never was, or who is deleted.
const (
	None        State = ""
	Provisioned State = "provisioned" // there, never signed in, not billed
	Pending     State = "pending"     // waits for review
	Active      State = "active"      // has signed in, is billed
	Suspended   State = "suspended"   // access stopped, record kept
	Deactivated State = "deactivated" // record closed
)

// Source is the way in which an account came.
type Source string

// The ways in.
const (
	SourceSCIM   Source = "scim"
	SourceSSO    Source = "sso"
	SourceManual Source = "manual"
	SourceImport Source = "import"
)

// Account is where a user stands. It is kept in store.Resource.Internal of the user, so that one read gives both and one
// version guards both.
type Account struct {
	State      State
	Source     Source    // how it came, or who took it over since: the one who manages it
	Billed     bool      // a billing period of access has begun and not ended
	Seat       bool      // it counts as one of the tenant's used seats
	Held       bool      // an administrator has suspended or rejected it, so only an administrator may let it in again
	FirstLogin time.Time // zero: never signed in
	Role       string    // role template given at creation
	Linked     string    // id of the account outside the organization that became this one
	Manager    string    // id of the connection that manages it; empty: none, or the identity provider came without one
}

// AccountOf reads a user's account. A user that was stored without the lifecycle counts as provisioned, or as
// deactivated if it is not active. An account that can't be read whole is store.ErrCorrupt: nobody gets in by a damaged
// record (I12).
func AccountOf(r *store.Resource) (Account, error) {
	corrupt := func() (Account, error) {
		return Account{}, fmt.Errorf("%w: account of %s %s", store.ErrCorrupt, r.Type, r.ID)
	}
	v, err := r.Internal.Tree()
	if err != nil {
		return corrupt()
	}
	a := Account{
		State:   State(v.Get("state").Text()),
		Source:  Source(v.Get("source").Text()),
		Billed:  v.Get("billed").True(),
		Seat:    v.Get("seat").True(),
		Held:    v.Get("held").True(),
		Role:    v.Get("role").Text(),
		Linked:  v.Get("linked").Text(),
		Manager: v.Get("manager").Text(),
	}
	if first := v.Get("firstLogin"); !first.IsNull() {
		if a.FirstLogin, err = time.Parse(time.RFC3339Nano, first.Text()); err != nil {
			return corrupt()
		}
	}
	if !slices.Contains(States[:], a.State) {
		return corrupt()
	}
	if a.State == None {
		a.State, a.Source = Provisioned, SourceSCIM
		if !isActive(r) {
			a.State = Deactivated
		}
	}
	return a, nil
}

// document is the account as it is kept: canonical JSON without a tree, as every change of a user makes one.
func (a Account) document() document.Document {
	b := make([]byte, 0, 96)
	text := func(name, value string) {
		if value != "" {
			b = document.AppendString(append(append(b, name...), ':'), value)
		}
	}
	flag := func(name string, set bool) {
		if set {
			b = append(append(b, name...), ":true"...)
		}
	}
	text(`{"state"`, string(a.State))
	text(`,"source"`, string(a.Source))
	flag(`,"billed"`, a.Billed)
	flag(`,"seat"`, a.Seat)
	flag(`,"held"`, a.Held)
	text(`,"role"`, a.Role)
	text(`,"linked"`, a.Linked)
	text(`,"manager"`, a.Manager)
	if !a.FirstLogin.IsZero() {
		text(`,"firstLogin"`, a.FirstLogin.Format(time.RFC3339Nano))
	}
	return document.Document(append(b, '}'))
}

// inState is the filter on accounts in a state.
func inState(s State) filter.Expr {
	return filter.Compare{
		Attr: filter.Attr{Path: filter.Path{URI: filter.InternalURI, Name: "state"}, Type: filter.String, CaseExact: true},
		Op:   filter.Eq, Value: document.String(string(s)),
	}
}

// isActive is what the identity provider said last. A user of whom it has said nothing is active (RFC 7643 section 4.1.1).
func isActive(r *store.Resource) bool {
	v := r.Attributes.Get("active")
	return v.IsNull() || v.True()
}
