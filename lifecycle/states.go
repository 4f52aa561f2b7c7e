package lifecycle

//go:generate go test -run TestDrawing -update .

// State is where a user stands in the product. It is the product's own: SCIM's active reads back what the identity
// provider sent, whatever the state.
type State string

// The states.
const (
	StateNone        State = ""            // there's no such user, or no more
	StateProvisioned State = "provisioned" // there, not signed in since access began, not billed
	StatePending     State = "pending"     // waits for review
	StateActive      State = "active"      // signed in, billed
	StateSuspended   State = "suspended"   // access stopped by an administrator, the record and its billing kept
	StateDeactivated State = "deactivated" // record closed, not billed
)

// Cause is what moves an account from one state to another.
type Cause string

// The causes.
const (
	CauseCreate         Cause = "SCIM create"
	CauseCreateInactive Cause = "SCIM create, active=false"
	CauseCreateReview   Cause = "SCIM create, review"
	CauseOn             Cause = "SCIM active=true"
	CauseOff            Cause = "SCIM active=false"
	CauseDelete         Cause = "SCIM delete"
	CauseLogin          Cause = "login"
	CauseApprove        Cause = "approve"
	CauseReject         Cause = "reject"
	CauseSuspend        Cause = "suspend"
	CauseReactivate     Cause = "reactivate"
)

// step is a row of the table: in a state a cause leads to a state, and this is told in this order. A pair without a row
// changes nothing and tells nothing. The state says whether somebody is billed but for a suspended one, who may have
// been so before; hence Billed, which a row of a suspended account may ask for.
type step struct {
	From   State
	Cause  Cause
	Billed *bool // nil: either
	To     State
	Events []Kind
}

var (
	yes, no = true, false

	steps = []step{
		{StateNone, CauseCreate, nil, StateProvisioned, []Kind{Provisioned}},
		{StateNone, CauseCreateInactive, nil, StateDeactivated, []Kind{Provisioned, Deactivated}},
		{StateNone, CauseCreateReview, nil, StatePending, []Kind{Provisioned}},

		{StateProvisioned, CauseLogin, nil, StateActive, []Kind{Activated, Billed}},
		{StateProvisioned, CauseOff, nil, StateDeactivated, []Kind{Deactivated}},
		{StateProvisioned, CauseSuspend, nil, StateSuspended, []Kind{Suspended}},
		{StateProvisioned, CauseDelete, nil, StateNone, []Kind{Deleted}},

		{StatePending, CauseApprove, nil, StateProvisioned, []Kind{Approved}},
		{StatePending, CauseReject, nil, StateDeactivated, []Kind{Deactivated}},
		{StatePending, CauseOff, nil, StateDeactivated, []Kind{Deactivated}},
		{StatePending, CauseDelete, nil, StateNone, []Kind{Deleted}},

		{StateActive, CauseOff, nil, StateDeactivated, []Kind{Deactivated, Unbilled}},
		{StateActive, CauseSuspend, nil, StateSuspended, []Kind{Suspended}},
		{StateActive, CauseDelete, nil, StateNone, []Kind{Unbilled, Deleted}},

		{StateSuspended, CauseReactivate, &no, StateProvisioned, []Kind{Reactivated}},
		{StateSuspended, CauseReactivate, &yes, StateActive, []Kind{Reactivated}},
		{StateSuspended, CauseOff, &no, StateDeactivated, []Kind{Deactivated}},
		{StateSuspended, CauseOff, &yes, StateDeactivated, []Kind{Deactivated, Unbilled}},
		{StateSuspended, CauseDelete, &no, StateNone, []Kind{Deleted}},
		{StateSuspended, CauseDelete, &yes, StateNone, []Kind{Unbilled, Deleted}},

		// Access begins anew, and with it the period that is billed: at the next login.
		{StateDeactivated, CauseOn, nil, StateProvisioned, []Kind{Reactivated}},
		{StateDeactivated, CauseDelete, nil, StateNone, []Kind{Deleted}},
	}
)

// next is where a cause leads an account, and what is to be told of it; ok is false if it changes nothing.
func (a account) next(c Cause) (to account, events []Kind, ok bool) {
	for i := range steps {
		s := &steps[i]
		if s.From != a.State || s.Cause != c || s.Billed != nil && *s.Billed != a.Billed {
			continue
		}
		a.State = s.To
		for _, k := range s.Events {
			switch k {
			case Billed:
				a.Billed = true
			case Unbilled:
				a.Billed = false
			}
		}
		return a, s.Events, true
	}
	return a, nil, false
}
