package memstore

import (
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
	indexes map[string]*index // by IndexKey.Attribute
}

// record is a resource as it is kept: never changed, only replaced, so that readers may hold on to it without a lock.
// It is smaller than a store.Resource, as there may be millions.
type record struct {
	table             *table
	id, version       string
	label             string
	created, modified int64 // in microseconds since 1970, which is all that the contract has
	index             []entry
	attributes        document.Document
	internal          document.Document
}

func (r *record) key() string { return r.id }

// entry is a record's place in an index.
type entry struct {
	index  *index
	value  string
	unique bool
}

// index finds the records that have a value of one attribute.
type index struct {
	attribute string
	unique    map[string]*record
	plain     map[string]bucket
}

// bucket holds the records that share a value. Most values have one.
type bucket struct {
	one  *record
	many *ordered[*record]
}

func (t *tenant) table(typ string) *table {
	tb := t.tables[typ]
	if tb == nil {
		typ = strings.Clone(typ)
		tb = &table{tenant: t.name, typ: typ, byID: map[string]*record{}, indexes: map[string]*index{}}
		t.tables[typ] = tb
	}
	return tb
}

// newRecord copies what the record is to keep, so that it holds on to nothing of the caller's, such as a request's
// whole body of which a string is a part. The short strings share one piece of memory.
func (tb *table) newRecord(r *store.Resource) *record {
	n := len(r.ID) + len(r.Version) + len(r.Label)
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
		internal:   r.Internal,
	}
	if len(r.Index) > 0 {
		rec.index = make([]entry, len(r.Index))
		for i, k := range r.Index {
			rec.index[i] = entry{tb.makeIndex(k.Attribute), keep(k.Value), k.Unique}
		}
	}
	return rec
}

// resource makes a resource of the caller's own.
func (r *record) resource() *store.Resource {
	out := &store.Resource{
		Key:          store.Key{Tenant: r.table.tenant, Type: r.table.typ, ID: r.id},
		Version:      r.version,
		Created:      time.UnixMicro(r.created).UTC(),
		LastModified: time.UnixMicro(r.modified).UTC(),
		Label:        r.label,
		Attributes:   r.attributes,
		Internal:     r.internal,
	}
	if len(r.index) > 0 {
		out.Index = make([]store.IndexKey, len(r.index))
		for i, e := range r.index {
			out.Index[i] = store.IndexKey{Attribute: e.index.attribute, Value: e.value, Unique: e.unique}
		}
	}
	return out
}

// set puts next in the place of old; either may be nil. The lock is held for writing.
func (tb *table) set(old, next *record) {
	if old != nil {
		for _, e := range old.index {
			e.index.remove(e, old)
		}
	}
	if next == nil {
		delete(tb.byID, old.id)
		tb.order.delete(old.id)
		return
	}
	for _, e := range next.index {
		e.index.add(e, next)
	}
	tb.byID[next.id] = next
	tb.order.put(next)
}

// taken returns the attribute of a unique key of next that another record than old has, or "".
func (next *record) taken(old *record) string {
	for _, e := range next.index {
		if other := e.index.unique[e.value]; e.unique && other != nil && other != old {
			return e.index.attribute
		}
	}
	return ""
}

func (tb *table) makeIndex(attribute string) *index {
	x := tb.indexes[attribute]
	if x == nil {
		attribute = strings.Clone(attribute)
		x = &index{attribute: attribute, unique: map[string]*record{}, plain: map[string]bucket{}}
		tb.indexes[attribute] = x
	}
	return x
}

func (x *index) add(e entry, r *record) {
	if e.unique {
		x.unique[e.value] = r
		return
	}
	b := x.plain[e.value]
	switch {
	case b.many != nil:
		b.many.put(r)
		return
	case b.one == nil || b.one == r:
		b.one = r
	default:
		b.many = &ordered[*record]{}
		b.many.put(b.one)
		b.many.put(r)
		b.one = nil
	}
	x.plain[e.value] = b
}

func (x *index) remove(e entry, r *record) {
	if e.unique {
		if x.unique[e.value] == r {
			delete(x.unique, e.value)
		}
		return
	}
	b := x.plain[e.value]
	if b.many != nil {
		b.many.delete(r.id)
		if b.many.n > 0 {
			return
		}
	} else if b.one != r {
		return
	}
	delete(x.plain, e.value)
}

func (b bucket) len() int {
	if b.many != nil {
		return b.many.n
	}
	if b.one != nil {
		return 1
	}
	return 0
}

func (b bucket) appendTo(records []*record) []*record {
	if b.many != nil {
		return b.many.from(0, b.many.n, records)
	}
	if b.one != nil {
		return append(records, b.one)
	}
	return records
}
