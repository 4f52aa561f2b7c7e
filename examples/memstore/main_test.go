package memstore

import (
	"flag"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	long := flag.Bool("long", false, "benchmarks also on a tenant of 1,000,000 users")
	flag.Parse()
	if *long {
		sizes = append(sizes, 1_000_000)
	}
	os.Exit(m.Run())
}
