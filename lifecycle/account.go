package lifecycle

import (
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// account is what the product thinks of a user. It lives in store.Resource.Internal, so that one read gives both.
type account struct {
	State      State
	Billed     bool
	FirstLogin time.Time // zero: never signed in
}

// accountOf reads the account of a user. A user that was written without the lifecycle is where active says.
func accountOf(r *store.Resource) account {
	if r.Internal == "" {
		if active(r) {
			return account{State: StateProvisioned}
		}
		return account{State: StateDeactivated}
	}
	v := r.Internal.Value()
	a := account{State: State(v.Get("state").Text()), Billed: v.Get("billed").True()}
	a.FirstLogin, _ = time.Parse(time.RFC3339Nano, v.Get("firstLogin").Text()) // none: zero
	return a
}

func (a account) document() document.Document {
	members := []document.Member{{Name: "state", Value: document.String(string(a.State))}}
	if a.Billed {
		members = append(members, document.Member{Name: "billed", Value: document.Bool(true)})
	}
	if !a.FirstLogin.IsZero() {
		members = append(members, document.Member{Name: "firstLogin", Value: document.String(a.FirstLogin.Format(time.RFC3339Nano))})
	}
	return document.Object(members...).Document()
}
