package scimtest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// asked is a request, which a mutant may look at and change before the handler gets it.
type asked struct {
	method, path string
	query        url.Values
	header       http.Header
	body         map[string]any
}

// told is an answer, which a mutant may look at and change before the client gets it.
type told struct {
	status int
	header http.Header
	body   map[string]any
}

// mutant is one way in which a handler may be broken.
type mutant struct {
	clause string // the clause that must fail
	name   string // what is wrong with the service
	before func(q *asked)
	after  func(q *asked, a *told)
}

// broken returns a handler that is broken in one way.
func broken(h http.Handler, m mutant) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		q := &asked{method: r.Method, path: r.URL.Path, query: r.URL.Query(), header: r.Header}
		_ = json.Unmarshal(text, &q.body)
		if m.before != nil {
			m.before(q)
		}
		if q.body != nil {
			text, _ = json.Marshal(q.body)
		}
		in := httptest.NewRequest(q.method, (&url.URL{Path: q.path, RawQuery: q.query.Encode()}).String(), bytes.NewReader(text))
		in.Header = q.header
		in.Host = r.Host
		out := httptest.NewRecorder()
		h.ServeHTTP(out, in)
		a := &told{status: out.Code, header: out.Header()}
		body := out.Body.Bytes()
		if json.Unmarshal(body, &a.body) == nil || m.after != nil {
			if m.after != nil {
				m.after(q, a)
			}
			if a.body != nil {
				body, _ = json.Marshal(a.body)
			}
		}
		a.header.Del("Content-Length")
		maps.Copy(w.Header(), a.header)
		w.WriteHeader(a.status)
		_, _ = w.Write(body)
	})
}

// where says which requests a mutant is about.
type where func(q *asked) bool

func is(method string) where { return func(q *asked) bool { return q.method == method } }

// at selects requests whose path begins with the prefix.
func at(prefix string) where { return func(q *asked) bool { return strings.HasPrefix(q.path, prefix) } }

func (w where) and(v where) where { return func(q *asked) bool { return w(q) && v(q) } }

func discovery(q *asked) bool {
	return slices.ContainsFunc([]string{"/ServiceProviderConfig", "/ResourceTypes", "/Schemas"}, func(p string) bool { return strings.HasPrefix(q.path, p) })
}

func item(q *asked) bool {
	return !discovery(q) && strings.Count(q.path, "/") == 2 && !strings.HasSuffix(q.path, ".search")
}

func collection(q *asked) bool { return !discovery(q) && strings.Count(q.path, "/") == 1 }

func search(q *asked) bool { return strings.HasSuffix(q.path, "/.search") }

func always(*asked) bool { return true }

// edit makes a mutant that changes the JSON of answers, except for errors.
func edit(on where, f func(body map[string]any)) func(*asked, *told) {
	return func(q *asked, a *told) {
		if on(q) && a.body != nil && a.status < 400 {
			f(a.body)
		}
	}
}

// resources makes a mutant that changes each resource in an answer, alone or in a list.
func resources(on where, f func(r map[string]any)) func(*asked, *told) {
	return edit(on, func(body map[string]any) {
		if list, ok := body["Resources"].([]any); ok {
			for _, e := range list {
				f(e.(map[string]any))
			}
			return
		}
		f(body)
	})
}

func set(path string, value any) func(map[string]any) {
	names := strings.Split(path, ".")
	return func(m map[string]any) {
		for _, name := range names[:len(names)-1] {
			next, ok := m[name].(map[string]any)
			if !ok {
				return
			}
			m = next
		}
		if last := names[len(names)-1]; value == nil {
			delete(m, last)
		} else {
			m[last] = value
		}
	}
}

// status makes a mutant that answers with another status: an error becomes a success without a body, and a success becomes an error.
func status(on where, from, to int) func(*asked, *told) {
	return func(q *asked, a *told) {
		if on(q) && a.status == from {
			answer(a, to)
		}
	}
}

func answer(a *told, to int) {
	switch {
	case to >= 400 && a.status < 400:
		a.body = map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error"}, "status": strconv.Itoa(to), "detail": "broken"}
	case to < 400 && a.status >= 400:
		a.body = map[string]any{"schemas": []string{"x"}, "id": "broken"}
	}
	a.status = to
}

func dropHeader(on where, name string) func(*asked, *told) {
	return func(q *asked, a *told) {
		if on(q) {
			a.header.Del(name)
		}
	}
}

// refuse makes a mutant that answers requests with a status that is an error.
func refuse(to int, on where) func(*asked, *told) {
	return func(q *asked, a *told) {
		if on(q) {
			if a.status >= 400 {
				a.status = 200
			}
			answer(a, to)
		}
	}
}

// request makes a mutant that changes the JSON of requests.
func request(on where, f func(body map[string]any)) func(*asked) {
	return func(q *asked) {
		if on(q) && q.body != nil {
			f(q.body)
		}
	}
}

// parameter makes a mutant that changes a parameter of the query. f gets its value, or "" if it is missing; if f returns "", the parameter is
// removed.
func parameter(on where, name string, f func(string) string) func(*asked) {
	return func(q *asked) {
		if !on(q) {
			return
		}
		if value := f(q.query.Get(name)); value != "" {
			q.query.Set(name, value)
		} else {
			q.query.Del(name)
		}
	}
}

func ignored(string) string { return "" }

// nobody is a filter that matches nothing.
const nobody = `id eq "nobody"`

// filter makes a mutant that changes the filters of queries.
func filter(f func(string) string) func(*asked) {
	return func(q *asked) {
		if text := q.query.Get("filter"); text != "" && !discovery(q) {
			q.query.Set("filter", f(text))
		}
	}
}

func replaced(old, new string) func(*asked) {
	return filter(func(s string) string { return strings.ReplaceAll(s, old, new) })
}

// blind makes a mutant that finds nothing by a filter in which the text occurs.
func blind(part string) func(*asked) {
	return filter(func(s string) string {
		if strings.Contains(s, part) {
			return nobody
		}
		return s
	})
}

// operations makes a mutant that changes the operations of a PATCH: f returns the operations that replace one.
func operations(f func(o map[string]any) []any) func(*asked) {
	return func(q *asked) {
		if q.method != http.MethodPatch {
			return
		}
		var ops []any
		list, _ := q.body["Operations"].([]any)
		for _, e := range list {
			ops = append(ops, f(e.(map[string]any))...)
		}
		if list != nil {
			q.body["Operations"] = append([]any{}, ops...)
		}
	}
}

// forgets makes a mutant that leaves out those operations for which is returns true.
func forgets(is func(op, path string) bool) func(*asked) {
	return operations(func(o map[string]any) []any {
		op, _ := o["op"].(string)
		path, _ := o["path"].(string)
		if is(op, path) {
			return nil
		}
		return []any{o}
	})
}

func elements(r map[string]any, name string) (list []map[string]any) {
	array, _ := r[name].([]any)
	for _, e := range array {
		list = append(list, e.(map[string]any))
	}
	return list
}
