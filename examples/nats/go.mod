module github.com/rollcall-dev/rollcall/examples/nats

go 1.26.0

require (
	github.com/nats-io/nats.go v1.55.0
	github.com/rollcall-dev/rollcall v0.1.0
	github.com/stretchr/testify v1.12.1
)
