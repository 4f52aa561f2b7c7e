package lifecycle

import (
	"sync"
	"time"
)

// refusalsListed is how many refusals of a connection the journal lists in a minute, so that a client which repeats a wrong
// request can't fill the disk.
const refusalsListed = 100

// refusals counts the refusals of this minute by connection.
type refusals struct {
	mu     sync.Mutex
	minute int64
	counts map[[2]string]int // by tenant and connection
}

// list says whether one more refusal may be listed.
func (l *refusals) list(r *Request) bool {
	minute := time.Now().Unix() / 60
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.minute != minute || l.counts == nil {
		l.minute, l.counts = minute, make(map[[2]string]int)
	}
	key := [2]string{r.Tenant, r.Connection.ID}
	l.counts[key]++
	return l.counts[key] <= refusalsListed
}
