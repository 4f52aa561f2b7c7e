package benchmarks_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkBulk creates 1,000 users by 1,000 requests one after another on one connection, and by one bulk request
// (RFC 7644 section 3.7), by turns, on PostgreSQL. It reports the medians, and that of the ratios of their times.
//
//	ROLLCALL_TEST_POSTGRES=postgres://... go test -run '^$' -bench 'Bulk$' -benchtime 5x ./examples/benchmarks
func BenchmarkBulk(b *testing.B) {
	const users = 1_000
	s := serve(b, rollcallOnPostgres(b, newPool(b)))
	c := &client{http: &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1, DisableCompression: true}}, base: s.server.URL}
	var single, bulk []time.Duration
	var ratios []float64
	for i := range b.N {
		began := time.Now()
		for j := range users {
			require.NoError(b, c.do(http.MethodPost, "/Users", user(fmt.Sprintf("single%d-%d", i, j)), http.StatusCreated, `"id"`))
		}
		single = append(single, time.Since(began))
		var body strings.Builder
		body.WriteString(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[`)
		for j := range users {
			if j > 0 {
				body.WriteByte(',')
			}
			body.WriteString(`{"method":"POST","path":"/Users","bulkId":"` + strconv.Itoa(j) + `","data":` + user(fmt.Sprintf("bulk%d-%d", i, j)) + `}`)
		}
		body.WriteString("]}")
		began = time.Now()
		require.NoError(b, c.do(http.MethodPost, "/Bulk", body.String(), http.StatusOK, `"201"`))
		bulk = append(bulk, time.Since(began))
		require.Equal(b, users, strings.Count(c.body.String(), `"status":"201"`), "every one is made")
		ratios = append(ratios, float64(single[i])/float64(bulk[i]))
	}
	for name, times := range map[string][]time.Duration{"single": single, "bulk": bulk} {
		slices.Sort(times)
		b.ReportMetric(float64(times[len(times)/2].Milliseconds()), "ms/of-"+name)
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
	b.ReportMetric(0, "ns/op")
}
