package app_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/try"
)

// Tokens and OAuth clients are revoked while these and others send requests to two processes all the time. The others are never refused. The
// revoked ones are never accepted after the revocation has returned, not even by a process that was stopped meanwhile. Afterwards no log, no
// journal entry, no event and no table has a secret.
func TestRevocationUnderLoad(t *testing.T) {
	try.OnEngines(t, func(t *testing.T, name string) {
		one, two := spawn(t, name), spawn(t, name)
		servers := []string{one.base, two.base}
		admin := func(status int, method, path, body string) object {
			t.Helper()
			got, answer, err := send(one.base, method, path, body)
			require.NoError(t, err)
			require.Equal(t, status, got, "%s: %v", path, answer)
			return answer
		}
		id := admin(201, "POST", "/app/connections?tenant=acme", `{"name":"Entra","provider":"entra"}`)["id"].(string)
		credentials := "/app/connections/" + id + "/credentials?tenant=acme"
		stays, goes, frozen := admin(201, "POST", credentials, `{}`), admin(201, "POST", credentials, `{}`), admin(201, "POST", credentials, `{}`)
		clientStays, clientGoes := admin(201, "POST", credentials, `{"kind":"client"}`), admin(201, "POST", credentials, `{"kind":"client"}`)
		access := func(client object) string {
			status, answer := tokenAt(t, two.base, url.Values{"grant_type": {"client_credentials"}, "client_id": {client["clientId"].(string)}, "client_secret": {client["clientSecret"].(string)}}, "")
			require.Equal(t, 200, status, answer)
			return answer["access_token"].(string)
		}
		tokens := map[string]string{"stays": stays["token"].(string), "goes": goes["token"].(string), "client stays": access(clientStays), "client goes": access(clientGoes)}
		gone := map[string]*atomic.Int64{"goes": {}, "client goes": {}} // the time at which the revocation returned
		ctx, stop := context.WithCancel(t.Context())
		var wrong sync.Map
		var sent atomic.Int64
		var storm sync.WaitGroup
		for who, token := range tokens {
			for n, server := range servers {
				storm.Go(func() {
					for i := 0; ctx.Err() == nil; i++ {
						began := time.Now().UnixNano()
						method, path, body := http.MethodGet, "/ServiceProviderConfig", ""
						if i%20 == 0 {
							method, path, body = http.MethodPost, "/Users", fmt.Sprintf(`{"userName":"%s-%d-%d","password":"hunter2-%d"}`, who, n, i, i)
						}
						status, _, err := try.Send(context.Background(), server, token, method, path, body)
						at := int64(0)
						if g := gone[who]; g != nil {
							at = g.Load()
						}
						switch sent.Add(1); {
						case err != nil || status >= 500:
							wrong.Store(fmt.Sprintf("%s: %d %v", who, status, err), true)
						case gone[who] == nil && status == 401:
							wrong.Store(who+" was refused", true)
						case at != 0 && began > at && status != 401:
							wrong.Store(fmt.Sprintf("%s was accepted after its revocation: %d", who, status), true)
						}
					}
				})
			}
		}
		more := func(n int64) {
			to := sent.Load() + n
			require.Eventually(t, func() bool { return sent.Load() >= to }, time.Minute, 5*time.Millisecond)
		}
		more(100)
		for who, credential := range map[string]object{"goes": goes, "client goes": clientGoes} {
			admin(204, "DELETE", "/app/credentials/"+credential["id"].(string)+"?tenant=acme", "")
			gone[who].Store(time.Now().UnixNano())
		}
		more(100)
		stop()
		storm.Wait()
		wrong.Range(func(what, _ any) bool { t.Error(what); return true })

		// One process is stopped, and goes on afterwards.
		status, _, err := try.Send(t.Context(), two.base, frozen["token"].(string), "GET", "/Users", "")
		require.NoError(t, err)
		require.Equal(t, 200, status)
		require.NoError(t, two.cmd.Process.Signal(syscall.SIGSTOP))
		path := "/app/credentials/" + frozen["id"].(string) + "?tenant=acme"
		status, answer, err := send(one.base, "DELETE", path, "")
		require.NoError(t, two.cmd.Process.Signal(syscall.SIGCONT))
		require.NoError(t, err)
		if status == 503 { // the process was stopped in a commit, which blocks all writers of SQLite: the request may be repeated
			admin(204, "DELETE", path, "")
		} else {
			require.Equal(t, 204, status, answer)
		}
		status, _, err = try.Send(t.Context(), two.base, frozen["token"].(string), "GET", "/Users", "")
		require.NoError(t, err)
		assert.Equal(t, 401, status, "the process had it in mind when it was stopped")

		secrets := []string{"hunter2", clientStays["clientSecret"].(string), clientGoes["clientSecret"].(string), frozen["token"].(string)}
		for _, token := range tokens {
			secrets = append(secrets, token)
		}
		seen := map[string]string{"tables": tables(t, name)}
		for _, path := range []string{"/app/journal?tenant=acme&max=1000", "/app/events?tenant=acme", "/app/connections?tenant=acme"} {
			seen[path] = fmt.Sprint(admin(200, "GET", path, ""))
		}
		one.kill()
		two.kill()
		seen["log"] = one.stderr.String() + two.stderr.String()
		for where, text := range seen {
			assert.NotEmpty(t, where)
			for _, secret := range secrets {
				assert.NotContains(t, text, secret, where)
			}
		}
		assert.Contains(t, seen["tables"], "stays-0-0", "the tables were read")
	})
}

// tables returns the content of all tables of a database.
func tables(t *testing.T, name string) string {
	t.Helper()
	var all strings.Builder
	if path, ok := strings.CutPrefix(name, "sqlite:"); ok {
		db, err := sql.Open("sqlite", path)
		require.NoError(t, err)
		_, err = db.ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)")
		require.NoError(t, err)
		require.NoError(t, db.Close())
		files, err := filepath.Glob(path + "*")
		require.NoError(t, err)
		for _, f := range files {
			text, err := os.ReadFile(f)
			require.NoError(t, err)
			all.Write(text)
		}
		return all.String()
	}
	c, err := pgx.Connect(t.Context(), name)
	require.NoError(t, err)
	defer c.Close(context.Background())
	rows, err := c.Query(t.Context(), "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.NotEmpty(t, list)
	for _, table := range list {
		rows, err := c.Query(t.Context(), "SELECT x::text FROM "+pgx.Identifier{table}.Sanitize()+" x")
		require.NoError(t, err)
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		all.WriteString(strings.Join(lines, "\n"))
	}
	return all.String()
}
