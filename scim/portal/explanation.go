package portal

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/store"
)

// This file says in the page's language what the library says in English: why something was refused, and what would pass.
//
// Each English text was made by a rule, which is a text with values in it; docs/errors.md lists the rules, and text/rules.de.json has
// them all with their German texts. A page finds the rule and its values in the English text, and puts the values into the text that its
// language has for that rule. So the journal keeps one form for all languages. A text that no rule has made, such as that of a
// product's own guard, is shown as it is.

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
	mostShort = 240 // bytes of an explanation or a name in a line
	mostName  = 100 // bytes of a name in an explanation
)

// rule is the text of a rule, cut at its values: texts[i] stands in front of the value values[i], and one text stands behind the last value.
// In a catalogue a value is a name in braces. The names person, group, resource and connection, perhaps with a digit behind them, are
// those of ids. Any other value may be the text of a rule itself.
type rule struct {
	key    string
	texts  []string
	values []string
	own    int // bytes of texts
}

// parseRule reads the text of a rule as a catalogue has it.
func parseRule(key string) rule {
	r := rule{key: key}
	rest := key
	for {
		text, behind, ok := strings.Cut(rest, "{")
		name, after, closed := strings.Cut(behind, "}")
		if !ok || !closed {
			r.texts, r.own = append(r.texts, rest), r.own+len(rest)
			return r
		}
		r.texts, r.values, r.own, rest = append(r.texts, text), append(r.values, name), r.own+len(text), after
	}
}

// match finds the values in a text that the rule has made.
func (r *rule) match(text string) (values []string, ok bool) {
	last := len(r.values)
	if last == 0 {
		return nil, text == r.key
	}
	rest, ok := strings.CutPrefix(text, r.texts[0])
	if ok {
		rest, ok = strings.CutSuffix(rest, r.texts[last])
	}
	for i := 1; ok && i < last; i++ {
		var value string
		value, rest, ok = strings.Cut(rest, r.texts[i])
		values = append(values, value)
	}
	return append(values, rest), ok
}

// sortRules makes rules of the keys of a catalogue, those with the most text of their own first.
func sortRules(texts map[string]string) []rule {
	list := make([]rule, 0, len(texts))
	for key := range texts {
		list = append(list, parseRule(key))
	}
	slices.SortFunc(list, func(a, b rule) int {
		return cmp.Or(b.own-a.own, len(a.values)-len(b.values), strings.Compare(a.key, b.key))
	})
	return list
}

const (
	mostNested = 4 // how deep rules are looked for in the values of rules
	mostPaths  = 3 // at how many colons the path of an attribute is looked for in front of a rule
)

// explain says a text of the library in a language. An id is the text of its part.
func (p *Portal) explain(l *language, text string) Explanation {
	if reason, ok := strings.CutPrefix(text, (&lifecycle.Denied{}).Error()); ok {
		if text, ok := l.texts["denied."+reason]; ok {
			return Explanation{{Text: text}}
		}
	}
	e, ok := p.byRule(l, text, 0)
	if !ok {
		return Explanation{{Text: text, value: "text"}}
	}
	return e
}

// byRule does so if a rule has made the text. In front of what the rule says there may be the path of an attribute.
func (p *Portal) byRule(l *language, text string, depth int) (e Explanation, ok bool) {
	if depth == mostNested {
		return nil, false
	}
	made, values, path := p.ruleOf(text)
	if made == nil {
		return nil, false
	}
	says := made
	if own, ok := l.texts[made.key]; ok {
		own := parseRule(own)
		says = &own
	}
	if path != "" {
		e = append(e, Part{Text: path})
	}
	for i, text := range says.texts {
		if text != "" {
			e = append(e, Part{Text: text})
		}
		if i == len(says.values) {
			break
		}
		name := says.values[i]
		at := slices.Index(made.values, name)
		if at < 0 {
			continue
		}
		if nested, ok := p.byRule(l, values[at], depth+1); ok && !isID(name) {
			e = append(e, nested...)
		} else {
			e = append(e, Part{Text: values[at], value: name})
		}
	}
	return e, true
}

// ruleOf finds the rule that has made a text, its values, and the path of an attribute that stands in front of it; nil: none has. Of
// several rules it is the one with the most text of its own.
func (p *Portal) ruleOf(text string) (made *rule, values []string, path string) {
	for i, from := 0, 0; i <= mostPaths; i++ {
		for k := range p.rules {
			r := &p.rules[k]
			if made != nil && r.own <= made.own {
				break // those behind it say less
			}
			if v, ok := r.match(text[from:]); ok {
				made, values, path = r, v, text[:from]
				break
			}
		}
		at := strings.Index(text[from:], ": ")
		if at < 0 || !isPath(text[from:from+at]) {
			break
		}
		from += at + len(": ")
	}
	return made, values, path
}

// isPath says whether a text may be the path of an attribute, which has blanks only in its brackets.
func isPath(text string) bool {
	outside, rest, _ := strings.Cut(text, "[")
	_, behind, _ := strings.Cut(rest, "]")
	return !strings.Contains(outside+behind, " ")
}

// isID says whether a value of a rule is an id.
func isID(name string) bool {
	switch strings.TrimRight(name, "23456789") {
	case "person", "group", "resource", "connection":
		return true
	}
	return false
}

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
	if known, ok := v.names[id]; ok {
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
	v.names[id] = named
	return named, nil
}

func (v *visit) lookUp(x Part, id string) (Part, error) {
	ctx, tenant := v.r.Context(), v.Admin.Tenant
	switch kind := strings.TrimRight(x.value, "23456789"); kind {
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

// LineModel is an entry of the journal as pages show it.
type LineModel struct {
	lifecycle.JournalEntry
	Did string      `json:"did"` // the operation, in the page's language
	Why Explanation `json:"why"` // what the entry explains, likewise
}

// lines are entries of the journal as pages show them.
func (v *visit) lines(entries []lifecycle.JournalEntry) ([]LineModel, error) {
	list := make([]LineModel, len(entries))
	for i, e := range entries {
		why, err := v.why(e.Reasons...)
		if err != nil {
			return nil, err
		}
		list[i] = LineModel{e, v.did(e.Operation), why}
	}
	return list, nil
}

// did is what an operation of the journal is called in the page's language.
func (v *visit) did(operation string) string {
	if text, ok := v.language.texts["operation."+operation]; ok {
		return text
	}
	if what, ok := strings.CutPrefix(operation, releaseFor); ok {
		return v.T("operation."+releaseFor+"%s", what)
	}
	method, path, _ := strings.Cut(operation, " ")
	if _, ok := v.language.texts["operation."+method]; ok {
		return v.T("operation."+method, path)
	}
	return operation
}

// Operations are those to choose from, by their names in the journal.
func (v *visit) Operations() []string {
	var list []string
	for key, text := range v.language.texts {
		if operation, ok := strings.CutPrefix(key, "operation."); ok && !strings.Contains(text, "%") {
			list = append(list, operation)
		}
	}
	slices.Sort(list)
	return list
}

const releaseFor = "release the brake for " // and how many, or how long
