package lifecycle

import "fmt"

// Cause is why an account moves.
type Cause uint8

// The causes. If the effect of a request depends on a setting, each value of that setting has a cause of its own. So the table needs
// no conditions.
const (
	Create          Cause = iota + 1 // SCIM, JIT or manual, let in at once
	CreateForReview                  // like Create, where new people wait for review
	CreateInactive                   // SCIM with active=false
	Enable                           // SCIM active=true
	EnableForReview                  // like Enable, of somebody who was never let in, where new people wait for review
	DisableSuspend                   // SCIM active=false, policy suspend
	DisableClose                     // SCIM active=false, policy deactivate
	DisableRemove                    // SCIM active=false, policy delete
	Remove                           // SCIM DELETE
	RemoveKeep                       // SCIM DELETE, where the policy keeps deleted accounts
	SignIn                           // first or later login
	Approve                          // an administrator lets in who waits
	Reject                           // an administrator doesn't let in who waits
	Suspend                          // an administrator stops access
	Reactivate                       // an administrator allows access again
	causes
)

// String names the cause as the documentation does.
func (c Cause) String() string {
	return [...]string{"none", "create", "create for review", "create inactive", "active=true", "active=true (review)", "active=false (suspend)",
		"active=false (deactivate)", "active=false (delete)", "DELETE", "DELETE (keep)", "login", "approve", "reject",
		"suspend", "reactivate"}[c]
}

// Move is a cell of the table: where a cause takes an account, and which events tell of it. KindBilled and KindUnbilled stand in
// no cell, because whether they are told depends on whether somebody has signed in.
type Move struct {
	To     State
	Events []Kind
}

// States are the rows of the table, in the order of the documentation.
var States = [...]State{None, Provisioned, Pending, Active, Suspended, Deactivated}

// Table says for each state where each cause leads. A cause that has no cell can't happen to an account in that state,
// and is refused; a cell that stays in its state and tells nothing is no change.
//
//go:generate go test -run TestDiagram . -update
var Table = map[State]map[Cause]Move{
	None: {
		Create:          {Provisioned, []Kind{KindProvisioned}},
		CreateForReview: {Pending, []Kind{KindProvisioned}},
		CreateInactive:  {Deactivated, []Kind{KindProvisioned}},
	},
	Provisioned: {
		Enable:         {Provisioned, nil},
		DisableSuspend: {Suspended, []Kind{KindDeactivated}},
		DisableClose:   {Deactivated, []Kind{KindDeactivated}},
		DisableRemove:  {None, []Kind{KindDeactivated, KindDeleted}},
		Remove:         {None, []Kind{KindDeactivated, KindDeleted}},
		RemoveKeep:     {Deactivated, []Kind{KindDeactivated}},
		SignIn:         {Active, []Kind{KindActivated}},
		Suspend:        {Suspended, []Kind{KindDeactivated}},
		Reactivate:     {Provisioned, nil},
	},
	Pending: {
		Enable:         {Pending, nil},
		DisableSuspend: {Suspended, []Kind{KindDeactivated}},
		DisableClose:   {Deactivated, []Kind{KindDeactivated}},
		DisableRemove:  {None, []Kind{KindDeactivated, KindDeleted}},
		Remove:         {None, []Kind{KindDeactivated, KindDeleted}},
		RemoveKeep:     {Deactivated, []Kind{KindDeactivated}},
		Approve:        {Provisioned, []Kind{KindActivated}},
		Reject:         {Deactivated, []Kind{KindRejected}},
		Suspend:        {Suspended, []Kind{KindDeactivated}},
	},
	Active: {
		Enable:         {Active, nil},
		DisableSuspend: {Suspended, []Kind{KindDeactivated}},
		DisableClose:   {Deactivated, []Kind{KindDeactivated}},
		DisableRemove:  {None, []Kind{KindDeactivated, KindDeleted}},
		Remove:         {None, []Kind{KindDeactivated, KindDeleted}},
		RemoveKeep:     {Deactivated, []Kind{KindDeactivated}},
		SignIn:         {Active, nil},
		Suspend:        {Suspended, []Kind{KindDeactivated}},
		Reactivate:     {Active, nil},
	},
	Suspended: {
		Enable:          {Provisioned, []Kind{KindReactivated}},
		EnableForReview: {Pending, nil},
		DisableSuspend:  {Suspended, nil},
		DisableClose:    {Deactivated, nil},
		DisableRemove:   {None, []Kind{KindDeleted}},
		Remove:          {None, []Kind{KindDeleted}},
		RemoveKeep:      {Deactivated, nil},
		Suspend:         {Suspended, nil},
		Reactivate:      {Provisioned, []Kind{KindReactivated}},
	},
	Deactivated: {
		Enable:          {Provisioned, []Kind{KindReactivated}},
		EnableForReview: {Pending, nil},
		DisableSuspend:  {Deactivated, nil},
		DisableClose:    {Deactivated, nil},
		DisableRemove:   {None, []Kind{KindDeleted}},
		Remove:          {None, []Kind{KindDeleted}},
		RemoveKeep:      {Deactivated, nil},
		Suspend:         {Deactivated, nil},
		Reactivate:      {Provisioned, []Kind{KindReactivated}},
	},
}

// move moves an account by the table. Access that was billed ends with the state that gives it, and is billed again from
// the next login: a period of access, exactly one billed and one unbilled (I7).
func (a Account) move(c Cause) (Account, []Kind, error) {
	m, ok := Table[a.State][c]
	if !ok {
		return a, nil, fmt.Errorf("lifecycle: %s can't happen to an account that is %s", c, a.State)
	}
	events := append([]Kind(nil), m.Events...)
	a.State = m.To
	switch {
	case a.State == Active && !a.Billed:
		a.Billed = true
		events = append(events, KindBilled)
	case a.State != Active && a.Billed:
		a.Billed = false
		events = append(events, KindUnbilled)
	}
	return a, events, nil
}
