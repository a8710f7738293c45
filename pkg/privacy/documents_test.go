package privacy_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/invoicing/paper/papertest"
	"pixeltrack.io/platform/pkg/invoicing/rendering"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/store"
)

// TestPackagesHoldDocuments packs an organization: the documents of its invoices are in it as they are stored, and say the
// same to the cent as the records.
func TestPackagesHoldDocuments(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	org := w.Store.BindOrganization(ada.Org, store.Actor{Who: "test"})
	tx := w.Store.Begin()
	tx.Put(org, organization.New(ada.Org, "Example Studio", "DE", w.Clock.Now()))
	w.must(tx.Commit(context.Background()))
	var client clients.ClientBody
	a := w.Call(clients.CreateClient(w.Store, nil, keys.Pseudonyms{}), ada.Caller, apitest.Request{Body: map[string]any{"name": "Example Bakery", "currency": "EUR", "email": "office@example.com"}})
	w.Want(a, http.StatusCreated, "")
	a.Into(t, &client)
	eur := func(amount int) map[string]any { return map[string]any{"amount": amount, "currency": "EUR"} }
	var total, tax int64
	var number, pdf string
	for _, lines := range [][]any{
		{map[string]any{"description": "Sketches", "quantity": "1.333333", "unit_price": eur(9999), "taxes": []any{map[string]any{"name": "VAT", "rate": "19"}}},
			map[string]any{"description": "Prints", "quantity": "3", "unit_price": eur(33), "taxes": []any{map[string]any{"name": "VAT", "rate": "7"}}}},
		nil, // stays a draft
	} {
		var b invoicing.Body
		a := w.Call(invoicing.CreateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), ada.Caller, apitest.Request{Body: map[string]any{"client_id": client.ID, "lines": lines}})
		if lines == nil {
			continue
		}
		w.Want(a, http.StatusCreated, "")
		a.Into(t, &b)
		a = w.Call(invoicing.SendInvoice(w.Store, invoicing.Letterhead{}, w.links, "https://app.example.com"), ada.Caller, apitest.Request{Path: "/v1/invoices/" + b.ID + "/send", IfMatch: "*"})
		w.Want(a, http.StatusOK, "")
		a.Into(t, &b)
		w.must(w.event(rendering.RenderInvoice(w.documents, nil), "InvoiceSent", invoicing.Key(ada.Org, id.Invoice(b.ID))))
		r, err := w.documents.Open(context.Background(), invoicing.DocumentKey(ada.Org, id.Invoice(b.ID)))
		w.must(err)
		content, err := io.ReadAll(r)
		w.must(err)
		number, pdf, total, tax = b.Number, string(content), b.Total.Amount, b.TaxTotal.Amount
		text, err := papertest.Text(content)
		w.must(err)
		if !strings.Contains(text, b.Total.String()) || !strings.Contains(text, b.Taxes[0].Amount.String()) {
			t.Errorf("the document does not say %s and %s:\n%s", b.Total, b.Taxes[0].Amount, text)
		}
	}
	tx = w.Store.Begin()
	e := privacy.AskForPackage(tx, org, "", "")
	w.must(tx.Commit(context.Background()))
	text := w.packageOf(org, e)
	if !strings.Contains(text, pdf) || !strings.Contains(text, "/"+number+".pdf") {
		t.Error("the package does not hold the document")
	}
	for _, want := range []string{fmt.Sprintf(`"total":%d`, total), fmt.Sprintf(`"tax":%d`, tax), fmt.Sprintf(",%d,", total), "invoice_documents"} {
		if !strings.Contains(text, want) {
			t.Errorf("the package does not hold %s", want)
		}
	}
	if strings.Contains(text, "ORG/"+string(ada.Org)) {
		t.Error("the package says where the document is stored")
	}
}
