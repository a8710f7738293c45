package invoicing

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing/calc"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// document is an invoice with what belongs to it.
type document struct {
	*Invoice
	payer *Payer
	lines []Line
	mail  *outbox.Mail // that brought it to the client; nil when there is none, or it is too long ago

	online *PayOnline // of the public page alone
}

// meetings is how often a reader meets a writer of the same draft before it gives up.
const meetings = 5

// read reads an invoice by an id as it came in, with the rows that others fetches name, in one trip.
func read(ctx context.Context, org *store.Organization, text string, others ...*store.Fetch) (*document, error) {
	inv, err := id.Parse[id.Invoice](text)
	if err != nil {
		return nil, problem.Missing("invoice")
	}
	for range meetings {
		d, whole, err := look(ctx, org, inv, others)
		if errors.Is(err, store.ErrMissing) {
			return nil, problem.Missing("invoice")
		}
		if err != nil || whole {
			return d, err
		}
	}
	return nil, store.ErrConflict
}

// look reads an invoice beside its lines, and says whether the two were written together: a draft may be written between.
func look(ctx context.Context, org *store.Organization, inv id.Invoice, others []*store.Fetch) (*document, bool, error) {
	d := &document{Invoice: new(Invoice), payer: new(Payer), mail: new(outbox.Mail)}
	fetches := append([]*store.Fetch{{Through: org, Key: Key(org.ID, inv), Row: d.Invoice}, {Through: org, Key: PayerKey(org.ID, inv), Row: d.payer},
		{Through: org, Key: outbox.Key(org.Scope(), sentMail(inv)), Row: d.mail}}, others...)
	var parts []*Part
	var both errgroup.Group // the one does not stop the other: what a call costs does not tell what is there
	both.Go(func() error { return org.Store().FetchAll(ctx, fetches...) })
	both.Go(func() (err error) {
		parts, _, err = store.List[Part](ctx, org, store.Query{Partition: org.Scope().Partition(FamilyLines, string(inv)), Limit: calc.MaxLines / PartSize})
		return err
	})
	if err := both.Wait(); err != nil {
		return nil, false, err
	}
	if err := fetches[0].Err; err != nil {
		return nil, false, err
	}
	if errors.Is(fetches[1].Err, store.ErrMissing) || errors.Is(fetches[1].Err, store.ErrRestricted) {
		d.payer = nil
	}
	if fetches[2].Err != nil {
		d.mail = nil
	}
	for _, p := range parts {
		if p.Revision == d.Revision {
			d.lines = append(d.lines, p.Lines...)
		}
	}
	return d, len(d.lines) == d.LineCount, nil
}

// sentMail is the dedupe key of the mail that brings an invoice to its client: one for each document, recipient and step.
func sentMail(inv id.Invoice) string { return store.Join(string(inv), "client", "sent") }
