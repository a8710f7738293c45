package auth_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/size"
	"pixeltrack.io/platform/pkg/auth"
)

// TestTheFamilyRuleOfRefreshTokens plays random histories of one login: answers that are lost, repeats within the
// grace, repeats after it, and a thief. Whatever happens, a token that is two steps old ends the family, and only the
// newest token, or the one before it while its successor is unused and the grace lasts, gives a new one.
func TestTheFamilyRuleOfRefreshTokens(t *testing.T) {
	histories := size.Of(500, 10_000)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(t)
	p := w.somebody(ada)
	d := newDevice(p)
	w.addPasskey(p, d)
	ends := map[string]int{}
	for h := range histories {
		f := &family{chain: []string{w.tokens(w.present(d.signed(w.ask(""), site), "")).RefreshToken}} // a passkey's login costs no password
		for range 8 {
			i := len(f.chain) - 1
			switch random.IntN(4) {
			case 0:
				i = random.IntN(len(f.chain)) // anybody who has an old token
			case 1:
				i = max(0, len(f.chain)-2) // a lost answer: the spent token once more
			}
			if random.IntN(4) == 0 {
				w.Clock.Advance(31 * time.Second) // the grace is over
				f.story = append(f.story, "31 s pass")
			}
			wrong := f.use(w, i)
			if wrong != "" {
				t.Fatalf("history %d: %v: %s", h, f.story, wrong)
			}
		}
		ends[fmt.Sprintf("ended %t after %d tokens", f.ended, len(f.chain))]++
	}
	if len(ends) < 12 {
		t.Errorf("the histories are too much alike: %v", ends)
	}
	t.Logf("%d histories: %v", histories, ends)
}

// family is what the rule says of one login's tokens.
type family struct {
	chain []string // in the order in which they were given
	spent time.Time
	ended bool
	story []string
}

// use shows a token of the family, and says what is wrong with the answer.
func (f *family) use(w *world, i int) (wrong string) {
	now := w.Clock.Now()
	f.story = append(f.story, fmt.Sprintf("token %d of %d", i+1, len(f.chain)))
	a := w.refreshToken(f.chain[i])
	var got auth.Tokens
	if a.Status == http.StatusOK {
		a.Into(w.T, &got)
	}
	last := len(f.chain) - 1
	switch {
	case f.ended:
		if a.Status != http.StatusUnauthorized {
			return fmt.Sprintf("%d; want 401, the family has ended", a.Status)
		}
	case i == last:
		if got.RefreshToken == "" || slices.Contains(f.chain, got.RefreshToken) {
			return fmt.Sprintf("%d %s; want a new token", a.Status, a.Code())
		}
		f.chain, f.spent = append(f.chain, got.RefreshToken), now
	case i == last-1 && now.Sub(f.spent) <= 30*time.Second:
		if got.RefreshToken != f.chain[last] {
			return fmt.Sprintf("%d %s; want the same successor again", a.Status, a.Code())
		}
	default:
		if a.Status != http.StatusUnauthorized {
			return fmt.Sprintf("%d; want 401 and the end of the family", a.Status)
		}
		f.ended = true
	}
	return ""
}
