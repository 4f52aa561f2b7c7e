package filter

import (
	"strings"
	"time"
)

// ParseTime parses an xsd:dateTime (RFC 7643 section 2.3.5). One without a time zone is taken for UTC. ok is false if the text is no
// dateTime, or if its year is 0 or doesn't have four digits.
func ParseTime(s string) (at time.Time, ok bool) {
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil && len(s) >= len("2006-01-02T15:04:05") && strings.IndexByte(s[10:], 'Z') < 0 {
		at, err = time.Parse("2006-01-02T15:04:05.999999999", s)
	}
	at = at.UTC()
	return at, err == nil && 0 < at.Year() && at.Year() < 10000
}
