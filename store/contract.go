package store

// ContractIsVersion1 is named by every store, so that it builds only with a library that has the contract it was written for:
//
//	const _ = store.ContractIsVersion1
//
// A store that ignores a new part of [Change] would lose it silently, and a library that doesn't know what a store
// relies on would never ask for it. So whenever the contract changes in such a way, this constant gets another number, and a
// store that wasn't brought up to date doesn't compile. storetest says then what is missing.
const ContractIsVersion1 = true
