// Package webhook is what the routes have in common that the mail provider tells something: the signature, the event, the
// answer.
package webhook

import (
	"errors"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/problem"
)

// In is a webhook as it was signed.
type In struct {
	mail.Signature
	RawBody []byte `contentType:"application/json"`
}

// Out says that a webhook was taken.
type Out struct{ Body Taken }

// Taken is the answer to a webhook.
type Taken struct {
	Received bool `json:"received" example:"true" doc:"Always true; what was not taken is refused."`
}

// Accept answers a webhook that was taken.
func Accept() *Out { return &Out{Taken{Received: true}} }

// Refusals documents what Read refuses.
func Refusals() []api.Refusal {
	return []api.Refusal{
		{Kind: problem.Unauthenticated, Code: "signature_invalid", When: "The webhook is not signed by the provider."},
		{Kind: problem.Unauthenticated, Code: "signature_expired", When: "The signature is more than 300 seconds from now."},
		{Kind: problem.Malformed, Code: "not_an_event", When: "What was signed is not an event."},
	}
}

// Read checks the signature over the very bytes that came, then how old it is, and only then reads what they say.
func Read(c *api.Caller, in *In, secret string) (mail.Event, error) {
	err := mail.VerifyWebhook(in.Signature, in.RawBody, secret, c.Now)
	switch {
	case errors.Is(err, mail.ErrAge):
		return mail.Event{}, problem.Of(problem.Unauthenticated, "signature_expired", "The signature is too old or from the future.")
	case err != nil:
		return mail.Event{}, problem.Of(problem.Unauthenticated, "signature_invalid", "The signature is not valid.")
	}
	e, err := mail.ParseEvent(in.RawBody)
	if err != nil {
		return mail.Event{}, problem.Of(problem.Malformed, "not_an_event", "This is not an event.")
	}
	return e, nil
}
