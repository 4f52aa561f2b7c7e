module github.com/rollcall-dev/rollcall/examples/river

go 1.26.0

require (
	github.com/jackc/pgx/v5 v5.12.0
	github.com/riverqueue/river v0.51.2
	github.com/riverqueue/river/riverdriver/riverpgxv5 v0.51.2
	github.com/rollcall-dev/rollcall v0.1.0
	github.com/stretchr/testify v1.12.1
)
