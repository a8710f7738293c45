package notifications

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// ReceiveResendIn is the input of receive-resend: a webhook as it was signed.
type ReceiveResendIn struct {
	mail.Signature
	RawBody []byte `contentType:"application/json"`
}

// ReceiveResendOut says that a webhook was taken.
type ReceiveResendOut struct{ Body Taken }

// Taken is the answer to a webhook.
type Taken struct {
	Received bool `json:"received" example:"true" doc:"Always true; what was not taken is refused."`
}

// ReceiveResend takes what the mail provider reports of the mails that were sent. A report changes a mail once, however
// often it comes, and never takes it back to an earlier state.
func ReceiveResend(st *store.Store, secret string) api.Operation {
	return api.New(api.Route{
		ID: "receive-resend", Area: "webhooks", Method: http.MethodPost, Path: "/v1/webhooks/resend", Audience: api.Public, RawBody: true,
		Summary: "Take a report of the mail provider", Purpose: purpose.ServiceNotices,
		Description: "For the mail provider alone. The signature (Svix) is checked over the very bytes first, then that it is not older than 300 " +
			"seconds. Reports about mails that are not known are kept for two days and answered as all others.",
		ExampleIn: map[string]any{"type": "email.delivered", "created_at": "2026-03-02T09:00:00Z",
			"data": map[string]any{"email_id": "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"}},
		ExampleOut: Taken{Received: true},
		Refusals: []api.Refusal{
			{Kind: problem.Unauthenticated, Code: "signature_invalid", When: "The webhook is not signed by the provider."},
			{Kind: problem.Unauthenticated, Code: "signature_expired", When: "The signature is more than 300 seconds from now."},
			{Kind: problem.Malformed, Code: "not_an_event", When: "What was signed is not an event."},
		},
	}, func(ctx context.Context, c *api.Caller, in *ReceiveResendIn) (*ReceiveResendOut, error) {
		err := mail.VerifyWebhook(in.Signature, in.RawBody, secret, c.Now)
		switch {
		case errors.Is(err, mail.ErrAge):
			return nil, problem.Of(problem.Unauthenticated, "signature_expired", "The signature is too old or from the future.")
		case err != nil:
			return nil, problem.Of(problem.Unauthenticated, "signature_invalid", "The signature is not valid.")
		}
		e, err := mail.ParseEvent(in.RawBody)
		if err != nil {
			return nil, problem.Of(problem.Malformed, "not_an_event", "This is not an event.")
		}
		report := Report{ID: e.MailID, Kind: e.Type, Hard: e.Bounce == "Permanent", At: e.At}
		if report.At.IsZero() || report.At.After(c.Now) || c.Now.Sub(report.At) > 365*24*time.Hour {
			report.At = c.Now
		}
		if report.Known() {
			if err := Settle(ctx, st, store.Actor{Who: "provider:" + provider, Request: c.Request}, report); err != nil {
				return nil, err
			}
		}
		return &ReceiveResendOut{Taken{Received: true}}, nil
	})
}
