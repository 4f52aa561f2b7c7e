package mapping

import (
	"reflect"

	"github.com/rollcall-dev/rollcall/store/document"
)

// node is a member of what ToSCIM makes: a value, one element of an array, or an object with members of its own. It is
// known beforehand how much there will be, so that nothing has to be looked for and nothing grows.
type node struct {
	name    string
	rule    *rule   // whose field is the value, or the element
	element bool    // of an array
	inner   []node  // of an object
	mixed   []*rule // of what is neither, as rules have a say in it together
}

// outline lays out rules in the order of the fields, by the name that name tells of each.
func outline(rules []*rule, name func(*place) string) []node {
	var nodes []node
	var of [][]*rule
	for _, r := range rules {
		n, i := name(&r.place), 0
		for i < len(nodes) && nodes[i].name != n {
			i++
		}
		if i == len(nodes) {
			nodes, of = append(nodes, node{name: n}), append(of, nil)
		}
		of[i] = append(of[i], r)
	}
	for i := range nodes {
		nodes[i].fill(of[i])
	}
	return nodes
}

func outer(l *place) string {
	if l.uri != "" {
		return l.uri
	}
	return l.name
}

func (n *node) fill(rules []*rule) {
	all := func(is func(l *place) bool) bool {
		for _, r := range rules {
			if !is(&r.place) {
				return false
			}
		}
		return true
	}
	first := &rules[0].place
	switch {
	case n.name == first.uri && all(func(l *place) bool { return l.name != "" }):
		n.inner = outline(rules, func(l *place) string { return l.name })
	case len(rules) == 1 && first.multi && !first.all:
		n.rule, n.element = rules[0], true
	case len(rules) == 1 && (first.sub == "" && first.where == nil):
		n.rule = rules[0]
	case all(func(l *place) bool { return l.sub != "" && !l.multi && !l.all }):
		for _, r := range rules {
			n.inner = append(n.inner, node{name: r.place.sub, rule: r})
		}
	default:
		n.mixed = rules
	}
}

// size is how many members the nodes make at most, but for those of mixed ones.
func size(nodes []node) int {
	n := len(nodes)
	for i := range nodes {
		if n += size(nodes[i].inner); nodes[i].element {
			n += nodes[i].rule.place.most()
		}
	}
	return n
}

// room is memory for members, from which each object takes its part.
type room []document.Member

func (r *room) take(n int) []document.Member {
	if n > len(*r) {
		return make([]document.Member, 0, n)
	}
	part := (*r)[:0:n]
	*r = (*r)[n:]
	return part
}

// value returns what the node's fields have, or null.
func (n *node) value(root reflect.Value, r *room) document.Value {
	switch {
	case n.element:
		x := n.rule.value(root)
		if x.IsEmpty() {
			return document.Value{}
		}
		return document.Array(n.rule.place.make(x, r.take(n.rule.place.most())))
	case n.rule != nil:
		return n.rule.value(root)
	case n.mixed == nil:
		return object(n.inner, root, r)
	}
	v := document.Object()
	for _, r := range n.mixed {
		if x := r.value(root); !x.IsEmpty() {
			r.place.set(&v, x)
		}
	}
	if uri := n.mixed[0].place.uri; uri != "" && uri != n.name { // it is within an extension
		v = v.Get(uri)
	}
	return v.Get(n.name)
}

func object(nodes []node, root reflect.Value, r *room) document.Value {
	members := r.take(len(nodes))
	for i := range nodes {
		if x := nodes[i].value(root, r); !x.IsEmpty() {
			members = append(members, document.Member{Name: nodes[i].name, Value: x})
		}
	}
	return document.Object(members...)
}
