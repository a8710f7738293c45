// Package password says which passwords are taken, and keeps of them what is enough to know them again.
package password

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Length of a password in characters, after normalisation.
const (
	Shortest           = 15
	ShortestWithFactor = 8 // of an account that a second factor guards, too
	Longest            = 128
)

// Why a password is not taken, in words for whoever chose it.
const (
	TooShort           = "at least 15 characters"
	TooShortWithFactor = "at least 8 characters"
	TooLong            = "at most 128 characters"
	Unfit              = "control characters are not allowed"
	Common             = "too easily guessed; choose another"
)

// Weak says why a password is not taken for an account without a second factor, empty when it is. Any character and any
// mixture is allowed; what is refused is too short, too long, a common one or a simple variant of one, one character or
// a short piece over and over, or made of the addresses and names it belongs to.
func Weak(password string, about ...string) string {
	return weak(password, Shortest, TooShort, about)
}

// WeakWithFactor is Weak for an account that a second factor guards, too.
func WeakWithFactor(password string, about ...string) string {
	return weak(password, ShortestWithFactor, TooShortWithFactor, about)
}

// StandsAlone says whether a password is long enough for an account without a second factor.
func StandsAlone(password string) bool {
	return utf8.RuneCountInString(norm.NFKC.String(password)) >= Shortest
}

func weak(password string, shortest int, tooShort string, about []string) string {
	p := norm.NFKC.String(password)
	n := utf8.RuneCountInString(p)
	switch {
	case n < shortest:
		return tooShort
	case n > Longest:
		return TooLong
	case strings.ContainsFunc(p, unicode.IsControl):
		return Unfit
	}
	folded := strings.ToLower(p)
	if repeats(folded) || easy(folded, about) || slices.ContainsFunc(about, func(a string) bool {
		return folded == strings.ToLower(norm.NFKC.String(a))
	}) {
		return Common
	}
	return ""
}

// repeats says whether a text is a piece of at most three characters over and over.
func repeats(text string) bool {
	runes := []rune(text)
	for piece := 1; piece <= 3; piece++ {
		same := true
		for i := piece; i < len(runes) && same; i++ {
			same = runes[i] == runes[i-piece]
		}
		if same {
			return true
		}
	}
	return false
}

// The parameters of argon2id that new hashes are made with.
const (
	memory  = 19 * 1024 // KiB
	passes  = 2
	threads = 1
	saltLen = 16
	hashLen = 32
)

// dummy has the present parameters and belongs to no password, so that an address without an account costs the same.
const dummy = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// Hash makes what is stored of a password: an argon2id hash in PHC form, with a salt of its own.
func Hash(password string) string {
	salt := make([]byte, saltLen)
	rand.Read(salt) // never fails
	sum := argon2.IDKey([]byte(norm.NFKC.String(password)), salt, passes, memory, threads, hashLen)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

// Verify says whether a password is the one of a hash, and whether the hash was made with weaker parameters than new
// ones are, so that it should be made again. An empty or unreadable hash takes as long and is nobody's.
func Verify(hash, password string) (ok, outdated bool) {
	h, readable := parse(hash)
	if !readable {
		h, _ = parse(dummy)
	}
	if utf8.RuneCountInString(password) > 4*Longest {
		password = "" // nobody's: no password is so long
		readable = false
	}
	sum := argon2.IDKey([]byte(norm.NFKC.String(password)), h.salt, h.passes, h.memory, h.threads, uint32(len(h.sum)))
	same := subtle.ConstantTimeCompare(sum, h.sum) == 1
	return same && readable, h.memory < memory || h.passes < passes
}

type parsed struct {
	memory, passes uint32
	threads        uint8
	salt, sum      []byte
}

// parse reads a PHC string of argon2id within bounds that no stored hash exceeds.
func parse(hash string) (parsed, bool) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return parsed{}, false
	}
	var p parsed
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.threads); n != 3 || err != nil {
		return parsed{}, false
	}
	var errSalt, errSum error
	p.salt, errSalt = base64.RawStdEncoding.DecodeString(parts[4])
	p.sum, errSum = base64.RawStdEncoding.DecodeString(parts[5])
	if errSalt != nil || errSum != nil || len(p.salt) < 8 || len(p.sum) < 16 || len(p.sum) > 64 ||
		p.memory < 8 || p.memory > 256*1024 || p.passes < 1 || p.passes > 16 || p.threads < 1 || p.threads > 8 {
		return parsed{}, false
	}
	return p, true
}
