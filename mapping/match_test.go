package mapping_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/mapping"
)

func TestMatch(t *testing.T) {
	groups := mapping.Match{Type: "Group", By: []string{"externalId"}}
	people := mapping.Match{Type: "User", By: []string{"externalId", "userName"}, Existing: mapping.Link}
	require.Equal(t, map[string][]string{"Group": {"externalId"}}, mapping.Unique(groups, people))
	require.Equal(t, map[string][]string{"User": {"externalId", "userName"}}, mapping.Linked(groups, people))
}
