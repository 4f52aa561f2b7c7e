package scim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
)

// Dialect says how the requests of a connection are read: which deviations from the RFCs are tolerated, and whether the rules of
// the interoperability profile hold. docs/protocol.md lists the deviations by name. The zero value is [Tolerant]. Dialects can be
// compared with ==, and are texts in JSON and in settings; [ParseDialect] says how they are written.
type Dialect struct {
	refused quirk.Set
	interop bool
}

// Tolerant takes everything that identity providers are known to send and that has one sensible meaning. It is the default.
func Tolerant() Dialect { return Dialect{} }

// Strict takes what RFC 7643 and 7644 allow, and nothing else.
func Strict() Dialect { return Dialect{refused: quirk.All} }

// Interop is Strict with the rules of draft-zollner-scim-interop-profile-02, which differ from RFC 7644 in places:
// unknown attributes are invalidSyntax, every operation of a PATCH has a path, a value path ends in a sub-attribute, and
// replace of a complex attribute replaces the whole.
func Interop() Dialect { return Dialect{refused: quirk.All, interop: true} }

// With is the dialect with further deviations tolerated, by their names. It returns an error for a name that there isn't.
func (d Dialect) With(quirks ...string) (Dialect, error) {
	return d.change(quirks, (*quirk.Set).Remove)
}

// Without is the dialect with deviations refused, by their names. It returns an error for a name that there isn't.
func (d Dialect) Without(quirks ...string) (Dialect, error) {
	return d.change(quirks, (*quirk.Set).Add)
}

func (d Dialect) change(names []string, do func(*quirk.Set, quirk.Quirk)) (Dialect, error) {
	for _, name := range names {
		i := slices.IndexFunc(quirk.Table[:], func(r quirk.Row) bool { return r.Name == name })
		if i < 0 {
			return Dialect{}, fmt.Errorf("scim: there is no deviation called %q; the names are those of package quirk, such as %s", name, quirk.StringBoolean)
		}
		do(&d.refused, quirk.Quirk(i))
	}
	return d, nil
}

// Tolerates says whether the deviation of that name is tolerated.
func (d Dialect) Tolerates(name string) bool {
	i := slices.IndexFunc(quirk.Table[:], func(r quirk.Row) bool { return r.Name == name })
	return i >= 0 && !d.refused.Has(quirk.Quirk(i))
}

// ParseDialect reads a dialect: tolerant, strict or interop, and behind it, separated by blanks, deviations that differ from
// it: "strict +string-boolean +operation-case" tolerates these two, "tolerant -unknown-attribute" all but this one. The
// empty text is tolerant.
func ParseDialect(text string) (Dialect, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Tolerant(), nil
	}
	var d Dialect
	switch words[0] {
	case "tolerant":
	case "strict":
		d = Strict()
	case "interop":
		d = Interop()
	default:
		return d, fmt.Errorf("scim: dialect: want tolerant, strict or interop, got %q", words[0])
	}
	for _, word := range words[1:] {
		var err error
		switch name := word[1:]; word[0] {
		case '+':
			d, err = d.With(name)
		case '-':
			d, err = d.Without(name)
		default:
			err = fmt.Errorf("scim: dialect: want + or - before the name of a deviation, got %q", word)
		}
		if err != nil {
			return Dialect{}, err
		}
	}
	return d, nil
}

// String is the dialect as ParseDialect reads it, in the shortest way.
func (d Dialect) String() string {
	base, name := Dialect{}, "tolerant"
	switch strict := Strict(); {
	case d.interop:
		base, name = Interop(), "interop"
	case d.refused.Len() > strict.refused.Len()/2:
		base, name = strict, "strict"
	}
	var b strings.Builder
	b.WriteString(name)
	for i, row := range quirk.Table {
		if now := d.refused.Has(quirk.Quirk(i)); now != base.refused.Has(quirk.Quirk(i)) {
			sign := " +"
			if now {
				sign = " -"
			}
			b.WriteString(sign + row.Name)
		}
	}
	return b.String()
}

// MarshalText implements encoding.TextMarshaler.
func (d Dialect) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Dialect) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDialect(string(text))
	return err
}
