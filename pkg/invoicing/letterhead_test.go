package invoicing_test

import (
	"bytes"
	"context"
	"errors"
	"image/color"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/invoicing/paper/papertest"
	"pixeltrack.io/platform/pkg/invoicing/rendering"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/keys/keystest"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/picture"
	"pixeltrack.io/platform/pkg/picture/picturetest"
	"pixeltrack.io/platform/pkg/picture/scaling"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/taxid"
)

const (
	issuerTax = "DE123456789"
	clientTax = "DE987654321"
)

// stationery is a world in which organizations have logos and tax ids.
type stationery struct {
	world
	vault                      *keystest.Vault
	incoming, pictures, papers *blobtest.Bucket
}

func newStationery(t *testing.T) stationery {
	return stationery{newWorld(t), new(keystest.Vault), &blobtest.Bucket{Overwrites: true}, new(blobtest.Bucket), &blobtest.Bucket{Overwrites: true}}
}

func (s stationery) letterhead(pictures invoicing.Opener) invoicing.Letterhead {
	return invoicing.Letterhead{Seals: s.vault, Pictures: pictures, Documents: s.papers}
}

func (s stationery) settings(c apitest.Caller, tax string) {
	s.T.Helper()
	s.Want(s.Call(organization.UpdateOrganization(s.Store, s.vault), c, apitest.Request{IfMatch: "*", Body: map[string]any{"tax_id": tax}}), http.StatusOK, "")
}

// logo hangs a logo of one colour.
func (s stationery) logo(c apitest.Caller, of color.Color) {
	s.T.Helper()
	content := picturetest.PNG(s.T, of, 300, 80)
	a := s.Call(organization.PutLogo(s.Store, s.incoming), c, apitest.Request{Body: picturetest.Announce(content, "image/png")})
	s.Want(a, http.StatusOK, "")
	var g picture.GrantedBody
	a.Into(s.T, &g)
	s.must(s.incoming.Send(g.Upload.URL, content))
	s.Want(s.Call(organization.ConfirmLogo(s.Store, s.incoming, s.pictures, scaling.Scale), c, apitest.Request{Body: map[string]any{"upload_id": g.UploadID}}), http.StatusOK, "")
}

func (s stationery) bakery(c apitest.Caller) string {
	s.T.Helper()
	a := s.Call(clients.CreateClient(s.Store, s.vault, keys.Pseudonyms{}), c, apitest.Request{Body: map[string]any{"name": "Example Bakery", "currency": "EUR", "email": "office@example.com", "tax_id": clientTax}})
	s.Want(a, http.StatusCreated, "")
	var b clients.ClientBody
	a.Into(s.T, &b)
	return b.ID
}

func (s stationery) post(c apitest.Caller, b invoicing.Body, l invoicing.Letterhead) invoicing.Body {
	s.T.Helper()
	a := s.Call(invoicing.SendInvoice(s.Store, l, links, "https://app.example.com"), c, apitest.Request{Path: at(b, "/send"), IfMatch: "*"})
	s.Want(a, http.StatusOK, "")
	a.Into(s.T, &b)
	return b
}

func (s stationery) look(c apitest.Caller, b invoicing.Body) invoicing.Body {
	s.T.Helper()
	a := s.Call(invoicing.GetInvoice(s.vault), c, apitest.Request{Path: at(b)})
	s.Want(a, http.StatusOK, "")
	var got invoicing.Body
	a.Into(s.T, &got)
	return got
}

// print renders the document of an invoice and gives it.
func (s stationery) print(c apitest.Caller, b invoicing.Body) []byte {
	s.T.Helper()
	s.must(s.run(rendering.RenderInvoice(s.papers, s.vault), "InvoiceSent", invoicing.Key(c.Org, id.Invoice(b.ID))))
	return contentOf(s.papers, c, b)
}

func TestAnInvoiceKeepsTheLetterheadThatItWasSentWith(t *testing.T) {
	s := newStationery(t)
	owner := s.studio()
	s.settings(owner, issuerTax)
	s.logo(owner, color.Black)
	client := s.bakery(owner)
	b := s.post(owner, s.draft(owner, client, nil), s.letterhead(s.pictures))
	if b.Issuer.TaxID != taxid.Masked || b.Recipient.TaxID != taxid.Masked {
		t.Errorf("the sending shows the tax ids %q and %q; want dots", b.Issuer.TaxID, b.Recipient.TaxID)
	}
	for _, tt := range []struct {
		c              apitest.Caller
		issuer, client string
	}{{owner, issuerTax, clientTax}, {s.Member(owner.Org, access.Accountant), issuerTax, clientTax}, {s.Member(owner.Org, access.Manager), taxid.Masked, taxid.Masked}} {
		if got := s.look(tt.c, b); got.Issuer.TaxID != tt.issuer || got.Recipient.TaxID != tt.client {
			t.Errorf("%s reads %q and %q; want %q and %q", tt.c.Role, got.Issuer.TaxID, got.Recipient.TaxID, tt.issuer, tt.client)
		}
	}
	org := s.Store.BindOrganization(owner.Org, store.Actor{Who: "test"})
	row, err := store.Get[invoicing.Invoice](context.Background(), org, invoicing.Key(owner.Org, id.Invoice(b.ID)))
	s.must(err)
	payer, err := store.Get[invoicing.Payer](context.Background(), org, invoicing.PayerKey(owner.Org, id.Invoice(b.ID)))
	s.must(err)
	if len(row.IssuerTaxID) == 0 || len(payer.TaxID) == 0 || bytes.Contains(row.IssuerTaxID, []byte(issuerTax)) || bytes.Contains(payer.TaxID, []byte(clientTax)) {
		t.Errorf("the rows hold %q and %q; want both sealed", row.IssuerTaxID, payer.TaxID)
	}
	page := func() invoicing.PublicBody {
		t.Helper()
		a := s.Call(invoicing.GetPublicInvoice(s.Store, s.vault, s.papers), apitest.Caller{}, apitest.Request{Path: "/v1/public/invoices/" + token(b)})
		s.Want(a, http.StatusOK, "")
		var p invoicing.PublicBody
		a.Into(t, &p)
		return p
	}
	check := func(when string) {
		t.Helper()
		p := page()
		if p.Issuer.TaxID != issuerTax || p.Recipient.TaxID != clientTax || p.Logo == nil || !p.Logo.ExpiresAt.Equal(s.Clock.Now().Add(5*time.Minute)) {
			t.Fatalf("%s the public page shows %+v, %+v, %+v", when, p.Issuer, p.Recipient, p.Logo)
		}
		if _, err := s.papers.Fetch(p.Logo.URL); err != nil {
			t.Errorf("%s the logo's link: %v", when, err)
		}
	}
	check("after the sending")
	printed := s.print(owner, b)
	text, err := papertest.Text(printed)
	if err != nil || !strings.Contains(text, "Tax ID "+issuerTax) || !strings.Contains(text, "Tax ID "+clientTax) || bytes.Count(printed, []byte("/Subtype /Image")) == 0 {
		t.Errorf("the paper lacks a tax id or the logo: %v\n%s", err, text)
	}

	s.settings(owner, "")
	s.logo(owner, color.White)
	s.Want(s.Call(clients.UpdateClient(s.Store, s.vault, keys.Pseudonyms{}), owner, apitest.Request{Path: "/v1/clients/" + client, IfMatch: "*", Body: map[string]any{"tax_id": "X1"}}), http.StatusOK, "")
	check("when everything has changed")
	file, err := store.Get[invoicing.File](context.Background(), org, invoicing.FileKey(owner.Org, id.Invoice(b.ID)))
	s.must(err)
	tx := s.Store.Begin()
	tx.Delete(org, file)
	s.must(tx.Commit(context.Background()))
	if again := s.print(owner, b); !bytes.Equal(again, printed) {
		t.Error("printed again it is another paper")
	}

	s.Want(s.Call(clients.EraseClient(s.Store), owner, apitest.Request{Path: "/v1/clients/" + client + "/erasure"}), http.StatusAccepted, "")
	owner = s.Later(owner, clients.Settle)
	engine := &erasure.Engine{Store: s.Store, Vault: new(blobtest.Bucket), Seals: keystest.Envelope(s.Clock.Now), Pseudonyms: keys.Pseudonyms{Secret: "s"}, Clock: s.Clock.Now}
	s.must(s.run(rendering.EraseRecipients(engine, s.papers, s.vault), "", store.Key{}))
	if payer, err = store.Get[invoicing.Payer](context.Background(), org, invoicing.PayerKey(owner.Org, id.Invoice(b.ID))); err != nil || len(payer.TaxID) != 0 {
		t.Errorf("the payer of an erased client = %+v, %v; want no tax id", payer, err)
	}
	r, err := s.papers.Open(context.Background(), invoicing.BareKey(owner.Org, id.Invoice(b.ID)))
	s.must(err)
	bare, err := io.ReadAll(r)
	s.must(err)
	if text, err = papertest.Text(bare); err != nil || !strings.Contains(text, issuerTax) || strings.Contains(text, clientTax) || bytes.Count(bare, []byte("/Subtype /Image")) == 0 {
		t.Errorf("the paper without the recipient: %v\n%s", err, text)
	}
}

// replaced is the bucket of pictures just when a logo is replaced by another.
type replaced struct {
	*blobtest.Bucket
	meanwhile func()
}

func (r *replaced) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if do := r.meanwhile; do != nil {
		r.meanwhile = nil
		do()
	}
	return r.Bucket.Open(ctx, key)
}

func TestALogoIsReplacedWhileAnInvoiceIsSent(t *testing.T) {
	s := newStationery(t)
	owner := s.studio()
	client := s.bakery(owner)
	for name, tt := range map[string]struct {
		meanwhile func()
		image     bool
	}{
		"by another": {func() { s.logo(owner, color.White) }, true},
		"by none": {func() {
			s.Want(s.Call(organization.DeleteLogo(s.Store, s.incoming, s.pictures), owner, apitest.Request{IfMatch: "*"}), http.StatusNoContent, "")
		}, false},
	} {
		s.logo(owner, color.Black)
		b := s.post(owner, s.draft(owner, client, nil), s.letterhead(&replaced{s.pictures, tt.meanwhile}))
		if got := bytes.Contains(s.print(owner, b), []byte("/Subtype /Image")); got != tt.image {
			t.Errorf("%s: the paper has a logo: %v; want %v", name, got, tt.image)
		}
	}
	s.logo(owner, color.Black)
	s.papers.Fail(errors.New("the bucket is down"))
	a := s.Call(invoicing.SendInvoice(s.Store, s.letterhead(s.pictures), links, ""), owner, apitest.Request{Path: at(s.draft(owner, client, nil), "/send"), IfMatch: "*"})
	s.Want(a, http.StatusInternalServerError, "internal")
}

func TestAnInvoiceWithoutALetterhead(t *testing.T) {
	s := newStationery(t)
	owner := s.studio()
	b := s.post(owner, s.draft(owner, s.client(owner).ID, nil), s.letterhead(s.pictures))
	got := s.look(owner, b)
	if got.Issuer.TaxID != "" || got.Recipient.TaxID != "" || len(s.papers.Keys()) != 0 {
		t.Errorf("the invoice = %+v, %+v, objects %q; want no tax id and no logo", got.Issuer, got.Recipient, s.papers.Keys())
	}
	if text, err := papertest.Text(s.print(owner, b)); err != nil || strings.Contains(text, "Tax ID") {
		t.Errorf("the paper = %v\n%s", err, text)
	}
}
