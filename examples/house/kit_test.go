package house_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A product that doesn't test with the kit has nothing of it in its program, nor of the package testing.
func TestKitIsNotLinked(t *testing.T) {
	packages := list(t, "-deps", "./scim", "./lifecycle", "./mapping", "./store")
	assert.Contains(t, packages, module+"/scim")
	for path := range packages {
		assert.False(t, strings.HasPrefix(path, module+"/scim/scimtest"), "%s is linked into a product", path)
		assert.False(t, strings.HasPrefix(path, "testing"), "%s is linked into a product", path)
	}
}
