package patch

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// membersPath compiles an operation on a group's members. An operation on members.display does nothing, because that is derived from the
// members themselves.
func (c *compiler) membersPath(t target, p filter.PatchPath, v document.Value) error {
	sub := p.Sub
	if sub == "" {
		sub = p.Path.Sub
	}
	if strings.EqualFold(sub, "display") || strings.EqualFold(sub, "displayName") {
		c.emit(change{})
		return nil
	}
	if sub != "" {
		return c.fail("mutability", "a member's "+clip(sub)+" can't be changed; remove the member and add another")
	}
	if p.Where != nil {
		return c.membersWhere(t.attr, p.Where, v)
	}
	if c.op == Remove && v.IsNull() {
		c.emit(change{target: t, members: &lifecycle.Members{Replace: true}})
		return nil
	}
	if c.op == Replace && v.IsNull() {
		return c.fail("invalidValue", "null doesn't say whether all members are to be removed; "+
			"for that send remove with the path members and no value, or replace with the value []")
	}
	if c.op == Remove && !c.m.Allows(quirk.RemoveWithValue) {
		return c.fail("invalidValue", `remove takes no value; want the path members[value eq "..."]`)
	}
	refs, err := c.memberRefs(v)
	if err != nil {
		return err
	}
	x := &lifecycle.Members{}
	switch c.op {
	case Add:
		x.Add = refs
	case Replace:
		x.Replace, x.Add = true, refs
	case Remove: // only the listed members are removed: an empty list removes none
		c.m.Quirks.Add(quirk.RemoveWithValue)
		for _, r := range refs {
			x.Remove = append(x.Remove, r.ID)
		}
	}
	c.emit(change{target: t, members: x})
	return nil
}

// membersWhere compiles an operation on the members that a filter chooses.
func (c *compiler) membersWhere(a *schema.Attribute, where filter.Expr, v document.Value) error {
	ids, known := memberIDs(where)
	if c.op != Remove {
		return c.createMember(a, ids, v)
	}
	if err := c.noOthers(ids, v); err != nil {
		return err
	}
	x := &lifecycle.Members{Remove: ids}
	if !known {
		bound, err := c.t.BindElement(a, where, c.m)
		if err != nil {
			return c.inFilter(err)
		}
		x = &lifecycle.Members{RemoveWhere: []filter.Expr{bound}}
	}
	c.emit(change{target: target{attr: a}, op: Remove, members: x})
	return nil
}

// noOthers checks the value of a remove whose path already names members: the value may only name the same members again.
func (c *compiler) noOthers(ids []string, v document.Value) error {
	if v.IsNull() || v.Kind() == document.KindArray && v.Len() == 0 {
		return nil
	}
	if !c.m.Allows(quirk.RemoveWithValue) {
		return c.fail("invalidValue", "remove takes no value; the path chooses the members")
	}
	refs, err := c.memberRefs(v)
	if err != nil {
		return err
	}
	for _, r := range refs {
		if !slices.Contains(ids, r.ID) {
			return c.fail("invalidValue", "the value names a member that the path doesn't; name the members in one of them")
		}
	}
	c.m.Quirks.Add(quirk.RemoveWithValue)
	return nil
}

// createMember compiles an add or replace on members[value eq "id"]. It makes the resource a member of the group, as nothing else of a member
// could be replaced: its label is derived.
func (c *compiler) createMember(a *schema.Attribute, ids []string, v document.Value) error {
	if !c.m.Allows(quirk.CreateFromFilter) || len(ids) != 1 {
		return c.fail("mutability", "a member can't be changed; add members with the path members")
	}
	switch id := v.Fold("value"); {
	case v.Kind() != document.KindObject:
		return c.fail("invalidValue", "want an object, got "+article(v.Kind()))
	case !id.IsNull() && id.Text() != ids[0]:
		return c.fail("mutability", "a member's value can't be changed; remove the member and add another")
	}
	c.m.Quirks.Add(quirk.CreateFromFilter)
	c.emit(change{target: target{attr: a}, members: &lifecycle.Members{Add: []store.MemberRef{{ID: ids[0]}}}})
	return nil
}

// memberIDs returns the ids of a filter that only lists them, such as value eq "a" or value eq "b". It returns false for any other filter.
func memberIDs(where filter.Expr) ([]string, bool) {
	terms, ok := equals(where, nil)
	ids := make([]string, len(terms))
	for i, x := range terms {
		switch {
		case x.Value.Kind() != document.KindString || x.Value.Text() == "":
			return nil, false
		case strings.EqualFold(x.Attr.Name, "value"):
			ids[i] = x.Value.Text()
		case strings.EqualFold(x.Attr.Name, "$ref"):
			ids[i] = lastSegment(x.Value.Text())
		default:
			return nil, false
		}
	}
	return ids, ok
}

// memberRefs reads the members in a value. A member is an object with value or at least $ref, whose other fields are ignored, or, unless
// strict, an id.
func (c *compiler) memberRefs(v document.Value) ([]store.MemberRef, error) {
	if v.Kind() == document.KindString && c.m.Allows(quirk.JSONInString) {
		if a := c.t.Member(); a != nil {
			v, _ = c.unpack(a, v)
		}
	}
	items := v.Items()
	switch v.Kind() {
	case document.KindArray:
	case document.KindNull:
		return nil, nil
	default:
		if c.op != Add { // RFC 7644 section 3.5.2.1 lets an add have a single value
			if !c.m.Tolerate(quirk.ScalarForArray) {
				return nil, c.fail("invalidValue", "want an array of members, got "+article(v.Kind()))
			}
		}
		items = []document.Field{{Value: v}}
	}
	refs := make([]store.MemberRef, len(items))
	for i := range items {
		r, want := c.member(items[i].Value)
		if want != "" {
			at := show(c.t, c.text)
			if v.Kind() == document.KindArray {
				at += "[" + strconv.Itoa(i) + "]"
			}
			if want == wantID {
				at += ".value"
			}
			return nil, &schema.Error{Type: "invalidValue", Path: place(c.index, at), Detail: want}
		}
		refs[i] = r
	}
	return refs, nil
}

const wantID = "want the id of a resource"

// member reads one member. If it can't, want says what the value should be.
func (c *compiler) member(v document.Value) (r store.MemberRef, want string) {
	id := v
	switch v.Kind() {
	case document.KindString:
		if !c.m.Tolerate(quirk.ScalarComplex) {
			return r, "want an object with value, got a string"
		}
	case document.KindObject:
		id = v.Fold("value")
		if ref := v.Fold("$ref"); id.IsNull() && ref.Kind() == document.KindString {
			id = document.String(lastSegment(ref.Text()))
		}
	default:
		return r, "want an object with the member's id in value, got " + article(v.Kind())
	}
	if id.Kind() != document.KindString {
		return r, "want the member's id in value as a string, got " + article(id.Kind())
	}
	r, ok := c.t.MemberRef(id.Text(), text(v, "$ref"), text(v, "type"))
	if !ok {
		return r, wantID
	}
	return r, ""
}

// text returns a string sub-attribute of v, whose name may be in any case; "" if there is none.
func text(v document.Value, name string) string {
	if x := v.Fold(name); x.Kind() == document.KindString {
		return x.Text()
	}
	return ""
}

// lastSegment returns the id at the end of a member's URL.
func lastSegment(ref string) string {
	ref = strings.TrimRight(ref, "/")
	ref = ref[strings.LastIndexByte(ref, '/')+1:]
	if id, err := url.PathUnescape(ref); err == nil {
		return id
	}
	return ref
}

// delta combines the changes of members of several operations into one. For each member, the last operation counts.
type delta struct {
	replace bool
	order   []store.MemberRef // all members that were named, in the order in which they first were
	in      map[string]bool   // whether the resource of that id shall be a member
	where   []filter.Expr
	budget  *filter.Budget
}

func (d *delta) say(r store.MemberRef, in bool) {
	if _, named := d.in[r.ID]; !named {
		d.order = append(d.order, r)
	}
	d.in[r.ID] = in
}

func (d *delta) apply(c *change) error {
	x := c.members
	if x.Replace {
		*d = delta{replace: true, budget: d.budget}
	}
	if n := len(x.Add) + len(x.Remove); d.in == nil && n > 0 {
		d.in, d.order = make(map[string]bool, n), make([]store.MemberRef, 0, n)
	}
	for _, r := range x.Add {
		d.say(r, true)
	}
	for _, id := range x.Remove {
		d.say(store.MemberRef{ID: id}, false)
	}
	for _, where := range x.RemoveWhere {
		if err := d.applyWhere(c, where); err != nil {
			return err
		}
	}
	return nil
}

// applyWhere applies a remove by a filter. Of the members that operations have named it removes those that match, and it keeps the filter, to
// be evaluated on the group's other members.
func (d *delta) applyWhere(c *change, where filter.Expr) error {
	known := onlyValue(where)
	for _, r := range d.order {
		if !d.budget.Spend(1) {
			return nil
		}
		if !d.in[r.ID] {
			continue
		}
		if !known { // of a member that is only being added, nothing but the id is known
			return c.fail("noTarget", "a filter on anything but value can't choose among members added by the same request; "+
				"send it in a request of its own")
		}
		row := document.Object(document.Field{Name: "value", Value: document.String(r.ID)})
		if d.budget.MatchElement(where, row) {
			d.in[r.ID] = false
		}
	}
	if !d.replace {
		d.where = append(d.where, where)
	}
	return nil
}

// onlyValue says whether a filter on members compares only their ids.
func onlyValue(x filter.Expr) bool {
	switch x := x.(type) {
	case filter.And:
		return !slices.ContainsFunc(x, looksFurther)
	case filter.Or:
		return !slices.ContainsFunc(x, looksFurther)
	case filter.Not:
		return onlyValue(x.X)
	case filter.Compare:
		return x.Attr.Name == "value"
	case filter.Present:
		return x.Attr.Name == "value"
	}
	return true
}

func looksFurther(x filter.Expr) bool { return !onlyValue(x) }

// members returns the combined change of the members; nil if there is none.
func (d *delta) members() *lifecycle.Members {
	m := &lifecycle.Members{Replace: d.replace, RemoveWhere: d.where}
	added := 0
	for _, in := range d.in {
		if in {
			added++
		}
	}
	if added > 0 {
		m.Add = make([]store.MemberRef, 0, added)
	}
	for _, r := range d.order {
		switch {
		case d.in[r.ID]:
			m.Add = append(m.Add, r)
		case !d.replace:
			m.Remove = append(m.Remove, r.ID)
		}
	}
	if !m.Replace && len(m.Add)+len(m.Remove)+len(m.RemoveWhere) == 0 {
		return nil
	}
	return m
}
