package secondfactor

import (
	"crypto/rand"
	"slices"
	"strings"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
)

const (
	// recoveryCodes is how many codes a person is given at once.
	recoveryCodes = 10
	// recoverySize is how many characters a code has, of five bits each.
	recoverySize = 12
	// recoveryGroup is how many of them stand together.
	recoveryGroup = 4
	// letters are those of a code: digits, and letters that look like no digit.
	letters = "0123456789abcdefghjkmnpqrstvwxyz"
)

// Renew gives the person ten new recovery codes, in place of those that are left. They are shown now and never again.
func (f *Factors) Renew(p keys.Pseudonyms) []string {
	shown := make([]string, recoveryCodes)
	f.Recovery = make([]string, recoveryCodes)
	for i := range shown {
		shown[i] = newRecoveryCode()
		f.Recovery[i] = recoveryMark(p, f.User, shown[i])
	}
	slices.Sort(f.Recovery) // their order tells nothing
	return shown
}

func newRecoveryCode() string {
	random := make([]byte, recoverySize)
	rand.Read(random) // never fails
	var b strings.Builder
	for i, r := range random {
		if i > 0 && i%recoveryGroup == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(letters[r%byte(len(letters))])
	}
	return b.String()
}

// recoveryMark is what is stored of a recovery code: a keyed hash, however the code was typed.
func recoveryMark(p keys.Pseudonyms, u id.User, code string) string {
	return p.Of("recovery", string(u)+"\n"+plainRecovery(code))
}

// plainRecovery is a code without what people add to it, and with the characters that they take for others.
func plainRecovery(code string) string {
	return strings.NewReplacer("-", "", " ", "", "o", "0", "i", "1", "l", "1").Replace(strings.ToLower(code))
}
