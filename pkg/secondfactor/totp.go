package secondfactor

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/secondfactor/totp"
	"pixeltrack.io/platform/pkg/store"
)

// issuer is what apps call us.
const issuer = "PixelTrack"

// enrolmentLife is how long a seed waits for its first code.
const enrolmentLife = 10 * time.Minute

// Enrolment is an app's seed that waits for its first code, sealed for the place that it goes to then.
type Enrolment struct {
	store.Meta
	User id.User `dynamo:"user"`
	TOTP []byte  `dynamo:"totp"`
}

// Type is the row's type.
func (e *Enrolment) Type() string { return "ENROLMENT" }

// Keys puts the enrolment into the user's scope: a second one takes the place of the first.
func (e *Enrolment) Keys() store.Keys { return store.Keys{Primary: enrolmentKey(e.User)} }

func enrolmentKey(u id.User) store.Key { return store.UserScope(u).Key(FamilyEnrolment) }

// Seed is a seed for an app. It is shown once.
type Seed struct {
	Secret    string    `json:"secret" doc:"The seed in base32, to type in." example:"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"`
	URI       string    `json:"uri" doc:"The same as apps read it from a picture: SHA-1, six digits, 30 seconds." example:"otpauth://totp/PixelTrack:ada@example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=PixelTrack&algorithm=SHA1&digits=6&period=30"`
	ExpiresAt time.Time `json:"expires_at" doc:"Until then the app's first code must be sent to /v1/me/second-factors/totp/confirm."`
}

// SeedOut is the answer of create-totp.
type SeedOut struct{ Body Seed }

func enrolled() error {
	return problem.Of(problem.Conflict, "totp_enrolled", "There is an authenticator app already; remove it first.")
}

// CreateTotp begins to enrol an authenticator app.
func CreateTotp(st *store.Store, seeds keys.DataKeys) api.Operation {
	return api.New(api.Route{
		ID: "create-totp", Area: "account", Method: http.MethodPost, Path: "/v1/me/second-factors/totp", Audience: api.Users, Rights: true, Audit: true,
		Fresh: Fresh, Status: http.StatusCreated, Summary: "Begin to enrol an authenticator app", Purpose: purpose.Authentication,
		Description: "Gives the seed for the app, once. It counts when the app's first code was confirmed, within ten minutes; another call takes its place.",
		ExampleOut: Seed{Secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", URI: totp.URI([]byte("12345678901234567890"), issuer, "ada@example.com"),
			ExpiresAt: time.Date(2026, 3, 2, 9, 10, 0, 0, time.UTC)},
		Refusals: []api.Refusal{{Kind: problem.Conflict, Code: "totp_enrolled", When: "There is an authenticator app already."}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*SeedOut, error) {
		f, p := new(Factors), new(account.Profile)
		fetches := []*store.Fetch{{Through: c.Self, Key: Key(c.User), Row: f}, {Through: c.Self, Key: account.ProfileKey(c.User), Row: p}}
		if err := st.FetchAll(ctx, fetches...); err != nil {
			return nil, err
		}
		if fetches[1].Err != nil {
			return nil, problem.Missing("account")
		}
		if f.TOTP != nil {
			return nil, enrolled()
		}
		seed := totp.NewSeed()
		sealed, err := sealing(seeds, c.Now).Seal(ctx, place(c.User), seed)
		if err != nil {
			return nil, err
		}
		e := &Enrolment{User: c.User, TOTP: sealed}
		e.Expire(c.Now.Add(enrolmentLife))
		tx := st.Begin()
		tx.Put(c.Self, e)
		if err := c.Commit(ctx, tx, string(c.User)); err != nil {
			return nil, err
		}
		return &SeedOut{Body: Seed{Secret: totp.Text(seed), URI: totp.URI(seed, issuer, p.Email), ExpiresAt: time.Unix(e.ExpiresAt, 0).UTC()}}, nil
	})
}

// ConfirmIn is the input of confirm-totp.
type ConfirmIn struct{ Body ConfirmBody }

// ConfirmBody is the first code of an app.
type ConfirmBody struct {
	Code string `json:"code" minLength:"6" maxLength:"20" doc:"What the app shows now." example:"287082"`
}

// Codes are recovery codes. They are shown once.
type Codes struct {
	RecoveryCodes []string `json:"recovery_codes" doc:"Each stands in for the second factor once. They are not shown again."`
}

// CodesOut is an answer with recovery codes.
type CodesOut struct{ Body Codes }

func exampleCodes() Codes {
	return Codes{RecoveryCodes: []string{"7h3k-2m9p-x4qv", "0c8d-wz51-gr6e"}}
}

// ConfirmTotp enrols an app by its first code.
func ConfirmTotp(j *Judge) api.Operation {
	return api.New(api.Route{
		ID: "confirm-totp", Area: "account", Method: http.MethodPost, Path: "/v1/me/second-factors/totp/confirm", Audience: api.Users, Rights: true, Audit: true,
		Fresh: Fresh, Status: http.StatusCreated, Summary: "Enrol the authenticator app", Purpose: purpose.Authentication,
		Description: "From now on a login takes a code of the app. Ten recovery codes are shown once; those from before no longer work. A mail tells the person.",
		ExampleIn:   ConfirmBody{Code: "287082"}, ExampleOut: exampleCodes(),
		Refusals: []api.Refusal{
			{Kind: problem.Invalid, Code: "code_wrong", When: "It is not a code that the app shows now."},
			{Kind: problem.NotFound, Code: "enrolment_not_found", When: "No app is being enrolled, or it was begun more than ten minutes ago."},
			{Kind: problem.Conflict, Code: "totp_enrolled", When: "There is an authenticator app already."},
		},
	}, func(ctx context.Context, c *api.Caller, in *ConfirmIn) (*CodesOut, error) {
		for range meetings {
			shown, err := j.enrol(ctx, c, in.Body.Code)
			if errors.Is(err, store.ErrStale) {
				continue
			}
			if err != nil {
				return nil, err
			}
			return &CodesOut{Body: Codes{shown}}, nil
		}
		return nil, store.ErrConflict
	})
}

// enrol makes the app that waits the caller's, when the code is its.
func (j *Judge) enrol(ctx context.Context, c *api.Caller, code string) ([]string, error) {
	f, e := &Factors{User: c.User}, new(Enrolment)
	fetches := []*store.Fetch{{Through: c.Self, Key: Key(c.User), Row: f}, {Through: c.Self, Key: enrolmentKey(c.User), Row: e}}
	if err := j.Store.FetchAll(ctx, fetches...); err != nil {
		return nil, err
	}
	if f.TOTP != nil {
		return nil, enrolled()
	}
	if errors.Is(fetches[1].Err, store.ErrMissing) {
		return nil, problem.Missing("enrolment")
	}
	f.TOTP, f.Since = e.TOTP, c.Now.Unix()
	if err := j.Spend(ctx, f, Proof{Code: code}, c.Now); problem.Is(err, "second_factor_wrong") {
		e := problem.InvalidField("body.code", "not a code that the app shows now")
		e.Code = "code_wrong"
		return nil, e
	} else if err != nil {
		return nil, err
	}
	shown := f.Renew(j.Pseudonyms)
	tx := j.Store.Begin()
	f.Write(tx, c.Self)
	tx.Delete(c.Self, e)
	Begin(tx, c.Self)
	Tell(tx, c.Self, totpOn, nil)
	return shown, c.Commit(ctx, tx, string(c.User))
}

// DeleteIn is the input of delete-totp.
type DeleteIn struct{ Body Proof }

// DeleteTotp takes the app away from an account.
func DeleteTotp(j *Judge) api.Operation {
	return api.New(api.Route{
		ID: "delete-totp", Area: "account", Method: http.MethodDelete, Path: "/v1/me/second-factors/totp", Audience: api.Users, Rights: true, Audit: true,
		Fresh: Fresh, Status: http.StatusNoContent, Summary: "Remove the authenticator app", Purpose: purpose.Authentication,
		Description: "Takes a code of the app or a recovery code. With the last second factor the recovery codes go; a password that is too short to stand alone has to be changed before. A mail tells the person.",
		ExampleIn:   Proof{Code: "287082"},
		Refusals: append(Refusals(),
			api.Refusal{Kind: problem.NotFound, Code: "authenticator_app_not_found", When: "There is none."},
			api.Refusal{Kind: problem.Conflict, Code: "password_too_short", When: "It is the last second factor, and the password has fewer than 15 characters."}),
	}, func(ctx context.Context, c *api.Caller, in *DeleteIn) (*struct{}, error) {
		attempts, err := j.Attempt(ctx, c, c.User, in.Body)
		if err != nil {
			return nil, err
		}
		for range meetings {
			f, err := Of(ctx, c.Self)
			if err != nil {
				return nil, err
			}
			if f.TOTP == nil {
				return nil, problem.Missing("authenticator app")
			}
			if err := j.Spend(ctx, f, in.Body, c.Now); err != nil {
				return nil, err
			}
			tx := j.Store.Begin()
			f.TOTP, f.Since = nil, 0
			if !f.Enrolled() {
				f.End(tx, c.Self)
			}
			f.Spent(tx, c.Self, in.Body, attempts)
			Tell(tx, c.Self, totpOff, nil)
			if err := c.Commit(ctx, tx, string(c.User)); !errors.Is(err, store.ErrStale) {
				return nil, err
			}
		}
		return nil, store.ErrConflict
	})
}
