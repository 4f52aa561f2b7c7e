//go:build race

package storetest

// underRace: the race detector makes a database in pure Go so slow that large must be smaller.
const underRace = true
