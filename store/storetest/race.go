//go:build race

package storetest

// underRace says that the race detector is on. A database in pure Go is so slow under it that large groups must be smaller.
const underRace = true
