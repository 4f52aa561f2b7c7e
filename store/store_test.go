package store_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

func TestIsInternal(t *testing.T) {
	for typ, want := range map[string]bool{"User": false, "Group": false, "": false, "rollcall.settings": true, "a.b": true, ".": true} {
		assert.Equal(t, want, store.IsInternal(typ), typ)
	}
}

// A row is what an element of the attribute members looks like to a filter, whatever the texts in it.
func TestMemberRow(t *testing.T) {
	for m, want := range map[store.Member]document.Document{
		{Group: "g", Type: "User", ID: "1", Label: "Ada"}:     `{"value":"1","type":"User","display":"Ada"}`,
		{Type: "Group", ID: `"`, Label: "line\nbreak \u00e4"}: `{"value":"\"","type":"Group","display":"line\nbreak ä"}`,
		{}: `{"value":"","type":"","display":""}`,
	} {
		assert.Equal(t, want, m.Row().Document())
	}
}

func TestErrorsNameWhatTheyAreAbout(t *testing.T) {
	for want, err := range map[string]error{
		"seats": &store.ClaimError{Counter: "seats"}, "userName": &store.ConflictError{Attribute: "userName"}, "u-7": &store.UnknownMemberError{ID: "u-7"},
	} {
		assert.ErrorContains(t, err, want)
	}
}
