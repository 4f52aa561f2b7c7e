package replay

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type reply struct {
	status int
	header http.Header
	body   string
}

func serve(t *testing.T, replies ...reply) (*Runner, *[]string) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, fmt.Sprintf("%s %s %s %s", r.Method, r.RequestURI, r.Header.Get("Authorization"), body))
		next := replies[0]
		replies = replies[1:]
		if next.body != "" {
			w.Header().Set("Content-Type", "application/scim+json")
		}
		for name, values := range next.header {
			w.Header()[name] = values
		}
		w.WriteHeader(next.status)
		_, _ = io.WriteString(w, next.body)
	}))
	t.Cleanup(server.Close)
	return &Runner{BaseURL: server.URL + "/scim/v2/", Token: "t0ken", Client: server.Client()}, &got
}

func scenario(t *testing.T, steps string) *Scenario {
	t.Helper()
	s, err := Load(fstest.MapFS{"s.json": {Data: []byte(`{"name":"n","idp":"i","steps":` + steps + `}`)}}, "s.json")
	require.NoError(t, err)
	return s
}

func TestRunSendsWhatIsWritten(t *testing.T) {
	s := scenario(t, `[
		{"kind":"setup","request":{"method":"POST","path":"/Users","query":{},"headers":{"Authorization":"Bearer {{token}}"},
			"body":{"userName":"jo","active":true,"a":[1, 2]}},
		 "expect":{"status":[201]},"capture":{"id":"$.id","version":"$.meta.version"}},
		{"kind":"idp","request":{"method":"GET","path":"/Users/{{id}}","headers":{"Authorization":"Bearer {{bad_token}}"},
			"query":{"z":"1 2","filter":"id eq \"{{id}}\"","attributes":"a,b"}},
		 "expect":{"status":[200],"body_subset":{"id":"{{id}}"}}},
		{"kind":"idp","request":{"method":"GET","path":"/Users","raw_query":"filter=id+eq+%22{{id}}%22","query":{"filter":"x"}},
		 "expect":{"status":[200]}},
		{"kind":"idp","request":{"method":"PATCH","path":"/Users/{{id}}","body":{"v":"{{version}}","id":["{{id}}"]}},
		 "expect":{"status":[204]}},
		{"kind":"optional","request":{"method":"DELETE","path":"/Users/{{id}}"},"expect":{"status":[204]}}
	]`)
	runner, got := serve(t,
		reply{status: 201, body: `{"id":"a/b \"c\"","meta":{"version":7}}`},
		reply{status: 200, body: `{"id":"a/b \"c\""}`},
		reply{status: 200, body: `{}`},
		reply{status: 204},
		reply{status: 204})
	var told []int
	runner.Each = func(r Result) { told = append(told, r.Index) }
	results := runner.Run(t.Context(), s)
	for _, r := range results {
		assert.True(t, r.OK(), r.String())
	}
	assert.True(t, OK(results))
	assert.Equal(t, []int{0, 1, 2, 3, 4}, told)
	assert.Equal(t, []string{
		`POST /scim/v2/Users Bearer t0ken {"userName":"jo","active":true,"a":[1,2]}`,
		`GET /scim/v2/Users/a%2Fb%20%22c%22?z=1%202&filter=id%20eq%20%22a%2Fb%20%22c%22%22&attributes=a%2Cb Bearer not-a-token `,
		`GET /scim/v2/Users?filter=id+eq+%22a%2Fb%20%22c%22%22  `,
		`PATCH /scim/v2/Users/a%2Fb%20%22c%22  {"v":"7","id":["a/b \"c\""]}`,
	}, *got)
	assert.True(t, results[4].Skipped)

	runner.Optional = true
	runner.BaseURL = "http://127.0.0.1:0"
	assert.False(t, runner.Run(t.Context(), s)[4].Skipped)
}

// TestRunReports shows that everything that is wrong with an answer is reported.
func TestRunReports(t *testing.T) {
	const request = `"kind":"idp","request":{"method":"GET","path":"/Users/1"}`
	for name, c := range map[string]struct {
		step    string
		reply   reply
		failure string
	}{
		"status":            {`"expect":{"status":[200,204]}`, reply{status: 404, body: `{"detail":"no"}`}, `want the status [200 204], got 404 {"detail":"no"}`},
		"body":              {`"expect":{"status":[200],"body_subset":{"a":1}}`, reply{status: 200, body: `{"a":2}`}, `$.a: want 1, got 2`},
		"no body":           {`"expect":{"status":[200,204],"body_subset":{"a":1}}`, reply{status: 200}, `$: want an object, got nothing`},
		"not JSON":          {`"expect":{"status":[200]}`, reply{status: 200, body: `<html>`}, `the answer's body is not JSON: invalid character '<' looking for beginning of value`},
		"two values":        {`"expect":{"status":[200]}`, reply{status: 200, body: `{}{}`}, `the answer's body is not JSON: something follows the JSON value`},
		"header":            {`"expect":{"status":[200],"headers":{"ETag":"W/\"1\""}}`, reply{status: 200, header: http.Header{"Etag": {`W/"2"`}}}, `header ETag: want "W/\"1\"", got "W/\"2\""`},
		"header missing":    {`"expect":{"status":[200],"headers":{"ETag":{"$nonempty":true}}}`, reply{status: 200}, `header ETag: want something that is not empty, got nothing`},
		"capture":           {`"expect":{"status":[200]},"capture":{"x":"$.id"}`, reply{status: 200, body: `{}`}, `{{x}}: the answer has no text at $.id: null`},
		"capture, no body":  {`"expect":{"status":[200]},"capture":{"x":"$.id"}`, reply{status: 200}, `{{x}}: the answer has no text at $.id: null`},
		"capture, no index": {`"expect":{"status":[200]},"capture":{"x":"$.a[0]"}`, reply{status: 200, body: `{"a":[]}`}, `{{x}}: the answer has nothing at $.a[0]`},
	} {
		t.Run(name, func(t *testing.T) {
			runner, _ := serve(t, c.reply)
			results := runner.Run(t.Context(), scenario(t, `[{`+request+`,`+c.step+`}]`))
			assert.False(t, OK(results))
			assert.Equal(t, []string{c.failure}, results[0].Failures)
			assert.Contains(t, results[0].String(), "s.json, step 1 (idp): GET /Users/1 -> ")
			assert.Contains(t, results[0].String(), c.failure)
		})
	}
}

func TestRunNoAnswer(t *testing.T) {
	runner, _ := serve(t, reply{status: 200})
	runner.BaseURL = "http://127.0.0.1:0"
	results := runner.Run(t.Context(), scenario(t, `[{"kind":"idp","request":{"method":"GET","path":"/"},"expect":{"status":[200]}}]`))
	require.Len(t, results[0].Failures, 1)
	assert.Contains(t, results[0].Failures[0], "no answer: ")
}

// TestRunAfterFailure shows that a step fails, and its request isn't sent, if no step has captured what a placeholder stands for.
func TestRunAfterFailure(t *testing.T) {
	runner, got := serve(t, reply{status: 500})
	results := runner.Run(t.Context(), scenario(t, `[
		{"kind":"idp","request":{"method":"POST","path":"/Users"},"expect":{"status":[201]},"capture":{"id":"$.id"}},
		{"kind":"idp","request":{"method":"GET","path":"/Users/{{id}}"},"expect":{"status":[200]}},
		{"kind":"idp","request":{"method":"GET","path":"/Users","query":{"filter":"{{id}}"}},"expect":{"status":[200]}},
		{"kind":"idp","request":{"method":"POST","path":"/Users","body":{"a":"{{id}}"}},"expect":{"status":[200]}}
	]`))
	assert.Len(t, *got, 1)
	assert.Equal(t, []string{"want the status [201], got 500 "}, results[0].Failures)
	for _, r := range results[1:] {
		assert.Equal(t, []string{"{{id}} is not known: the step that captures it failed"}, r.Failures)
	}
}

// TestRunNoContent shows that body_subset isn't compared with an answer of 204, which has no body.
func TestRunNoContent(t *testing.T) {
	runner, _ := serve(t, reply{status: 204})
	results := runner.Run(t.Context(), scenario(t, `[{"kind":"idp","request":{"method":"PATCH","path":"/"},"expect":{"status":[200,204],"body_subset":{"a":1}}}]`))
	assert.True(t, OK(results), results[0].String())
}

func TestConventions(t *testing.T) {
	list := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],`
	scimError := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404","detail":"d"}`
	created := `{"schemas":["x"],"id":"1","meta":{"resourceType":"User","created":"c","lastModified":"m","location":"http://h/Users/1"}}`
	location := http.Header{"Location": {"http://h/Users/1"}}
	for name, c := range map[string]struct {
		reply    reply
		failures []string
	}{
		"a resource":        {reply{status: 200, body: `{"schemas":["x"]}`}, nil},
		"a list":            {reply{status: 200, body: list + `"totalResults":0,"Resources":[]}`}, nil},
		"an error":          {reply{status: 404, body: scimError}, nil},
		"created":           {reply{status: 201, body: created, header: location}, nil},
		"not modified":      {reply{status: 304}, nil},
		"charset":           {reply{status: 200, body: `{"schemas":["x"]}`, header: http.Header{"Content-Type": {"application/scim+json; charset=utf-8"}}}, nil},
		"media type":        {reply{status: 200, body: `{"schemas":["x"]}`, header: http.Header{"Content-Type": {"application/json"}}}, []string{`header Content-Type: want application/scim+json, got "application/json"`}},
		"no schemas":        {reply{status: 200, body: `{"id":"1"}`}, []string{`$.schemas: want something that is not empty, got nothing`}},
		"no Resources":      {reply{status: 200, body: list + `"totalResults":0}`}, []string{`$.Resources: want a value of the type array, got nothing`}},
		"totals as text":    {reply{status: 200, body: list + `"totalResults":"0","Resources":[]}`}, []string{`$.totalResults: want a value of the type number, got "0"`}},
		"a password":        {reply{status: 200, body: `{"schemas":["x"],"a":[{"password":"p"}]}`}, []string{`$: want no password in the answer`}},
		"status as number":  {reply{status: 404, body: `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":404,"detail":"d"}`}, []string{`$.status: want "404", got 404`}},
		"status of another": {reply{status: 400, body: scimError}, []string{`$.status: want "400", got "404"`}},
		"no error body":     {reply{status: 404}, []string{`$: want an object, got nothing`}},
		"no detail": {reply{status: 404, body: `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404","detail":""}`},
			[]string{`$.detail: want something that is not empty, got ""`}},
		"401": {reply{status: 401, body: `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"401","detail":"d"}`},
			[]string{`header WWW-Authenticate: want something that is not empty, got nothing`}},
		"405": {reply{status: 405, body: `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"405","detail":"d"}`},
			[]string{`header Allow: want something that is not empty, got nothing`}},
		"other Location": {reply{status: 201, body: created, header: http.Header{"Location": {"/Users/1"}}},
			[]string{`$.meta.location: want "/Users/1", got "http://h/Users/1"`}},
		"created, nothing said": {reply{status: 201, body: `{}`, header: location}, []string{
			`$.id: want something that is not empty, got nothing`, `$.meta: want an object, got nothing`, `$.schemas: want something that is not empty, got nothing`}},
	} {
		t.Run(name, func(t *testing.T) {
			runner, _ := serve(t, c.reply)
			runner.Conventions = true
			results := runner.Run(t.Context(), scenario(t, `[{"kind":"idp","request":{"method":"GET","path":"/"},"expect":{"status":[200,201,304,400,401,404,405]}}]`))
			assert.Equal(t, c.failures, results[0].Failures)
		})
	}
}

// TestConventionsByAccept shows that application/json is a right answer to a client that accepts it and doesn't name SCIM's type.
func TestConventionsByAccept(t *testing.T) {
	for accept, failures := range map[string]int{"application/json": 0, "application/json;q=0.9, text/html": 0, "application/scim+json, application/json": 1, "*/*": 1} {
		runner, _ := serve(t, reply{status: 200, body: `{"schemas":["x"]}`, header: http.Header{"Content-Type": {"application/json"}}})
		runner.Conventions = true
		results := runner.Run(t.Context(), scenario(t, `[{"kind":"idp","request":{"method":"GET","path":"/","headers":{"Accept":"`+accept+`"}},"expect":{"status":[200]}}]`))
		assert.Len(t, results[0].Failures, failures, accept)
	}
}

func TestLoadRefuses(t *testing.T) {
	const request = `"request":{"method":"GET","path":"/"}`
	for steps, want := range map[string]string{
		`[]`: "s.json: no steps",
		`[{"kind":"idea",` + request + `,"expect":{"status":[200]}}]`:                                          `s.json: step 1: unknown kind "idea"`,
		`[{"kind":"idp",` + request + `,"expect":{}}]`:                                                         `s.json: step 1: no expected status`,
		`[{"kind":"idp",` + request + `,"expect":{"status":[200],"body":{}}}]`:                                 `s.json: json: unknown field "body"`,
		`[{"kind":"idp",` + request + `,"expect":{"status":[200],"body_subset":{"$x":1}}}]`:                    `s.json: step 1: unknown matcher {"$x":1}`,
		`[{"kind":"idp",` + request + `,"expect":{"status":[200],"headers":{"A":{"$x":1}}}}]`:                  `s.json: step 1: unknown matcher {"$x":1}`,
		`[{"kind":"idp",` + request + `,"expect":{"status":[200]},"capture":{"a":"id"}}]`:                      `s.json: step 1: path "id": want it to begin with $`,
		`[{"kind":"idp","request":{"method":"GET","path":"/{{a}}"},"expect":{"status":[200]}}]`:                `s.json: step 1: {{a}} is captured by no earlier step`,
		`[{"kind":"idp","request":{"method":"GET","path":"/","query":{"a":"{{b}}"}},"expect":{"status":[1]}}]`: `s.json: step 1: {{b}} is captured by no earlier step`,
		`[{"kind":"idp","request":{"method":"GET","path":"/","query":{"a":1}},"expect":{"status":[1]}}]`:       `s.json: query a: json: cannot unmarshal number into Go value of type string`,
		`[{"kind":"idp","request":{"method":"GET","path":"/","query":[]},"expect":{"status":[1]}}]`:            `s.json: query: want an object, got [`,
		`[{"kind":"idp",` + request + `,"expect":{"status":[200]},"capture":{"a":"$.a"}},
		  {"kind":"idp",` + request + `,"expect":{"status":[200],"body_subset":{"x":"{{a}}","y":"{{b}}"}}}]`: `s.json: step 2: {{b}} is captured by no earlier step`,
	} {
		_, err := Load(fstest.MapFS{"s.json": {Data: []byte(`{"name":"n","idp":"i","steps":` + steps + `}`)}}, "s.json")
		assert.EqualError(t, err, want, steps)
	}
}

func TestLoadAll(t *testing.T) {
	one := &fstest.MapFile{Data: []byte(`{"steps":[{"kind":"idp","request":{"method":"GET","path":"/"},"expect":{"status":[200]}}]}`)}
	fsys := fstest.MapFS{"d/b/2.json": one, "d/a/1.json": one, "d/left/3.json": one, "d/README.md": one, "e/x.md": one}
	all, err := LoadAll(fsys, "d", "left")
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, []string{"d/a/1.json", "d/b/2.json"}, []string{all[0].File, all[1].File})
	_, err = LoadAll(fsys, "e")
	assert.EqualError(t, err, "e: no scenarios")
}
