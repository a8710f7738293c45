package e2e_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/size"
	"pixeltrack.io/platform/pkg/invoicing/paper/papertest"
)

func (c *caller) invoiceBody() map[string]any {
	return map[string]any{"client_id": c.newClient(), "po_number": "PO-" + unique(), "recipient": map[string]any{"name": "Example Bakery", "email": "office@example.com"},
		"lines": []map[string]any{{"description": "Sketches", "quantity": "1.5", "unit": "h", "unit_price": eur(9000), "taxes": []map[string]any{{"name": "VAT", "rate": "19"}}}}}
}

func eur(amount int) map[string]any { return map[string]any{"amount": amount, "currency": "EUR"} }

func (c *caller) newInvoice() string {
	c.t.Helper()
	return c.must(201, journey.Call{Method: "POST", Path: "/v1/invoices", Body: c.invoiceBody()}).Text("id")
}

// newInvoiceDueToday drafts an invoice that is due on the day on which it is sent.
func (c *caller) newInvoiceDueToday() string {
	c.t.Helper()
	body := c.invoiceBody()
	body["payment_terms_days"] = 0
	return c.must(201, journey.Call{Method: "POST", Path: "/v1/invoices", Body: body}).Text("id")
}

// overdue lists the invoices that are overdue, page by page.
func (c *caller) overdue() []string {
	c.t.Helper()
	var all []string
	for cursor := ""; ; {
		var l struct {
			Data []struct{ ID string }
			Next string `json:"next_cursor"`
		}
		a := c.must(200, journey.Call{Method: "GET", Path: "/v1/invoices?overdue=true&limit=1&cursor=" + cursor})
		if err := json.Unmarshal(a.Body, &l); err != nil {
			c.t.Fatal(err)
		}
		for _, i := range l.Data {
			all = append(all, i.ID)
		}
		if cursor = l.Next; cursor == "" {
			return all
		}
	}
}

// TestOverdueInvoicesComeAndGo lists what is overdue after the job of the day: what is paid or void is off, and back when the
// payment is taken back.
func TestOverdueInvoicesComeAndGo(t *testing.T) {
	p := signUp(t)
	one, two := p.newInvoiceDueToday(), p.newInvoiceDueToday()
	p.sendInvoice(one)
	p.sendInvoice(two)
	want := func(when string, ids ...string) {
		t.Helper()
		got := p.overdue()
		slices.Sort(got)
		slices.Sort(ids)
		if !slices.Equal(got, ids) {
			t.Errorf("%s: overdue are %v; want %v", when, got, ids)
		}
	}
	pass(25 * time.Hour)
	p.logIn()
	if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices/" + one}); a.Text("overdue") != "true" {
		t.Errorf("the invoice = %s", a.Body)
	}
	want("before the run of the day")
	once1(t, "mark-overdue")
	want("after it", one, two)
	paid := p.must(201, journey.Call{Method: "POST", Path: "/v1/payments", Body: p.paymentBody(one, 16065)}).Text("id")
	want("one is paid", two)
	p.must(204, journey.Call{Method: "DELETE", Path: "/v1/payments/" + paid, IfMatch: "*"})
	want("the payment is taken back", one, two)
	p.must(200, journey.Call{Method: "POST", Path: "/v1/invoices/" + two + "/void", IfMatch: "*", Body: map[string]any{"reason": "Wrong client"}})
	want("the other is void", one)
}

// sendInvoice sends a draft and gives the token of its public link.
func (c *caller) sendInvoice(id string) string {
	c.t.Helper()
	path := "/v1/invoices/" + id
	a := c.must(200, journey.Call{Method: "POST", Path: path + "/send", IfMatch: c.etag(path)})
	_, token, _ := strings.Cut(a.Text("public_url"), "#token=")
	return token
}

func (c *caller) paymentBody(invoice string, amount int) map[string]any {
	return map[string]any{"invoice_id": invoice, "amount": eur(amount), "paid_on": c.now().Format(time.DateOnly), "reference": "Statement " + unique()}
}

func invoiceSteps() []step {
	invoice := func(operation, method string, status int, body any) step {
		return step{operation: operation, status: status, prepare: func(p *caller) journey.Call {
			path := "/v1/invoices/" + p.newInvoice()
			c := journey.Call{Method: method, Path: path, Body: body}
			if method != "GET" {
				c.IfMatch = p.etag(path)
			}
			return c
		}, again: []int{404, 412}}
	}
	return []step{
		{operation: "create-invoice", status: 201, prepare: func(p *caller) journey.Call {
			body := p.invoiceBody()
			p.mark = body["po_number"].(string)
			return journey.Call{Method: "POST", Path: "/v1/invoices", Body: body, Key: "key-" + unique()}
		}, check: once(func(*caller) string { return "/v1/invoices?limit=200" })},
		invoice("get-invoice", "GET", 200, nil),
		invoice("update-invoice", "PATCH", 200, map[string]any{"notes": "Thank you."}),
		invoice("delete-invoice", "DELETE", 204, nil),
		{operation: "send-invoice", status: 200, prepare: func(p *caller) journey.Call {
			path := "/v1/invoices/" + p.newInvoice()
			return journey.Call{Method: "POST", Path: path + "/send", IfMatch: p.etag(path), Key: "key-" + unique()}
		}, check: numbered},
		{operation: "void-invoice", status: 200, prepare: func(p *caller) journey.Call {
			id := p.newInvoice()
			p.sendInvoice(id)
			path := "/v1/invoices/" + id
			return journey.Call{Method: "POST", Path: path + "/void", IfMatch: p.etag(path), Body: map[string]any{"reason": "Wrong client"}, Key: "key-" + unique()}
		}},
		{operation: "create-payment", status: 201, prepare: func(p *caller) journey.Call {
			id := p.newInvoice()
			p.sendInvoice(id)
			body := p.paymentBody(id, 6065)
			p.mark = body["reference"].(string)
			return journey.Call{Method: "POST", Path: "/v1/payments", Body: body, Key: "key-" + unique()}
		}, check: once(func(*caller) string { return "/v1/payments?limit=200" })},
		{operation: "delete-payment", status: 204, prepare: func(p *caller) journey.Call {
			id := p.newInvoice()
			p.sendInvoice(id)
			payment := p.must(201, journey.Call{Method: "POST", Path: "/v1/payments", Body: p.paymentBody(id, 6065)}).Text("id")
			return journey.Call{Method: "DELETE", Path: "/v1/payments/" + payment, IfMatch: `"1"`}
		}, again: []int{404, 412}},
		{operation: "get-invoice-pdf", status: 200, prepare: func(p *caller) journey.Call {
			id := p.newInvoice()
			p.sendInvoice(id)
			p.settle()
			return journey.Call{Method: "GET", Path: "/v1/invoices/" + id + "/pdf"}
		}},
		{operation: "get-public-invoice-pdf", status: 200, public: true, prepare: func(p *caller) journey.Call {
			token := p.sendInvoice(p.newInvoice())
			p.settle()
			return journey.Call{Method: "GET", Path: "/v1/public/invoices/" + token + "/pdf"}
		}},
		{operation: "get-public-invoice", status: 200, public: true, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "GET", Path: "/v1/public/invoices/" + p.sendInvoice(p.newInvoice())}
		}},
	}
}

// numbered checks that the numbers of a person's invoices have no gap and come once each.
func numbered(_ testing.TB, p *caller) error {
	a := p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices?limit=200"})
	seen := map[string]int{}
	for i := 0; a.Text(fmt.Sprint("data.", i, ".id")) != ""; i++ {
		if n := a.Text(fmt.Sprint("data.", i, ".number")); n != "" {
			seen[n]++
		}
	}
	for n := range len(seen) {
		if number := fmt.Sprintf("INV-%d-%04d", p.now().Year(), n+1); seen[number] != 1 {
			return fmt.Errorf("%s was given %d times; want once: %v", number, seen[number], seen)
		}
	}
	return nil
}

// TestManyAreSentAtOnce sends drafts at the same time: each gets a number of its own, and no number is left out.
func TestManyAreSentAtOnce(t *testing.T) {
	p := signUp(t)
	n := size.Of(12, 50)
	var drafts []string
	for range n {
		drafts = append(drafts, p.newInvoice())
	}
	atOnce(n, func(i int) {
		if a := p.call(journey.Call{Method: "POST", Path: "/v1/invoices/" + drafts[i] + "/send", IfMatch: "*"}); a.Status != 200 {
			t.Errorf("send = %d %s", a.Status, a.Body)
		}
	})
	if err := numbered(t, p); err != nil {
		t.Error(err)
	}
	if got := count(p, "/v1/invoices?status=sent&limit=200", `"number":"INV-`); got != n {
		t.Errorf("%d numbers; want %d", got, n)
	}
}

// TestAnInvoiceReachesItsClient follows an invoice from its sending to its page.
func TestAnInvoiceReachesItsClient(t *testing.T) {
	p := signUp(t)
	body := p.invoiceBody()
	address := "client-" + unique() + "@example.com"
	body["recipient"] = map[string]any{"name": "Example Bakery", "email": address}
	id := p.must(201, journey.Call{Method: "POST", Path: "/v1/invoices", Body: body}).Text("id")
	path := "/v1/invoices/" + id
	c := journey.Call{Method: "POST", Path: path + "/send", IfMatch: p.etag(path), Key: "key-" + unique()}
	p.must(200, c)
	p.must(200, c)
	p.settle()
	token, err := journey.TokenOf(t.Context(), p.Client, address, "Invoice INV-")
	if err != nil {
		t.Fatal(err)
	}
	a := p.must(200, journey.Call{Method: "GET", Path: "/v1/public/invoices/" + token, Token: "none"})
	if a.Text("status") != "viewed" || a.Text("total.amount") != "16065" {
		t.Errorf("the page = %s", a.Body)
	}
	if a := p.must(200, journey.Call{Method: "GET", Path: path}); a.Text("status") != "viewed" || a.Text("delivery") == "queued" {
		t.Errorf("the invoice = %s", a.Body)
	}
	p.must(404, journey.Call{Method: "GET", Path: "/v1/public/invoices/x", Token: "none"})
	link := p.must(200, journey.Call{Method: "GET", Path: "/v1/public/invoices/" + token + "/pdf", Token: "none"})
	answer, err := http.Get(link.Text("url"))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	pdf, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(pdf); hex.EncodeToString(sum[:]) != link.Text("sha256") || answer.Header.Get("Content-Type") != "application/pdf" {
		t.Errorf("the document = %d %s, hash %x; want %s", answer.StatusCode, answer.Header.Get("Content-Type"), sum, link.Text("sha256"))
	}
	if text, err := papertest.Text(pdf); err != nil || !strings.Contains(text, "160.65 EUR") {
		t.Errorf("the document = %v %s", err, text)
	}
}

// TestAnInvoiceOfTime follows hours onto an invoice, and off it again.
func TestAnInvoiceOfTime(t *testing.T) {
	p := signUp(t)
	client := p.newClient()
	project := p.newProject(client)
	entry := p.newEntry(project)
	day := p.now().AddDate(0, 0, -1).Format(time.DateOnly)
	create := journey.Call{Method: "POST", Path: "/v1/invoices", Body: map[string]any{"client_id": client, "from_time": map[string]any{"project_ids": []string{project},
		"from": day, "to": p.now().AddDate(0, 0, 1).Format(time.DateOnly), "rate": eur(9000)}, "recipient": map[string]any{"name": "Example Bakery", "email": "office@example.com"}}}
	locked := func() string {
		t.Helper()
		return p.must(200, journey.Call{Method: "GET", Path: "/v1/time-entries/" + entry}).Text("locked")
	}
	first := "/v1/invoices/" + p.must(202, create).Text("id")
	p.settle()
	a := p.must(200, journey.Call{Method: "GET", Path: first})
	if a.Text("status") != "draft" || a.Text("total.amount") != "9000" || a.Text("assembly.entries") != "1" || locked() != "invoiced" {
		t.Errorf("the invoice = %s", a.Body)
	}
	if a := p.call(journey.Call{Method: "DELETE", Path: "/v1/time-entries/" + entry, IfMatch: "*"}); a.Status != 409 || a.Text("code") != "time_entry_locked" {
		t.Errorf("deleting an invoiced entry = %d %s", a.Status, a.Body)
	}
	p.must(204, journey.Call{Method: "DELETE", Path: first, IfMatch: "*"})
	if err := p.RunJob(t.Context(), "AssembleInvoice"); err != nil {
		t.Fatal(err)
	}
	if locked() != "" {
		t.Error("the entry of a deleted draft is locked")
	}
	second := "/v1/invoices/" + p.must(202, create).Text("id")
	p.settle()
	p.must(200, journey.Call{Method: "POST", Path: second + "/send", IfMatch: "*"})
	p.must(200, journey.Call{Method: "POST", Path: second + "/void", IfMatch: "*", Body: map[string]any{"reason": "Wrong month"}})
	p.settle()
	if locked() != "" {
		t.Error("the entry of a void invoice is locked")
	}
}

// TestInvoicesOutOfTheOrdinary reaches what the other tests of invoices do not: archived clients, long drafts that become
// short, changes, and a draft that is sent another day.
func TestInvoicesOutOfTheOrdinary(t *testing.T) {
	p := signUp(t)
	since := p.now().Add(-time.Minute)
	body := p.invoiceBody()
	client := body["client_id"].(string)
	var lines []map[string]any
	for range 30 {
		lines = append(lines, map[string]any{"description": "Sketches", "unit_price": eur(9000)})
	}
	body["lines"] = lines
	draft := "/v1/invoices/" + p.must(201, journey.Call{Method: "POST", Path: "/v1/invoices", Body: body}).Text("id")
	p.lost("PutItem", 200, journey.Call{Method: "PATCH", Path: draft, IfMatch: "*", Body: map[string]any{"notes": "Thank you."}})
	p.must(200, journey.Call{Method: "PATCH", Path: draft, IfMatch: "*", Body: map[string]any{"lines": lines[:1], "recipient": map[string]any{"name": "Head Office", "email": "office@example.com"}}})
	p.must(200, journey.Call{Method: "POST", Path: "/v1/clients/" + client + "/archive", IfMatch: "*"})
	if a := p.call(journey.Call{Method: "POST", Path: "/v1/invoices", Body: body}); a.Status != 409 || a.Text("code") != "client_archived" {
		t.Errorf("an invoice to an archived client = %d %s", a.Status, a.Body)
	}
	for _, query := range []string{"client_id=" + client, "updated_since=" + url.QueryEscape(since.Format(time.RFC3339))} {
		if n := count(p, "/v1/invoices?"+query, `"id":"inv_`); n != 1 {
			t.Errorf("%s lists %d invoices; want one", query, n)
		}
	}
	other := p.newInvoice()
	token := p.sendInvoice(other)
	if a := p.lost("PutItem", 200, journey.Call{Method: "GET", Path: "/v1/public/invoices/" + token, Token: "none"}); a.Text("status") != "viewed" {
		t.Errorf("the page = %s", a.Body)
	}
	p.settle()
	link := p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices/" + other + "/pdf"})
	answer, err := http.Get(link.Text("url"))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 200 {
		t.Errorf("the link leads to %d", answer.StatusCode)
	}
	cloud.Move(func(clock *simclock.Clock) { clock.Advance(25 * time.Hour) })
	p.logIn()
	p.must(200, journey.Call{Method: "POST", Path: draft + "/send", IfMatch: "*"})
	p.must(201, journey.Call{Method: "POST", Path: "/v1/payments", Body: p.paymentBody(other, 16065)})
	if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/public/invoices/" + token, Token: "none"}); a.Text("status") != "paid" || a.Text("amount_due.amount") != "0" {
		t.Errorf("the page = %s", a.Body)
	}
	for _, query := range []string{"invoice_id=" + other, "updated_since=" + url.QueryEscape(since.Format(time.RFC3339))} {
		if n := count(p, "/v1/payments?"+query, `"id":"pay_`); n != 1 {
			t.Errorf("%s lists %d payments; want one", query, n)
		}
	}
	if a := p.must(200, journey.Call{Method: "GET", Path: draft}); a.Text("total.amount") != "9000" || a.Text("recipient.name") != "Head Office" {
		t.Errorf("the invoice = %s", a.Body)
	}
}

// lost makes a call whose first write by an operation is carried out and its answer lost.
func (c *caller) lost(operation string, status int, in journey.Call) journey.Answer {
	c.t.Helper()
	id := "lost-" + unique()
	if err := cloud.Faults.Add(calls.Plan{RequestID: id, Service: "dynamodb", Operation: operation, Nth: 1, Kind: "timeout_after"}); err != nil {
		c.t.Fatal(err)
	}
	a := c.must(status, under(id, in))
	if cloud.Faults.Forget(id) == 0 {
		c.t.Errorf("%s %s makes no %s", in.Method, in.Path, operation)
	}
	return a
}

// TestAnAssemblyThatNobodyHeardOf lets the hour of an assembly pass before any run of its job: the draft is empty then, and
// its time free.
func TestAnAssemblyThatNobodyHeardOf(t *testing.T) {
	p := signUp(t)
	client := p.newClient()
	project := p.newProject(client)
	entry := p.newEntry(project)
	p.settle()
	cloud.Stream.Off()
	id := p.must(202, journey.Call{Method: "POST", Path: "/v1/invoices", Body: map[string]any{"client_id": client, "from_time": map[string]any{"project_ids": []string{project},
		"from": p.now().AddDate(0, 0, -2).Format(time.DateOnly), "to": p.now().AddDate(0, 0, 1).Format(time.DateOnly), "rate": eur(9000)}}}).Text("id")
	cloud.Move(func(clock *simclock.Clock) { clock.Advance(61 * time.Minute) })
	err := p.RunJob(t.Context(), "AssembleInvoice")
	cloud.Stream.On()
	if err != nil {
		t.Fatal(err)
	}
	p.logIn()
	a := p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices/" + id})
	if a.Text("status") != "draft" || a.Text("assembly.failed") != "timeout" || a.Text("line_count") != "0" {
		t.Errorf("the invoice = %s", a.Body)
	}
	if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/time-entries/" + entry}); a.Text("locked") != "" {
		t.Errorf("the entry = %s", a.Body)
	}
}
