package journey

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"time"
)

// money is an amount in euros, in cents.
func money(amount int) map[string]any { return map[string]any{"amount": amount, "currency": "EUR"} }

// connect connects the organization with Stripe, and lets Stripe's own pages be filled in.
func (p *player) connect() {
	p.say("Connect the organization with Stripe")
	a := p.call(201, Call{Method: http.MethodPost, Path: "/v1/payments/account", Body: map[string]any{}})
	p.account = a.Text("account_id")
	p.do("onboard", p.control(p.ctx, http.MethodPost, "/_local/stripe/accounts/"+p.account+"/onboard", map[string]any{}, nil))
	p.do("settle", p.Settle(p.ctx))
	status := p.call(200, Call{Method: http.MethodGet, Path: "/v1/payments/account"})
	if p.err == nil && status.Text("status") != "enabled" {
		p.fail("the account is %s; want enabled", status.Body)
	}
}

// bill makes an invoice of the time that is on none, and sends it.
func (p *player) bill() {
	p.say("Make an invoice of the unbilled time, and send it")
	now, err := p.Now(p.ctx)
	p.do("now", err)
	a := p.call(202, Call{Method: http.MethodPost, Path: "/v1/invoices", Key: "demo-invoice", Body: map[string]any{
		"client_id": p.client,
		"from_time": map[string]any{"project_ids": []string{p.project}, "from": now.AddDate(0, 0, -2).Format(time.DateOnly), "to": now.AddDate(0, 0, 1).Format(time.DateOnly), "rate": money(9000)},
		"recipient": map[string]any{"name": p.contact.Name, "email": p.contact.Email},
	}})
	p.invoice = a.Text("id")
	p.do("settle", p.Settle(p.ctx))
	draft := p.call(200, Call{Method: http.MethodGet, Path: "/v1/invoices/" + p.invoice})
	if p.err == nil && (draft.Text("status") != "draft" || draft.Text("assembly.entries") != "2") {
		p.fail("the invoice is not a draft of the two entries: %s", draft.Body)
	}
	p.note("%s entries came to %s cents", draft.Text("assembly.entries"), draft.Text("total.amount"))
	sent := p.call(200, Call{Method: http.MethodPost, Path: "/v1/invoices/" + p.invoice + "/send", IfMatch: draft.Header.Get("ETag")})
	p.number = sent.Text("number")
	if p.err == nil && p.number == "" {
		p.fail("the invoice was sent without a number: %s", sent.Body)
	}
	p.do("settle", p.Settle(p.ctx))
	p.link, err = TokenOf(p.ctx, p.Client, p.contact.Email, p.number)
	p.do("the client's mail", err)
	page := p.anonymous(200, Call{Method: http.MethodGet, Path: "/v1/public/invoices/" + p.link})
	p.note("%s is on the client's page: %s cents are due", p.number, page.Text("amount_due.amount"))
}

// pay pays the invoice at Stripe, whose webhooks come late, in the wrong order, and twice.
func (p *player) pay() {
	p.say("The client pays by card; the webhooks come in the wrong order, and twice")
	a := p.anonymous(201, Call{Method: http.MethodPost, Path: "/v1/public/invoices/" + p.link + "/checkout", Body: map[string]any{}})
	page := a.Text("url")
	p.note("to be paid at %s", page)
	session := page[strings.LastIndex(page, "/")+1:]
	p.do("hold", p.control(p.ctx, http.MethodPost, "/_local/stripe/webhooks", map[string]any{"hold": true}, nil))
	p.do("pay", p.control(p.ctx, http.MethodPost, "/_local/stripe/sessions/"+session+"/pay", map[string]any{"outcome": "paid"}, nil))
	p.do("release", p.control(p.ctx, http.MethodPost, "/_local/stripe/webhooks", map[string]any{"hold": false, "order": "reverse", "times": 2}, nil))
	p.do("settle", p.Settle(p.ctx))
	paid := p.call(200, Call{Method: http.MethodGet, Path: "/v1/invoices/" + p.invoice})
	if p.err == nil && (paid.Text("status") != "paid" || paid.Text("amount_due.amount") != "0") {
		p.fail("the invoice is not paid: %s", paid.Body)
	}
	list := p.call(200, Call{Method: http.MethodGet, Path: "/v1/payments?invoice_id=" + p.invoice})
	if p.err == nil && (list.Text("data.0.id") == "" || list.Text("data.1.id") != "") {
		p.fail("the payments are not one: %s", list.Body)
	}
	p.payment = list.Text("data.0.id")
	p.note("%s is paid, once", p.number)
}

// giveBack refunds a part.
func (p *player) giveBack() {
	p.say("Give a part back")
	p.call(201, Call{Method: http.MethodPost, Path: "/v1/payments/" + p.payment + "/refunds", Key: "demo-refund", Body: map[string]any{"amount": money(1000), "reason": "requested_by_customer"}})
	p.do("settle", p.Settle(p.ctx))
	a := p.call(200, Call{Method: http.MethodGet, Path: "/v1/invoices/" + p.invoice})
	p.note("%s is %s, %s cents are due again", p.number, a.Text("status"), a.Text("amount_due.amount"))
}

// forgetClient has the client erased, at the client's wish: the invoice stands without the person, and so does its document,
// which replaces the one that named the person.
func (p *player) forgetClient() {
	p.say("Erase the client's person: the invoice stands without")
	before := p.document()
	if p.err == nil && !bytes.Contains(before, []byte("%PDF")) {
		p.fail("the document is none")
	}
	sum := sha256.Sum256(before)
	p.call(202, Call{Method: http.MethodPost, Path: "/v1/clients/" + p.client + "/erasure"})
	p.do("settle", p.Settle(p.ctx))
	p.do("clock", p.Advance(p.ctx, 10*time.Minute))
	p.do("job", p.RunJob(p.ctx, "EraseRecipients"))
	p.do("settle", p.Settle(p.ctx))
	p.renew()
	a := p.call(200, Call{Method: http.MethodGet, Path: "/v1/invoices/" + p.invoice})
	if p.err == nil && (a.Text("number") != p.number || a.Text("recipient_erased_at") == "" || a.Text("recipient.name") != "") {
		p.fail("the invoice is not its number without its recipient: %s", a.Body)
	}
	if p.err == nil && a.Text("original_pdf_sha256") != hex.EncodeToString(sum[:]) {
		p.fail("the hash of the original is %q; want %x", a.Text("original_pdf_sha256"), sum)
	}
	if after := p.document(); p.err == nil && bytes.Equal(before, after) {
		p.fail("the document is still the one that names the client")
	}
	p.note("%s keeps its lines and the hash of its first document, whose every version is gone", p.number)
}

// document fetches the invoice's PDF.
func (p *player) document() []byte {
	link := p.call(200, Call{Method: http.MethodGet, Path: "/v1/invoices/" + p.invoice + "/pdf"})
	if p.err != nil {
		return nil
	}
	res, err := http.Get(link.Text("url"))
	if err != nil {
		p.fail("the document: %w", err)
		return nil
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	p.do("the document", err)
	return text
}

// stands checks that an invoice of people who are gone stands under its number, without them.
func (p *player) stands() {
	p.say("The invoice stands under its number, without the people")
	rows, err := p.Raw(p.ctx, "table")
	p.do("table", err)
	objects, err := p.Raw(p.ctx, "objects")
	p.do("objects", err)
	if p.err == nil && !strings.Contains(rows, p.number) {
		p.fail("%s is not in the table any more", p.number)
	}
	if p.err == nil && !strings.Contains(objects, p.invoice) {
		p.fail("the document of %s is gone", p.number)
	}
}

// end lets the seven years pass in which financial records are kept.
func (p *player) end() {
	p.say("Let seven years go by: the invoice goes, too")
	p.do("clock", p.Advance(p.ctx, 8*366*24*time.Hour))
	p.do("job", p.RunJob(p.ctx, "SweepRetention"))
	p.do("settle", p.Settle(p.ctx))
	p.do("sweep", p.Sweep(p.ctx))
	for _, what := range []string{"table", "objects"} {
		text, err := p.Raw(p.ctx, what)
		p.do(what, err)
		if p.err == nil && strings.Contains(text, p.invoice) {
			p.fail("%s still holds %s", what, p.number)
		}
		p.note("%s: nothing", what)
	}
}
