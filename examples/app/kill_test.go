package app_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/examples/try"
	"github.com/rollcall-dev/rollcall/store"
)

// killsVariable says how often TestKill kills the server. Default: 3.
const killsVariable = "ROLLCALL_TEST_KILLS"

// storm is many clients of a server that is killed again and again, and starts at another address.
type storm struct {
	mu      sync.Mutex
	base    string
	back    chan struct{}       // closed when base has changed
	stop    chan struct{}       // closed when the clients are to end
	acked   chan struct{}       // receives a value for each acknowledged request
	history map[string][]string // by id, the events of the acknowledged requests; a client repeats a request that wasn't answered
	retried int
}

func (s *storm) server() (base string, back chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base, s.back
}

func (s *storm) moveTo(base string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.back)
	s.base, s.back = base, make(chan struct{})
}

// ask sends a request until it is answered.
func (s *storm) ask(method, path, body string) (int, map[string]any) {
	for {
		base, back := s.server()
		status, answer, err := send(base, method, path, body)
		if err == nil {
			select {
			case s.acked <- struct{}{}:
			case <-s.stop:
			}
			return status, answer
		}
		<-back
		s.mu.Lock()
		s.retried++
		s.mu.Unlock()
	}
}

// happened notes an event that the hook must get about a user.
func (s *storm) happened(id string, kinds ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history[id] = append(s.history[id], kinds...)
}

// life creates a user who signs in and loses access. Half of the users get it back, and sign in again.
func (s *storm) life(name string, random *rand.Rand) error {
	status, user := s.ask(http.MethodPost, "/Users", `{"userName":"`+name+`","active":true}`)
	if status == http.StatusConflict { // the first try created the user, and only its answer was lost
		var list map[string]any
		if status, list = s.ask(http.MethodGet, "/Users?filter=userName%20eq%20%22"+name+"%22", ""); status == 200 {
			user, status = list["Resources"].([]any)[0].(map[string]any), http.StatusCreated
		}
	}
	if status != http.StatusCreated {
		return fmt.Errorf("create %s: %d %v", name, status, user)
	}
	id := user["id"].(string)
	s.happened(id, "provisioned")
	for random.IntN(8) > 0 {
		for range 2 {
			if status, answer := s.ask(http.MethodPost, "/app/login", `{"tenant":"acme","userName":"`+name+`"}`); status != 200 {
				return fmt.Errorf("login %s: %d %v", name, status, answer)
			}
		}
		s.happened(id, "activated", "billed")
		if random.IntN(4) == 0 {
			return nil
		}
		if err := s.setActive(id, false); err != nil {
			return err
		}
		s.happened(id, "deactivated", "unbilled")
		if random.IntN(2) == 0 {
			return nil
		}
		if err := s.setActive(id, true); err != nil {
			return err
		}
		s.happened(id, "reactivated")
	}
	return nil
}

func (s *storm) setActive(id string, active bool) error {
	body := fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":%t}]}`, active)
	if status, answer := s.ask(http.MethodPatch, "/Users/"+id, body); status != 200 && status != 204 {
		return fmt.Errorf("active=%t: %d %v", active, status, answer)
	}
	return nil
}

// firsts returns the kinds of each subject's events in the order of their first deliveries.
func firsts(deliveries []map[string]any) map[string][]string {
	heard, seen := map[string][]string{}, map[string]bool{}
	for _, d := range deliveries {
		if id := d["id"].(string); !seen[id] {
			seen[id] = true
			subject := d["subject"].(string)
			heard[subject] = append(heard[subject], d["kind"].(string))
		}
	}
	return heard
}

// Whenever the server is killed, the changes that it acknowledged are there, each period of access is billed once, every event reaches the hook
// in order, and no seat is lost (I7 to I10).
func TestKill(t *testing.T) {
	kills := 3
	if text := os.Getenv(killsVariable); text != "" {
		var err error
		kills, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	try.OnEngines(t, func(t *testing.T, name string) {
		p := spawn(t, name)
		s := &storm{base: p.base, back: make(chan struct{}), stop: make(chan struct{}), acked: make(chan struct{}), history: map[string][]string{}}
		const clients = 6
		ended := make(chan error, clients)
		for c := range clients {
			go func() {
				random := rand.New(rand.NewPCG(uint64(c), 0))
				for n := 0; ; n++ {
					select {
					case <-s.stop:
						ended <- nil
						return
					default:
					}
					if err := s.life(fmt.Sprintf("user-%d-%d", c, n), random); err != nil {
						ended <- err
						return
					}
				}
			}()
		}
		acknowledged := 0
		var restarted time.Time
		var slowest time.Duration // the longest time from a restart to the first delivery
		for range kills {
			for range 40 + rand.IntN(40) {
				select {
				case <-s.acked:
					acknowledged++
				case err := <-ended:
					t.Fatalf("a client ended: %v", err)
				}
			}
			p.kill()
			p = spawn(t, name)
			restarted = time.Now()
			told := len(pages(t, p.base, "/app/events", "events", "after"))
			s.moveTo(p.base)
			if first := within(t, func() bool { return len(pages(t, p.base, "/app/events", "events", "after")) > told }, 10*time.Second); first > slowest {
				slowest = first
			}
		}
		close(s.stop)
		for range clients {
			require.NoError(t, <-ended)
		}

		var deliveries []map[string]any
		assert.Eventually(t, func() bool {
			deliveries = pages(t, p.base, "/app/events", "events", "after")
			return assert.ObjectsAreEqual(s.history, firsts(deliveries))
		}, 30*time.Second, 200*time.Millisecond)
		all := time.Since(restarted)
		assert.Equal(t, s.history, firsts(deliveries))

		billed, seats := map[string]int{}, 0
		for id, kinds := range firsts(deliveries) {
			for _, kind := range kinds {
				billed[id] += map[string]int{"billed": 1, "unbilled": -1}[kind]
			}
		}
		users := pages(t, p.base, "/app/users", "users", "cursor")
		assert.Len(t, users, len(s.history), "no create is lost, none is there twice")
		for _, u := range users {
			assert.Contains(t, s.history, u["id"])
			assert.Equal(t, u["billed"], billed[u["id"].(string)] == 1, u)
			if u["status"] == "active" || u["status"] == "provisioned" {
				seats++
			}
		}
		_, answer, err := send(p.base, http.MethodGet, "/app/seats?tenant=acme", "")
		require.NoError(t, err)
		assert.EqualValues(t, seats, answer["used"], "no seat leaks")

		p.kill()
		left, err := boot.OpenDatabase(t.Context(), name)
		require.NoError(t, err)
		defer left.Close()
		events, err := left.Lease(t.Context(), store.Lease{Owner: "test", Consumer: "hooks", For: time.Hour, Max: 10})
		require.NoError(t, err)
		assert.Empty(t, undelivered(events, deliveries), "nothing is left to tell")
		parked, err := left.Parked(t.Context(), "acme", "", 10)
		require.NoError(t, err)
		assert.Empty(t, parked)
		distinct := map[any]bool{}
		for _, d := range deliveries {
			distinct[d["id"]] = true
		}
		t.Logf("%d kills, %d acknowledged before the last, %d requests repeated, %d users, %d seats, %d events, %d deliveries; the first within %s of each restart, all %s after the last",
			kills, acknowledged, s.retried, len(users), seats, len(distinct), len(deliveries), slowest, all)
	})
}

// within waits until a condition holds, for a limited time, and returns how long that took.
func within(t *testing.T, is func() bool, most time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	require.Eventually(t, is, most, 10*time.Millisecond)
	return time.Since(began)
}

// undelivered returns the events in the store that were not delivered. The last ones that were delivered may not be settled yet.
func undelivered(events []store.Delivery, deliveries []map[string]any) (ids []string) {
	told := map[any]bool{}
	for _, d := range deliveries {
		told[d["id"]] = true
	}
	for _, e := range events {
		if !told[e.ID] {
			ids = append(ids, e.ID)
		}
	}
	return ids
}
