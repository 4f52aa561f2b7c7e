.PHONY: ci test race vet lint fmt tidy customer apidiff bench fuzz quickstart server conformance simulate

ci:
	.ci/run
test:
	go test work
race:
	go test -race -shuffle=on work
vet:
	go vet work
lint:
	@for dir in $$(GOWORK=off go -C .ci/release run . modules); do (cd $$dir && golangci-lint run ./...) || exit 1; done
fmt:
	go fmt work
tidy:
	GOWORK=off go -C .ci/release run . tidy -w
customer:
	GOWORK=off go -C .ci/release run . customer
apidiff:
	.ci/apidiff
bench:
	go test -run '^$$' -bench . -benchmem work
fuzz:
	go test -run '^$$' -fuzz '^FuzzParse$$' -fuzztime 1m ./store/filter
quickstart:
	go run ./examples/quickstart
server:
	go run ./examples/server
conformance:
	go run ./examples/conformance -quiet
simulate:
	go run ./examples/simulate -idp all -people 500
