package secondfactor

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// App is an authenticator app that is enrolled.
type App struct {
	EnrolledAt time.Time `json:"enrolled_at"`
}

// Body is what a person has of second factors. It holds no secret.
type Body struct {
	Enrolled          bool `json:"enrolled" doc:"Whether a login takes a second factor."`
	TOTP              *App `json:"totp,omitempty" doc:"The authenticator app; absent when there is none."`
	Passkeys          int  `json:"passkeys" doc:"How many there are; /v1/me/passkeys lists them." example:"1"`
	RecoveryCodesLeft int  `json:"recovery_codes_left" doc:"How many recovery codes can still be used, of ten." example:"9"`
}

// BodyOut is the answer of get-second-factors.
type BodyOut struct{ Body Body }

// GetSecondFactors shows what the caller has enrolled.
func GetSecondFactors() api.Operation {
	return api.New(api.Route{
		ID: "get-second-factors", Area: "account", Method: http.MethodGet, Path: "/v1/me/second-factors", Audience: api.Users, PureRead: true, Rights: true,
		Summary: "Your second factors", Purpose: purpose.Authentication,
		ExampleOut: Body{Enrolled: true, TOTP: &App{time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}, Passkeys: 1, RecoveryCodesLeft: 9},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*BodyOut, error) {
		f, err := Of(ctx, c.Self)
		if err != nil {
			return nil, err
		}
		out := Body{Enrolled: f.Enrolled(), Passkeys: f.Passkeys, RecoveryCodesLeft: len(f.Recovery)}
		if f.TOTP != nil {
			out.TOTP = &App{time.Unix(f.Since, 0).UTC()}
		}
		return &BodyOut{Body: out}, nil
	})
}

// CreateRecoveryCodes gives the caller new recovery codes.
func CreateRecoveryCodes(st *store.Store, pseudonyms keys.Pseudonyms) api.Operation {
	return api.New(api.Route{
		ID: "create-recovery-codes", Area: "account", Method: http.MethodPost, Path: "/v1/me/second-factors/recovery-codes", Audience: api.Users, Rights: true, Audit: true,
		Fresh: Fresh, Status: http.StatusCreated, Summary: "Make new recovery codes", Purpose: purpose.Authentication,
		Description: "Ten codes, shown once; those from before no longer work. A mail tells the person.", ExampleOut: exampleCodes(),
		Refusals: []api.Refusal{{Kind: problem.NotFound, Code: "second_factor_not_found", When: "No second factor is enrolled."}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*CodesOut, error) {
		for range meetings {
			f, err := Of(ctx, c.Self)
			if err != nil {
				return nil, err
			}
			if !f.Enrolled() {
				return nil, problem.Missing("second factor")
			}
			shown := f.Renew(pseudonyms)
			tx := st.Begin()
			f.Write(tx, c.Self)
			Tell(tx, c.Self, recoveryNew, nil)
			err = c.Commit(ctx, tx, string(c.User))
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
