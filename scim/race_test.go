package scim_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

const writers = 64

// atOnce does n requests at the same moment and returns how often each status came.
func (s *service) atOnce(n int, do func(i int) answer) map[int]int {
	var (
		start    = make(chan struct{})
		all      sync.WaitGroup
		mu       sync.Mutex
		statuses = map[int]int{}
	)
	for i := range n {
		all.Go(func() {
			<-start
			a := do(i)
			mu.Lock()
			defer mu.Unlock()
			statuses[a.status]++
		})
	}
	close(start)
	all.Wait()
	return statuses
}

// Each writer changes something of its own in one user: an attribute, or an element of a list.
func TestParallelPatches(t *testing.T) {
	s := serve(t)
	path := "/Users/" + s.user("ada")
	single := []string{"displayName", "nickName", "title", "userType", "preferredLanguage", "locale", "timezone", "name.givenName",
		"name.familyName", "name.middleName", "name.formatted", "name.honorificPrefix", "name.honorificSuffix", "profileUrl",
		enterpriseURN + ":employeeNumber", enterpriseURN + ":costCenter", enterpriseURN + ":organization",
		enterpriseURN + ":division", enterpriseURN + ":department", "externalId"}
	statuses := s.atOnce(writers, func(i int) answer {
		if i < len(single) {
			return s.do("PATCH", path, patchBody(fmt.Sprintf(`{"op":"replace","path":%q,"value":"v%d"}`, single[i], i)))
		}
		return s.do("PATCH", path, patchBody(fmt.Sprintf(`{"op":"add","path":"emails","value":[{"value":"v%d@example.com"}]}`, i)))
	})
	assert.Equal(t, map[int]int{200: writers}, statuses)
	for i, name := range single {
		a := s.do("GET", fmt.Sprintf("/Users?count=0&filter=%s+eq+%%22v%d%%22", name, i), "").is(200)
		assert.EqualValues(t, 1, a.at("totalResults"), name)
	}
	got := map[string]bool{}
	for _, e := range s.do("GET", path, "").is(200).at("emails").([]any) {
		got[at(t, e, "value").(string)] = true
	}
	assert.Len(t, got, writers-len(single), "every writer's address is there, once")
}

func TestParallelMembers(t *testing.T) {
	s := serve(t)
	users := make([]string, writers)
	for i := range users {
		users[i] = s.user(fmt.Sprintf("user%d", i))
	}
	group := "/Groups/" + s.group("Crew")
	members := func() []any {
		list, _ := s.do("GET", group, "").is(200).at("members").([]any)
		return list
	}
	statuses := s.atOnce(writers, func(i int) answer {
		return s.do("PATCH", group, patchBody(`{"op":"add","path":"members","value":`+memberList(users[i:i+1])+`}`))
	})
	assert.Equal(t, map[int]int{204: writers}, statuses)
	assert.Len(t, members(), writers, "no add is lost")

	t.Run("one in, one out", func(t *testing.T) {
		statuses := s.atOnce(writers, func(i int) answer {
			if i%2 == 0 {
				return s.do("PATCH", group, patchBody(`{"op":"remove","path":"members[value eq \"`+users[i]+`\"]"}`))
			}
			return s.do("PATCH", group, patchBody(`{"op":"replace","path":"displayName","value":"Crew `+itoa(i)+`"}`))
		})
		assert.Equal(t, map[int]int{204: writers}, statuses)
		assert.Len(t, members(), writers/2, "no removal is lost to a writer of the group's own attributes")
	})
	t.Run("the same member", func(t *testing.T) {
		statuses := s.atOnce(writers, func(int) answer {
			return s.do("PATCH", group, patchBody(`{"op":"add","path":"members","value":`+memberList(users[:1])+`}`))
		})
		assert.Equal(t, map[int]int{204: writers}, statuses)
		assert.Len(t, members(), writers/2+1)
	})
}

func TestParallelPosts(t *testing.T) {
	s := serve(t)
	names := []string{"ada", "ADA", "Ada", "aDa"}
	statuses := s.atOnce(writers, func(i int) answer { return s.do("POST", "/Users", userBody(names[i%len(names)])) })
	assert.Equal(t, map[int]int{201: 1, 409: writers - 1}, statuses)
	assert.EqualValues(t, 1, s.do("GET", "/Users?count=0", "").is(200).at("totalResults"))
}

func TestParallelConditions(t *testing.T) {
	s := serve(t)
	path := "/Users/" + s.user("ada")
	etag := s.do("GET", path, "").is(200).header.Get("ETag")
	statuses := s.atOnce(writers, func(i int) answer {
		return s.do("PATCH", path, patchBody(`{"op":"replace","path":"title","value":"`+itoa(i)+`"}`), "If-Match: "+etag)
	})
	assert.Equal(t, map[int]int{200: 1, 412: writers - 1}, statuses, "of those who saw a version, one may change it")
}

func TestParallelDeletes(t *testing.T) {
	s := serve(t)
	path := "/Users/" + s.user("ada")
	statuses := s.atOnce(writers, func(i int) answer {
		if i%2 == 0 {
			return s.do("DELETE", path, "")
		}
		return s.do("PATCH", path, patchBody(`{"op":"replace","path":"title","value":"`+itoa(i)+`"}`))
	})
	assert.Equal(t, 1, statuses[204], "one deletes her, and the others find nobody")
	assert.Equal(t, writers, statuses[200]+statuses[204]+statuses[http.StatusNotFound], "%v", statuses)
	s.do("GET", path, "").is(404)
}
