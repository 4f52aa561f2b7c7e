package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/scim/scimtest/replay"
)

// sum counts the results of one identity provider's conversations.
type sum struct {
	idp                     string
	steps                   int
	oldRight, newRight      int // how many steps the old and the new service answered as recorded
	same, statuses, answers int // how many answers were equal, had another status, or the same status with other content
}

// kind is a part of answers that differs, such as $.meta.location, with the number of steps in which it does and the first of these.
type kind struct {
	part, was, is, first string
	steps                int
}

// compare sends each conversation to both services, each on a fresh one if it is in this process, and lists where the answers
// differ.
func compare(ctx context.Context, before, after service, idps []string, list io.Writer) (sums []sum, kinds []*kind, err error) {
	before.handler = adapted
	after.handler = func(token string) (http.Handler, error) { return handler(token) }
	wasAnswered, isAnswered := false, false
	for _, idp := range idps {
		conversations, err := replay.Conversations(idp)
		if err != nil {
			return nil, nil, err
		}
		s := sum{idp: idp}
		for _, c := range conversations {
			then, err := before.runner()
			if err != nil {
				return nil, nil, err
			}
			now, err := after.runner()
			if err != nil {
				return nil, nil, err
			}
			was, is := then.Run(ctx, c), now.Run(ctx, c)
			for i := range was {
				wasAnswered, isAnswered = wasAnswered || was[i].Status != 0, isAnswered || is[i].Status != 0
				if !is[i].Skipped {
					found := differences(parts(then.BaseURL, was[i]), parts(now.BaseURL, is[i]))
					s.add(was[i], is[i], len(found) > 0)
					kinds = count(kinds, is[i], found, list)
				}
			}
		}
		sums = append(sums, s)
	}
	if !slices.ContainsFunc(sums, func(s sum) bool { return s.steps > 0 }) {
		return nil, nil, fmt.Errorf("no conversation of %s was sent", strings.Join(idps, ", "))
	}
	if !wasAnswered {
		return nil, nil, fmt.Errorf("nothing answers at %s", before.url)
	}
	if !isAnswered {
		return nil, nil, fmt.Errorf("nothing answers at %s", after.url)
	}
	slices.SortStableFunc(kinds, func(a, b *kind) int { return cmp.Compare(b.steps, a.steps) })
	return sums, kinds, nil
}

func (s *sum) add(was, is replay.Result, differ bool) {
	s.steps++
	if was.OK() {
		s.oldRight++
	}
	if is.OK() {
		s.newRight++
	}
	switch {
	case !differ:
		s.same++
	case was.Status != is.Status:
		s.statuses++
	default:
		s.answers++
	}
}

var index = regexp.MustCompile(`\[\d+\]`)

// count lists the differences of one step, and adds them to the kinds. An attribute counts once for each step.
func count(kinds []*kind, r replay.Result, found []difference, list io.Writer) []*kind {
	if len(found) == 0 {
		return kinds
	}
	at := fmt.Sprintf("%s, step %d", r.Scenario.Title(), r.Index+1)
	fmt.Fprintf(list, "%s: %s %s\n", at, r.Step.Request.Method, plain("", r.Target))
	counted := map[string]bool{}
	for _, d := range found {
		fmt.Fprintf(list, "    %s: %s | %s\n", d.part, cmp.Or(d.was, "-"), cmp.Or(d.is, "-"))
		part := index.ReplaceAllString(d.part, "")
		if counted[part] {
			continue
		}
		counted[part] = true
		i := slices.IndexFunc(kinds, func(k *kind) bool { return k.part == part })
		if i < 0 {
			i, kinds = len(kinds), append(kinds, &kind{part: part, was: d.was, is: d.is, first: at})
		}
		kinds[i].steps++
	}
	return kinds
}

// difference is a part that differs in two answers. If an answer doesn't have the part, its text is empty.
type difference struct{ part, was, is string }

// differences returns the parts in which two answers differ. If the statuses differ, the bodies aren't compared.
func differences(was, is map[string]string) (found []difference) {
	names := maps.Clone(was)
	maps.Copy(names, is)
	if was["status"] != is["status"] {
		return []difference{{"status " + was["status"] + ", " + is["status"], was["$.detail"], is["$.detail"]}}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if was[name] != is[name] {
			found = append(found, difference{name, was[name], is[name]})
		}
	}
	return found
}

// patterns match texts that each service makes by itself, such as ids and times.
var patterns = []struct {
	found *regexp.Regexp
	is    string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "ID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`), "TIME"},
	{regexp.MustCompile(`W/\\?"[^"\\]*\\?"`), "VERSION"},
}

// parts returns the parts of an answer by name: the status, some headers, and each value of the body by its path. What each service
// makes by itself (addresses, ids, times, versions) is the same word for both. Of schemas only the number is a part.
func parts(base string, r replay.Result) map[string]string {
	all := map[string]string{"status": fmt.Sprint(r.Status)}
	for _, name := range []string{"Content-Type", "ETag", "Location"} {
		if value := r.Header.Get(name); value != "" {
			all["header "+name] = plain(base, value)
		}
	}
	var body any
	if len(r.Body) > 0 && json.Unmarshal(r.Body, &body) != nil {
		body = string(r.Body)
	}
	if list, ok := body.(map[string]any); ok && r.Step.Request.Path == "/Schemas" {
		delete(list, "Resources")
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, value := range v {
				walk(path+"."+name, value)
			}
		case []any:
			for i, value := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), value)
			}
		case nil:
			if path != "$" {
				all[path] = "null"
			}
		default:
			text, _ := json.Marshal(v)
			all[path] = plain(base, string(text))
		}
	}
	walk("$", body)
	return all
}

// plain returns a text without the parts that each service makes by itself, shortened to fit on a line.
func plain(base, text string) string {
	if base != "" {
		text = strings.ReplaceAll(text, base, "BASE")
	}
	for _, p := range patterns {
		text = p.found.ReplaceAllString(text, p.is)
	}
	const most = 70
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// printTables prints the sums, and which parts of answers differ, as Markdown.
func printTables(w io.Writer, sums []sum, kinds []*kind) {
	fmt.Fprintln(w, "| conversations of | steps | right, old | right, new | equal | another status | another answer |\n|---|---|---|---|---|---|---|")
	for _, s := range sums {
		fmt.Fprintf(w, "| %s | %d | %d | %d | %d | %d | %d |\n", s.idp, s.steps, s.oldRight, s.newRight, s.same, s.statuses, s.answers)
	}
	fmt.Fprintln(w, "\n| what differs | in steps | old | new | first in |\n|---|---|---|---|---|")
	for _, k := range kinds {
		fmt.Fprintf(w, "| `%s` | %d | `%s` | `%s` | %s |\n", k.part, k.steps, cmp.Or(k.was, "-"), cmp.Or(k.is, "-"), k.first)
	}
}
