module github.com/rollcall-dev/rollcall/scim/connection/federation

go 1.26.0

require github.com/rollcall-dev/rollcall v0.1.0

require (
	github.com/go-jose/go-jose/v4 v4.1.9
	golang.org/x/text v0.43.0 // indirect
)
