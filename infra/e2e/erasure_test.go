package e2e_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/invoicing/paper/papertest"
)

// canary is a person that a client is, by words that stand nowhere else.
type canary struct{ name, email, street, phone, notes string }

func newCanary() canary {
	u := unique()
	return canary{"Kanari Vogel " + u, "kanari-" + u + "@example.com", "Vogelgasse " + u, "+49 30 " + u, "Sings at dawn " + u}
}

func (k canary) words() []string { return []string{k.name, k.email, k.street, k.phone, k.notes} }

// person makes a client of a canary.
func (c *caller) newPerson(k canary) string {
	c.t.Helper()
	return c.must(201, journey.Call{Method: "POST", Path: "/v1/clients", Body: map[string]any{"name": k.name, "currency": "EUR", "email": k.email, "phone": k.phone, "notes": k.notes,
		"tags": []string{k.notes}, "address": map[string]any{"line1": k.street, "city": "Berlin", "country": "DE"}}}).Text("id")
}

func (c *caller) newInvoiceTo(client string) string {
	c.t.Helper()
	body := c.invoiceBody()
	body["client_id"] = client
	delete(body, "recipient")
	name := c.must(200, journey.Call{Method: "GET", Path: "/v1/clients/" + client}).Text("name")
	body["lines"].([]map[string]any)[0]["description"] = "Sketches for " + name
	body["notes"] = "Dear " + name
	return c.must(201, journey.Call{Method: "POST", Path: "/v1/invoices", Body: body}).Text("id")
}

// finds gives where a word stands in the table, its indexes included, and in every version of every object.
func (c *caller) finds(words ...string) []string {
	c.t.Helper()
	var all []string
	rows, err := cloud.Rows(c.t.Context(), "")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, r := range rows {
		text, err := json.Marshal(r)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, w := range words {
			if r["_type"] == "ACTIVITY" && strings.Contains(fmt.Sprint(r["object"], " ", r["parent"]), w) {
				continue // acts tell of what has gone by its id, for 365 days
			}
			if strings.Contains(string(text), w) {
				all = append(all, fmt.Sprintf("%v %v: %q", r["_type"], r["SK"], w))
			}
		}
	}
	return all
}

// document fetches the document of an invoice and gives its text and its hash.
func (c *caller) document(invoice string) (text, hash string) {
	c.t.Helper()
	link := c.must(200, journey.Call{Method: "GET", Path: "/v1/invoices/" + invoice + "/pdf"})
	answer, err := http.Get(link.Text("url"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	pdf, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	sum := sha256.Sum256(pdf)
	if hash = hex.EncodeToString(sum[:]); hash != link.Text("sha256") {
		c.t.Errorf("the document of %s has the hash %s; want %s", invoice, hash, link.Text("sha256"))
	}
	if text, err = papertest.Text(pdf); err != nil {
		c.t.Fatal(err)
	}
	return text, hash
}

// documents lists the keys of every version of every object about an invoice.
func documentsOf(invoice string) []string {
	var keys []string
	for _, o := range cloud.S3.Objects() {
		if strings.Contains(o.Key, invoice) {
			keys = append(keys, o.Key[strings.LastIndex(o.Key, "/")+1:])
		}
	}
	return keys
}

// TestAClientIsErased erases a person who was invoiced: nothing names the person any more, and the invoice says what it said.
func TestAClientIsErased(t *testing.T) {
	p := signUp(t)
	k := newCanary()
	client := p.newPerson(k)
	sent, paid, void, draft := p.newInvoiceTo(client), p.newInvoiceTo(client), p.newInvoiceTo(client), p.newInvoiceTo(client)
	token := p.sendInvoice(sent)
	p.sendInvoice(paid)
	p.sendInvoice(void)
	payment := p.paymentBody(paid, 6065)
	payment["reference"] = "From " + k.name
	p.must(201, journey.Call{Method: "POST", Path: "/v1/payments", Body: payment})
	p.must(200, journey.Call{Method: "POST", Path: "/v1/invoices/" + void + "/void", IfMatch: "*", Body: map[string]any{"reason": "Wrong month"}})
	p.settle()
	before, original := p.document(sent)
	if !strings.Contains(before, k.name) || !strings.Contains(before, k.street) || len(p.finds(k.words()...)) == 0 {
		t.Fatalf("the document does not name the person:\n%s", before)
	}
	was := p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices/" + sent})

	call := journey.Call{Method: "POST", Path: "/v1/clients/" + client + "/erasure", Key: "key-" + unique()}
	a := p.must(202, call)
	if a.Text("status") != "running" || a.Text("kept.0.record") != "invoices" || a.Text("kept.0.count") != "4" || !strings.HasPrefix(a.Text("kept.0.until"), fmt.Sprint(p.now().Year()+7)) {
		t.Errorf("the erasure = %s", a.Body)
	}
	if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/clients/" + client}); a.Text("name") != "" || a.Text("erased_at") == "" || a.Text("status") != "archived" {
		t.Errorf("the client = %s", a.Body)
	}
	p.settle()
	if left := p.finds(k.words()...); len(left) > 0 {
		t.Errorf("the event left %q", left)
	}
	p.runLater("erase-recipients", clients.Settle+time.Second)
	p.logIn()
	if a := p.must(202, call); a.Text("status") != "done" || a.Text("done_at") == "" {
		t.Errorf("the erasure = %s", a.Body)
	}
	if left := p.finds(k.words()...); len(left) > 0 {
		t.Errorf("the erasure left %q", left)
	}
	for _, i := range []string{sent, paid, void} {
		text, hash := p.document(i)
		for _, w := range k.words() {
			if strings.Contains(text, w) {
				t.Errorf("the document of %s says %q", i, w)
			}
		}
		a := p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices/" + i})
		if kept := a.Text("original_pdf_sha256"); len(kept) != 64 || kept == hash || i == sent && kept != original || a.Text("recipient_erased_at") == "" || a.Text("recipient.name") != "" {
			t.Errorf("the invoice = %s, its document %s; want the hash of the original %s", a.Body, hash, original)
		}
		if keys := documentsOf(i); len(keys) != 1 || keys[0] != i+"-bare.pdf" {
			t.Errorf("the objects of %s are %q; want the document without the recipient alone", i, keys)
		}
		for _, w := range []string{a.Text("number"), a.Text("issued_on"), a.Text("due_on"), "Sketches for [erased]", "Dear [erased]", "1.5 h", "90.00 EUR", "135.00 EUR", "VAT 19 % of 135.00 EUR", "25.65 EUR", "160.65 EUR", p.person.Organization} {
			if !strings.Contains(text, w) {
				t.Errorf("the document lacks %q:\n%s", w, text)
			}
		}
	}
	is := p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices/" + sent})
	for _, field := range []string{"number", "status", "issued_on", "due_on", "sent_at", "lines.0.amount.amount", "lines.0.quantity", "taxes", "net", "tax_total", "total", "paid_total", "issuer", "version"} {
		if is.Text(field) != was.Text(field) {
			t.Errorf("%s = %s; want %s", field, is.Text(field), was.Text(field))
		}
	}
	page := p.must(200, journey.Call{Method: "GET", Path: "/v1/public/invoices/" + token, Token: "none"})
	if page.Text("recipient.name") != "" || page.Text("total.amount") != "16065" || page.Text("issuer.name") != p.person.Organization {
		t.Errorf("the page = %s", page.Body)
	}

	// Nothing brings the person back, and the books go on.
	for path, in := range map[string]journey.Call{
		"client_erased":    {Method: "PATCH", Path: "/v1/clients/" + client, IfMatch: "*", Body: map[string]any{"name": k.name}},
		"recipient_erased": {Method: "PATCH", Path: "/v1/invoices/" + draft, IfMatch: "*", Body: map[string]any{"recipient": map[string]any{"name": k.name}}},
	} {
		if a := p.call(in); a.Status != 409 || a.Code() != path {
			t.Errorf("%s %s = %d %s; want %s", in.Method, in.Path, a.Status, a.Code(), path)
		}
	}
	if a := p.call(journey.Call{Method: "POST", Path: "/v1/clients/" + client + "/restore", IfMatch: "*"}); a.Code() != "client_erased" {
		t.Errorf("the restored client = %d %s", a.Status, a.Body)
	}
	if a := p.call(journey.Call{Method: "POST", Path: "/v1/invoices/" + draft + "/send", IfMatch: "*"}); a.Code() != "recipient_erased" {
		t.Errorf("the draft is sent = %d %s", a.Status, a.Body)
	}
	p.must(204, journey.Call{Method: "DELETE", Path: "/v1/invoices/" + draft, IfMatch: "*"})
	p.must(201, journey.Call{Method: "POST", Path: "/v1/payments", Body: p.paymentBody(paid, 10000)})
	if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices/" + paid}); a.Text("status") != "paid" {
		t.Errorf("the invoice = %s", a.Body)
	}
}

// TestAnErasureThatNobodyHeardOf erases a client whose event is lost, whose invoice a hold keeps for a day, and whose document
// a renderer brings back that was late.
func TestAnErasureThatNobodyHeardOf(t *testing.T) {
	p := signUp(t)
	k := newCanary()
	client := p.newPerson(k)
	sent := p.newInvoiceTo(client)
	p.sendInvoice(sent)
	p.settle()
	cloud.Stream.Off()
	p.must(202, journey.Call{Method: "POST", Path: "/v1/clients/" + client + "/erasure"})
	held := invoicing.PayerKey(id.Organization(p.organization), id.Invoice(sent))
	row := p.row(held)
	row["held"] = true
	p.put(held, "INVOICEPAYER", row)
	p.later("erase-recipients", clients.Settle+time.Second)
	if len(p.finds(k.name)) == 0 {
		t.Error("what is held was erased")
	}
	p.remove(held, "held")
	p.later("erase-recipients", 25*time.Hour)
	cloud.Stream.On()
	p.logIn()
	if left := p.finds(k.words()...); len(left) > 0 {
		t.Errorf("the erasure left %q", left)
	}
	if keys := documentsOf(sent); len(keys) != 1 || keys[0] != sent+"-bare.pdf" {
		t.Errorf("the objects are %q", keys)
	}
}

// later moves the clock and runs a job, whatever the stream does.
func (c *caller) later(job string, d time.Duration) {
	c.t.Helper()
	cloud.Move(func(clock *simclock.Clock) { clock.Advance(d) })
	if err := c.RunJob(c.t.Context(), function(job)); err != nil {
		c.t.Fatal(err)
	}
}

// TestInvoicesOutliveTheirOrganizationWithoutPersons deletes accounts: their invoices stand under their numbers and their
// issuers, without recipients, whether the schedule or the end of a wake row leads to the purge.
func TestInvoicesOutliveTheirOrganizationWithoutPersons(t *testing.T) {
	for name, purge := range map[string]func(*caller){"by the schedule": (*caller).purge, "by the wake row": func(p *caller) {
		p.runLater("close-organizations", 2*time.Minute)
		pass(30*24*time.Hour + 2*time.Minute)
		if err := p.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.settle()
	}} {
		t.Run(name, func(t *testing.T) { outlive(t, purge) })
	}
}

func outlive(t *testing.T, purge func(*caller)) {
	p := signUp(t)
	k := newCanary()
	client := p.newPerson(k)
	sent, unseen, draft := p.newInvoiceTo(client), p.newInvoiceTo(client), p.newInvoiceTo(client)
	p.sendInvoice(sent)
	p.settle()
	_, original := p.document(sent)
	p.sendInvoice(unseen)
	p.settle()
	if _, err := cloud.Table.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &cloud.Cloud.Table.Name,
		Key: keyOf(invoicing.FileKey(id.Organization(p.organization), id.Invoice(unseen)))}); err != nil { // its renderer died before it said so
		t.Fatal(err)
	}
	p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
	p.settle()
	purge(p)
	if left := p.finds(k.words()...); len(left) > 0 {
		t.Errorf("the purge left %q", left)
	}
	if keys := documentsOf(sent); len(keys) != 0 {
		t.Errorf("the purge left the objects %q", keys)
	}
	p.later("erase-recipients", clients.Settle)
	for _, i := range []string{sent, unseen} {
		if keys := documentsOf(i); len(keys) != 1 || keys[0] != i+"-bare.pdf" {
			t.Errorf("the objects are %q; want the document without the recipient", keys)
		}
	}
	org := id.Organization(p.organization)
	i, payer := p.row(invoicing.Key(org, id.Invoice(sent))), p.row(invoicing.PayerKey(org, id.Invoice(sent)))
	if i["number"] == nil || i["total"] != 16065. || !strings.Contains(fmt.Sprint(i["issuer"]), p.person.Organization) || payer["original_pdf_sha256"] != original {
		t.Errorf("the invoice = %v, its payer %v", i, payer)
	}
	if rows := p.finds(draft); len(rows) > 0 {
		t.Errorf("the draft is left in %q", rows)
	}
}

// TestAnOrganizationsExportHoldsItsDocuments closes an organization and finds the document of its invoice in its export, as it
// was, though the bytes of another have gone.
func TestAnOrganizationsExportHoldsItsDocuments(t *testing.T) {
	p := signUp(t)
	p.must(200, journey.Call{Method: "PATCH", Path: "/v1/org", IfMatch: "*", Body: map[string]any{"tax_id": "DE123456789"}})
	kept, gone := p.newInvoice(), p.newInvoice()
	p.sendInvoice(kept)
	p.sendInvoice(gone)
	p.settle()
	_, hash := p.document(kept)
	_, lost := p.document(gone)
	number := p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices/" + kept}).Text("number")
	if n, err := past("documents").Remove(t.Context(), invoicing.DocumentKey(id.Organization(p.organization), id.Invoice(gone))); n != 1 || err != nil {
		t.Fatalf("removed %d objects, %v; want 1", n, err)
	}
	link := p.must(200, journey.Call{Method: "POST", Path: "/v1/privacy/exports/download", Token: "none", Body: map[string]any{"token": p.closed(), "password": p.person.Password}})
	status, archive := fetch(t, link.Text("url"))
	if status != http.StatusOK {
		t.Fatalf("the package = %d", status)
	}
	text, err := journey.CheckPackage(archive)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{kept + "/" + number + ".pdf", hash, `"total":16065`, "%PDF", "DE123456789"} {
		if !strings.Contains(text, want) {
			t.Errorf("the package does not hold %q", want)
		}
	}
	if n := strings.Count(text, lost); n != 2 { // in the record, as JSON and as CSV
		t.Errorf("the package names the hash of the document that is gone %d times; want 2", n)
	}
}
