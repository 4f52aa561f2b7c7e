package house_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The program of a product has nothing of the test kit, and nothing of package testing.
func TestKitIsNotLinked(t *testing.T) {
	packages := list(t, "-deps", "./scim", "./lifecycle", "./mapping", "./store")
	assert.Contains(t, packages, module+"/scim")
	for path := range packages {
		assert.False(t, strings.HasPrefix(path, module+"/scim/scimtest"), "%s is linked into a product", path)
		assert.False(t, strings.HasPrefix(path, "testing"), "%s is linked into a product", path)
	}
}
