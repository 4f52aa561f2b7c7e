package benchmarks_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// lean is the smallest service that a product can write. It runs one statement per request, and keeps only the person and the event. It reads
// as bare does.
type lean struct{ bare }

func newLean(tb testing.TB, pool *pgxpool.Pool) http.Handler {
	_, err := pool.Exec(tb.Context(), bareTables+"ALTER TABLE person ALTER COLUMN document TYPE jsonb USING document::jsonb")
	require.NoError(tb, err)
	l := &lean{bare{pool}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /Users", l.create)
	mux.HandleFunc("GET /Users", l.list)
	mux.HandleFunc("GET /Users/{id}", l.get)
	mux.HandleFunc("PATCH /Users/{id}", l.patch)
	return mux
}

func (l *lean) create(w http.ResponseWriter, r *http.Request) {
	user, id, at, document, err := newPerson(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, err = l.pool.Exec(r.Context(), `WITH p AS (INSERT INTO person (tenant, id, user_name, external, document) VALUES ($1, $2, $3, $4, $5::text::jsonb))
		INSERT INTO event (tenant, person, kind, time, data) VALUES ($1, $2, 'created', $6, $5::text)`,
		bareTenant, id, user["userName"], user["externalId"], string(document), at)
	if pg := new(pgconn.PgError); errors.As(err, &pg) && pg.Code == "23505" {
		http.Error(w, "userName is taken", http.StatusConflict)
		return
	}
	write(w, http.StatusCreated, document, err)
}

// patch replaces the displayName.
func (l *lean) patch(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Operations []struct {
			Value string `json:"value"`
		} `json:"Operations"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || len(body.Operations) != 1 {
		http.Error(w, "want one operation", http.StatusBadRequest)
		return
	}
	at := time.Now().UTC()
	var document []byte
	err := l.pool.QueryRow(r.Context(), `WITH p AS (
			UPDATE person SET document = document || jsonb_build_object('displayName', $3::text,
				'meta', document->'meta' || jsonb_build_object('lastModified', $4::timestamptz))
			WHERE tenant = $1 AND id = $2 RETURNING document),
		e AS (INSERT INTO event (tenant, person, kind, time, data) SELECT $1, $2, 'updated', $4, document::text FROM p)
		SELECT document FROM p`, bareTenant, r.PathValue("id"), body.Operations[0].Value, at).Scan(&document)
	write(w, http.StatusOK, document, err)
}
