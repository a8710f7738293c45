package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// Links derives the tokens of mailed links from a server secret, so that no row and no queue ever holds one.
type Links struct{ Secret string }

// Token is the token of a purpose for one id: 43 characters that fit into a link.
func (l Links) Token(purpose, id string) string {
	return base64.RawURLEncoding.EncodeToString(l.mac(purpose, id))
}

// Check says whether a token is the one of a purpose and id, in constant time.
func (l Links) Check(token, purpose, id string) bool {
	return hmac.Equal([]byte(token), []byte(l.Token(purpose, id)))
}

// Short is a token of a purpose for one id that survives where capitals do not, such as in a mail address: 26 characters
// of a-z and 2-7, 128 bits.
func (l Links) Short(purpose, id string) string {
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(l.mac("short", purpose, id)[:16]))
}

// CheckShort says whether a token is the short one of a purpose and id, in constant time.
func (l Links) CheckShort(token, purpose, id string) bool {
	return hmac.Equal([]byte(token), []byte(l.Short(purpose, id)))
}

// Digits is a code of a purpose for one id: so many decimal digits, at most 9.
func (l Links) Digits(purpose, id string, n int) string {
	limit := uint64(1)
	for range n {
		limit *= 10
	}
	return fmt.Sprintf("%0*d", n, binary.BigEndian.Uint64(l.mac("digits", purpose, id))%limit)
}

// CheckDigits says whether a code is the one of a purpose and id, in constant time.
func (l Links) CheckDigits(code, purpose, id string, n int) bool {
	return hmac.Equal([]byte(code), []byte(l.Digits(purpose, id, n)))
}

func (l Links) mac(parts ...string) []byte {
	m := hmac.New(sha256.New, []byte(l.Secret))
	m.Write([]byte(strings.Join(parts, "\x00"))) // never fails
	return m.Sum(nil)
}

// HashToken is what is stored of a token: enough to find it again, not to use it.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Pseudonyms makes keyed hashes of what must be recognised but not read, such as an e-mail address.
type Pseudonyms struct{ Secret string }

// Of is the pseudonym of a value of a kind, "mail" for example: 64 characters. Without the secret nobody can tell
// which value it stands for.
func (p Pseudonyms) Of(kind, value string) string {
	m := hmac.New(sha256.New, []byte(p.Secret))
	m.Write([]byte(kind + "\x00" + value)) // never fails
	return hex.EncodeToString(m.Sum(nil))
}
