package mapping

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
)

// Authority says who decides the value of an attribute.
type Authority uint8

// These are the authorities.
const (
	Always   Authority = iota // the identity provider decides, always
	OnCreate                  // the identity provider decides when it creates the resource, and the product from then on
	IfEmpty                   // the identity provider decides as long as the product has no value
	Product                   // the product decides, and the identity provider sees its value
	Ignore                    // the product decides, and the identity provider doesn't see its value
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

// String returns the authority as it is written in tags and rules.
func (a Authority) String() string { return authorities[a].name }

// Mutability returns the mutability that a schema shows for attributes under this authority (RFC 7643 section 2.2). Those under create and
// ifEmpty are immutable, because the identity provider can't change a value that exists.
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

// Outcome says which of the attributes that an identity provider sent were taken.
type Outcome struct {
	Attributes document.Value // the attributes after the change, to be stored and answered
	Changed    []Change       // the fields that were set
	Ignored    []Ignored      // the attributes that were not taken, and why; they are for the journal
}

// Ignored is an attribute that was sent and not taken.
type Ignored struct {
	Change    // its Field is empty if no field can hold the attribute
	Authority Authority
	Sent      string // the value that was sent; "" if the rule is sensitive or there is no rule
	Holds     string // the value that stays; "" if the rule is sensitive or there is no value
}

// String says in words what was ignored, and why.
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

// Create sets the fields of t to the attributes that an identity provider sent for a new resource, except for those over which it has no
// authority. t may have values already, as an existing account has that is linked. They stay where the product has authority, and where
// the authority is ifEmpty. The error is an *[InvalidError] for an invalid value; t isn't changed then.
func (m *Mapping[T]) Create(v document.Value, t *T) (Outcome, error) {
	return m.take(take{create: true, validate: true}, document.Object(), v, t)
}

// Update changes those fields of t whose attributes differ between old, the attributes before, and next, those that an identity provider
// wants now. So a PATCH of one attribute changes one field. Outcome.Attributes are the new attributes, in which those that were not taken
// are as before. The error is an *[InvalidError] for an invalid value; t isn't changed then. Only fields that the identity provider changes
// are validated, because it can't correct what the product has.
func (m *Mapping[T]) Update(old, next document.Value, t *T) (Outcome, error) {
	return m.take(take{validate: true}, old, next, t)
}

// Review does what [Mapping.Update] does for a resource of which only the attributes are stored: the product's value is made from old, the
// attributes before. If old is empty, it does what [Mapping.Create] does.
func (m *Mapping[T]) Review(old, new document.Value) (Outcome, error) {
	var t T
	if old.IsEmpty() {
		return m.Create(new, &t)
	}
	if err := m.FromSCIM(old, &t); err != nil { // the attributes were stored under other rules, so they are ignored
		var none T
		t = none
	}
	return m.Update(old, new, &t)
}

// Write does what [Mapping.Create] or [Mapping.Update] does, without validation. It is for a store over the product's own tables, whose
// changes were validated before they came to the store. The error is an *[InvalidError] for a value that a field can't hold.
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
			if !is.IsEmpty() || !create && r.Authority.Mutability() != "readOnly" { // it means nothing if a readOnly attribute is left out
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

// unset says whether a field counts as empty for ifEmpty, as false and 0 do, too.
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

// unknowns lists the new attributes that no field holds. It returns none if the mapping keeps such attributes.
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

// protocol has the attributes that the protocol needs, which are never dropped.
var protocol = map[string]bool{"externalId": true, "active": true}

// known returns those attributes that fields hold, as the identity provider wrote them.
func (m *Mapping[T]) known(v document.Value) document.Value {
	held := document.Object()
	for _, r := range m.rules {
		if x := r.place.get(&v); !x.IsEmpty() {
			r.place.set(&held, x.Clone())
		}
	}
	known := document.Object()
	for _, e := range v.Items() { // their order stays
		if protocol[e.Name] {
			known.Set(e.Name, e.Value)
		} else if x := held.Get(e.Name); !x.IsEmpty() {
			known.Set(e.Name, x)
		}
	}
	return known
}

// Difference is an attribute whose value in the identity provider differs from the product's.
type Difference struct {
	Change
	Authority Authority
	Provider  string // what the identity provider sent last; "" if the rule is sensitive
	Product   string // what the product has; "" if the rule is sensitive
}

// Drift lists the attributes whose values, as an identity provider sent them last, differ from those of the product, in the order of
// the fields. Attributes under [Ignore] are not compared.
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

// show returns the beginning of a value, for an error message or a journal.
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
