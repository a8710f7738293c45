package privacy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/invitations"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/privacy/export"
	"pixeltrack.io/platform/pkg/store"
)

// invited adds the invitations that stand for a person's address to the files of their package, in their place. Each is its
// organization's: the file says which, in words too, for an id means nothing to who is not in it.
func (b *builder) invited(ctx context.Context, hash string, sets []export.Set) ([]export.Set, error) {
	if hash == "" {
		return sets, nil
	}
	address := b.st.BindCase(hash, store.Actor{Who: "job:build-export"})
	address.SeeRestricted()
	all, err := invitations.To(ctx, address)
	if err != nil || len(all) == 0 {
		return sets, err
	}
	var records []export.Record
	for _, i := range all {
		r := export.Record{"record_type": i.Type(), "id": string(i.ID), "organization": string(i.Org), "controller": "the organization", "email": i.Email, "role": string(i.Role),
			"grants": append([]access.Permission{}, i.Grants...), "times_sent": i.Sent, "sent_at": clock.At(i.SentAt).Format(time.RFC3339), "expires_at": clock.At(i.SentAt).Add(invitations.Life).Format(time.RFC3339)}
		o, err := store.Get[organization.Organization](ctx, b.st.BindOrganization(i.Org, address.Actor()), organization.Key(i.Org))
		if err == nil {
			r["organization_name"] = o.Name
		} else if !errors.Is(err, store.ErrMissing) {
			return nil, err
		}
		records = append(records, r)
	}
	set := export.Set{Name: "invitations", Title: "invitations that wait for you", Columns: []export.Column{
		{Name: "record_type", Kind: "string", Description: "the kind of record"},
		{Name: "controller", Kind: "string", Description: "who decides about the invitation"},
		{Name: "email", Kind: "string", Description: "the address that was invited"},
		{Name: "expires_at", Kind: "string", Description: "when the invitation is over, and your address deleted"},
		{Name: "grants", Kind: "array", Description: "what you might do beyond the role"},
		{Name: "id", Kind: "string", Description: "a random id"},
		{Name: "organization", Kind: "string", Description: "the id of the organization that invites"},
		{Name: "organization_name", Kind: "string", Description: "the organization that invites"},
		{Name: "role", Kind: "string", Description: "what you would be there"},
		{Name: "sent_at", Kind: "string", Description: "when it was sent last"},
		{Name: "times_sent", Kind: "integer", Description: "how often it was sent"},
	}, Records: func(yield func(export.Record) error) error {
		for _, r := range records {
			if err := yield(r); err != nil {
				return err
			}
		}
		return nil
	}}
	i, _ := slices.BinarySearchFunc(sets, set, func(a, b export.Set) int { return strings.Compare(a.Name, b.Name) })
	return slices.Insert(sets, i, set), nil
}
