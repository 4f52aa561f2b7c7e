package memstore

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

type word string

func (w word) key() string { return string(w) }

// TestOrdered compares the list with a sorted slice, over inserts and deletes in order, backwards and at random.
func TestOrdered(t *testing.T) {
	const n = 5 * chunkSize
	words := func(i int) word { return word(fmt.Sprintf("%06d", i)) }
	upwards := func(i int) int { return i }
	downwards := func(i int) int { return n - 1 - i }
	perm := rand.New(rand.NewPCG(1, 2)).Perm(n)
	random := func(i int) int { return perm[i] }
	for name, tt := range map[string]struct{ in, out func(int) int }{
		"up and up": {upwards, upwards}, "up and down": {upwards, downwards}, "down and up": {downwards, upwards},
		"random and random": {random, random}, "up and random": {upwards, random},
	} {
		t.Run(name, func(t *testing.T) {
			var o ordered[word]
			var want []word
			check := func() {
				t.Helper()
				if o.n != len(want) {
					t.Fatalf("has %d items instead of %d", o.n, len(want))
				}
				if got := o.from(0, n+1, nil); !slices.Equal(got, want) {
					t.Fatalf("holds %v instead of %v", got, want)
				}
				for _, c := range o.chunks {
					if len(c) == 0 || len(c) > chunkSize {
						t.Fatalf("has a chunk of %d", len(c))
					}
				}
				for p := 0; p <= len(want); p += 97 {
					end := min(p+700, len(want))
					if got := o.from(p, 700, nil); !slices.Equal(got, want[p:end]) {
						t.Fatalf("from %d: got %d items, want %d", p, len(got), end-p)
					}
					if p < len(want) {
						if got := o.after(want[p].key(), 700, nil); !slices.Equal(got, want[p+1:min(p+701, len(want))]) {
							t.Fatalf("after %s: got %d items", want[p], len(got))
						}
						if got := o.after(want[p].key()+"x", 1, nil); !slices.Equal(got, want[p+1:min(p+2, len(want))]) {
							t.Fatalf("after where %s would be: got %v", want[p]+"x", got)
						}
					}
				}
			}
			check()
			for i := range n {
				w := words(tt.in(i))
				if !o.add(w) || o.add(w) {
					t.Fatalf("add of %s", w)
				}
				o.put(w) // it is there already
				at, _ := slices.BinarySearch(want, w)
				want = slices.Insert(want, at, w)
				if got, ok := o.get(w.key()); !ok || got != w {
					t.Fatalf("get %s: got %s, %t", w, got, ok)
				}
				if i%301 == 0 {
					check()
				}
			}
			check()
			for i := range n {
				w := words(tt.out(i))
				if got, ok := o.delete(w.key()); !ok || got != w {
					t.Fatalf("delete of %s: got %s, %t", w, got, ok)
				}
				if _, ok := o.delete(w.key()); ok {
					t.Fatalf("second delete of %s", w)
				}
				at, _ := slices.BinarySearch(want, w)
				want = slices.Delete(want, at, at+1)
				if i%301 == 0 {
					check()
				}
			}
			check()
			if len(o.chunks) != 0 {
				t.Errorf("%d chunks of nothing", len(o.chunks))
			}
		})
	}
}

func TestOrderedStaysDense(t *testing.T) {
	var o ordered[word]
	const n = 40 * chunkSize
	for i := range n {
		o.put(word(fmt.Sprintf("%06d", i)))
	}
	if len(o.chunks) != 40 {
		t.Errorf("%d chunks for items that came in order, want 40", len(o.chunks))
	}
	for i := range n {
		if i%100 != 0 {
			o.delete(fmt.Sprintf("%06d", i))
		}
	}
	if len(o.chunks) > 8 {
		t.Errorf("%d chunks are left for %d items", len(o.chunks), o.n)
	}
}

// TestSnapshot takes snapshots between inserts, replacements and deletes, and checks that these don't change the snapshots.
func TestSnapshot(t *testing.T) {
	var o ordered[word]
	type moment struct {
		taken view[word]
		want  []word
	}
	var moments []moment
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 20 * chunkSize {
		w := word(fmt.Sprintf("%05d", r.IntN(4*chunkSize)))
		switch grows := i/(4*chunkSize)%2 == 0; {
		case r.IntN(4) == 0 == grows:
			o.delete(string(w))
		case r.IntN(2) == 0:
			o.put(w)
		default:
			o.add(w)
		}
		if r.IntN(97) == 0 {
			moments = append(moments, moment{o.snapshot(), o.from(0, o.n, nil)})
		}
	}
	for i, m := range moments {
		got := m.taken.from(0, m.taken.n+1, nil)
		if !slices.Equal(got, m.want) {
			t.Fatalf("snapshot %d has %d items instead of %d, or others", i, len(got), len(m.want))
		}
		for _, w := range got {
			if _, ok := m.taken.get(w.key()); !ok {
				t.Fatalf("snapshot %d doesn't find %s", i, w)
			}
		}
	}
	if len(moments) < 50 {
		t.Fatalf("only %d snapshots", len(moments))
	}
}
