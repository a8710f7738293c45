package invoicing

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// DueDocument is the clock of an invoice that was sent and whose document the stream did not have made.
const DueDocument store.DueKind = "document"

// Patience is how long the schedule leaves a document to the stream.
const Patience = 2 * time.Minute

// linkLife is how long a link to a document works.
const linkLife = 5 * time.Minute

// File says that the document of an invoice is stored. It is a row of its own, so that the version of the invoice stays that
// of its sending. When the recipient is erased it says nothing until there is a document without the recipient, which lies
// elsewhere: a renderer that is late can bring the old one back, but not into the place of the new one.
type File struct {
	store.Meta
	Org     id.Organization `dynamo:"org"`
	Invoice id.Invoice      `dynamo:"invoice"`
	Name    string          `dynamo:"name,omitempty"`   // as it is saved: INV-2026-0001.pdf
	Object  string          `dynamo:"object,omitempty"` // the key in the bucket; empty while the document is to be made anew
	SHA256  string          `dynamo:"sha256,omitempty"`
	Size    int64           `dynamo:"size,omitempty"`
	Bare    bool            `dynamo:"without_recipient,omitempty"`
}

// Type is the row's type.
func (f *File) Type() string { return "INVOICEPDF" }

// Keys puts the row under its invoice's id.
func (f *File) Keys() store.Keys { return store.Keys{Primary: FileKey(f.Org, f.Invoice)} }

// FileKey is where it is said that the document of an invoice is stored.
func FileKey(org id.Organization, i id.Invoice) store.Key {
	return store.OrganizationScope(org).Key(FamilyFile, string(i))
}

// RenderDue is the clock of the invoice's document. It stops when the document is there.
func (i *Invoice) RenderDue() *store.Due {
	return store.NewDue(DueDocument, time.UnixMilli(i.SentAt).Add(Patience), Key(i.Org, i.ID))
}

// DocumentKey is where the document of an invoice lies in its bucket.
func DocumentKey(org id.Organization, i id.Invoice) string { return keysOf(org, i) + ".pdf" }

// BareKey is where the document of an invoice lies whose recipient was erased.
func BareKey(org id.Organization, i id.Invoice) string { return keysOf(org, i) + "-bare.pdf" }

// keysOf is how the keys of an invoice's documents begin. Ids have one length.
func keysOf(org id.Organization, i id.Invoice) string {
	return blob.KeyPrefix(store.OrganizationScope(org)) + "invoices/" + string(i)
}

// Page is an invoice as its client sees it, for who renders it.
type Page struct {
	PublicBody
	Logo []byte // a PNG; none when the issuer had no logo
	Bare bool   // the recipient was erased
}

// ReadPage reads the page of an invoice. A logo that has gone is none.
func ReadPage(ctx context.Context, org *store.Organization, i id.Invoice, seals keys.DataKeys, documents Opener) (Page, error) {
	d, err := read(ctx, org, string(i))
	if err != nil {
		return Page{}, err
	}
	b := d.body(org.Now())
	if err := d.reveal(ctx, seals, org.Now(), &b); err != nil {
		return Page{}, err
	}
	p := Page{PublicBody: publicBody(b), Bare: d.payer != nil && d.payer.ErasedAt != 0}
	if d.Logo == "" {
		return p, nil
	}
	if p.Logo, err = open(ctx, documents, d.Logo); errors.Is(err, blob.ErrMissing) {
		return p, nil
	}
	return p, err
}

// Linker gives links to objects of a bucket.
type Linker interface {
	Link(ctx context.Context, key, fileName string, life time.Duration) (string, error)
}

// PDFBody leads to a document.
type PDFBody struct {
	URL       string    `json:"url" format:"uri" doc:"Works for five minutes." example:"https://documents.example.com/invoice.pdf"`
	ExpiresAt time.Time `json:"expires_at"`
	SHA256    string    `json:"sha256" doc:"Of the document's bytes, which change once: when the recipient is erased." example:"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"`
	Size      int64     `json:"size" doc:"In bytes." example:"38211"`
}

// PDFOut is the answer of the routes that lead to a document.
type PDFOut struct{ Body PDFBody }

func notReady() api.Refusal {
	return api.Refusal{Kind: problem.Conflict, Code: "pdf_not_ready", When: "The invoice is a draft, was sent a moment ago, or its recipient was erased a moment ago."}
}

func examplePDF() PDFBody {
	return PDFBody{URL: "https://documents.example.com/invoice.pdf", ExpiresAt: time.Date(2026, 3, 2, 9, 5, 0, 0, time.UTC),
		SHA256: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", Size: 38211}
}

// GetInvoicePDF gives a link to the document of an invoice.
func GetInvoicePDF(documents Linker) api.Operation {
	return api.New(api.Route{
		ID: "get-invoice-pdf", Area: "invoicing", Method: http.MethodGet, Path: "/v1/invoices/{id}/pdf", PureRead: true,
		Permission: access.InvoicesRead, Purpose: purpose.Invoicing, Summary: "A link to an invoice's document",
		Description: "The document is made once, a moment after the invoice was sent, and stays the same. When the recipient is erased, one without the recipient takes its place.", Refusals: []api.Refusal{missing(), notReady()}, ExampleOut: examplePDF(),
	}, func(ctx context.Context, c *api.Caller, in *ByID) (*PDFOut, error) {
		inv, err := id.Parse[id.Invoice](in.ID)
		if err != nil {
			return nil, problem.Missing("invoice")
		}
		return linkTo(ctx, documents, c.Org, inv, c.Now)
	})
}

// GetPublicInvoicePDF gives a link to the document of an invoice to who has the invoice's public link.
func GetPublicInvoicePDF(st *store.Store, documents Linker) api.Operation {
	return api.New(api.Route{
		ID: "get-public-invoice-pdf", Area: "invoicing", Method: http.MethodGet, Path: "/v1/public/invoices/{token}/pdf", Audience: api.Public,
		Purpose: purpose.Invoicing, Summary: "A link to an invoice's document by its public link",
		Description: "For the client.", Refusals: []api.Refusal{unknownLink(), notReady()}, ExampleOut: examplePDF(),
	}, func(ctx context.Context, c *api.Caller, in *PublicIn) (*PDFOut, error) {
		org, link, err := follow(ctx, st, c, in.Token)
		if err != nil {
			return nil, err
		}
		gate := new(access.OrganizationGate)
		asked := &store.Fetch{Through: org, Key: access.OrganizationGateKey(org.ID), Row: gate}
		out, err := linkTo(ctx, documents, org, link.Invoice, c.Now, asked)
		switch {
		case errors.Is(err, store.ErrRestricted), err == nil && closed(asked, gate):
			return nil, problem.Missing("invoice")
		case err == nil && asked.Err != nil:
			return nil, asked.Err
		}
		return out, err
	})
}

func linkTo(ctx context.Context, documents Linker, org *store.Organization, inv id.Invoice, now time.Time, others ...*store.Fetch) (*PDFOut, error) {
	i, f := new(Invoice), new(File)
	found, stored := &store.Fetch{Through: org, Key: Key(org.ID, inv), Row: i}, &store.Fetch{Through: org, Key: FileKey(org.ID, inv), Row: f}
	if err := org.Store().FetchAll(ctx, append(others, found, stored)...); err != nil {
		return nil, err
	}
	switch {
	case errors.Is(found.Err, store.ErrMissing):
		return nil, problem.Missing("invoice")
	case found.Err != nil:
		return nil, found.Err
	case errors.Is(stored.Err, store.ErrMissing), stored.Err == nil && f.Object == "":
		return nil, problem.Of(problem.Conflict, "pdf_not_ready", "The document is not there yet; try again in a moment.")
	case stored.Err != nil:
		return nil, stored.Err
	}
	url, err := documents.Link(ctx, f.Object, f.Name, linkLife)
	if err != nil {
		return nil, err
	}
	return &PDFOut{Body: PDFBody{URL: url, ExpiresAt: now.Add(linkLife).UTC(), SHA256: f.SHA256, Size: f.Size}}, nil
}

// fileName is a number as files may be called everywhere.
func fileName(number string) string {
	return strings.NewReplacer("/", "-", " ", "-").Replace(number) + ".pdf"
}
