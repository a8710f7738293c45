package notifications

import (
	"context"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/mail/webhook"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

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
		ExampleOut: webhook.Taken{Received: true},
		Refusals:   webhook.Refusals(),
	}, func(ctx context.Context, c *api.Caller, in *webhook.In) (*webhook.Out, error) {
		e, err := webhook.Read(c, in, secret)
		if err != nil {
			return nil, err
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
		return webhook.Accept(), nil
	})
}
