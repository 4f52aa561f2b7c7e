package main

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/rollcall-dev/rollcall/store"
)

// teamsPage answers GET /app/teams: the teams of a tenant, with the role of each member.
func teamsPage(s store.Store) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		tenant := r.URL.Query().Get("tenant")
		if tenant == "" {
			http.Error(w, `{"error":"tenant is missing"}`, http.StatusBadRequest)
			return
		}
		list, err := listTeams(r.Context(), s, tenant)
		if err != nil {
			http.Error(w, "the service failed", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"teams": list})
	}
}

// team is a line of GET /app/teams.
type team struct {
	Name    string `json:"name"`
	Members []mate `json:"members"`
}

type mate struct {
	Name string `json:"name"`
	Role string `json:"role"`
}

// listTeams returns the teams of a tenant, with the role of each member.
func listTeams(ctx context.Context, s store.Store, tenant string) ([]team, error) {
	const most = 100
	page, err := s.List(ctx, store.Query{Tenant: tenant, Types: []string{"Group"}, Count: most, NoTotal: true})
	if err != nil {
		return nil, err
	}
	list := []team{}
	for _, g := range page.Resources {
		t, err := teams.Value(ctx, g)
		if err != nil {
			return nil, err
		}
		line := team{Name: t.Name, Members: []mate{}}
		for row, err := range s.Members(ctx, store.MemberQuery{Tenant: tenant, Groups: []string{g.ID}}) {
			if err != nil {
				return nil, err
			}
			role, err := roles.OfMember(ctx, s, tenant, row.ID)
			if err != nil {
				return nil, err
			}
			if line.Members = append(line.Members, mate{row.Label, role}); len(line.Members) == most {
				break
			}
		}
		list = append(list, line)
	}
	return list, nil
}
