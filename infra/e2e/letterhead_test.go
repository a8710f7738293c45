package e2e_test

import (
	"bytes"
	"image"
	"net/http"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/pkg/clients"
)

// TestAnInvoiceBearsItsLetterhead follows tax ids and a logo from where they are kept to the page and the paper of an
// invoice, and off them again.
func TestAnInvoiceBearsItsLetterhead(t *testing.T) {
	p := signUp(t)
	ours, theirs := "DE"+unique()+"111", "DE"+unique()+"222"
	p.must(200, journey.Call{Method: "PATCH", Path: "/v1/org", IfMatch: "*", Body: map[string]any{"tax_id": ours}})
	logo := p.newPicture(pictures["logo"])
	body := clientBody()
	body["tax_id"] = theirs
	a := p.must(201, journey.Call{Method: "POST", Path: "/v1/clients", Body: body})
	client := a.Text("id")
	for what, a := range map[string]journey.Answer{"made": a, "read": p.must(200, journey.Call{Method: "GET", Path: "/v1/clients/" + client}),
		"changed":  p.must(200, journey.Call{Method: "PATCH", Path: "/v1/clients/" + client, IfMatch: "*", Body: map[string]any{"tax_id": theirs}}),
		"exported": p.must(200, journey.Call{Method: "GET", Path: "/v1/clients/" + client + "/export"})} {
		if !strings.Contains(string(a.Body), theirs) {
			t.Errorf("the client that is %s = %s; want its tax id", what, a.Body)
		}
	}
	person := "Cleo " + unique()
	p.must(201, journey.Call{Method: "POST", Path: "/v1/clients/" + client + "/contacts", Body: map[string]any{"name": person}})
	other := p.newClient()
	gone := p.newContact(other)
	p.must(204, journey.Call{Method: "DELETE", Path: "/v1/clients/" + other, IfMatch: "*"})
	if left := p.finds(gone[strings.LastIndex(gone, "/")+1:]); len(left) > 0 {
		t.Errorf("a contact outlived its client: %q", left)
	}
	if left := p.finds(ours, theirs); len(left) > 0 {
		t.Errorf("the tax ids lie open in %q", left)
	}

	draft := func() string {
		b := p.invoiceBody()
		b["client_id"] = client
		return p.must(201, journey.Call{Method: "POST", Path: "/v1/invoices", Body: b}).Text("id")
	}
	invoice := draft()
	token := p.sendInvoice(invoice)
	p.settle()
	page := p.must(200, journey.Call{Method: "GET", Path: "/v1/public/invoices/" + token, Token: "none"})
	read := p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices/" + invoice})
	for what, a := range map[string]journey.Answer{"page": page, "invoice": read} {
		if a.Text("issuer.tax_id") != ours || a.Text("recipient.tax_id") != theirs {
			t.Errorf("the %s = %s; want both tax ids", what, a.Body)
		}
	}
	status, drawn := fetch(t, page.Text("issuer_logo.url"))
	if _, _, err := image.Decode(bytes.NewReader(drawn)); status != http.StatusOK || err != nil {
		t.Errorf("the logo = %d, %v", status, err)
	}
	dossier := string(p.must(200, journey.Call{Method: "GET", Path: "/v1/clients/" + client + "/export"}).Body)
	for _, want := range []string{theirs, person, invoice, "Sketches", "office@example.com", read.Text("number") + ".pdf"} {
		if !strings.Contains(dossier, want) {
			t.Errorf("the dossier of the client lacks %q: %s", want, dossier)
		}
	}
	if text, _ := p.document(invoice); !strings.Contains(text, "Tax ID "+ours) || !strings.Contains(text, "Tax ID "+theirs) {
		t.Errorf("the paper lacks a tax id:\n%s", text)
	}

	// Bytes that are gone without their row having gone: the sending says so instead of leaving the logo out.
	next := draft()
	for _, end := range []string{".png", "-small.png"} {
		if n, err := past("files").Remove(t.Context(), "ORG/"+p.organization+"/pictures/"+logo+end); n != 1 || err != nil {
			t.Fatalf("removed %d objects, %v; want 1", n, err)
		}
	}
	if a := p.call(journey.Call{Method: "POST", Path: "/v1/invoices/" + next + "/send", IfMatch: "*"}); a.Status != 503 {
		t.Errorf("a sending without its logo's bytes = %d %s; want 503", a.Status, a.Body)
	}
	p.must(204, journey.Call{Method: "DELETE", Path: pictures["logo"], IfMatch: "*"})
	p.sendInvoice(next)
	if n := versions(invoice + "-logo.png"); n != 1 {
		t.Errorf("of the invoice that was sent there are %d logos; want its own", n)
	}

	p.must(202, journey.Call{Method: "POST", Path: "/v1/clients/" + client + "/erasure"})
	p.runLater("erase-recipients", clients.Settle+time.Second)
	p.logIn()
	if left := p.finds(person); len(left) > 0 {
		t.Errorf("a contact outlived the erasure of their client: %q", left)
	}
	text, _ := p.document(invoice)
	if read = p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices/" + invoice}); read.Text("recipient.tax_id") != "" || read.Text("issuer.tax_id") != ours ||
		!strings.Contains(text, ours) || strings.Contains(text, theirs) {
		t.Errorf("after the erasure the invoice = %s, its paper:\n%s", read.Body, text)
	}
}
