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
)

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
