// Package named finds the rows of organizations that name somebody by an e-mail address: who is invited, a client, its contact,
// who is to pay an invoice. Such a row has a keyed hash of the address in its key of the first index. So who asks about their
// data is found in every organization without a scan, and a row leaves the list when it goes. Only jobs that work on such a
// request read it.
package named

import (
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/store"
)

// Most is how many rows are looked at for one address.
const Most = 10_000

// HashOf is the keyed hash that who has an address is found by.
func HashOf(p keys.Pseudonyms, address string) string {
	return p.Of("correspondent", account.Normal(address))
}

// Key is the index key of a row that names the address of a hash; the parts are ids. Without a hash it is none.
func Key(hash string, parts ...string) store.Key {
	if hash == "" {
		return store.Key{}
	}
	return store.NamedLookup(hash, parts...)
}

// By asks for what names the address of a hash, of whatever type.
func By(hash string) store.Query {
	return store.Query{Index: store.Index1, Partition: store.NamedLookup(hash).PK, Limit: Most}
}
