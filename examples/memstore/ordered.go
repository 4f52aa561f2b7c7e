package memstore

import (
	"slices"
	"sort"
	"sync/atomic"
)

// ordered is a list of items in the order of their keys, cut into chunks: an insert or delete moves at most a chunk's
// items, and the item at a position is found by adding up the lengths of chunks. UUIDv7 keys are mostly appended, which
// fills chunks to the brim; any order works.
//
// Its methods need the lock, for writing if they write. A snapshot doesn't: it keeps the chunks as they are, and whoever
// writes after it copies the chunk that it changes.
type ordered[T keyed] struct {
	view[T]
	ages atomic.Pointer[ages] // nil before the first snapshot
}

// ages say what is in snapshots. Each snapshot begins an age. What was made in the present one is in no snapshot, so it may
// be written in place.
type ages struct {
	now    atomic.Uint32
	list   uint32   // of the list of chunks
	chunks []uint32 // of each chunk; nil: all are of the first age
}

// view is the reading half of a list.
type view[T keyed] struct {
	chunks [][]T // none is empty
	n      int
}

type keyed interface{ key() string }

// chunkSize is the most items of a chunk: a thousandth of a big tenant and few enough to move.
const chunkSize = 512

// snapshot returns the list as it is now, for good. It costs nothing by itself. The lock is held for reading at least.
func (o *ordered[T]) snapshot() view[T] {
	if o.ages.Load() == nil {
		o.ages.CompareAndSwap(nil, &ages{})
	}
	o.ages.Load().now.Add(1)
	return o.view
}

// moment returns the list as it is now: for good, or for whoever reads it once before the lock is let go, which costs nothing to
// those who write later.
func (o *ordered[T]) moment(once bool) view[T] {
	if once {
		return o.view
	}
	return o.snapshot()
}

// own makes a chunk, and the list of them, such that they may be written.
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

// insertChunk inserts a chunk. The list is owned.
func (o *ordered[T]) insertChunk(at int, items []T) {
	o.chunks = slices.Insert(o.chunks, at, items)
	if a := o.ages.Load(); a != nil {
		a.chunks = slices.Insert(a.chunks, at, a.list)
	}
}

// deleteChunk deletes a chunk. The list is owned.
func (o *ordered[T]) deleteChunk(at int) {
	o.chunks = slices.Delete(o.chunks, at, at+1)
	if a := o.ages.Load(); a != nil {
		a.chunks = slices.Delete(a.chunks, at, at+1)
	}
}

// find says where the item with the key is, or would be inserted.
func (o *view[T]) find(key string) (chunk, i int, found bool) {
	// The chunk to look in is the last one that doesn't begin behind the key.
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

// put inserts the item, or replaces the one with its key.
func (o *ordered[T]) put(item T) {
	chunk, i, found := o.find(item.key())
	if found {
		o.own(chunk)
		o.chunks[chunk][i] = item
		return
	}
	o.insert(chunk, i, item)
}

// add inserts the item, unless there's one with its key.
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
	// A chunk that shrinks is joined to a neighbour, so that there are never many small ones.
	if !o.join(chunk) && chunk > 0 {
		o.join(chunk - 1)
	}
	return item, true
}

// join makes a chunk and the next one into one, if they fill half of one.
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
