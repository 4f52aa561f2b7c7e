package sqlstore

// What follows is for the tests of both engines, which are in another package. No product can import this one.

// EngineOf is what a store runs on.
func EngineOf(s *Store) Engine { return s.engine }

// SetEngine puts another one in its place, such as one that notes what it is asked.
func SetEngine(s *Store, e Engine) { s.engine = e }

// ScansOf admits the scans of a store.
func ScansOf(s *Store) *Scans { return s.scans }

// Length is how many wait.
func (q *Queue[T]) Length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// Places is how many of the workers' places are taken.
func (q *Queue[T]) Places() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.working
}
