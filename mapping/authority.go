package mapping

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
)

// Authority says who decides the value of an attribute.
type Authority uint8

// The authorities.
const (
	Always   Authority = iota // the identity provider, always
	OnCreate                  // the identity provider when it creates the resource; the product from then on
	IfEmpty                   // the identity provider as long as the product has nothing
	Product                   // the product; the identity provider sees its value
	Ignore                    // the product; the identity provider doesn't see its value
)

var authorities = [...]struct{ name, why, mutability string }{
	Always:   {"always", "", "readWrite"},
	OnCreate: {"create", "it is taken only at creation", "immutable"},
	IfEmpty:  {"ifEmpty", "the product has a value already", "immutable"},
	Product:  {"product", "the product decides it", "readOnly"},
	Ignore:   {"ignore", "the product doesn't take it", "readOnly"},
}

func authorityOf(name string) (Authority, bool) {
	for a := range authorities {
		if authorities[a].name == name {
			return Authority(a), true
		}
	}
	return 0, false
}

// String returns the authority as tags and rules write it.
func (a Authority) String() string { return authorities[a].name }

// Mutability returns the authority in the words of RFC 7643 section 2.2, as a schema shows it. Attributes under create and ifEmpty
// are immutable: a value that is there doesn't change.
func (a Authority) Mutability() string { return authorities[a].mutability }

// MarshalText implements [encoding.TextMarshaler].
func (a Authority) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *Authority) UnmarshalText(text []byte) error {
	found, ok := authorityOf(string(text))
	if !ok {
		return fmt.Errorf("authority %.40q: want always, create, ifEmpty, product or ignore", text)
	}
	*a = found
	return nil
}

// Outcome is what became of the attributes that an identity provider sent.
type Outcome struct {
	Attributes document.Value // what holds: to be kept and answered
	Changed    []Change       // the fields that were set
	Ignored    []Ignored      // what was not taken, and why; for the journal
}

// Ignored is an attribute that was sent and not taken.
type Ignored struct {
	Change    // without Field if no field could hold it
	Authority Authority
	Sent      string // "" if the rule is sensitive, or if there is none
	Holds     string // "" if the rule is sensitive, or if there is nothing
}

// String says it in words.
func (i Ignored) String() string {
	s := i.Path + " was ignored"
	if i.Sent != "" {
		s = i.Path + " " + i.Sent + " was ignored"
	}
	s += ": " + authorities[i.Authority].why
	if i.Holds != "" {
		s += "; " + i.Holds + " holds"
	}
	return s
}

// Create fills t with what an identity provider sent for a new resource: with every attribute but those over which it has no
// authority. t may have values before, as an account that is linked has: they stay where the product has authority, or where
// ifEmpty finds them. A value that can't be is an *[InvalidError]; t is then as it was.
func (m *Mapping[T]) Create(v document.Value, t *T) (Outcome, error) {
	return m.take(take{create: true, validate: true}, document.Object(), v, t)
}

// Update changes t by what differs between the attributes that held before and those that an identity provider wants now, so that
// a PATCH of one attribute touches one field. Outcome.Attributes are the new ones, with those that were not taken as they were. A
// value that can't be is an *[InvalidError]; t is then as it was. Only fields that the identity provider changes are validated,
// because it can't repair what the product has.
func (m *Mapping[T]) Update(old, next document.Value, t *T) (Outcome, error) {
	return m.take(take{validate: true}, old, next, t)
}

// Review is Update for a resource of which there is nothing but its attributes: the product's value is read from those that held
// before. It is Create if old is empty.
func (m *Mapping[T]) Review(old, new document.Value) (Outcome, error) {
	var t T
	if old.IsEmpty() {
		return m.Create(new, &t)
	}
	if err := m.FromSCIM(old, &t); err != nil { // kept by other rules: it has no say
		var none T
		t = none
	}
	return m.Update(old, new, &t)
}

// Write is Create or Update without validation, for a store over the product's own tables: what it is given was decided before, and
// a store refuses nothing. A value that a field can't hold is an *[InvalidError] nevertheless.
func (m *Mapping[T]) Write(create bool, old, next document.Value, t *T) (Outcome, error) {
	return m.take(take{create: create}, old, next, t)
}

// take says how attributes are taken.
type take struct{ create, validate bool }

func (m *Mapping[T]) take(how take, old, new document.Value, t *T) (Outcome, error) {
	create := how.create
	var sent T
	next := *t
	now, want := reflect.ValueOf(&next).Elem(), reflect.ValueOf(&sent).Elem()
	out := Outcome{Attributes: objectOf(new)}
	owned := false
	hold := func(r *rule, x document.Value) {
		if !owned {
			owned, out.Attributes = true, out.Attributes.Clone()
		}
		r.place.set(&out.Attributes, x)
	}
	switch unknown := m.unknowns(old, new); {
	case len(unknown) == 0:
	case m.unknown == Drop:
		owned, out.Attributes = true, m.known(new)
		for _, path := range unknown {
			out.Ignored = append(out.Ignored, Ignored{Change: Change{Path: path}, Authority: Ignore})
		}
	case how.validate:
		return Outcome{}, &InvalidError{Path: unknown[0], Detail: "this product has no place for it; take it out of the attribute mapping"}
	}
	for _, r := range m.rules {
		was, is := r.place.get(&old), r.place.get(&new)
		if !create && document.Equal(was, is) {
			continue
		}
		if err := r.read(new, want); err != nil {
			if r.Authority.takes(create) {
				return Outcome{}, err
			}
			hold(r, was)
			continue
		}
		has, wants := r.value(now), r.value(want)
		switch {
		case document.Equal(has, wants):
		case r.Authority.takes(create), r.Authority == IfEmpty && unset(has):
			r.take(now, want)
			out.Changed = append(out.Changed, r.change())
		default:
			holds := was
			if create {
				holds = has
				if r.Authority == Ignore {
					holds = document.Value{}
				}
			}
			hold(r, holds)
			if !is.IsEmpty() || !create && r.Authority.Mutability() != "readOnly" { // that a readOnly one is left out says nothing
				out.Ignored = append(out.Ignored, r.ignored(is, has))
			}
		}
	}
	if how.validate {
		if err := m.validate(&next, create, out.Changed); err != nil {
			return Outcome{}, err
		}
	}
	*t = next
	return out, nil
}

// takes says whether an identity provider's value is taken, whatever the product has.
func (a Authority) takes(create bool) bool { return a == Always || a == OnCreate && create }

// unset says whether a field counts as empty: false and 0 do.
func unset(v document.Value) bool {
	return v.IsEmpty() || v.Text() == "false" || v.Kind() == document.KindNumber && document.CompareNumbers(v.Text(), "0") == 0
}

func (r *rule) ignored(sent, holds document.Value) Ignored {
	i := Ignored{Change: r.change(), Authority: r.Authority}
	if !r.Sensitive {
		i.Sent, i.Holds = show(sent), show(holds)
	}
	return i
}

// unknowns lists the new attributes that no field holds, unless they are kept.
func (m *Mapping[T]) unknowns(old, new document.Value) (paths []string) {
	if m.unknown == Keep {
		return nil
	}
	rest := objectOf(new).Clone()
	for _, r := range m.rules {
		r.place.set(&rest, document.Value{})
	}
	for _, e := range rest.Items() {
		switch {
		case e.Value.IsEmpty() || protocol[e.Name] || document.Equal(e.Value, old.Get(e.Name)):
		case e.Value.Kind() != document.KindObject:
			paths = append(paths, e.Name)
		default:
			separator := "."
			if strings.Contains(e.Name, ":") {
				separator = ":"
			}
			for _, sub := range e.Value.Items() {
				paths = append(paths, e.Name+separator+sub.Name)
			}
		}
	}
	return paths
}

// protocol are the attributes that are not the product's to drop.
var protocol = map[string]bool{"externalId": true, "active": true}

// known returns what the fields hold of attributes, in the words of the identity provider.
func (m *Mapping[T]) known(v document.Value) document.Value {
	held := document.Object()
	for _, r := range m.rules {
		if x := r.place.get(&v); !x.IsEmpty() {
			r.place.set(&held, x.Clone())
		}
	}
	known := document.Object()
	for _, e := range v.Items() { // in their order
		if protocol[e.Name] {
			known.Set(e.Name, e.Value)
		} else if x := held.Get(e.Name); !x.IsEmpty() {
			known.Set(e.Name, x)
		}
	}
	return known
}

// Difference is an attribute in which the identity provider's resource and the product's value differ.
type Difference struct {
	Change
	Authority Authority
	Provider  string // what the identity provider sent last; "" if the rule is sensitive
	Product   string // what the product has; "" if the rule is sensitive
}

// Drift lists where the attributes that an identity provider sent last and the product's value differ, in the order of
// the fields. Attributes under Ignore are not compared.
func (m *Mapping[T]) Drift(sent document.Value, t *T) (report []Difference) {
	var was T
	theirs, ours := reflect.ValueOf(&was).Elem(), reflect.ValueOf(t).Elem()
	for _, r := range m.rules {
		if r.Authority == Ignore {
			continue
		}
		have := r.value(ours)
		if err := r.read(sent, theirs); err == nil && document.Equal(r.value(theirs), have) {
			continue
		}
		d := Difference{Change: r.change(), Authority: r.Authority}
		if !r.Sensitive {
			d.Provider, d.Product = show(r.place.get(&sent)), show(have)
		}
		report = append(report, d)
	}
	return report
}

// show returns a value in an error message or a journal, of bounded length.
func show(v document.Value) string {
	const most = 100
	if v.IsNull() {
		return ""
	}
	s := string(document.AppendJSON(nil, v))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
