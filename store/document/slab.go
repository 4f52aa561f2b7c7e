package document

// Slab hands out the fields of arrays and objects from larger pieces of memory, so that a tree of many small ones costs few
// allocations. Its zero value is ready. It is not safe for concurrent use; what it has handed out is nobody else's.
type Slab struct{ free []Field }

// mostAhead is how many fields a Slab makes at once beyond those that are asked for: a value that somebody holds on to keeps the
// whole piece in memory.
const mostAhead = 256

// Take returns n empty fields, without room for more. ahead is how many are likely to be asked for later.
func (s *Slab) Take(n, ahead int) []Field {
	if n > len(s.free) {
		s.free = make([]Field, n+min(max(ahead, 0), mostAhead))
	}
	items := s.free[:n:n]
	s.free = s.free[n:]
	return items
}
