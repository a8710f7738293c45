// Package disposable knows the domains whose addresses are made to be thrown away.
package disposable

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the list of domains
	"sort"
	"strings"
)

// domains is the sorted first five bytes of the SHA-256 of each domain. infra/tools/disposabledomains makes it and names its
// source and licence.
//
//go:embed domains.bin
var domains []byte

const prefixLen = 5

// Address says whether an address, in its normal form, lies in a listed domain or below one.
func Address(email string) bool {
	_, domain, _ := strings.Cut(email, "@")
	for strings.Contains(domain, ".") {
		if listed(domain) {
			return true
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
	return false
}

func listed(domain string) bool {
	sum := sha256.Sum256([]byte(domain))
	n := len(domains) / prefixLen
	at := func(i int) []byte { return domains[i*prefixLen : (i+1)*prefixLen] }
	i := sort.Search(n, func(i int) bool { return bytes.Compare(at(i), sum[:prefixLen]) >= 0 })
	return i < n && bytes.Equal(at(i), sum[:prefixLen])
}
