package sqlstore

import (
	"context"
	"iter"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
)

// BatchRows is how many membership rows are read at once, if they are of several owners.
const BatchRows = 10_000

// Members implements [store.Store]. One statement reads all rows of an owner into memory before the caller gets the first.
// So they are of one moment, and a slow caller holds no connection. That takes some 70 bytes for each row. If there are many
// owners, so many are read at once as have about 10,000 rows together.
func (s *Store) Members(ctx context.Context, q store.MemberQuery) iter.Seq2[store.Member, error] {
	return func(yield func(store.Member, error) bool) {
		for q := q; len(q.Groups)+len(q.Of) > 0; {
			rows, complete, err := s.readMembers(ctx, q)
			if err != nil {
				yield(store.Member{}, err)
				return
			}
			if len(q.Of) > 0 {
				q.Of = q.Of[complete:]
			} else {
				q.Groups = q.Groups[complete:]
			}
			for m := range rows.All() {
				if !yield(m, nil) {
					return
				}
			}
		}
	}
}

// readMembers reads all rows of the first owners, and returns of how many owners.
func (s *Store) readMembers(ctx context.Context, q store.MemberQuery) (rows *MemberRows, complete int, err error) {
	leave, err := s.calls.Turn(ctx, q.Tenant)
	if err != nil {
		return nil, 0, err
	}
	defer leave()
	rows = &MemberRows{}
	complete, err = s.engine.Members(ctx, q, rows, BatchRows)
	if complete == 0 && err == nil { // the first owner alone has more rows than that
		q.Groups, q.Of = q.Groups[:min(1, len(q.Groups))], q.Of[:min(1, len(q.Of))]
		rows = &MemberRows{}
		complete, err = s.engine.Members(ctx, q, rows, 0)
	}
	return rows, complete, err
}

// Owners returns the groups or members whose rows a query asks for.
func Owners(q store.MemberQuery) []string {
	if len(q.Of) > 0 {
		return q.Of
	}
	return q.Groups
}

// MemberRows has membership rows in little memory: their texts are in large strings, the slabs, one behind the other.
type MemberRows struct {
	owned []ownedRows
	Slabs []string
	Slab  strings.Builder
	types []string // the types of members, each once
	N     int
}

// ownedRows says whose rows begin at a number.
type ownedRows struct {
	owner string
	isOf  bool // whether the owner is the member, and the rows are its groups
	from  int  // the number of the first row
}

// slabSize is the size of a slab. It is much larger than a row, and much smaller than the rows of a large group.
const slabSize = 64 << 10

// Begin begins the rows of an owner.
func (b *MemberRows) Begin(owner string, isOf bool) {
	if n := len(b.owned); n > 0 && b.owned[n-1].from == b.N {
		b.owned = b.owned[:n-1] // the last owner has no rows
	}
	b.owned = append(b.owned, ownedRows{owner, isOf, b.N})
}

// Add adds a row of the owner: the member's type, and the id and label of the other end, as the tables have them.
func (b *MemberRows) Add(typ, id, label string) {
	at := 0
	for ; at < len(b.types) && b.types[at] != typ; at++ {
	}
	if at == len(b.types) {
		b.types = append(b.types, strings.Clone(typ))
	}
	need := 3*maxVarint + len(id) + len(label)
	if b.Slab.Len() > 0 && b.Slab.Cap()-b.Slab.Len() < need {
		b.endSlab()
	}
	if b.Slab.Cap() == 0 {
		b.Slab.Grow(max(need, min(slabSize, 1<<10<<min(len(b.Slabs), 6))))
	}
	b.number(at)
	b.number(len(id))
	b.Slab.WriteString(id)
	b.number(len(label))
	b.Slab.WriteString(label)
	b.N++
}

func (b *MemberRows) endSlab() {
	b.Slabs = append(b.Slabs, b.Slab.String())
	b.Slab = strings.Builder{}
}

// maxVarint is the most bytes that a number takes.
const maxVarint = 10

// number writes a number with seven bits in each byte.
func (b *MemberRows) number(n int) {
	for ; n >= 0x80; n >>= 7 {
		b.Slab.WriteByte(byte(n) | 0x80)
	}
	b.Slab.WriteByte(byte(n))
}

// DropLast drops the rows of the last owner.
func (b *MemberRows) DropLast() {
	last := len(b.owned) - 1
	b.N, b.owned = b.owned[last].from, b.owned[:last]
}

// All returns the rows, once. It releases the memory of a slab when its rows were returned.
func (b *MemberRows) All() iter.Seq[store.Member] {
	return func(yield func(store.Member) bool) {
		if b.Slab.Len() > 0 {
			b.endSlab()
		}
		n, at := 0, -1
		for i, text := range b.Slabs {
			b.Slabs[i] = ""
			for ; text != "" && n < b.N; n++ {
				for at+1 < len(b.owned) && b.owned[at+1].from <= n {
					at++
				}
				var typ, id, label string
				t, rest := readNumber(text)
				typ = b.types[t]
				id, rest = readText(rest)
				label, text = readText(rest)
				m := store.Member{Group: b.owned[at].owner, Type: Dec(typ), ID: Dec(id), Label: Dec(label)}
				if b.owned[at].isOf {
					m.Group, m.ID = m.ID, m.Group
				}
				if !yield(m) {
					return
				}
			}
		}
	}
}

func readNumber(text string) (n int, rest string) {
	for i := 0; ; i++ {
		n |= int(text[i]&0x7f) << (7 * i)
		if text[i] < 0x80 {
			return n, text[i+1:]
		}
	}
}

func readText(text string) (s, rest string) {
	n, text := readNumber(text)
	return text[:n], text[n:]
}
