.PHONY: test race vet lint fmt tidy bench fuzz quickstart server

test:
	go test work
race:
	go test -race -shuffle=on work
vet:
	go vet work
lint:
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./... ./examples/...
fmt:
	go fmt work
tidy:
	go mod tidy && go -C examples mod tidy
bench:
	go test -run '^$$' -bench . -benchmem work
fuzz:
	go test -run '^$$' -fuzz '^FuzzParse$$' -fuzztime 1m ./store/filter
quickstart:
	go run ./examples/quickstart
server:
	go run ./examples/server
