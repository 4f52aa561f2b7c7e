package portal

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/lifecycle"
)

// This file says in another language what the library says in English: why something was refused, and what would pass.
//
// Each English text was made by a rule, which is a text with values in it; docs/errors.md lists the rules, and text/rules.de.json has
// them all with their German texts. A page finds the rule and its values in the English text, and puts the values into the text that its
// language has for that rule. So the journal keeps one form for all languages. A text that no rule has made, such as that of a
// product's own guard, is shown as it is.

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
	colon      = ": "
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
		e = append(e, Part{Text: path, value: "path"}, Part{Text: colon})
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
				made, values, path = r, v, strings.TrimSuffix(text[:from], colon)
				break
			}
		}
		at := strings.Index(text[from:], colon)
		if at < 0 || !isPath(text[from:from+at]) {
			break
		}
		from += at + len(colon)
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
	switch kindOf(name) {
	case "person", "group", "resource", "connection":
		return true
	}
	return false
}

// kindOf is what an id is of: the name of its value without the digit.
func kindOf(name string) string { return strings.TrimRight(name, "23456789") }
