package schema

import (
	"strings"

	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Bind resolves every attribute of a parsed filter, folds and checks its literals, and rewrites comparisons that a store doesn't
// know: those of schemas, members, groups, meta.location, meta.version, and of complex attributes as a whole. The
// error is an *Error of type invalidFilter.
func (t *Type) Bind(x filter.Expr, m *Mode) (filter.Expr, error) {
	bound, err := (&binder{t: t, m: m}).bind(x)
	if err != nil {
		err.Type = "invalidFilter"
		return nil, err
	}
	return bound, nil
}

// BindElement binds the filter in the brackets of a PATCH path, which chooses elements of a multi-valued attribute. The Name of an
// attribute in it is the name of a sub-attribute. The error is an *Error of type invalidFilter.
func (t *Type) BindElement(a *Attribute, x filter.Expr, m *Mode) (filter.Expr, error) {
	bound, err := (&binder{t: t, m: m, element: a}).bind(x)
	if err != nil {
		err.Type = "invalidFilter"
		return nil, err
	}
	return bound, nil
}

// BindSort finds the attribute that sortBy names. If that is complex, its sub-attribute value is sorted by (RFC 7644 section 3.4.2.3). The
// error is an *Error of type invalidPath.
func (t *Type) BindSort(path string, m *Mode) (filter.Attr, error) {
	a, x, err := t.resolve(splitPath(strings.TrimSpace(path)), m)
	if err != nil {
		return filter.Attr{}, err.under("sortBy")
	}
	var by *Attribute
	if x == nil {
		by = a.comparable()
	}
	switch {
	case by == nil:
		return filter.Attr{}, invalid("invalidPath", "sortBy", "%s is complex; name one of its sub-attributes", Shown(path))
	case by.secret(), by.Relation != 0, by.common == commonSchemas, by.Path.Sub == "version" && by.common == commonMeta:
		return filter.Attr{}, invalid("invalidPath", "sortBy", "the service can't sort by %s", by.Path)
	case by.common == commonMeta && by.Name == "location":
		by = t.core.find("id")
	}
	return by.bound(), nil
}

// binder binds one filter. Within brackets, element is the attribute before them, and names are those of its sub-attributes.
type binder struct {
	t       *Type
	m       *Mode
	element *Attribute
	known   map[filter.Path]bool // in a query across types, whether some type has the attribute
}

func (b *binder) bind(x filter.Expr) (filter.Expr, *Error) {
	switch x := x.(type) {
	case filter.And:
		terms, err := b.all(x)
		return filter.And(terms), err
	case filter.Or:
		terms, err := b.all(x)
		return filter.Or(terms), err
	case filter.Not:
		inner, err := b.bind(x.X)
		return filter.Not{X: inner}, err
	case filter.Compare:
		if b.among(x.Attr.Path) {
			return absent(x), nil
		}
		a, ext, err := b.resolve(x.Attr.Path)
		if err != nil {
			return nil, err
		}
		if ext != nil {
			return nil, invalid("", ext.URN, "an extension has no value to compare; name one of its attributes: %s", ext.level.names())
		}
		return b.compare(a, x.Op, x.Value, x.Attr.Path)
	case filter.Present:
		if b.among(x.Attr.Path) {
			return filter.Const(false), nil
		}
		a, ext, err := b.resolve(x.Attr.Path)
		if err != nil {
			return nil, err
		}
		if ext != nil {
			return ext.present(), nil
		}
		return b.present(a, x.Attr.Path)
	case filter.Has:
		if b.among(x.Attr.Path) {
			return filter.Const(false), nil
		}
		return b.has(x)
	}
	return nil, invalid("", "", "the filter has no meaning here")
}

func (b *binder) all(terms []filter.Expr) ([]filter.Expr, *Error) {
	bound := make([]filter.Expr, len(terms))
	for i, x := range terms {
		var err *Error
		if bound[i], err = b.bind(x); err != nil {
			return nil, err
		}
	}
	return bound, nil
}

func (b *binder) resolve(p filter.Path) (*Attribute, *Extension, *Error) {
	if b.element == nil {
		a, x, err := b.t.resolve(p, b.m)
		if err != nil {
			if mail := b.t.mail(p); mail != nil && b.m.Tolerate(quirk.EmailAttribute) {
				return mail, nil, nil
			}
		}
		return a, x, err
	}
	if b.element.Type != filter.Complex { // simple values are called value, as in tags[value eq "red"]
		if p.URI != "" || p.Sub != "" || !strings.EqualFold(p.Name, "value") {
			return nil, nil, invalid("", p.String(), "values of %s are simple; want value in the brackets", b.element.Name)
		}
		return b.element, nil, nil
	}
	// Within emails[...], value and emails.value mean the same.
	name := p.Name
	if p.Sub != "" && strings.EqualFold(p.Name, b.element.Name) {
		name = p.Sub
	} else if p.Sub != "" || p.URI != "" {
		return nil, nil, invalid("", p.String(), "want a sub-attribute of %s in the brackets: %s", b.element.Name, b.element.subs.names())
	}
	if a := b.element.subs.find(name); a != nil {
		return a, nil, nil
	}
	return nil, nil, invalid("", "", "%s has no sub-attribute %s; it has %s", b.element.Path, quoted(name), b.element.subs.names())
}

// attr returns the attribute as the bound expression names it.
func (b *binder) attr(a *Attribute) filter.Attr {
	if b.element != nil && b.element == a {
		return filter.Attr{Path: filter.Path{Name: "value"}, Type: a.Type, CaseExact: a.CaseExact}
	}
	if b.element != nil && b.element.Multi {
		return filter.Attr{Path: filter.Path{Name: a.Name}, Type: a.Type, CaseExact: a.CaseExact, Multi: a.Multi}
	}
	return a.bound()
}

func (x *Extension) present() filter.Expr {
	return filter.Present{Attr: filter.Attr{Path: filter.Path{URI: x.URN}, Type: filter.Complex}}
}

func (b *binder) has(x filter.Has) (filter.Expr, *Error) {
	a, ext, err := b.resolve(x.Attr.Path)
	if err != nil {
		return nil, err
	}
	if b.element != nil || ext != nil || a.Type != filter.Complex && !a.Multi {
		return nil, invalid("", x.Attr.Path.String(), "want a multi-valued or complex attribute before the brackets")
	}
	if a.secret() {
		return nil, secret(x.Attr.Path)
	}
	where, err := (&binder{t: b.t, m: b.m, element: a}).bind(x.Where)
	switch {
	case err != nil:
		return nil, err
	case a.Relation != 0:
		return filter.Related{Relation: a.Relation, Where: where}, nil
	case a.common != notCommon:
		return where, nil
	case !a.Multi: // the terms are about the one value, so no brackets are needed
		return filter.And{filter.Present{Attr: a.bound()}, where}, nil
	}
	if a.Type != filter.Complex { // a single comparison of a simple value needs no brackets
		if c, ok := where.(filter.Compare); ok && !c.Value.IsNull() && c.Op != filter.Ne {
			c.Attr = a.bound()
			return c, nil
		}
	}
	return filter.Has{Attr: a.bound(), Where: where}, nil
}

// always says whether every resource has the attribute.
func (a *Attribute) always() bool { return a.common != notCommon }

func (b *binder) present(a *Attribute, p filter.Path) (filter.Expr, *Error) {
	switch {
	case a.secret():
		return nil, secret(p)
	case a.always():
		return filter.Const(true), nil
	case a.Relation != 0:
		return b.related(a, presentRow(a)), nil
	}
	return filter.Present{Attr: b.attr(a)}, nil
}

func secret(p filter.Path) *Error {
	return invalid("", p.String(), "can't be filtered on")
}

func (b *binder) compare(a *Attribute, op filter.Op, v document.Value, p filter.Path) (filter.Expr, *Error) {
	if a.Type == filter.Complex {
		value := a.comparable()
		if value == nil {
			return nil, invalid("", p.String(), "complex, so it has no value to compare; name one of its sub-attributes: %s", a.subs.names())
		}
		a = value
	}
	if a.secret() {
		return nil, secret(p)
	}
	c := filter.Compare{Attr: b.attr(a), Op: op, Value: v}
	if err := literal(&c, a, b.m, p); err != nil {
		return nil, err
	}
	switch {
	case b.known != nil && isResourceType(a.Path):
		return b.t.ofType(c), nil
	case a.common == commonSchemas:
		return b.t.compareSchemas(c), nil
	case a.common == commonMeta && a.Name == "location":
		return b.t.compareLocation(c, p)
	case a.common == commonMeta && a.Name == "version":
		return compareVersion(c, p)
	case a.Relation != 0:
		return b.compareRow(a, c)
	}
	return c, nil
}

// literal checks the operator and the literal of a comparison, and makes the literal one of the attribute's type. It notes
// in m which quirks it tolerates. Errors show the literal unless the values of attribute a are hidden.
func literal(c *filter.Compare, a *Attribute, m *Mode, p filter.Path) *Error {
	ordered, text := false, false
	switch c.Attr.Type {
	case filter.String, filter.Reference:
		ordered, text = true, true
	case filter.Binary: // binary values have no order (RFC 7644 table 3)
		text = true
	case filter.Integer, filter.Decimal, filter.DateTime:
		ordered = true
	}
	switch c.Op {
	case filter.Eq, filter.Ne:
	case filter.Co, filter.Sw, filter.Ew:
		if !text {
			return invalid("", p.String(), "%s is for strings; %s can be compared with %s", c.Op, article(c.Attr.Type), comparisons(ordered))
		}
	default:
		if !ordered {
			return invalid("", p.String(), "%s is for what has an order; %s can be compared with %s", c.Op, article(c.Attr.Type), comparisons(ordered))
		}
	}
	v := c.Value
	if v.IsNull() {
		if c.Op != filter.Eq && c.Op != filter.Ne {
			return invalid("", p.String(), "null can be compared with eq and ne only")
		}
		return nil
	}
	var err *Error
	switch c.Attr.Type {
	case filter.Boolean:
		v, err = coerceBoolean(a.likeness(filter.Boolean), v, m)
	case filter.Integer, filter.Decimal:
		v, err = coerceNumber(a.likeness(filter.Decimal), v, m)
	case filter.DateTime:
		if v, err = coerceDateTime(a.likeness(filter.DateTime), v); err == nil {
			c.Time, _ = filter.ParseTime(v.Text())
		}
	default:
		if v.Kind() != document.KindString {
			if v.Kind() > document.KindString || !m.Tolerate(quirk.UnquotedFilterValue) {
				err = unwanted("a string in quotes", v)
				break
			}
			v = document.String(v.Text())
		}
		if len(v.Text()) > maxText {
			err = invalid("", "", "want at most %d bytes, got %d", maxText, len(v.Text()))
		} else if !c.Attr.CaseExact {
			v = document.String(filter.Fold(c.Op, v.Text()))
		}
	}
	if err != nil {
		return err.under(p.String())
	}
	c.Value = v
	return nil
}

// likeness returns an attribute to check a literal by: it has another type, and its values are hidden if those of a are.
func (a *Attribute) likeness(typ filter.Type) *Attribute {
	return &Attribute{Type: typ, hidden: a.Hidden()}
}

func comparisons(ordered bool) string {
	if ordered {
		return "eq, ne, gt, ge, lt and le"
	}
	return "eq and ne"
}

// mail returns emails.value for a path that is only email, if there is no such attribute.
func (t *Type) mail(p filter.Path) *Attribute {
	if p.URI != "" || p.Sub != "" || !strings.EqualFold(p.Name, "email") {
		return nil
	}
	if a := t.core.find("emails"); a != nil {
		return a.Find("value")
	}
	return nil
}
