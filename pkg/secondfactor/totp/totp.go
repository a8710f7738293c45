// Package totp makes and judges the codes of authenticator apps (RFC 6238): HMAC-SHA-1, six digits, steps of 30 seconds.
package totp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6238; what apps know. HMAC does not need collision resistance.
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

const (
	// Period is how long a step takes.
	Period = 30 * time.Second
	// Digits is how long a code is.
	Digits = 6
	// drift is how many steps an app's clock may be off, either way.
	drift = 1
	// seedSize is how many bytes a seed has: as many as the hash (RFC 4226, section 4).
	seedSize = 20
)

// NewSeed makes a seed.
func NewSeed() []byte {
	seed := make([]byte, seedSize)
	rand.Read(seed) // never fails
	return seed
}

// Step is the number of the step that a time lies in.
func Step(at time.Time) int64 { return at.Unix() / int64(Period/time.Second) }

// Code is the code of a step.
func Code(seed []byte, step int64) string {
	m := hmac.New(sha1.New, seed)
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(step))) // never fails
	sum := m.Sum(nil)
	from := sum[len(sum)-1] & 0x0f
	n := binary.BigEndian.Uint32(sum[from:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", Digits, n%1_000_000)
}

// Match gives the step whose code this is, at a time and within one step of it. A step that is not after the last one
// used counts no more: a code works once. It takes as long whichever step it is, and for none.
func Match(seed []byte, code string, at time.Time, last int64) (step int64, ok bool) {
	now := Step(at)
	for s := now - drift; s <= now+drift; s++ {
		if subtle.ConstantTimeCompare([]byte(Code(seed, s)), []byte(code)) == 1 && s > last && !ok {
			step, ok = s, true
		}
	}
	return step, ok
}

// Text is a seed as people type it into an app: base32 without padding (RFC 4648).
func Text(seed []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)
}

// URI is a seed as apps read it from a picture, for an account of an issuer.
func URI(seed []byte, issuer, account string) string {
	q := "secret=" + Text(seed) + "&issuer=" + url.PathEscape(issuer) + "&algorithm=SHA1&digits=" + strconv.Itoa(Digits) +
		"&period=" + strconv.Itoa(int(Period/time.Second))
	return "otpauth://totp/" + url.PathEscape(issuer) + ":" + url.PathEscape(account) + "?" + q
}
