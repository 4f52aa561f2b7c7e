package main

import (
	"encoding/json"
	"net/http"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/lifecycle"
)

// activity answers GET /app/activity: the events of an organization for its administrators, the newest first. They are the events that the
// product's hook has recorded.
func activity(a *app.App) http.HandlerFunc {
	type line struct {
		ID   string `json:"id"`
		Time string `json:"time"`
		What string `json:"what"`
		Who  string `json:"who"`
	}
	const most = 100
	shown := map[lifecycle.Kind]bool{lifecycle.KindProvisioned: true, lifecycle.KindActivated: true, lifecycle.KindDeactivated: true,
		lifecycle.KindReactivated: true, lifecycle.KindUpdated: true, lifecycle.KindRejected: true, lifecycle.KindDeleted: true}
	return func(w http.ResponseWriter, r *http.Request) {
		tenant := r.URL.Query().Get("tenant")
		if tenant == "" {
			http.Error(w, `{"error":"tenant is missing"}`, http.StatusBadRequest)
			return
		}
		told, err := a.Latest(r.Context(), tenant, most)
		if err != nil {
			http.Error(w, "the service failed", http.StatusInternalServerError)
			return
		}
		lines := []line{}
		for _, d := range told {
			if shown[lifecycle.Kind(d.Kind)] {
				lines = append(lines, line{d.ID, d.Time, d.Kind, d.UserName})
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"activity": lines})
	}
}
