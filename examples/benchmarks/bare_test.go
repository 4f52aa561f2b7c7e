package benchmarks_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// bare is the service of a product that keeps the same facts and does nothing else, written by hand with net/http, pgx and SQL. It trusts every
// client and every body, checks only that a userName is free, and answers only the requests of the benchmark.
type bare struct{ pool *pgxpool.Pool }

const bareTables = `
CREATE TABLE person (
	tenant    text NOT NULL,
	id        text NOT NULL,
	user_name text NOT NULL,
	external  text,
	document  text NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX person_user_name ON person (tenant, lower(user_name));
CREATE INDEX person_external ON person (tenant, external);
CREATE TABLE event (
	seq    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	tenant text NOT NULL,
	person text NOT NULL,
	kind   text NOT NULL,
	time   timestamptz NOT NULL,
	data   text NOT NULL
);`

const bareTenant = "acme"

func newBare(tb testing.TB, pool *pgxpool.Pool) http.Handler {
	_, err := pool.Exec(tb.Context(), bareTables)
	require.NoError(tb, err)
	b := &bare{pool}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /Users", b.create)
	mux.HandleFunc("GET /Users", b.list)
	mux.HandleFunc("GET /Users/{id}", b.get)
	mux.HandleFunc("PATCH /Users/{id}", b.patch)
	return mux
}

func (b *bare) create(w http.ResponseWriter, r *http.Request) {
	user, id, at, document, err := newPerson(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	batch := &pgx.Batch{} // one round trip and one transaction
	batch.Queue("INSERT INTO person (tenant, id, user_name, external, document) VALUES ($1, $2, $3, $4, $5)",
		bareTenant, id, user["userName"], user["externalId"], string(document))
	batch.Queue("INSERT INTO event (tenant, person, kind, time, data) VALUES ($1, $2, 'created', $3, $4)", bareTenant, id, at, string(document))
	err = b.pool.SendBatch(r.Context(), batch).Close()
	if pg := new(pgconn.PgError); errors.As(err, &pg) && pg.Code == "23505" {
		http.Error(w, "userName is taken", http.StatusConflict)
		return
	}
	write(w, http.StatusCreated, document, err)
}

// newPerson makes the document of a person from the body of a request.
func newPerson(r *http.Request) (user map[string]any, id string, at time.Time, document []byte, err error) {
	if err := json.NewDecoder(r.Body).Decode(&user); err != nil {
		return nil, "", at, nil, err
	}
	id, at = uuid.NewString(), time.Now().UTC()
	user["id"] = id
	user["meta"] = map[string]any{"resourceType": "User", "created": at, "lastModified": at, "location": "/Users/" + id}
	document, err = json.Marshal(user)
	return user, id, at, document, err
}

func (b *bare) get(w http.ResponseWriter, r *http.Request) {
	var document []byte
	err := b.pool.QueryRow(r.Context(), "SELECT document FROM person WHERE tenant = $1 AND id = $2", bareTenant, r.PathValue("id")).Scan(&document)
	write(w, http.StatusOK, document, err)
}

// patch replaces the displayName.
func (b *bare) patch(w http.ResponseWriter, r *http.Request) {
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
	err := pgx.BeginFunc(r.Context(), b.pool, func(tx pgx.Tx) error {
		if err := tx.QueryRow(r.Context(), "SELECT document FROM person WHERE tenant = $1 AND id = $2 FOR UPDATE", bareTenant, r.PathValue("id")).Scan(&document); err != nil {
			return err
		}
		var user map[string]any
		if err := json.Unmarshal(document, &user); err != nil {
			return err
		}
		user["displayName"] = body.Operations[0].Value
		user["meta"].(map[string]any)["lastModified"] = at
		var err error
		if document, err = json.Marshal(user); err != nil {
			return err
		}
		batch := &pgx.Batch{}
		batch.Queue("UPDATE person SET document = $3 WHERE tenant = $1 AND id = $2", bareTenant, r.PathValue("id"), string(document))
		batch.Queue("INSERT INTO event (tenant, person, kind, time, data) VALUES ($1, $2, 'updated', $3, $4)",
			bareTenant, r.PathValue("id"), at, string(document))
		return tx.SendBatch(r.Context(), batch).Close()
	})
	write(w, http.StatusOK, document, err)
}

// list answers a filter on userName, or a page by startIndex and count.
func (b *bare) list(w http.ResponseWriter, r *http.Request) {
	var (
		documents []json.RawMessage
		total     int
		err       error
	)
	q := r.URL.Query()
	if name, ok := strings.CutPrefix(q.Get("filter"), `userName eq "`); ok {
		rows, _ := b.pool.Query(r.Context(), "SELECT document FROM person WHERE tenant = $1 AND lower(user_name) = lower($2)",
			bareTenant, strings.TrimSuffix(name, `"`))
		documents, err = pgx.CollectRows(rows, pgx.RowTo[json.RawMessage])
		total = len(documents)
	} else {
		start, _ := strconv.Atoi(q.Get("startIndex"))
		count, _ := strconv.Atoi(q.Get("count"))
		batch := &pgx.Batch{}
		batch.Queue("SELECT document FROM person WHERE tenant = $1 ORDER BY id LIMIT $2 OFFSET $3", bareTenant, count, start-1).
			Query(func(rows pgx.Rows) (err error) {
				documents, err = pgx.CollectRows(rows, pgx.RowTo[json.RawMessage])
				return err
			})
		batch.Queue("SELECT count(*) FROM person WHERE tenant = $1", bareTenant).QueryRow(func(row pgx.Row) error { return row.Scan(&total) })
		err = b.pool.SendBatch(r.Context(), batch).Close()
	}
	body, _ := json.Marshal(map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"},
		"totalResults": total, "startIndex": 1, "itemsPerPage": len(documents), "Resources": documents})
	write(w, http.StatusOK, body, err)
}

func write(w http.ResponseWriter, status int, body []byte, err error) {
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		http.Error(w, "not found", http.StatusNotFound)
	case err != nil:
		http.Error(w, fmt.Sprint("database: ", err), http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "application/scim+json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}
