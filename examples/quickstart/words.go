package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-dev/rollcall/scim/scimtest/replay"
)

// resource is what a user or a group says of itself.
type resource struct {
	ID          string `json:"id"`
	UserName    string `json:"userName"`
	DisplayName string `json:"displayName"`
	Active      *bool  `json:"active"`
	Members     []struct {
		Display string `json:"display"`
		Value   string `json:"value"`
	} `json:"members"`
}

func (r resource) name() string {
	if r.UserName != "" {
		return r.UserName
	}
	return r.DisplayName
}

func (r resource) String() string {
	switch {
	case r.UserName != "" && r.Active != nil && !*r.Active:
		return r.name() + ", disabled"
	case r.UserName != "":
		return r.name() + ", active"
	case len(r.Members) > 0:
		return fmt.Sprintf("%s, %d members", r.name(), len(r.Members))
	}
	return r.name()
}

// result is a line for a request, and lines for what is wrong with its answer.
func (n *narrator) result(r replay.Result) {
	var a answer
	isJSON := json.Unmarshal(r.Body, &a) == nil
	if isJSON {
		for _, known := range append(a.Resources, a.resource) {
			if known.ID != "" {
				n.names[known.ID] = "<" + known.name() + ">"
			}
		}
	}
	target, err := url.PathUnescape(r.Target)
	if err != nil {
		target = r.Target
	}
	words := []string{r.Step.Request.Method, target, asked(r.Sent, n.named), "->", strconv.Itoa(r.Status), strings.ToLower(http.StatusText(r.Status))}
	if isJSON {
		words[len(words)-1] = a.String()
	}
	n.printf("  %-6s %s", who[r.Step.Kind], n.named(strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ")))
	for _, f := range r.Failures {
		n.printf("         WRONG: %s", f)
	}
}

var who = map[string]string{replay.KindIdP: "IdP", replay.KindSetup: "before", replay.KindVerify: "check"}

// named puts names in the place of the ids that have been seen.
func (n *narrator) named(text string) string {
	pairs := make([]string, 0, 2*len(n.names))
	for id, name := range n.names {
		pairs = append(pairs, id, name)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// asked returns what a body asks for, in short.
func asked(body []byte, named func(string) string) string {
	var b struct {
		resource
		Operations []struct {
			Op, Path string
			Value    json.RawMessage
		}
	}
	if json.Unmarshal(body, &b) != nil {
		return ""
	}
	operations := make([]string, len(b.Operations))
	for i, o := range b.Operations {
		const most = 60
		value := named(string(o.Value))
		if len(value) > most {
			value = strings.ToValidUTF8(value[:most], "") + "…"
		}
		operations[i] = strings.Join(strings.Fields(o.Op+" "+o.Path+" "+value), " ")
	}
	if len(operations) == 0 {
		return b.name()
	}
	return "{" + strings.Join(operations, "; ") + "}"
}

// answer is what an answer says.
type answer struct {
	resource
	Detail       string
	TotalResults *int
	Resources    []resource
}

func (a answer) String() string {
	switch {
	case a.Detail != "":
		return a.Detail
	case a.TotalResults != nil && *a.TotalResults == 0:
		return "none found"
	case a.TotalResults != nil:
		return fmt.Sprintf("found %d: %s", *a.TotalResults, join(a.Resources, ", "))
	}
	return a.resource.String()
}

func join(list []resource, between string) string {
	names := make([]string, len(list))
	for i, r := range list {
		names[i] = r.name()
	}
	return strings.Join(names, between)
}

// standing tells who there is now.
func (n *narrator) standing(ctx context.Context, url string, d day) error {
	users, err := list(ctx, url+"/Users?count=1000&sortBy=userName&attributes=userName,active", d.token)
	if err != nil {
		return err
	}
	groups, err := list(ctx, url+"/Groups?count=1000&sortBy=displayName", d.token)
	if err != nil {
		return err
	}
	n.printf("\nAt the end of the day %s has", d.tenant)
	for _, u := range users {
		n.printf("  %s", u)
	}
	for _, g := range groups {
		names := make([]string, len(g.Members))
		for i, m := range g.Members {
			names[i] = m.Display
		}
		n.printf("  group %s: %s", g.DisplayName, strings.Join(names, ", "))
	}
	return nil
}

func list(ctx context.Context, url, token string) ([]resource, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var page struct{ Resources []resource }
	if err := json.NewDecoder(answer.Body).Decode(&page); err != nil {
		return nil, fmt.Errorf("%s: %w", url, err)
	}
	return page.Resources, nil
}
