package scimtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/scim/scimtest/replay"
)

// conversations is the name of the profile of all conversations. Each folder of conversations is a profile, too.
const conversations = "conversations"

func conversationProfiles() []Profile {
	list := []Profile{{conversations, "the recorded conversations of all identity providers, and the examples of RFC 7644"}}
	for _, folder := range replay.Folders() {
		if folder != "rfc" { // rfc is the profile of the clauses, so the examples of the RFCs are only in the profile conversations
			list = append(list, Profile{folder, "the recorded conversations of " + folder})
		}
	}
	return list
}

// scenariosOf returns the conversations of a profile, or only those whose names are given. It returns none for a profile of clauses.
func scenariosOf(profile string, only []string) ([]*replay.Scenario, error) {
	if !slices.ContainsFunc(conversationProfiles(), func(p Profile) bool { return p.Name == profile }) {
		return nil, nil
	}
	var folders []string
	if profile != conversations {
		folders = []string{profile}
	}
	all, err := replay.Conversations(folders...)
	if err != nil {
		return nil, err
	}
	for _, title := range only {
		if !slices.ContainsFunc(all, func(s *replay.Scenario) bool { return s.Title() == title }) {
			return nil, fmt.Errorf("there is no conversation %q in the profile %s", title, profile)
		}
	}
	return slices.DeleteFunc(all, func(s *replay.Scenario) bool { return len(only) > 0 && !slices.Contains(only, s.Title()) }), nil
}

// converse replays one conversation, and deletes what this has made.
func (s *session) converse(scenario *replay.Scenario) Result {
	began := time.Now()
	r := Result{ID: scenario.Title(), Document: "conversation of " + scenario.IdP, Level: must, Text: scenario.Name, Result: Passed}
	for feature, needed := range map[string]bool{needsBulk: scenario.Bulk(), needsCursor: scenario.Cursor()} {
		if needed && !s.claims(feature) {
			r.Result, r.Reason = NotClaimed, "ServiceProviderConfig doesn't claim "+feature
			return r
		}
	}
	runner := &replay.Runner{BaseURL: s.base, Token: s.target.Token, Client: s.http, Conventions: true, Optional: s.target.Optional}
	steps := 0
	for _, step := range runner.Run(s.ctx, scenario) {
		if step.Skipped {
			continue
		}
		steps++
		s.requests++
		if step.Status == http.StatusCreated && step.Step.Request.Method == http.MethodPost {
			if _, path, ok := strings.Cut(step.Header.Get("Location"), s.base); ok {
				s.made = append(s.made, path)
			}
		}
		for _, failure := range step.Failures {
			r.Result = Failed
			r.Failures = append(r.Failures, Failure{Request: step.Step.Request.Method + " " + step.Target, Status: step.Status,
				Text: fmt.Sprintf("step %d: %s", step.Index+1, failure)})
		}
	}
	s.cleanNew()
	r.Case = fmt.Sprintf("%d steps", steps)
	if reason, ok := s.target.Accept[r.ID]; ok && r.Result == Failed {
		r.Result, r.Reason = Accepted, reason
	}
	r.Millis = float64(time.Since(began).Microseconds()) / 1000
	return r
}
