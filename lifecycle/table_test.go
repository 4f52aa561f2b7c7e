package lifecycle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// TestTable spells out every cell once more, as a person reads them: state, cause, state, events. Cells that are not
// here must be refused.
func TestTable(t *testing.T) {
	type cell struct {
		from State
		c    Cause
	}
	type outcome struct {
		to     State
		events []Kind
	}
	gone := []Kind{KindDeactivated}
	want := map[cell]outcome{
		{None, Create}:          {Provisioned, []Kind{KindProvisioned}},
		{None, CreateForReview}: {Pending, []Kind{KindProvisioned}},
		{None, CreateInactive}:  {Deactivated, []Kind{KindProvisioned}},

		{Provisioned, Enable}:         {Provisioned, nil},
		{Provisioned, DisableSuspend}: {Suspended, gone},
		{Provisioned, DisableClose}:   {Deactivated, gone},
		{Provisioned, DisableRemove}:  {None, []Kind{KindDeactivated, KindDeleted}},
		{Provisioned, Remove}:         {None, []Kind{KindDeactivated, KindDeleted}},
		{Provisioned, RemoveKeep}:     {Deactivated, gone},
		{Provisioned, SignIn}:         {Active, []Kind{KindActivated, KindBilled}},
		{Provisioned, Suspend}:        {Suspended, gone},
		{Provisioned, Reactivate}:     {Provisioned, nil},

		{Pending, Enable}:         {Pending, nil},
		{Pending, DisableSuspend}: {Suspended, gone},
		{Pending, DisableClose}:   {Deactivated, gone},
		{Pending, DisableRemove}:  {None, []Kind{KindDeactivated, KindDeleted}},
		{Pending, Remove}:         {None, []Kind{KindDeactivated, KindDeleted}},
		{Pending, RemoveKeep}:     {Deactivated, gone},
		{Pending, Approve}:        {Provisioned, []Kind{KindActivated}},
		{Pending, Reject}:         {Deactivated, []Kind{KindRejected}},
		{Pending, Suspend}:        {Suspended, gone},

		{Active, Enable}:         {Active, nil},
		{Active, DisableSuspend}: {Suspended, []Kind{KindDeactivated, KindUnbilled}},
		{Active, DisableClose}:   {Deactivated, []Kind{KindDeactivated, KindUnbilled}},
		{Active, DisableRemove}:  {None, []Kind{KindDeactivated, KindDeleted, KindUnbilled}},
		{Active, Remove}:         {None, []Kind{KindDeactivated, KindDeleted, KindUnbilled}},
		{Active, RemoveKeep}:     {Deactivated, []Kind{KindDeactivated, KindUnbilled}},
		{Active, SignIn}:         {Active, nil},
		{Active, Suspend}:        {Suspended, []Kind{KindDeactivated, KindUnbilled}},
		{Active, Reactivate}:     {Active, nil},

		{Suspended, Enable}:          {Provisioned, []Kind{KindReactivated}},
		{Suspended, EnableForReview}: {Pending, nil},
		{Suspended, DisableSuspend}:  {Suspended, nil},
		{Suspended, DisableClose}:    {Deactivated, nil},
		{Suspended, DisableRemove}:   {None, []Kind{KindDeleted}},
		{Suspended, Remove}:          {None, []Kind{KindDeleted}},
		{Suspended, RemoveKeep}:      {Deactivated, nil},
		{Suspended, Suspend}:         {Suspended, nil},
		{Suspended, Reactivate}:      {Provisioned, []Kind{KindReactivated}},

		{Deactivated, Enable}:          {Provisioned, []Kind{KindReactivated}},
		{Deactivated, EnableForReview}: {Pending, nil},
		{Deactivated, DisableSuspend}:  {Deactivated, nil},
		{Deactivated, DisableClose}:    {Deactivated, nil},
		{Deactivated, DisableRemove}:   {None, []Kind{KindDeleted}},
		{Deactivated, Remove}:          {None, []Kind{KindDeleted}},
		{Deactivated, RemoveKeep}:      {Deactivated, nil},
		{Deactivated, Suspend}:         {Deactivated, nil},
		{Deactivated, Reactivate}:      {Provisioned, []Kind{KindReactivated}},
	}
	for _, from := range States {
		for c := Create; c < causes; c++ {
			t.Run(string(from)+" "+c.String(), func(t *testing.T) {
				before := Account{State: from, Billed: from == Active}
				after, events, err := before.move(c)
				w, ok := want[cell{from, c}]
				if !ok {
					assert.Error(t, err)
					assert.Equal(t, before, after, "what is refused changes nothing")
					return
				}
				assert.NoError(t, err)
				assert.Equal(t, w.to, after.State)
				assert.Equal(t, w.to == Active, after.Billed, "who is active is billed, and nobody else")
				assert.ElementsMatch(t, w.events, events)
			})
		}
	}
}

func TestAccountDocument(t *testing.T) {
	for _, a := range []Account{
		{State: Provisioned, Source: SourceSCIM},
		{State: Active, Source: SourceManual, Billed: true, Seat: true, FirstLogin: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)},
		{State: Suspended, Source: SourceSSO, Held: true, Role: `a "role"`, Linked: "l"},
	} {
		d := a.document()
		v, err := document.Parse(string(d), 0)
		require.NoError(t, err)
		assert.Equal(t, v.Document(), d, "canonical")
		read, err := AccountOf(&store.Resource{Internal: d})
		assert.NoError(t, err)
		assert.Equal(t, a, read)
	}
}
