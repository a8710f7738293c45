// Package ceremonytest makes passkeys for tests.
package ceremonytest

import "github.com/descope/virtualwebauthn"

// publicKeySize is how many bytes a public key of P-256 has in COSE.
const publicKeySize = 77

// NewPasskey makes a passkey of a software authenticator. That writes one key in 128 a byte too short, which no true
// authenticator does and which is rightly refused; such a key is made again.
func NewPasskey() virtualwebauthn.Credential {
	c := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	for len(c.Key.AttestationData()) != publicKeySize {
		c = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	}
	return c
}
