package memstore

import (
	"slices"
	"sort"
	"sync/atomic"
)

// ordered is a list of items in the order of their keys. It is divided into chunks, so that an insert or delete moves at most the
// items of one chunk, and the item at a position is found by adding the lengths of chunks. Keys that are UUIDv7 are mostly appended, which
// fills chunks completely, but keys may come in any order.
//
// A caller of its methods must hold the lock, for writing if they write. A snapshot can be read without the lock: writers don't change the
// chunks that are in a snapshot, but copies of them.
type ordered[T keyed] struct {
	view[T]
	ages atomic.Pointer[ages] // nil before the first snapshot
}

// ages say which chunks may be in a snapshot. Each snapshot ends an age and begins the next one. A chunk that was made in the present age
// is in no snapshot, so it may be written in place.
type ages struct {
	now    atomic.Uint32
	list   uint32   // the age of the list of chunks
	chunks []uint32 // the age of each chunk; if nil, all are of the first age
}

// view is a list that can only be read.
type view[T keyed] struct {
	chunks [][]T // none is empty
	n      int
}

type keyed interface{ key() string }

// chunkSize is the most items of a chunk. So many can be moved fast, and a tenant of 500,000 users has only 1,000 chunks.
const chunkSize = 512

// snapshot returns the list as it is now, which later writes don't change. Taking it copies nothing. The lock must be held, at least for
// reading.
func (o *ordered[T]) snapshot() view[T] {
	if o.ages.Load() == nil {
		o.ages.CompareAndSwap(nil, &ages{})
	}
	o.ages.Load().now.Add(1)
	return o.view
}

// moment returns the list as it is now. If once is set, it may be read only until the lock is released, and later writes need not copy
// chunks for it. Otherwise it is a snapshot.
func (o *ordered[T]) moment(once bool) view[T] {
	if once {
		return o.view
	}
	return o.snapshot()
}

// own copies a chunk, and the list of chunks, if they may be in a snapshot, so that they can be written.
func (o *ordered[T]) own(chunk int) {
	if a := o.ages.Load(); a != nil {
		o.copyOld(chunk, a)
	}
}

func (o *ordered[T]) copyOld(chunk int, a *ages) {
	if a.chunks == nil {
		a.chunks = make([]uint32, len(o.chunks))
	}
	now := a.now.Load()
	if a.list != now {
		o.chunks, a.list = slices.Clone(o.chunks), now
	}
	if chunk < len(o.chunks) && a.chunks[chunk] != now {
		o.chunks[chunk], a.chunks[chunk] = slices.Clone(o.chunks[chunk]), now
	}
}

// insertChunk inserts a chunk. The caller must have called own.
func (o *ordered[T]) insertChunk(at int, items []T) {
	o.chunks = slices.Insert(o.chunks, at, items)
	if a := o.ages.Load(); a != nil {
		a.chunks = slices.Insert(a.chunks, at, a.list)
	}
}

// deleteChunk deletes a chunk. The caller must have called own.
func (o *ordered[T]) deleteChunk(at int) {
	o.chunks = slices.Delete(o.chunks, at, at+1)
	if a := o.ages.Load(); a != nil {
		a.chunks = slices.Delete(a.chunks, at, at+1)
	}
}

// find returns the position of the item with a key, or where it would be inserted.
func (o *view[T]) find(key string) (chunk, i int, found bool) {
	// The item can only be in the last chunk that doesn't begin with a greater key.
	chunk = sort.Search(len(o.chunks), func(c int) bool { return o.chunks[c][0].key() > key }) - 1
	if chunk < 0 {
		return 0, 0, false
	}
	c := o.chunks[chunk]
	i = sort.Search(len(c), func(i int) bool { return c[i].key() >= key })
	return chunk, i, i < len(c) && c[i].key() == key
}

func (o *view[T]) get(key string) (item T, ok bool) {
	chunk, i, ok := o.find(key)
	if ok {
		item = o.chunks[chunk][i]
	}
	return item, ok
}

// put inserts an item, or replaces the one with the same key.
func (o *ordered[T]) put(item T) {
	chunk, i, found := o.find(item.key())
	if found {
		o.own(chunk)
		o.chunks[chunk][i] = item
		return
	}
	o.insert(chunk, i, item)
}

// add inserts an item. It returns false if there is one with the same key.
func (o *ordered[T]) add(item T) bool {
	chunk, i, found := o.find(item.key())
	if !found {
		o.insert(chunk, i, item)
	}
	return !found
}

func (o *ordered[T]) insert(chunk, i int, item T) {
	o.own(chunk)
	switch {
	case len(o.chunks) == 0:
		o.insertChunk(0, []T{item})
	case len(o.chunks[chunk]) < chunkSize:
		o.chunks[chunk] = slices.Insert(o.chunks[chunk], i, item)
	case chunk == len(o.chunks)-1 && i == chunkSize:
		o.insertChunk(len(o.chunks), []T{item})
	default:
		c := o.chunks[chunk]
		right := append(make([]T, 0, chunkSize), c[chunkSize/2:]...)
		clear(c[chunkSize/2:])
		o.chunks[chunk] = c[:chunkSize/2]
		o.insertChunk(chunk+1, right)
		if i > chunkSize/2 {
			chunk, i = chunk+1, i-chunkSize/2
		}
		o.chunks[chunk] = slices.Insert(o.chunks[chunk], i, item)
	}
	o.n++
}

func (o *ordered[T]) delete(key string) (item T, ok bool) {
	chunk, i, found := o.find(key)
	if !found {
		return item, false
	}
	o.own(chunk)
	c := o.chunks[chunk]
	item = c[i]
	c = slices.Delete(c, i, i+1)
	o.chunks[chunk] = c
	o.n--
	if len(c) == 0 {
		o.deleteChunk(chunk)
		return item, true
	}
	// A small chunk is joined with the one before or after it, so that there are never many small ones.
	if !o.join(chunk) && chunk > 0 {
		o.join(chunk - 1)
	}
	return item, true
}

// join joins a chunk with the next one, if the two together fill at most half of a chunk.
func (o *ordered[T]) join(chunk int) bool {
	next := chunk + 1
	if next == len(o.chunks) || len(o.chunks[chunk])+len(o.chunks[next]) > chunkSize/2 {
		return false
	}
	o.own(chunk)
	o.chunks[chunk] = append(o.chunks[chunk], o.chunks[next]...)
	o.deleteChunk(next)
	return true
}

// after appends up to n items with keys greater than the key.
func (o *view[T]) after(key string, n int, to []T) []T {
	chunk, i, found := o.find(key)
	if found {
		i++
	}
	return o.take(chunk, i, n, to)
}

// from appends up to n items from a position on.
func (o *view[T]) from(position, n int, to []T) []T {
	for chunk, c := range o.chunks {
		if position < len(c) {
			return o.take(chunk, position, n, to)
		}
		position -= len(c)
	}
	return to
}

func (o *view[T]) take(chunk, i, n int, to []T) []T {
	for ; chunk < len(o.chunks) && n > 0; chunk, i = chunk+1, 0 {
		c := o.chunks[chunk]
		k := min(n, len(c)-i)
		to = append(to, c[i:i+k]...)
		n -= k
	}
	return to
}
