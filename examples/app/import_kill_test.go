package app_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/try"
)

// A server that imports a file is killed again and again, and the file is sent again. In the end everybody is there exactly once.
func TestKillImport(t *testing.T) {
	if testing.Short() {
		t.Skip("it kills processes for a while")
	}
	kills := 3
	if n, err := strconv.Atoi(os.Getenv(killsVariable)); err == nil {
		kills = n
	}
	const people = 3_000
	var file strings.Builder
	file.WriteString("userName,externalId,email,billed,groups\n")
	for i := range people {
		fmt.Fprintf(&file, "u%d,e%d,u%d@x.example,true,All;G%d\n", i, i, i, i%5)
	}
	send := func(base, path, body string) (int, string) {
		base = base[:strings.Index(base[len("http://"):], "/")+len("http://")]
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, base+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "text/csv")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, err.Error()
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(text)
	}
	try.OnEngines(t, func(t *testing.T, where string) {
		killed := 0
		for range kills {
			p := spawn(t, where)
			done := make(chan int, 1)
			go func() { status, _ := send(p.base, "/app/import?tenant=acme", file.String()); done <- status }()
			select {
			case <-done: // the import ended before the kill
			case <-time.After(time.Duration(20+rand.IntN(400)) * time.Millisecond):
				killed++
			}
			p.kill()
		}
		t.Logf("%d times in the middle", killed)
		p := spawn(t, where)
		status, report := send(p.base, "/app/import?tenant=acme", file.String())
		require.Equal(t, 200, status, report)
		status, report = send(p.base, "/app/import?tenant=acme", file.String())
		require.Equal(t, 200, status, report)
		assert.Contains(t, report, fmt.Sprintf(`"unchanged":%d`, people))
		count := func(path string) any {
			_, list, err := try.Send(t.Context(), p.base, try.Token, http.MethodGet, path, "")
			require.NoError(t, err)
			return list["totalResults"]
		}
		assert.EqualValues(t, people, count("/Users?count=0"))
		assert.EqualValues(t, 6, count("/Groups?count=0"))
		_, seats, err := try.Send(t.Context(), p.base, try.Token, http.MethodGet, "/app/seats?tenant=acme", "")
		require.NoError(t, err)
		assert.EqualValues(t, people, seats["used"])
		_, groups, err := try.Send(t.Context(), p.base, try.Token, http.MethodGet, "/Groups?filter=displayName%20eq%20%22All%22", "")
		require.NoError(t, err)
		assert.Len(t, groups["Resources"].([]any)[0].(map[string]any)["members"], people)
	})
}
