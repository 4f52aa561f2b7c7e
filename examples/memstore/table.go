package memstore

import (
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// table holds the resources of one type.
type table struct {
	tenant  string
	typ     string
	byID    map[string]*record
	order   ordered[*record]
	indexes map[indexName]*index
}

// record is a resource as the store has it. It is never changed, only replaced, so that readers may use it without a lock.
// It is smaller than a store.Resource, because there may be millions.
type record struct {
	table             *table
	id, version       string
	label             string
	created, modified int64 // microseconds since 1970, which is the precision that the contract asks for
	index             []entry
	attributes        document.Document
	internal          document.Document
}

func (r *record) key() string { return r.id }

// entry is a value that a record has in an index.
type entry struct {
	index *index
	value string
}

// index finds the records that have a value of one attribute.
type index struct {
	indexName
	one  map[string]*record           // the only record that has a value, as is usual
	many map[string]*ordered[*record] // the records that share a value, which a unique index never has
}

// indexName is the key of an index. An attribute may have two, one for its unique keys and one for those that aren't unique.
type indexName struct {
	attribute string
	unique    bool
}

func (t *tenant) table(typ string) *table {
	tb := t.tables[typ]
	if tb == nil {
		typ = strings.Clone(typ)
		tb = &table{tenant: t.name, typ: typ, byID: map[string]*record{}, indexes: map[indexName]*index{}}
		t.tables[typ] = tb
	}
	return tb
}

// newRecord makes a record with copies of all strings, so that it doesn't share memory with the caller: a string may be a part of a request's
// body, which would stay in memory as a whole. The short strings share one allocation.
func (tb *table) newRecord(r *store.Resource) *record {
	n := len(r.ID) + len(r.Version) + len(r.Label) + len(r.Internal)
	for _, k := range r.Index {
		n += len(k.Value)
	}
	var text strings.Builder
	text.Grow(n)
	keep := func(s string) string {
		start := text.Len()
		text.WriteString(s)
		return text.String()[start:]
	}
	rec := &record{
		table:      tb,
		id:         keep(r.ID),
		version:    keep(r.Version),
		label:      keep(r.Label),
		created:    r.Created.UnixMicro(),
		modified:   r.LastModified.UnixMicro(),
		attributes: r.Attributes,
		internal:   document.Document(keep(string(r.Internal))),
	}
	if len(r.Index) > 0 {
		rec.index = make([]entry, len(r.Index))
	}
	for i, k := range r.Index {
		rec.index[i].index = tb.index(indexName{k.Attribute, k.Unique})
		if same := slices.IndexFunc(r.Index[:i], func(o store.IndexKey) bool { return o.Value == k.Value }); same >= 0 {
			rec.index[i].value = rec.index[same].value // two attributes have the same value, such as userName and an e-mail address
		} else {
			rec.index[i].value = keep(k.Value)
		}
	}
	return rec
}

// resource makes a resource that the caller may change.
func (r *record) resource() *store.Resource {
	out := new(store.Resource)
	r.fill(out, make([]store.IndexKey, len(r.index)))
	return out
}

// resources makes resources of many records, with fewer allocations than one by one.
func resources(records []*record) []*store.Resource {
	n := 0
	for _, r := range records {
		n += len(r.index)
	}
	out, all, keys := make([]*store.Resource, len(records)), make([]store.Resource, len(records)), make([]store.IndexKey, n)
	for i, r := range records {
		r.fill(&all[i], keys)
		out[i], keys = &all[i], keys[len(r.index):]
	}
	return out
}

// fill sets all fields of a resource. keys is memory for its index.
func (r *record) fill(out *store.Resource, keys []store.IndexKey) {
	*out = store.Resource{
		Key:          store.Key{Tenant: r.table.tenant, Type: r.table.typ, ID: r.id},
		Version:      r.version,
		Created:      time.UnixMicro(r.created).UTC(),
		LastModified: time.UnixMicro(r.modified).UTC(),
		Label:        r.label,
		Attributes:   r.attributes,
		Internal:     r.internal,
	}
	if len(r.index) > 0 {
		out.Index = keys[:len(r.index):len(r.index)]
		for i, e := range r.index {
			out.Index[i] = store.IndexKey{Attribute: e.index.attribute, Value: e.value, Unique: e.index.unique}
		}
	}
}

// set replaces old by next. Either may be nil. The lock must be held for writing.
func (tb *table) set(old, next *record) {
	if old != nil && next != nil && slices.Equal(old.index, next.index) {
		for _, e := range next.index {
			e.index.replace(e.value, next)
		}
		tb.byID[next.id] = next
		tb.order.put(next)
		return
	}
	if old != nil {
		for _, e := range old.index {
			e.index.remove(e.value, old)
		}
	}
	if next == nil {
		delete(tb.byID, old.id)
		tb.order.delete(old.id)
		return
	}
	for _, e := range next.index {
		e.index.add(e.value, next)
	}
	tb.byID[next.id] = next
	tb.order.put(next)
}

// taken returns the attribute of a unique key that next and a record other than old have; "" if there is none.
func (next *record) taken(old *record) string {
	for _, e := range next.index {
		if other := e.index.one[e.value]; e.index.unique && other != nil && other != old {
			return e.index.attribute
		}
	}
	return ""
}

func (tb *table) index(name indexName) *index {
	x := tb.indexes[name]
	if x == nil {
		name.attribute = strings.Clone(name.attribute)
		x = &index{indexName: name, one: map[string]*record{}, many: map[string]*ordered[*record]{}}
		tb.indexes[name] = x
	}
	return x
}

func (x *index) add(value string, r *record) {
	if many := x.many[value]; many != nil {
		many.put(r)
		return
	}
	other := x.one[value]
	if other == nil || other == r {
		x.one[value] = r
		return
	}
	many := &ordered[*record]{}
	many.put(other)
	many.put(r)
	x.many[value] = many
	delete(x.one, value)
}

// replace replaces a record by one with the same id.
func (x *index) replace(value string, r *record) {
	if many := x.many[value]; many != nil {
		many.put(r)
		return
	}
	x.one[value] = r
}

func (x *index) remove(value string, r *record) {
	many := x.many[value]
	if many == nil {
		if x.one[value] == r {
			delete(x.one, value)
		}
		return
	}
	if many.delete(r.id); many.n == 0 {
		delete(x.many, value)
	}
}

// set returns the records that have a value.
func (x *index) set(value string) set { return set{x.one[value], x.many[value]} }

// set is one record, or several in the order of their ids, or none.
type set struct {
	one  *record
	many *ordered[*record]
}

func (s set) len() int {
	switch {
	case s.many != nil:
		return s.many.n
	case s.one != nil:
		return 1
	}
	return 0
}

func (s set) appendTo(records []*record) []*record {
	switch {
	case s.many != nil:
		return s.many.from(0, s.many.n, records)
	case s.one != nil:
		return append(records, s.one)
	}
	return records
}
