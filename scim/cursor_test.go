package scim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// TestCursorWalk checks pages by cursor (RFC 9865 section 2), forward and back, while people come and go.
func TestCursorWalk(t *testing.T) {
	s := serve(t)
	var want []string
	for i := range 10 {
		want = append(want, s.user(fmt.Sprintf("user%02d", i)))
	}
	for query, order := range map[string]int{"": 1, "&sortBy=userName&sortOrder=descending": -1, "&filter=userName+sw+%22user%22&attributes=userName": 1} {
		var got, cursors []string
		var page answer
		cursor := ""
		for n := 0; ; n++ {
			require.Less(t, n, 10)
			page = s.do("GET", "/Users?count=3"+query+"&cursor="+cursor, "").is(200)
			assert.EqualValues(t, 10, page.at("totalResults"))
			assert.NotContains(t, page.body, "startIndex")
			got = append(got, ids(t, page)...)
			assert.EqualValues(t, len(ids(t, page)), page.at("itemsPerPage"))
			if n == 0 {
				assert.NotContains(t, page.body, "previousCursor", "not with the first page")
			} else {
				assert.Contains(t, page.body, "previousCursor")
			}
			next, ok := page.body["nextCursor"].(string)
			if !ok {
				break
			}
			assert.Regexp(t, regexp.MustCompile(`^[A-Za-z0-9_.~-]+$`), next, "URL-safe")
			cursors = append(cursors, next)
			cursor = next
		}
		if order < 0 {
			for i, j := 0, len(got)-1; i < j; i, j = i+1, j-1 {
				got[i], got[j] = got[j], got[i]
			}
		}
		assert.Equal(t, want, got, "every one exactly once: %s", query)
		for i := 2; i >= 0; i-- { // and back again
			page = s.do("GET", "/Users?count=3"+query+"&cursor="+page.at("previousCursor").(string), "").is(200)
			var again answer
			if i == 0 {
				again = s.do("GET", "/Users?count=3&cursor"+query, "").is(200)
				assert.NotContains(t, page.body, "previousCursor")
			} else {
				again = s.do("GET", "/Users?count=3"+query+"&cursor="+cursors[i-1], "").is(200)
			}
			assert.Equal(t, ids(t, again), ids(t, page))
		}
	}
	first := s.do("GET", "/Users?count=4&cursor", "").is(200)
	s.do("DELETE", "/Users/"+want[1], "").is(204) // seen already
	s.do("DELETE", "/Users/"+want[5], "").is(204) // not yet
	s.user("late")
	second := s.do("GET", "/Users?count=4&cursor="+first.at("nextCursor").(string), "").is(200)
	assert.Equal(t, []string{want[4], want[6], want[7], want[8]}, ids(t, second), "nobody is skipped or seen twice")

	search := func(more string) answer {
		return s.do("POST", "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"count":4,`+more+`}`)
	}
	a := search(`"cursor":""`).is(200)
	assert.Equal(t, ids(t, first)[0], ids(t, a)[0])
	b := search(`"cursor":` + quote(a.at("nextCursor").(string))).is(200)
	assert.Len(t, ids(t, b), 4)
	assert.NotContains(t, s.do("GET", "/Users?count=4", "").is(200).body, "nextCursor", "pages are by index unless a cursor is asked for")
	assert.NotContains(t, s.do("GET", "/Users?cursor&count=0", "").is(200).body, "nextCursor")
	root := s.do("GET", "/?cursor&count=4", "").is(200)
	assert.Len(t, ids(t, s.do("GET", "/?count=4&cursor="+root.at("nextCursor").(string), "").is(200)), 4)
}

func ids(t testing.TB, a answer) (list []string) {
	for _, r := range a.at("Resources").([]any) {
		list = append(list, at(t, r, "id").(string))
	}
	return list
}

// TestCursorErrors checks the error types of RFC 9865 section 2.1, and that a cursor is of use to nobody else.
func TestCursorErrors(t *testing.T) {
	s := serve(t)
	for i := range 5 {
		s.user(fmt.Sprintf("user%d", i))
		s.do("POST", "/Users", userBody(fmt.Sprintf("other%d", i)), "Authorization: Bearer umbrella").is(201)
	}
	next := s.do("GET", "/Users?count=2&cursor", "").is(200).at("nextCursor").(string)
	flipped := []byte(next)
	if flipped[20]++; flipped[20] > 'z' || flipped[20] == '[' || flipped[20] == ':' {
		flipped[20] = 'a'
	}
	for _, c := range []struct{ name, query, scimType string }{
		{"no cursor", "count=2&cursor=not-a-cursor-%25%25", "invalidCursor"},
		{"something else", "count=2&cursor=" + strings.Repeat("A", 100), "invalidCursor"},
		{"too long", "count=2&cursor=" + strings.Repeat("A", 20_000), "invalidCursor"},
		{"changed", "count=2&cursor=" + string(flipped), "invalidCursor"},
		{"cut off", "count=2&cursor=" + next[:len(next)-4], "invalidCursor"},
		{"another filter", "count=2&filter=" + url.QueryEscape(`userName pr`) + "&cursor=" + next, "invalidCursor"},
		{"another order", "count=2&sortBy=userName&cursor=" + next, "invalidCursor"},
		{"other attributes", "count=2&attributes=userName&cursor=" + next, "invalidCursor"},
		{"another count", "count=3&cursor=" + next, "invalidCount"},
		{"a negative count", "count=-1&cursor", "invalidCount"},
		{"a count in words", "count=two&cursor", "invalidCount"},
		{"a fraction", "count=2.5&cursor=" + next, "invalidCount"},
		{"an index as well", "count=2&startIndex=2&cursor", "invalidValue"},
	} {
		s.do("GET", "/Users?"+c.query, "").fails(400, c.scimType, "")
	}
	s.do("GET", "/Groups?count=2&cursor="+next, "").fails(400, "invalidCursor", "")
	s.do("GET", "/?count=2&cursor="+next, "").fails(400, "invalidCursor", "")
	s.do("GET", "/Users?count=2&cursor="+next, "", "Authorization: Bearer umbrella").fails(400, "invalidCursor", "")
	s.do("POST", "/Users/.search", `{"cursor":7}`).fails(400, "invalidValue", "cursor")
	s.do("POST", "/Users/.search", `{"cursor":"","count":"2"}`).fails(400, "invalidCount", "count")
	s.do("GET", "/Users?count=2&cursor="+next, "").is(200)
	s.do("GET", "/Users?cursor="+next, "").is(200) // the count of the first page holds
	s.do("GET", "/Users?count=2&startIndex=1&cursor="+next, "").is(200)
	assert.NotContains(t, next, "user")
}

// TestCursorHoldsEverywhere checks that another process on the store, or one with the same key, reads a cursor, and no other.
func TestCursorHoldsEverywhere(t *testing.T) {
	fake := storetest.NewFake()
	key := bytes.Repeat([]byte("k"), 32)
	withKey := func(k []byte) func(*scim.Options) { return func(o *scim.Options) { o.CursorKey = k } }
	one, two := serveStore(t, fake), serveStore(t, fake)
	a, b, c := serveStore(t, fake, withKey(key)), serveStore(t, fake, withKey(key)), serveStore(t, fake, withKey(bytes.Repeat([]byte("x"), 32)))
	for i := range 5 {
		one.user(fmt.Sprintf("user%d", i))
	}
	next := func(s *service) string {
		return s.do("GET", "/Users?count=2&cursor", "").is(200).at("nextCursor").(string)
	}
	two.do("GET", "/Users?count=2&cursor="+next(one), "").is(200)
	one.do("GET", "/Users?count=2&cursor="+next(two), "").is(200)
	b.do("GET", "/Users?count=2&cursor="+next(a), "").is(200)
	c.do("GET", "/Users?count=2&cursor="+next(a), "").fails(400, "invalidCursor", "")
	one.do("GET", "/Users?count=2&cursor="+next(a), "").fails(400, "invalidCursor", "")
	assert.EqualValues(t, 5, one.do("GET", "/?filter=id+pr", "").is(200).at("totalResults"), "the key is nobody's to see")
	_, err := scim.NewHandler(fake, &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}, CursorKey: []byte("short")})
	assert.ErrorContains(t, err, "CursorKey")
}

func TestCursorExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}, Limits: scim.Limits{CursorTimeout: 10 * time.Minute}})
		require.NoError(t, err)
		do := func(method, target, body string) (int, map[string]any) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
			var v map[string]any
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &v))
			return w.Code, v
		}
		for i := range 5 {
			do(http.MethodPost, "/Users", userBody(fmt.Sprintf("user%d", i)))
		}
		_, config := do(http.MethodGet, "/ServiceProviderConfig", "")
		assert.Equal(t, map[string]any{"cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": 100.0,
			"maxPageSize": 1000.0, "cursorTimeout": 600.0}, config["pagination"])
		_, page := do(http.MethodGet, "/Users?count=2&cursor", "")
		next := page["nextCursor"].(string)
		time.Sleep(9 * time.Minute)
		status, _ := do(http.MethodGet, "/Users?count=2&cursor="+next, "")
		assert.Equal(t, 200, status)
		time.Sleep(2 * time.Minute)
		status, page = do(http.MethodGet, "/Users?count=2&cursor="+next, "")
		assert.Equal(t, 400, status)
		assert.Equal(t, "expiredCursor", page["scimType"])
	})
}
