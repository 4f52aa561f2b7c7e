package mapping

import (
	"reflect"

	"github.com/rollcall-dev/rollcall/store/document"
)

// node is a field of the object that ToSCIM makes: a value, one element of an array, or an object with fields. Nodes are made when a
// mapping is compiled, so that ToSCIM knows how much memory it needs, and looks for nothing.
type node struct {
	name    string
	rule    *rule   // the rule whose field has the value
	element bool    // whether the value is the only element of an array
	inner   []node  // the fields, if the value is an object
	mixed   []*rule // the rules, if several make the value together
}

// outline makes nodes of rules, in the order of the fields. Rules for which name returns the same name share a node.
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

// size returns how many fields the nodes make at most, without those of mixed nodes.
func size(nodes []node) int {
	n := len(nodes)
	for i := range nodes {
		if n += size(nodes[i].inner); nodes[i].element {
			n += nodes[i].rule.place.most()
		}
	}
	return n
}

// room is memory for the fields of all objects, which is allocated once. Each object takes its part.
type room []document.Field

func (r *room) take(n int) []document.Field {
	if n > len(*r) {
		return make([]document.Field, 0, n)
	}
	part := (*r)[:0:n]
	*r = (*r)[n:]
	return part
}

// value makes the value of a node; null if its fields have no values.
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
	if uri := n.mixed[0].place.uri; uri != "" && uri != n.name { // the node is within an extension
		v = v.Get(uri)
	}
	return v.Get(n.name)
}

func object(nodes []node, root reflect.Value, r *room) document.Value {
	members := r.take(len(nodes))
	for i := range nodes {
		if x := nodes[i].value(root, r); !x.IsEmpty() {
			members = append(members, document.Field{Name: nodes[i].name, Value: x})
		}
	}
	return document.Object(members...)
}
