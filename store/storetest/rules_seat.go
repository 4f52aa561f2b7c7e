package storetest

import (
	"github.com/rollcall-dev/rollcall/store"
)

var seatRules = []rule{
	{"Claim", "A claim takes seats up to its limit and is refused with ErrNoSeat beyond; what is given back is free again.", claim},
	{"Bounds", "The count of used seats never falls below 0; a negative limit is none; giving back needs no limit.", seatBounds},
}

func take(n, limit int) store.Change {
	return store.Change{Seats: &store.SeatClaim{Take: n, Limit: limit}}
}

// used checks the count, if the store lets it be read.
func (k *kit) used(want int) {
	k.Helper()
	if got, ok := k.seats(); ok {
		k.want("the number of used seats", got, want)
	}
}

// seats is the number of used seats, if the store can say it.
func (k *kit) seats() (used int, ok bool) {
	k.Helper()
	s, ok := k.Store.(store.SeatReader)
	if !ok {
		return 0, false
	}
	used, err := s.Seats(k.Context(), k.tenant)
	if err != nil {
		k.stop("Seats: %v", err)
	}
	return used, true
}

func claim(k *kit) {
	k.used(0)
	k.refused("a first claim above the limit", store.ErrNoSeat, take(4, 3))
	k.refused("a claim where there are no seats", store.ErrNoSeat, take(1, 0))
	k.used(0)
	k.commit(take(2, 3))
	k.commit(take(1, 3))
	k.used(3)
	k.refused("a claim of one seat more", store.ErrNoSeat, take(1, 3))
	k.commit(take(1, 4))
	k.commit(take(0, 1)) // takes nothing
	k.used(4)
	k.commit(take(-2, 1)) // above the limit still, but less than before
	k.used(2)
	k.refused("a claim above a limit that was lowered", store.ErrNoSeat, take(1, 1))
	k.commit(take(1, 3))
	k.used(3)
}

func seatBounds(k *kit) {
	k.commit(take(-5, 0))
	k.used(0)
	k.commit(take(1, 1))
	k.commit(take(-5, -1))
	k.used(0)
	k.commit(take(1, 1))
	k.commit(take(1_000_000, -1))
	k.used(1_000_001)
	c := creates(user(1))
	c.Seats = &store.SeatClaim{Take: 1, Limit: 5}
	k.refused("a create with a claim", store.ErrNoSeat, c)
	k.gone("User", id(1))
}
