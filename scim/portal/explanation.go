package portal

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/store"
)

// Explanation is why something happened or was refused, in the page's language. It is to be shown one part behind the other.
type Explanation []Part

// Part is a part of an Explanation.
type Part struct {
	Text string `json:"text"`
	Type string `json:"type,omitempty"` // User or Group: Text is the name of the person or group with this ID
	ID   string `json:"id,omitempty"`

	value string // how a value is called in the rule; "": Text is the rule's own
}

// String is the whole text.
func (e Explanation) String() string {
	var b strings.Builder
	for _, x := range e {
		b.WriteString(x.Text)
	}
	return b.String()
}

// Short is as much of it as fits into a line of a list.
func (e Explanation) Short() Explanation {
	left := mostShort
	for i, x := range e {
		if len(x.Text) > left {
			x.Text = short(x.Text, left)
			if blank := strings.LastIndexByte(x.Text, ' '); blank > 0 {
				x.Text = x.Text[:blank] + " …"
			}
			return append(slices.Clone(e[:i]), x)
		}
		left -= len(x.Text)
	}
	return e
}

const (
	mostShort = 200 // bytes of an explanation or a name in a line
	mostName  = 100 // bytes of a name in an explanation
)

// Say is a text of the library in the page's language.
func (v *visit) Say(text string) string { return v.p.explain(v.language, text).String() }

// said is what texts of the library say in the page's language, with ids as they are.
func (v *visit) said(texts []string) string {
	said := make([]string, len(texts))
	for i, text := range texts {
		said[i] = v.Say(text)
	}
	return strings.Join(said, "; ")
}

// why says texts of the library in the page's language, with names in the place of ids. An administrator without the ability See gets … in
// the place of each value, as each may name somebody.
func (v *visit) why(texts ...string) (all Explanation, err error) {
	for _, text := range texts {
		if text == "" {
			continue
		}
		if len(all) > 0 {
			all = append(all, Part{Text: "; "})
		}
		for _, x := range v.p.explain(v.language, text) {
			switch {
			case x.value == "" || v.vendor != nil:
			case !v.Can(See):
				x.Text = "…"
			case isID(x.value):
				if x, err = v.nameOfID(x); err != nil {
					return nil, err
				}
			}
			all = append(all, x)
		}
	}
	return all, nil
}

// mostNames is how many resources a page looks up to name them in explanations.
const mostNames = 100

// nameOfID names what an id in an explanation is of. It looks into the administrator's own organization only.
func (v *visit) nameOfID(x Part) (Part, error) {
	id := x.Text
	if text, err := strconv.Unquote(id); err == nil {
		id = text
	}
	key := kindOf(x.value) + " " + id
	if known, ok := v.names[key]; ok {
		return known, nil
	}
	if len(v.names) == mostNames {
		return x, nil
	}
	named, err := v.lookUp(x, id)
	if err != nil {
		return x, err
	}
	if v.names == nil {
		v.names = make(map[string]Part)
	}
	v.names[key] = named
	return named, nil
}

func (v *visit) lookUp(x Part, id string) (Part, error) {
	ctx, tenant := v.r.Context(), v.Admin.Tenant
	switch kind := kindOf(x.value); kind {
	case "connection":
		list, err := v.p.opts.Connections.List(ctx, tenant)
		if i := slices.IndexFunc(list, func(c connection.Connection) bool { return c.ID == id }); i >= 0 {
			x.Text = list[i].Name
		}
		return x, err
	case "person", "resource":
		r, err := v.p.user(ctx, tenant, id)
		if err == nil {
			return Part{Text: short(cmp.Or(nameOf(r), r.Attributes.Get("userName").Text(), id), mostName), Type: userType, ID: r.ID}, nil
		}
		if !isNotFound(err) || kind == "person" {
			return x, ignoreNotFound(err)
		}
	}
	r, err := v.p.store.Get(ctx, store.Key{Tenant: tenant, Type: groupType, ID: id})
	if err != nil {
		return x, ignoreNotFound(err)
	}
	return Part{Text: short(cmp.Or(r.Attributes.Get("displayName").Text(), id), mostName), Type: groupType, ID: r.ID}, nil
}

func ignoreNotFound(err error) error {
	if isNotFound(err) {
		return nil
	}
	return err
}

// Why is an explanation for the template of that name.
func (v *visit) Why(e Explanation) any {
	return struct {
		V     *visit
		Parts Explanation
	}{v, e}
}
