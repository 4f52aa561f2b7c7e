package app_test

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/try"
)

// answer is the answer to one of many requests.
type answer struct {
	status int
	body   map[string]any
}

// parallel sends 64 requests at once to several servers.
func parallel(t *testing.T, servers []string, path string, body func(n int) string) []answer {
	t.Helper()
	const requests = 64
	answers, errs := make([]answer, requests), make([]error, requests)
	start := make(chan struct{})
	var sent sync.WaitGroup
	for n := range requests {
		sent.Go(func() {
			<-start
			answers[n].status, answers[n].body, errs[n] = send(servers[n%len(servers)], http.MethodPost, path, body(n))
		})
	}
	close(start)
	sent.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	return answers
}

// Two and four processes on one store bill one first login once (I7), and sell no seat twice.
func TestProcesses(t *testing.T) {
	for _, processes := range []int{2, 4} {
		t.Run(strconv.Itoa(processes), func(t *testing.T) { together(t, processes) })
	}
}

func together(t *testing.T, processes int) {
	try.OnEngines(t, func(t *testing.T, name string) {
		var servers []string
		for range processes {
			servers = append(servers, spawn(t, name).base)
		}
		status, user, err := send(servers[0], http.MethodPost, "/Users", `{"userName":"ada"}`)
		require.NoError(t, err)
		require.Equal(t, 201, status, user)

		billed := 0
		for _, a := range parallel(t, servers, "/app/login", func(int) string { return `{"tenant":"acme","userName":"ada"}` }) {
			require.Equal(t, 200, a.status, a.body)
			if a.body["billed"] == true {
				billed++
			}
		}
		assert.Equal(t, 1, billed, "one login is told that it is billed")
		want := map[string][]string{user["id"].(string): {"provisioned", "activated", "billed"}}
		heard := func() map[string][]string { return firsts(pages(t, servers[1], "/app/events", "events", "after")) }
		assert.Eventually(t, func() bool { return assert.ObjectsAreEqual(want, heard()) }, 10*time.Second, 50*time.Millisecond)
		assert.Equal(t, want, heard())

		status, settings, err := send(servers[0], http.MethodPut, "/app/settings?tenant=acme", `{"seatLimit":10}`)
		require.NoError(t, err)
		require.Equal(t, 200, status, settings) // and both processes go by it
		created := 0
		for _, a := range parallel(t, servers, "/Users", func(n int) string { return fmt.Sprintf(`{"userName":"user-%d"}`, n) }) {
			if a.status == 201 {
				created++
				continue
			}
			require.Equal(t, 403, a.status, a.body)
			assert.Contains(t, a.body["detail"], "10 seats")
		}
		assert.Equal(t, 9, created, "ada has the tenth seat")
		for _, server := range servers {
			_, seats, err := send(server, http.MethodGet, "/app/seats?tenant=acme", "")
			require.NoError(t, err)
			assert.Equal(t, map[string]any{"limit": 10.0, "used": 10.0}, seats)
		}
		assert.Len(t, pages(t, servers[0], "/app/users", "users", "cursor"), 10)
	})
}
