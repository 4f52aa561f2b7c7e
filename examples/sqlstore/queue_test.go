package sqlstore

// length is how many wait.
func (q *queue[T]) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// places is how many of the workers' places are taken.
func (q *queue[T]) places() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.working
}
