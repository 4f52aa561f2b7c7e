package scim_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Fault 21: as many members as Limits.Members allows fit in one PATCH, with all that identity providers say of each.
func TestManyMembersFit(t *testing.T) {
	const many = 20_000
	s := serve(t)
	change := &store.Change{Tenant: "acme", Put: make([]store.Put, many)}
	var body strings.Builder
	body.WriteString(`{"schemas":["` + patchURN + `"],"Operations":[{"op":"add","path":"members","value":[`)
	for i := range many {
		id := fmt.Sprintf("01980000-0000-7000-8000-%012d", i)
		change.Put[i].Resource = &store.Resource{Key: store.Key{Tenant: "acme", Type: "User", ID: id}, Version: "1", Attributes: `{"userName":"` + document.Document(id) + `"}`}
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"value":"%s","$ref":"https://provisioning.app.example.com/organizations/acme-europe/scim/v2/Users/%s","type":"User","display":"Wilhelmina van den Bosch-Featherstonehaugh %d"}`, id, id, i)
	}
	body.WriteString(`]}]}`)
	require.NoError(t, s.store.Commit(t.Context(), change))
	require.Greater(t, body.Len(), 4<<20)
	crew := "/Groups/" + s.group("Crew")
	s.do("PATCH", crew, body.String()).is(204)
	s.do("GET", crew+"?attributes=members", "").is(200)
	blank := strings.Repeat(" ", 1<<20)
	s.do("POST", "/Groups/.search", `{}`+blank).fails(413, "", "1 MiB")
	s.do("POST", "/Users", userBody("ada")+blank).fails(413, "", "1 MiB")
	s.do("POST", "/Groups", `{"displayName":"Crew"}`+strings.Repeat(blank, 9)).fails(413, "", "9048576 bytes")
}

func TestMembersBodyLimit(t *testing.T) {
	s := serve(t, func(o *scim.Options) { o.Limits = scim.Limits{Body: 100, MembersBody: 200} })
	blank := strings.Repeat(" ", 120)
	s.do("POST", "/Users", `{"userName":"ada"}`+blank).fails(413, "", "100 bytes")
	s.do("POST", "/Groups", `{"displayName":"Crew"}`+blank).is(201)
	s.do("POST", "/Groups", `{"displayName":"Team"}`+blank+blank).fails(413, "", "200 bytes")
}

// A client that sends the whole of a body before it reads hears what is wrong with it, and no broken connection.
func TestTooLargeIsHeard(t *testing.T) {
	u, err := url.Parse(serve(t).url)
	require.NoError(t, err)
	body := `{"userName":"` + strings.Repeat("x", 6<<20) + `"}`
	for name, length := range map[string]string{
		"with a length": fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body),
		"in chunks":     fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body),
	} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", u.Host)
			require.NoError(t, err)
			defer c.Close()
			require.NoError(t, c.SetDeadline(time.Now().Add(30*time.Second)))
			_, err = io.WriteString(c, "POST "+u.Path+"/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer acme\r\nContent-Type: application/scim+json\r\n"+length)
			require.NoError(t, err)
			answer, err := http.ReadResponse(bufio.NewReader(c), nil)
			require.NoError(t, err)
			defer answer.Body.Close()
			text, err := io.ReadAll(answer.Body)
			require.NoError(t, err)
			assert.Equal(t, http.StatusRequestEntityTooLarge, answer.StatusCode)
			assert.Contains(t, string(text), "1 MiB")
		})
	}
}
