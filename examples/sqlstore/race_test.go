//go:build race

package sqlstore_test

const underRace = true
