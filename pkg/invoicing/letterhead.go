package invoicing

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/picture"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/taxid"
)

// Letterhead is what an invoice takes over of its two parties when it is sent, beside what stands in their rows: tax ids,
// which are sealed anew for the invoice, and the issuer's logo, of which it gets a copy beside its document. So it stays as
// it was sent, whatever becomes of them.
type Letterhead struct {
	Seals     keys.DataKeys
	Pictures  Opener
	Documents Keeper
}

// Opener reads objects of a bucket.
type Opener interface {
	Open(ctx context.Context, key string) (io.ReadCloser, error)
}

// Keeper stores objects in a bucket.
type Keeper interface {
	Put(ctx context.Context, key, mediaType string, body io.ReadSeeker) error
}

// LogoKey is where the logo of an invoice's issuer lies in the bucket of documents.
func LogoKey(org id.Organization, i id.Invoice) string { return keysOf(org, i) + "-logo.png" }

// stamp puts the letterhead onto a draft that is to be sent, and says whether the row of the payer has changed with it. What
// it stores beside the document it stores again in the same place when the draft is sent again.
func (l Letterhead) stamp(ctx context.Context, h *store.Organization, d *document, org *organization.Organization, logo *picture.Picture) (bool, error) {
	now := h.Now()
	all, within := errgroup.WithContext(ctx)
	all.Go(func() (err error) {
		d.IssuerTaxID, err = l.carry(within, organization.TaxIDPlace(d.Org), org.TaxID, issuerTaxID(d.Org, d.ID), now)
		return err
	})
	all.Go(func() error {
		client, err := store.Get[clients.Client](within, h, clients.Key(d.Org, d.Client))
		if errors.Is(err, store.ErrMissing) || d.payer == nil || err == nil && client.ErasedAt != 0 {
			return nil
		}
		if err != nil {
			return err
		}
		d.payer.TaxID, err = l.carry(within, clients.TaxIDPlace(d.Org, d.Client), client.TaxID, payerTaxID(d.Org, d.ID), now)
		return err
	})
	all.Go(func() (err error) {
		d.Logo, err = l.copy(within, h, d.ID, logo)
		return err
	})
	err := all.Wait()
	return d.payer != nil && len(d.payer.TaxID) > 0, err
}

// carry seals a tax id anew for another place.
func (l Letterhead) carry(ctx context.Context, from keys.Place, sealed []byte, to keys.Place, now time.Time) ([]byte, error) {
	plain, err := taxid.Open(ctx, l.Seals, from, sealed, now)
	if err != nil {
		return nil, err
	}
	return taxid.Seal(ctx, l.Seals, to, plain, now)
}

// copy lays a copy of the issuer's logo beside the document, and gives its key; empty when there is no logo.
func (l Letterhead) copy(ctx context.Context, h *store.Organization, i id.Invoice, logo *picture.Picture) (string, error) {
	for range meetings {
		if logo == nil || logo.ID == "" {
			return "", nil
		}
		body, err := open(ctx, l.Pictures, logo.Object)
		if errors.Is(err, blob.ErrMissing) { // another one took its place
			if logo, err = picture.Read(ctx, h); err != nil {
				return "", err
			}
			continue
		}
		if err != nil {
			return "", err
		}
		return LogoKey(h.ID, i), l.Documents.Put(ctx, LogoKey(h.ID, i), logo.MediaType, bytes.NewReader(body))
	}
	return "", store.ErrConflict
}

func open(ctx context.Context, from Opener, key string) ([]byte, error) {
	r, err := from.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func issuerTaxID(org id.Organization, i id.Invoice) keys.Place {
	return taxid.Place(store.OrganizationScope(org), Family, Key(org, i).SK, "issuer_tax_id")
}

func payerTaxID(org id.Organization, i id.Invoice) keys.Place {
	return taxid.Place(store.OrganizationScope(org), FamilyPayer, PayerKey(org, i).SK, "tax_id")
}

// reveal puts the tax ids of both parties into a document on the wire, in the place of dots.
func (d *document) reveal(ctx context.Context, seals keys.DataKeys, now time.Time, b *Body) error {
	both, within := errgroup.WithContext(ctx)
	if b.Issuer != nil {
		both.Go(func() (err error) {
			b.Issuer.TaxID, err = taxid.Open(within, seals, issuerTaxID(d.Org, d.ID), d.IssuerTaxID, now)
			return err
		})
	}
	if b.Recipient != nil {
		both.Go(func() (err error) {
			b.Recipient.TaxID, err = taxid.Open(within, seals, payerTaxID(d.Org, d.ID), d.payer.TaxID, now)
			return err
		})
	}
	return both.Wait()
}
