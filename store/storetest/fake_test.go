package storetest

import (
	"testing"

	"github.com/rollcall-dev/rollcall/store"
)

func TestFake(t *testing.T) {
	Run(t, func(*testing.T) store.Store { return NewFake() })
}
