package patch

import (
	"errors"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// change is a change of one target. An operation with a path makes one change, and an operation without a path makes one for each
// attribute in its value.
type change struct {
	target
	t       *schema.Type
	op      Op // if 0, the change does nothing
	index   int
	text    string // the path or the key as the client wrote it
	value   document.Value
	listed  bool               // a Remove of only those elements that value has
	whole   bool               // a Replace of a complex attribute by value, without what value doesn't have
	quiet   bool               // a Remove that came from an empty value, so it is no error if there is nothing to remove
	members *lifecycle.Members // the change if the target is a group's members
}

// compiler compiles one operation to changes.
type compiler struct {
	t     *schema.Type
	m     *schema.Mode
	op    Op
	index int
	text  string // the path or the key that is being compiled, for errors and for change.text
	out   []change
}

func (c *compiler) emit(x change) {
	x.t, x.index, x.text = c.t, c.index, c.text
	c.out = append(c.out, x)
}

// path compiles an operation with a path, or a key that is a path.
func (c *compiler) path(p filter.PatchPath, v document.Value) error {
	if p.Path.URI == "" || strings.EqualFold(p.Path.URI, c.t.URN) {
		switch name := document.FoldName(p.Path.Name); name {
		case "id", "meta":
			return c.fail("mutability", name+" is set by this service and can't be changed")
		case "schemas":
			return c.schemas(v)
		}
	}
	t, err := c.target(p)
	switch {
	case err != nil:
		return err
	case t.attr == nil:
		return c.wholeExtension(t.extension, v)
	case t.readOnly():
		return c.fail("mutability", t.last().Name+" is read-only")
	case t.attr.Relation == filter.Members:
		return c.membersPath(t, p, v)
	case p.Where != nil && t.simple():
		return c.values(t, p, v)
	case c.m.Interop && t.where != nil && t.sub == nil:
		return c.fail("invalidPath", "want a sub-attribute behind the brackets, such as .value")
	}
	return c.change(t, v)
}

// values compiles an operation on those simple values of an attribute that a filter chooses, such as tags[value eq "red"] (RFC 7644
// section 3.5.2). In the filter, and behind the brackets, the name value stands for the simple value itself.
func (c *compiler) values(t target, p filter.PatchPath, v document.Value) error {
	if p.Sub != "" && !strings.EqualFold(p.Sub, "value") {
		return c.fail("invalidPath", "values of "+t.attr.Name+" are simple and have no sub-attribute "+clip(p.Sub))
	}
	var err error
	if t.where, err = c.t.BindElement(t.attr, p.Where, c.m); err != nil {
		return c.inFilter(err)
	}
	if c.op == Remove {
		if !v.IsNull() && !c.m.Tolerate(quirk.RemoveWithValue) {
			return c.fail("invalidValue", "remove takes no value; choose elements in the path")
		}
		c.emit(change{target: t, op: Remove})
		return nil
	}
	if v.Kind() != document.KindArray {
		v = document.Array(v)
	}
	if v, err = c.coerce(t.attr, v, c.text); err != nil {
		return err
	}
	if v.Len() != 1 {
		return c.fail("invalidValue", "want one value")
	}
	c.emit(change{target: t, op: c.op, value: *v.At(0)})
	return nil
}

// schemas compiles an operation on schemas, by which a client may add the URN of an extension before its attributes (RFC 7644 section
// 3.5.2). It changes nothing, because the service derives schemas from the attributes that a resource has.
func (c *compiler) schemas(v document.Value) error {
	if c.op == Add {
		if v.Kind() == document.KindString {
			v = document.Array(v)
		}
		known := v.Kind() == document.KindArray
		for _, s := range v.Items() {
			known = known && (strings.EqualFold(s.Value.Text(), c.t.URN) || c.extension(s.Value.Text()) != nil)
		}
		if known {
			c.emit(change{})
			return nil
		}
	}
	return c.fail("mutability", "schemas follows from the attributes and can't be changed")
}

// whole compiles an operation without a path: each field of the value is treated like an operation by itself.
func (c *compiler) whole(v document.Value) error {
	if v.Kind() != document.KindObject {
		return &schema.Error{Type: "invalidValue", Path: place(c.index, "") + ".value",
			Detail: "without a path want an object of attributes, got " + article(v.Kind())}
	}
	for _, m := range v.Items() {
		if err := c.key(m.Name, m.Value); err != nil {
			return err
		}
	}
	if len(c.out) == 0 {
		c.emit(change{})
	}
	return nil
}

// key compiles one field of the value of an operation without a path.
func (c *compiler) key(name string, v document.Value) error {
	c.text = name
	switch {
	case strings.EqualFold(name, "id"), strings.EqualFold(name, "meta"), strings.EqualFold(name, "schemas"):
		return c.wholeResource(name)
	case strings.EqualFold(name, c.t.URN) && v.Kind() == document.KindObject:
		for _, m := range v.Items() {
			if err := c.key(m.Name, m.Value); err != nil {
				return err
			}
		}
		return nil
	}
	if x := c.extension(name); x != nil {
		return c.wholeExtension(x, v)
	}
	if !strings.ContainsAny(name, ".:[") {
		return c.attribute(filter.Path{Name: name}, v)
	}
	if !c.m.Allows(quirk.DottedKeys) {
		return c.unknown(nil)
	}
	p, err := c.parse(name)
	if err != nil {
		if strings.Contains(name, "[") {
			return err
		}
		return c.unknownKey(nil) // a schema can't have such a name
	}
	if _, _, err := c.t.Resolve(p.Path, c.m); err != nil {
		return c.unknownKey(err)
	}
	c.m.Quirks.Add(quirk.DottedKeys)
	if p.Where == nil {
		return c.attribute(p.Path, v)
	}
	return c.path(*p, v)
}

// attribute compiles a field of a value that names an attribute. Attributes that the type doesn't have, or that are readOnly, are
// ignored unless strict, because many providers send whole resources.
func (c *compiler) attribute(p filter.Path, v document.Value) error {
	if a, x, err := c.t.Resolve(p, c.m); err != nil {
		return c.unknownKey(err)
	} else if a == nil {
		return c.wholeExtension(x, v)
	} else if t := newTarget(a); t.attr.Relation == filter.Groups {
		return c.wholeResource(a.Name)
	} else if t.readOnly() {
		if !c.m.Tolerate(quirk.ReadOnlyInValue) {
			return c.fail("mutability", a.Name+" is read-only")
		}
		return nil
	} else if t.attr.Relation == filter.Members {
		if c.op == Replace && slices.ContainsFunc(c.out, func(x change) bool { return x.members != nil }) {
			return c.fail("invalidSyntax", "given twice in one value; name the members once")
		}
		return c.membersPath(t, filter.PatchPath{Path: filter.Path{Sub: p.Sub}}, v)
	} else {
		return c.change(t, v)
	}
}

func (c *compiler) wholeResource(name string) error {
	if !c.m.Tolerate(quirk.WholeResourceInValue) {
		return c.fail("mutability", name+" is set by this service and can't be changed")
	}
	return nil
}

// extension finds an extension by its URN, in any case.
func (c *compiler) extension(urn string) *schema.Extension {
	for _, x := range c.t.Extensions {
		if strings.EqualFold(x.URN, urn) {
			return x
		}
	}
	return nil
}

// wholeExtension compiles an operation on an extension. Its attributes are compiled one by one, like those of a resource.
func (c *compiler) wholeExtension(x *schema.Extension, v document.Value) error {
	switch {
	case c.op == Remove, c.op == Replace && v.IsNull():
		c.emit(change{target: target{extension: x}, op: Remove})
		return nil
	case v.IsNull():
		c.emit(change{})
		return nil
	case v.Kind() != document.KindObject:
		return c.fail("invalidValue", "want an object with the extension's attributes, got "+article(v.Kind()))
	}
	for _, m := range v.Items() {
		c.text = x.URN + ":" + m.Name
		name, sub, _ := strings.Cut(m.Name, ".")
		if sub != "" {
			if !c.m.Tolerate(quirk.DottedKeys) {
				return c.unknown(nil)
			}
		}
		if err := c.attribute(filter.Path{URI: x.URN, Name: name, Sub: sub}, m.Value); err != nil {
			return err
		}
	}
	return nil
}

// change compiles an operation on an attribute other than a group's members.
func (c *compiler) change(t target, v document.Value) error {
	if c.op != Remove {
		return c.assign(t, v)
	}
	if v.IsNull() {
		return c.unassign(t, false)
	}
	if !c.m.Tolerate(quirk.RemoveWithValue) {
		return c.fail("invalidValue", "remove takes no value; choose elements in the path")
	}
	if !t.all() {
		return c.unassign(t, false)
	}
	list, err := c.list(t.attr, v)
	if err != nil {
		return err
	}
	c.emit(change{target: t, op: Remove, value: list, listed: true})
	return nil
}

// assign compiles an add or replace. Null and an empty array mean no value (RFC 7643 section 2.5), so a replace unassigns the attribute,
// and an add does nothing.
func (c *compiler) assign(t target, v document.Value) error {
	if v.IsNull() || v.Kind() == document.KindArray && v.Len() == 0 {
		if c.op == Add {
			c.emit(change{})
			return nil
		}
		return c.unassign(t, true)
	}
	if c.isNone(v) && (t.last().Type == filter.Complex || t.where != nil) {
		c.m.Quirks.Add(quirk.EmptyMeansNone)
		return c.unassign(t, true)
	}
	var err error
	whole := c.m.Interop && c.op == Replace && t.merges() && t.where == nil
	switch {
	case whole:
		v, err = c.coerce(t.attr, v, c.text)
	case t.merges():
		v, err = c.partial(t.attr, v)
	case t.all():
		v, err = c.list(t.attr, v)
	default:
		v, err = c.coerce(t.last(), v, c.text)
	}
	switch {
	case err != nil:
		return err
	case v.IsNull(), v.Kind() == document.KindArray && v.Len() == 0: // coercion left no value
		if c.op == Add && t.attr.Multi {
			c.emit(change{})
			return nil
		}
		return c.unassign(t, true)
	case t.attr.Mutability == schema.WriteOnly || t.last().Mutability == schema.WriteOnly:
		c.emit(change{}) // a password is checked and not stored
		return nil
	}
	c.emit(change{target: t, op: c.op, value: v, whole: whole})
	return nil
}

// unassign compiles a remove. A required attribute can't be removed (RFC 7644 section 3.5.2.2).
func (c *compiler) unassign(t target, quiet bool) error {
	if t.last().Required && (t.sub != nil || t.where == nil) {
		return c.fail("mutability", t.last().Name+" is required and can't be removed")
	}
	if t.attr.Mutability == schema.WriteOnly {
		c.emit(change{})
		return nil
	}
	c.emit(change{target: t, op: Remove, quiet: quiet})
	return nil
}

// coerce makes a value one of the attribute's type.
func (c *compiler) coerce(a *schema.Attribute, v document.Value, where string) (document.Value, error) {
	x, err := c.t.Coerce(a, v, where, c.m)
	if err != nil {
		return x, c.at(err)
	}
	return x, nil
}

// fail returns an error about the path that is being compiled.
func (c *compiler) fail(scimType, detail string) error {
	return &schema.Error{Type: scimType, Path: place(c.index, show(c.t, c.text)), Detail: detail}
}

// unknownKey returns an error about a key that names no attribute, in the value of an operation without a path. It returns nil if the key may
// be ignored.
func (c *compiler) unknownKey(err error) error {
	if c.m.Tolerate(quirk.UnknownAttribute) {
		return nil
	}
	return c.unknown(err)
}

// unknownType returns the scimType of an error about an attribute that doesn't exist. otherwise is that of the RFC, which the interop profile
// changes.
func (c *compiler) unknownType(otherwise string) string {
	if c.m.Interop {
		return "invalidSyntax"
	}
	return otherwise
}

// unknown returns an error about a path that names no attribute.
func (c *compiler) unknown(err error) error {
	detail := c.t.Name + " has no such attribute"
	var e *schema.Error
	if errors.As(err, &e) && e.Detail != "" {
		detail = e.Detail
	}
	return c.fail("invalidPath", detail)
}

// inFilter returns an error about the filter in a path.
func (c *compiler) inFilter(err error) error {
	scimType := "invalidFilter"
	var e *schema.Error
	if errors.As(err, &e) {
		scimType = e.Type
	}
	return c.fail(scimType, "in the brackets: "+err.Error())
}

// at puts the operation's place before an error of package schema.
func (c *compiler) at(err error) error {
	var e *schema.Error
	if !errors.As(err, &e) {
		return c.fail("invalidPath", err.Error())
	}
	path := show(c.t, c.text)
	if rest, ok := strings.CutPrefix(e.Path, c.text); ok {
		path += rest
	} else if e.Path != "" {
		path = e.Path
	}
	return &schema.Error{Type: e.Type, Path: place(c.index, path), Detail: e.Detail}
}
