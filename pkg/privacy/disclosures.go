package privacy

import (
	"context"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/record"
	"pixeltrack.io/platform/pkg/privacy/subprocessor"
	"pixeltrack.io/platform/pkg/store"
)

// Disclosure is one recipient of a person's data.
type Disclosure struct {
	Recipient string      `json:"recipient"`
	Basis     string      `json:"basis" enum:"consent,provider,portal,legal,transfer" doc:"Which of the five ways of policy section 4 it is."`
	What      []string    `json:"what"`
	Times     []time.Time `json:"times,omitempty" doc:"When, where it is a single act; kept for 30 days for mails."`
}

// DisclosuresOut is the answer of list-disclosures.
type DisclosuresOut struct{ Body api.List[Disclosure] }

// ListDisclosures shows who received the caller's data.
func ListDisclosures() api.Operation {
	return api.New(api.Route{
		ID: "list-disclosures", Area: "privacy", Method: http.MethodGet, Path: "/v1/privacy/disclosures", Audience: api.Users, PureRead: true, Rights: true,
		Summary: "Who received your personal data", Purpose: purpose.PrivacyRights,
		ExampleOut: api.List[Disclosure]{Data: []Disclosure{{Recipient: "Resend (Plus Five Five, Inc.)", Basis: "provider", What: []string{"e-mail address"},
			Times: []time.Time{time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}}}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*DisclosuresOut, error) {
		all, err := disclosures(ctx, c.Self, c.Now)
		if err != nil {
			return nil, err
		}
		return &DisclosuresOut{api.List[Disclosure]{Data: all}}, nil
	})
}

// disclosures lists the providers that store or carry a person's data, with the mails that went out.
func disclosures(ctx context.Context, h record.Handle, now time.Time) ([]Disclosure, error) {
	all := []Disclosure{}
	for _, p := range subprocessor.All() {
		d := Disclosure{Recipient: p.Name, Basis: "provider", What: p.Categories}
		switch {
		case p.ID == "aws" && p.Receives(now): // it holds the table, and so everything
		case p.ID == "resend":
			d.What = []string{"name", "e-mail address", "text of the mail"}
			err := each(ctx, h, outbox.Family, func(m *outbox.Mail) {
				if m.SentAt != 0 {
					d.Times = append(d.Times, at(m.SentAt))
				}
			})
			if err != nil {
				return nil, err
			}
			if len(d.Times) == 0 {
				continue
			}
		default:
			continue
		}
		all = append(all, d)
	}
	return all, nil
}

func each[T any, P interface {
	*T
	store.Row
}](ctx context.Context, h record.Handle, f store.Family, yield func(P)) error {
	for r, err := range store.All[T, P](ctx, h, store.Query{Partition: h.Scope().Partition(f), Limit: 200}) {
		if err != nil {
			return err
		}
		yield(r)
	}
	return nil
}
