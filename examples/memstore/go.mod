module github.com/rollcall-dev/rollcall/examples/memstore

go 1.26.0

require github.com/rollcall-dev/rollcall v0.1.0

require golang.org/x/text v0.43.0 // indirect
