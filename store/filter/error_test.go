package filter

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestErrorsShowNoValues shows that no error has a part of a value, whatever is wrong with the filter, because the value may be a password.
// The parser has no schema that would say which attributes are secret.
func TestErrorsShowNoValues(t *testing.T) {
	const secret = "hunter2"
	for _, good := range []string{
		`password eq "` + secret + `"`, `password[value eq "` + secret + `"]`, `a pr and password co "x ` + secret + `"`, `password eq ` + secret,
		`password eq "` + secret + `" and userName eq "x"`, `emails[value eq "` + secret + `"].value eq "` + secret + `"`, `password eq "\u0068` + secret + `"`,
	} {
		first := strings.Index(good, " eq ")
		if co := strings.Index(good, " co "); co >= 0 {
			first = co
		}
		first += len(" eq ")
		for i := first; i <= len(good); i++ {
			for _, rest := range []string{good[i:], good[min(i+1, len(good)):]} {
				for _, spoilt := range []string{"", `"`, `'`, ` `, `\`, `(`, `)`, `[`, `]`, "\n", "\x00", "\xff", `\u00`, ` x `, `x" y`, ` and `, ` eq `, `,`} {
					text := good[:i] + spoilt + rest
					for _, strict := range []bool{false, true} {
						_, _, err := Parse(text, Options{Strict: strict})
						requireHidden(t, err, text, secret)
						_, _, err = ParsePath(text, Options{Strict: strict})
						if strings.HasPrefix(good, "password[") || strings.HasPrefix(good, "emails[") {
							requireHidden(t, err, text, secret)
						}
					}
				}
			}
		}
	}
}

// requireHidden fails if an error has four letters of the secret in a row.
func requireHidden(t *testing.T, err error, text, secret string) {
	t.Helper()
	if err == nil {
		return
	}
	for i := 0; i+4 <= len(secret); i++ {
		require.NotContains(t, err.Error(), secret[i:i+4], text)
	}
}
