package secondfactor

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/auth/guard"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/secondfactor/totp"
	"pixeltrack.io/platform/pkg/store"
)

// Proof is what a person shows of their second factor: one of the two.
type Proof struct {
	Code         string `json:"code,omitempty" maxLength:"20" doc:"What the authenticator app shows. A code works once." example:"287082"`
	RecoveryCode string `json:"recovery_code,omitempty" maxLength:"40" doc:"Instead of a code: one of the recovery codes, which is spent by it." example:"7h3k-2m9p-x4qv"`
}

// Given says whether there is a proof at all.
func (p Proof) Given() bool { return p.Code != "" || p.RecoveryCode != "" }

// Refusals documents what a proof is refused for.
func Refusals() []api.Refusal {
	return []api.Refusal{
		{Kind: problem.Unauthenticated, Code: "second_factor_required", When: "The account has a second factor, and neither code nor recovery_code was sent."},
		{Kind: problem.Unauthenticated, Code: "second_factor_wrong", When: "The code or recovery code is wrong, or was used."},
		{Kind: problem.TooMany, Code: "too_many_attempts", When: "More than ten codes of one account, or recovery codes from one place, within 15 minutes."},
	}
}

func required() error {
	return problem.Of(problem.Unauthenticated, "second_factor_required", "Send a code of your authenticator app, or a recovery code.")
}

func wrong() error {
	return problem.Of(problem.Unauthenticated, "second_factor_wrong", "The code is wrong, or was used before.")
}

// Judge checks proofs. It opens seeds, so a function that judges may decrypt.
type Judge struct {
	Store      *store.Store
	Seeds      keys.DataKeys // wrap those that seeds are sealed under
	Pseudonyms keys.Pseudonyms
}

// Attempt counts an attempt at a user's second factor before it is judged. The six digits of a code are limited for the
// whole account, wherever they come from. A recovery code is too long to be guessed, and is limited for each place alone,
// so that nobody who knows the password can shut the person out.
func (j *Judge) Attempt(ctx context.Context, c *api.Caller, user id.User, p Proof) (*guard.Counter, error) {
	if !p.Given() {
		return nil, required()
	}
	what, source := "second-factor", ""
	if p.Code == "" {
		what, source = "recovery-code", c.Source
	}
	attempts := guard.New(j.Store, j.Pseudonyms, store.Actor{Who: what, Request: c.Request}, what, string(user), source)
	return attempts, attempts.Attempt(ctx)
}

// Spend checks a proof at a time and spends it: the factors no longer take it once they are written.
func (j *Judge) Spend(ctx context.Context, f *Factors, p Proof, now time.Time) error {
	if p.Code == "" {
		i := slices.Index(f.Recovery, recoveryMark(j.Pseudonyms, f.User, p.RecoveryCode))
		if i < 0 {
			return wrong()
		}
		f.Recovery = slices.Delete(f.Recovery, i, i+1)
		return nil
	}
	if f.TOTP == nil {
		return wrong()
	}
	seed, err := sealing(j.Seeds, now).Open(ctx, place(f.User), f.TOTP)
	if err != nil {
		return err
	}
	step, ok := totp.Match(seed, strings.ReplaceAll(p.Code, " ", ""), now, f.Step)
	if !ok {
		return wrong()
	}
	f.Step = step
	return nil
}

// Spent adds to a transaction that a proof was spent: the factors, the count of attempts that begins anew, and the mail
// about a recovery code.
func (f *Factors) Spent(tx *store.Tx, h *store.User, p Proof, attempts *guard.Counter) {
	f.Write(tx, h)
	attempts.Forget(tx)
	if p.Code == "" {
		Tell(tx, h, recoveryUsed, map[string]string{"left": strconv.Itoa(len(f.Recovery))})
	}
}
