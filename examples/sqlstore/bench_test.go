package sqlstore_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// employee makes a user as an identity provider does.
func employee(n int64) *store.Resource {
	id, name := uuid.Must(uuid.NewV7()).String(), fmt.Sprintf("user.%d@example.com", n)
	external := fmt.Sprintf("ext-%d", n)
	return &store.Resource{
		Key: store.Key{Type: "User", ID: id}, Version: "1", Created: epoch, LastModified: epoch, Label: name,
		Index: []store.IndexKey{
			{Attribute: "userName", Value: name, Unique: true}, {Attribute: "externalId", Value: external},
			{Attribute: "displayName", Value: name}, {Attribute: "emails.value", Value: name},
		},
		Attributes: document.Document(fmt.Sprintf(`{"externalId":%q,"userName":%q,"name":{"familyName":"Family","givenName":"Given"},"displayName":%q,"active":true,"emails":[{"value":%q,"type":"work","primary":true}]}`, external, name, name, name)),
	}
}

func byUserName(n int64) store.Query {
	return store.Query{Tenant: "t", Types: []string{"User"}, Count: 100, Filter: filter.Compare{
		Attr: filter.Attr{Path: filter.Path{Name: "userName"}, Type: filter.String}, Op: filter.Eq,
		Value: document.String(fmt.Sprintf("user.%d@example.com", n)),
	}}
}

func check(b *testing.B, err error) {
	if err != nil {
		b.Error(err)
	}
}

// BenchmarkStore measures the store without HTTP. Run it with -cpu 8 for 16 clients on two processors.
func BenchmarkStore(b *testing.B) {
	for _, name := range []string{"SQLite", "PostgreSQL"} {
		b.Run(name, func(b *testing.B) {
			s := engines[name](b, nil)
			ctx := context.Background()
			var n atomic.Int64
			var known atomic.Pointer[store.Resource]
			first := employee(-1)
			require.NoError(b, s.Commit(ctx, &store.Change{Tenant: "t", Put: []store.Put{{Resource: first}}}))
			known.Store(first)
			parallel := func(name string, do func()) {
				b.Run(name, func(b *testing.B) {
					b.SetParallelism(8)
					b.RunParallel(func(pb *testing.PB) {
						for pb.Next() {
							do()
						}
					})
				})
			}
			parallel("FilterThenCreate", func() {
				i := n.Add(1)
				_, err := s.List(ctx, byUserName(i))
				check(b, err)
				r := employee(i)
				check(b, s.Commit(ctx, &store.Change{Tenant: "t", Put: []store.Put{{Resource: r}}, Events: told(r.ID, r.Key),
					Journal: []store.Entry{{ID: r.ID, Time: epoch, Action: "POST /Users", Outcome: "created"}}}))
			})
			parallel("Get", func() {
				_, err := s.Get(ctx, store.Key{Tenant: "t", Type: "User", ID: first.ID})
				check(b, err)
			})
			parallel("FilterEq", func() {
				p, err := s.List(ctx, byUserName(-1))
				if check(b, err); len(p.Resources) != 1 {
					b.Error("not found")
				}
			})
			parallel("List100", func() {
				_, err := s.List(ctx, store.Query{Tenant: "t", Types: []string{"User"}, Count: 100})
				check(b, err)
			})
		})
	}
}

// BenchmarkBare runs the least SQL that stores the same facts, to compare BenchmarkStore on PostgreSQL with.
func BenchmarkBare(b *testing.B) {
	ctx := context.Background()
	schema := newSchema(b)
	pool, err := pgxpool.New(ctx, os.Getenv(postgresVariable))
	require.NoError(b, err)
	b.Cleanup(pool.Close)
	_, err = pool.Exec(ctx, fmt.Sprintf(`CREATE SCHEMA %[1]s; CREATE TABLE %[1]s.u (id text PRIMARY KEY, user_name text UNIQUE, external text, doc text);
		CREATE INDEX ON %[1]s.u (external); CREATE TABLE %[1]s.e (id text PRIMARY KEY, seq bigserial, subject text, data text)`, schema), pgx.QueryExecModeSimpleProtocol)
	require.NoError(b, err)
	find := fmt.Sprintf("SELECT id, doc FROM %s.u WHERE user_name = $1", schema)
	var n atomic.Int64
	b.Run("FilterThenCreate", func(b *testing.B) {
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				r := employee(n.Add(1))
				var id, doc string
				if err := pool.QueryRow(ctx, find, r.Label).Scan(&id, &doc); err != pgx.ErrNoRows {
					b.Error(err)
				}
				var batch pgx.Batch
				batch.Queue("INSERT INTO "+schema+".u VALUES ($1, $2, $3, $4)", r.ID, r.Label, r.Index[1].Value, string(r.Attributes))
				batch.Queue("INSERT INTO "+schema+".e (id, subject, data) VALUES ($1, $1, '')", r.ID)
				check(b, pool.SendBatch(ctx, &batch).Close())
			}
		})
	})
	b.Run("FilterEq", func(b *testing.B) {
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				var id, doc string
				check(b, pool.QueryRow(ctx, find, "user.1@example.com").Scan(&id, &doc))
			}
		})
	})
}
