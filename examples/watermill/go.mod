module github.com/rollcall-dev/rollcall/examples/watermill

go 1.26.0

require (
	github.com/ThreeDotsLabs/watermill v1.5.1
	github.com/ThreeDotsLabs/watermill-amqp/v3 v3.0.2
	github.com/ThreeDotsLabs/watermill-redisstream v1.4.5
	github.com/redis/go-redis/v9 v9.7.0
	github.com/rollcall-dev/rollcall v0.1.0
	github.com/stretchr/testify v1.12.1
)
