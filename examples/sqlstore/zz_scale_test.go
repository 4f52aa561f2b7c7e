package sqlstore

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/people"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// needs ZZ=dsn,users
func TestZZ(t *testing.T) {
	if os.Getenv("ZZ") == "" {
		t.Skip()
	}
	n := 100_000
	onEach(t, func(t *testing.T, open func(t testing.TB, o *Options) *Store) {
		s := open(t, &Options{ScanTime: time.Minute})
		h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}})
		require.NoError(t, err)
		start := time.Now()
		require.NoError(t, people.Users(t.Context(), s, h.Lifecycle().Index, "acme", 0, n))
		require.NoError(t, people.Group(t.Context(), s, h.Lifecycle().Index, "acme", "all", n))
		for g := range 10 {
			require.NoError(t, people.Group(t.Context(), s, h.Lifecycle().Index, "acme", fmt.Sprint("co", g), n/2))
		}
		t.Log("filled in", time.Since(start))
		h, err = scim.NewHandler(s, &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}})
		require.NoError(t, err)
		long := `title co "zz"`
		for len(long) < 7000 {
			long += fmt.Sprintf(` or title co "zz%d"`, len(long))
		}
		for _, f := range []string{
			`not (groups[not (display co "x")])`, `groups[display co "co"]`, `title co "zz"`, `title co "zz" or groups[display co "9"]`, long, `groups.value eq "all" and title co "zz"`,
			`groups.value eq "all"`, `not (groups.value eq "all")`, `meta.created gt "2025-01-01T10:00:00Z"`, `meta.lastModified gt "2025-01-01T10:00:00Z"`, `userName eq "x" or title co "zz"`,
			`title co "Eng" sort`, `sort`,
		} {
			q := "/Users?count=100&excludedAttributes=groups"
			if f, is := strings.CutSuffix(f, "sort"); is {
				q += "&sortBy=displayName"
				if f != "" {
					q += "&filter=" + url.QueryEscape(f)
				}
			} else {
				q += "&filter=" + url.QueryEscape(f)
			}
			start := time.Now()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, q, nil))
			body := w.Body.String()
			t.Log(time.Since(start).Round(time.Millisecond), w.Code, f[:min(60, len(f))], body[:min(190, len(body))])
		}
		start = time.Now()
		rows := 0
		var m0, m1 runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m0)
		for _, err := range s.Members(t.Context(), store.MemberQuery{Tenant: "acme", Groups: []string{"all"}}) {
			require.NoError(t, err)
			if rows++; rows == 1 {
				runtime.GC()
				runtime.ReadMemStats(&m1)
			}
		}
		t.Log("members", rows, time.Since(start), (m1.HeapAlloc-m0.HeapAlloc)>>10, "KiB")
		start = time.Now()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/Users?count=1000", nil))
		t.Log("1000", time.Since(start), w.Body.Len())
	})
}
