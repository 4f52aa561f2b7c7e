package memstore

import (
	"slices"
	"sort"
)

// ordered is a list of items in the order of their keys, cut into chunks: an insert or delete moves at most a chunk's
// items, and the item at a position is found by adding up the lengths of chunks. UUIDv7 keys are mostly appended, which
// fills chunks to the brim; any order works.
type ordered[T keyed] struct {
	chunks [][]T // none is empty
	n      int
}

type keyed interface{ key() string }

// chunkSize is the most items of a chunk: a thousandth of a big tenant and few enough to move.
const chunkSize = 512

// find says where the item with the key is, or would be inserted.
func (o *ordered[T]) find(key string) (chunk, i int, found bool) {
	// The chunk to look in is the last one that doesn't begin behind the key.
	chunk = sort.Search(len(o.chunks), func(c int) bool { return o.chunks[c][0].key() > key }) - 1
	if chunk < 0 {
		return 0, 0, false
	}
	c := o.chunks[chunk]
	i = sort.Search(len(c), func(i int) bool { return c[i].key() >= key })
	return chunk, i, i < len(c) && c[i].key() == key
}

func (o *ordered[T]) get(key string) (item T, ok bool) {
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
	switch {
	case len(o.chunks) == 0:
		o.chunks = [][]T{{item}}
	case len(o.chunks[chunk]) < chunkSize:
		o.chunks[chunk] = slices.Insert(o.chunks[chunk], i, item)
	case chunk == len(o.chunks)-1 && i == chunkSize:
		o.chunks = append(o.chunks, []T{item})
	default:
		c := o.chunks[chunk]
		right := append(make([]T, 0, chunkSize), c[chunkSize/2:]...)
		clear(c[chunkSize/2:])
		o.chunks[chunk] = c[:chunkSize/2]
		o.chunks = slices.Insert(o.chunks, chunk+1, right)
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
	c := o.chunks[chunk]
	item = c[i]
	c = slices.Delete(c, i, i+1)
	o.chunks[chunk] = c
	o.n--
	if len(c) == 0 {
		o.chunks = slices.Delete(o.chunks, chunk, chunk+1)
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
	o.chunks[chunk] = append(o.chunks[chunk], o.chunks[next]...)
	o.chunks = slices.Delete(o.chunks, next, next+1)
	return true
}

// after appends up to n items with keys greater than the key.
func (o *ordered[T]) after(key string, n int, to []T) []T {
	chunk, i, found := o.find(key)
	if found {
		i++
	}
	return o.take(chunk, i, n, to)
}

// from appends up to n items from a position on.
func (o *ordered[T]) from(position, n int, to []T) []T {
	for chunk, c := range o.chunks {
		if position < len(c) {
			return o.take(chunk, position, n, to)
		}
		position -= len(c)
	}
	return to
}

func (o *ordered[T]) take(chunk, i, n int, to []T) []T {
	for ; chunk < len(o.chunks) && n > 0; chunk, i = chunk+1, 0 {
		c := o.chunks[chunk]
		k := min(n, len(c)-i)
		to = append(to, c[i:i+k]...)
		n -= k
	}
	return to
}
