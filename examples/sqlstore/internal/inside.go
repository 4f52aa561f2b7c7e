package sqlstore

// This file is for the tests of both engines, which are in another package. A product can't import this package.

// EngineOf returns the engine of a store.
func EngineOf(s *Store) Engine { return s.engine }

// SetEngine replaces the engine of a store, for example by one that notes the statements.
func SetEngine(s *Store, e Engine) { s.engine = e }

// ScansOf returns what admits the scans of a store.
func ScansOf(s *Store) *Scans { return s.scans }

// Length returns how many writes wait.
func (q *Queue[T]) Length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// Places returns how many workers there are.
func (q *Queue[T]) Places() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.working
}
