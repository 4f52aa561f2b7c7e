package scim

import (
	"strconv"
	"strings"

	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// rowSum is a sum of the groups that an answer shows of a resource; 0 means that there are none. A membership is no part of the
// member's own version, so the version that clients are told has this sum behind it. A client that asks whether a user has changed
// is then told so if the groups have, or if they are called otherwise. It is FNV-1a.
type rowSum uint64

func (s *rowSum) add(row store.Member) {
	h := uint64(*s)
	if h == 0 {
		h = 14695981039346656037
	}
	for _, text := range [...]string{row.Group, row.Label} {
		for i := range len(text) {
			h = (h ^ uint64(text[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211
	}
	*s = rowSum(max(h, 1))
}

// version is the version that clients are told of a resource.
func (s rowSum) version(of string) string {
	if s == 0 {
		return of
	}
	return of + "." + strconv.FormatUint(uint64(s), 36)
}

// ownVersion is the resource's own part of the version that a client was told. Writes go by this part alone: a user who joined a
// group has not been changed in a way that another write could overwrite.
func ownVersion(told string) string {
	own, _, _ := strings.Cut(told, ".")
	return own
}

// versionShown is the version of a resource as an answer shows it. It reads the groups that are shown, if they haven't been.
func (c *caller) versionShown(f *found, p *schema.Projection) (string, error) {
	if p.Relation() != filter.Groups {
		return f.version, nil
	}
	var err error
	switch {
	case f.complete == 0:
		f.rows, err = c.groupRows([]string{f.resource.ID})
	case len(f.rows) > 0 && !f.indirect && c.showsIndirect(filter.Groups):
		f.rows, err = c.withIndirect(f.rows)
	}
	if err != nil {
		return "", err
	}
	f.complete, f.indirect = 1, true
	var shown rowSum
	for _, row := range f.rows {
		shown.add(row)
	}
	return shown.version(f.version), nil
}
