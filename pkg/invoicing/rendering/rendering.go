// Package rendering makes the documents of invoices that were sent. It alone links what writes them.
package rendering

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/invoicing/paper"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

// Documents is the bucket of documents.
type Documents interface {
	invoicing.Opener
	Put(ctx context.Context, key, mediaType string, body io.ReadSeeker) error
}

// Jobs lists the jobs of this package.
func Jobs() []job.Job { return []job.Job{RenderInvoice(nil, nil), EraseRecipients(nil, nil, nil)} }

// RenderInvoice makes the document of an invoice when it was sent, and those that the stream did not have made.
func RenderInvoice(documents Documents, seals keys.DataKeys) job.Job {
	return job.Job{
		ID: "render-invoice", Area: "invoicing", Summary: "Make the documents of invoices that were sent", Purpose: purpose.Invoicing,
		Triggers: []string{"schedule", bus.InvoiceSent{}.Type()},
		Run: func(ctx context.Context, r *job.Run) error {
			if r.Event.Type == (bus.InvoiceSent{}).Type() {
				var e bus.InvoiceSent
				if err := json.Unmarshal(r.Event.Detail, &e); err != nil {
					return fmt.Errorf("render invoice: read the event: %w", err)
				}
				return render(ctx, r, documents, seals, e.Key(), nil)
			}
			return r.EachDue(ctx, invoicing.DueDocument, r.Event.At, func(ctx context.Context, d *store.Due) error { return render(ctx, r, documents, seals, d.Target, d) })
		},
	}
}

// render makes one document. Made twice it is the same, byte for byte. D is the due row that led to it, nil when an event
// did.
func render(ctx context.Context, r *job.Run, documents Documents, seals keys.DataKeys, key store.Key, d *store.Due) error {
	scope, family := store.ScopeOf(key.PK)
	id, ok := scope.Organization()
	if !ok || family != invoicing.Family {
		return store.Forget(ctx, r.Platform(), d)
	}
	org := r.Store.BindOrganization(id, r.Actor)
	org.SeeRestricted()
	i, err := store.Get[invoicing.Invoice](ctx, org, key)
	if errors.Is(err, store.ErrMissing) || err == nil && !i.Issued() {
		return store.Forget(ctx, r.Platform(), d)
	}
	if err != nil {
		return err
	}
	if err := document(ctx, org, documents, seals, i); err != nil {
		return err
	}
	return store.Forget(ctx, r.Platform(), d)
}

// meetings is how often a renderer meets others at one document before it gives up.
const meetings = 5

// document makes the document of an invoice unless it is there, from the rows as they are when it is made known.
func document(ctx context.Context, org *store.Organization, documents Documents, seals keys.DataKeys, i *invoicing.Invoice) error {
	for range meetings {
		done, err := tryDocument(ctx, org, documents, seals, i)
		if done || err != nil {
			return err
		}
	}
	return store.ErrConflict
}

func tryDocument(ctx context.Context, org *store.Organization, documents Documents, seals keys.DataKeys, i *invoicing.Invoice) (bool, error) {
	f, err := store.Get[invoicing.File](ctx, org, invoicing.FileKey(i.Org, i.ID))
	if err != nil && !errors.Is(err, store.ErrMissing) {
		return false, err
	}
	if f != nil && f.Object != "" {
		return true, nil
	}
	body, err := invoicing.ReadPage(ctx, org, i.ID, seals, documents)
	if err != nil {
		return false, err
	}
	pdf, err := paper.Render(page(body, time.UnixMilli(i.SentAt)))
	if err != nil {
		return false, err
	}
	at := invoicing.DocumentKey(i.Org, i.ID)
	if body.Bare {
		at = invoicing.BareKey(i.Org, i.ID)
	}
	if err := documents.Put(ctx, at, "application/pdf", bytes.NewReader(pdf)); err != nil {
		return false, err
	}
	sum := sha256.Sum256(pdf)
	tx := org.Store().Begin()
	if f == nil {
		f = &invoicing.File{Org: i.Org, Invoice: i.ID}
		i.Rendered(tx, org, f, hex.EncodeToString(sum[:]), int64(len(pdf)), body.Bare)
		tx.Create(org, f)
	} else {
		i.Rendered(tx, org, f, hex.EncodeToString(sum[:]), int64(len(pdf)), body.Bare)
		tx.Replace(org, f)
	}
	err = tx.Commit(ctx)
	if errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrStale) {
		return false, nil // a twin was first, or the recipient was erased meanwhile
	}
	return err == nil, err
}

// page puts an invoice into the words of the paper.
func page(b invoicing.Page, at time.Time) paper.Invoice {
	p := paper.Invoice{Number: b.Number, IssuedOn: b.IssuedOn, DueOn: b.DueOn, Order: b.PONumber, At: at, Logo: b.Logo, Total: paper.Sum{Name: "Total", Amount: b.Total.String()}}
	if i := b.Issuer; i != nil {
		name := i.LegalName
		if name == "" {
			name = i.Name
		}
		p.Issuer = append(append([]string{name}, address(i.Address)...), taxID(i.TaxID)...)
	}
	if r := b.Recipient; r != nil {
		p.Recipient = append(append([]string{r.Name}, address(r.Address)...), taxID(r.TaxID)...)
	}
	for _, l := range b.Lines {
		p.Lines = append(p.Lines, line(l))
	}
	add := func(name string, m money.Money) { p.Sums = append(p.Sums, paper.Sum{Name: name, Amount: m.String()}) }
	add("Subtotal", b.Subtotal)
	if b.DiscountTotal.Amount != 0 {
		add("Discount", money.Money{Amount: -b.DiscountTotal.Amount, Currency: b.Currency})
	}
	included := ""
	if b.Inclusive {
		included = " included"
	} else if len(b.Taxes) > 0 {
		add("Net", b.Net)
	}
	for _, t := range b.Taxes {
		add(t.Name+" "+t.Rate+" % of "+t.Base.String()+included, t.Amount)
	}
	for _, n := range []string{b.Notes, b.Terms} {
		if n != "" {
			p.Notes = append(p.Notes, n)
		}
	}
	return p
}

func line(l invoicing.LineBody) paper.Line {
	p := paper.Line{Description: l.Description, Quantity: strings.TrimSpace(l.Quantity + " " + l.Unit), Price: l.UnitPrice.String(), Amount: l.Amount.String()}
	if l.DiscountTotal.Amount != 0 {
		p.Description += "\nless " + l.DiscountTotal.String()
	}
	var rates []string
	for _, t := range l.Taxes {
		rates = append(rates, t.Rate+" %")
	}
	p.Taxes = strings.Join(rates, ", ")
	return p
}

func taxID(text string) []string {
	if text == "" {
		return nil
	}
	return []string{"Tax ID " + text}
}

func address(a *clients.Address) []string {
	if a == nil {
		return nil
	}
	var all []string
	for _, l := range []string{a.Line1, a.Line2, strings.TrimSpace(a.PostalCode + " " + a.City), strings.TrimSpace(a.Region + " " + a.Country)} {
		if l != "" {
			all = append(all, l)
		}
	}
	return all
}
