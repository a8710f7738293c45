package invoicing_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

type world struct{ *apitest.World }

func newWorld(t *testing.T) world { return world{apitest.New(t)} }

// studio makes an organization with settings and gives its owner.
func (w world) studio(changes ...func(*organization.Organization)) apitest.Caller {
	w.T.Helper()
	owner := w.Organization()
	o := organization.New(owner.Org, "Example Studio", "DE", w.Clock.Now())
	o.LegalName, o.Line1, o.City = "Example Studio GmbH", "Beispielstraße 1", "Berlin"
	for _, change := range changes {
		change(o)
	}
	tx := w.Store.Begin()
	tx.Create(w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"}), o)
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
	return owner
}

func (w world) client(c apitest.Caller) clients.ClientBody {
	w.T.Helper()
	a := w.Call(clients.CreateClient(w.Store, nil, keys.Pseudonyms{}), c, apitest.Request{Body: map[string]any{"name": "Example Bakery", "currency": "EUR", "email": "office@example.com",
		"address": map[string]any{"city": "Berlin", "country": "DE"}, "payment_terms_days": 30}})
	w.Want(a, http.StatusCreated, "")
	var b clients.ClientBody
	a.Into(w.T, &b)
	return b
}

func eur(amount int64) map[string]any { return map[string]any{"amount": amount, "currency": "EUR"} }

func vat(rate string) []map[string]any { return []map[string]any{{"name": "VAT", "rate": rate}} }

func line(quantity string, price int64, taxes ...map[string]any) map[string]any {
	l := map[string]any{"description": "Sketches", "quantity": quantity, "unit_price": eur(price)}
	if len(taxes) > 0 {
		l["taxes"] = taxes
	}
	return l
}

func (w world) draft(c apitest.Caller, client string, more map[string]any) invoicing.Body {
	w.T.Helper()
	body := map[string]any{"client_id": client, "lines": []any{line("1.5", 9000, vat("19")...)}}
	for k, v := range more {
		body[k] = v
	}
	a := w.Call(invoicing.CreateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), c, apitest.Request{Body: body})
	w.Want(a, http.StatusCreated, "")
	var b invoicing.Body
	a.Into(w.T, &b)
	return b
}

func at(b invoicing.Body, more ...string) string {
	return "/v1/invoices/" + b.ID + strings.Join(more, "")
}

func (w world) get(c apitest.Caller, b invoicing.Body) (invoicing.Body, apitest.Answer) {
	w.T.Helper()
	a := w.Call(invoicing.GetInvoice(nil), c, apitest.Request{Path: at(b)})
	var got invoicing.Body
	if a.Status == http.StatusOK {
		a.Into(w.T, &got)
	}
	return got, a
}

func (w world) list(c apitest.Caller, query string) api.Changes[invoicing.Summary] {
	w.T.Helper()
	a := w.Call(invoicing.ListInvoices(), c, apitest.Request{Path: "/v1/invoices?" + query})
	w.Want(a, http.StatusOK, "")
	var l api.Changes[invoicing.Summary]
	a.Into(w.T, &l)
	return l
}

// clocks counts the clocks of retention.
func (w world) clocks(by time.Time) int {
	w.T.Helper()
	n := 0
	for shard := range store.Shards {
		due, err := store.DueBy(context.Background(), w.Store.BindPlatform(store.Actor{}), retention.InvoicePurge, shard, by, 100)
		if err != nil {
			w.T.Fatal(err)
		}
		n += len(due)
	}
	return n
}

func TestADraftIsWrittenAndRead(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	cli := w.client(owner)
	made := w.draft(owner, cli.ID, map[string]any{"po_number": "PO-77", "notes": "Thank you.", "discount": map[string]any{"percent": "10"}})
	got, a := w.get(owner, made)
	w.Want(a, http.StatusOK, "")
	if got.Status != invoicing.Draft || got.Number != "" || got.Subtotal.Amount != 13500 || got.DiscountTotal.Amount != 1350 || got.TaxTotal.Amount != 2309 || got.Total.Amount != 14459 ||
		got.Due != got.Total || got.TermsDays != 30 || got.TaxRounding != "document" || got.PONumber != "PO-77" || got.Overdue || a.Header.Get("ETag") != `"1"` {
		t.Errorf("the invoice = %+v", got)
	}
	if r := got.Recipient; r == nil || r.Name != "Example Bakery" || r.Email != "office@example.com" || r.Address.City != "Berlin" {
		t.Errorf("recipient = %+v; want the client", r)
	}
	if len(got.Lines) != 1 || got.Lines[0].Amount.Amount != 13500 || got.Lines[0].Quantity != "1.5" || got.Lines[0].Taxes[0].Rate != "19" {
		t.Errorf("lines = %+v", got.Lines)
	}
	if n := w.clocks(w.Clock.Now().AddDate(7, 0, 1)); n != 1 {
		t.Errorf("%d clocks of retention; want one in seven years", n)
	}
	if n := w.clocks(w.Clock.Now().AddDate(7, 0, 0)); n != 0 {
		t.Errorf("%d clocks of retention before seven years", n)
	}
	named := w.draft(owner, cli.ID, map[string]any{"recipient": map[string]any{"name": "Head Office"}, "lines": []any{}, "payment_terms_days": 0})
	if named.Recipient.Name != "Head Office" || named.Recipient.Email != "" || named.Total.Amount != 0 || named.TermsDays != 0 {
		t.Errorf("the invoice = %+v", named)
	}
	perLine := w.studio(func(o *organization.Organization) { o.TaxRounding = "line" })
	if b := w.draft(perLine, w.client(perLine).ID, map[string]any{"lines": []any{line("1", 10, vat("5")...), line("1", 10, vat("5")...)}}); b.TaxTotal.Amount != 2 || b.TaxRounding != "line" {
		t.Errorf("taxes = %+v by %s; want each line rounded", b.TaxTotal, b.TaxRounding)
	}
}

func TestAnInvoiceOf500Lines(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	var lines []any
	for n := range 500 {
		l := line("1", int64(n), vat("19")...)
		l["description"] = fmt.Sprintf("%03d%s", n, strings.Repeat("ß", 497))
		lines = append(lines, l)
	}
	made := w.draft(owner, w.client(owner).ID, map[string]any{"lines": lines})
	got, _ := w.get(owner, made)
	if len(got.Lines) != 500 || got.LineCount != 500 || got.Subtotal.Amount != 499*500/2 {
		t.Fatalf("%d lines of %d come to %d", len(got.Lines), got.LineCount, got.Subtotal.Amount)
	}
	for n, l := range got.Lines {
		if l.UnitPrice.Amount != int64(n) {
			t.Fatalf("line %d costs %d; want them in order", n, l.UnitPrice.Amount)
		}
	}
	a := w.Call(invoicing.UpdateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, apitest.Request{Path: at(made), IfMatch: `"1"`, Body: map[string]any{"lines": lines[:26]}})
	w.Want(a, http.StatusOK, "")
	if got, _ := w.get(owner, made); len(got.Lines) != 26 || got.LineCount != 26 {
		t.Errorf("%d lines are left; want 26", len(got.Lines))
	}
	w.Want(w.Call(invoicing.DeleteInvoice(w.Store), owner, apitest.Request{Path: at(made), IfMatch: `"2"`}), http.StatusNoContent, "")
	org := w.Store.BindOrganization(owner.Org, store.Actor{})
	rows, _, err := store.List[invoicing.Part](context.Background(), org, store.Query{Partition: org.Scope().Partition(invoicing.FamilyLines, made.ID), Limit: 30})
	if err != nil || len(rows) != 0 {
		t.Errorf("%d parts are left, %v", len(rows), err)
	}
	w.Want(w.Call(invoicing.CreateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, apitest.Request{Body: map[string]any{"client_id": w.client(owner).ID, "lines": append(lines, line("1", 1))}}), 422, "invalid_input")
}

func TestInputIsRefused(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	cli := w.client(owner)
	made := w.draft(owner, cli.ID, nil)
	with := func(change func(map[string]any)) []any {
		l := line("1", 100, vat("19")...)
		change(l)
		return []any{l}
	}
	tests := []struct {
		name, where string
		body        map[string]any
	}{
		{"no currency", "body.currency", map[string]any{"currency": "XXX"}},
		{"a negative price", "body.lines[0].unit_price", map[string]any{"lines": with(func(l map[string]any) { l["unit_price"] = eur(-1) })}},
		{"a huge price", "body.lines[0].unit_price.amount", map[string]any{"lines": with(func(l map[string]any) { l["unit_price"] = eur(1 << 60) })}},
		{"a price in another currency", "body.lines[0].unit_price", map[string]any{"lines": with(func(l map[string]any) { l["unit_price"] = map[string]any{"amount": 1, "currency": "USD"} })}},
		{"nothing of it", "body.lines[0].quantity", map[string]any{"lines": with(func(l map[string]any) { l["quantity"] = "0" })}},
		{"a negative quantity", "body.lines[0].quantity", map[string]any{"lines": with(func(l map[string]any) { l["quantity"] = "-1" })}},
		{"a huge quantity", "body.lines[0].quantity", map[string]any{"lines": with(func(l map[string]any) { l["quantity"] = strings.Repeat("9", 30) })}},
		{"a quantity of seven places", "body.lines[0].quantity", map[string]any{"lines": with(func(l map[string]any) { l["quantity"] = "0.0000001" })}},
		{"a quantity that is a number", "body.lines[0].quantity", map[string]any{"lines": with(func(l map[string]any) { l["quantity"] = 1.5 })}},
		{"a huge line", "body.lines", map[string]any{"lines": with(func(l map[string]any) { l["quantity"], l["unit_price"] = "999999999", eur(1<<53-1) })}},
		{"a tax twice", "body.lines[0].taxes", map[string]any{"lines": with(func(l map[string]any) { l["taxes"] = append(vat("7"), vat("19")...) })}},
		{"a tax of more than everything", "body.lines[0].taxes", map[string]any{"lines": with(func(l map[string]any) { l["taxes"] = vat("101") })}},
		{"more off than there is", "body.lines[0].discount", map[string]any{"lines": with(func(l map[string]any) { l["discount"] = map[string]any{"amount": eur(101)} })}},
		{"two discounts", "body.discount", map[string]any{"discount": map[string]any{"percent": "1", "amount": eur(1)}}},
		{"more than everything off", "body.discount", map[string]any{"discount": map[string]any{"percent": "101"}}},
		{"a discount in another currency", "body.discount.amount", map[string]any{"discount": map[string]any{"amount": map[string]any{"amount": 1, "currency": "JPY"}}}},
		{"a blank line", "body.lines[0].description", map[string]any{"lines": with(func(l map[string]any) { l["description"] = " " })}},
		{"a blank recipient", "body.recipient.name", map[string]any{"recipient": map[string]any{"name": " "}}},
		{"terms of years", "body.payment_terms_days", map[string]any{"payment_terms_days": 366}},
		{"a number of one's own", "body.number", map[string]any{"number": "INV-1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := w.In(t)
			body := map[string]any{"client_id": cli.ID}
			for k, v := range tt.body {
				body[k] = v
			}
			calls := []apitest.Answer{w.Call(invoicing.CreateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, apitest.Request{Body: body})}
			if tt.name != "no currency" {
				calls = append(calls, w.Call(invoicing.UpdateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, apitest.Request{Path: at(made), IfMatch: "*", Body: tt.body}))
			}
			for _, a := range calls {
				w.Want(a, 422, "invalid_input")
				if !strings.Contains(string(a.Body), `"`+tt.where) {
					t.Errorf("the refusal does not name %s: %s", tt.where, a.Body)
				}
			}
		})
	}
	w.Want(w.Call(invoicing.UpdateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, apitest.Request{Path: at(made), IfMatch: "*", Body: map[string]any{"currency": "USD"}}), 422, "invalid_input")
	w.Want(w.Call(invoicing.UpdateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, apitest.Request{Path: at(made), IfMatch: "*", Body: map[string]any{"currency": "USD",
		"lines": []any{map[string]any{"description": "x", "unit_price": map[string]any{"amount": 1, "currency": "USD"}}}}}), 200, "")
}

func TestADraftIsChanged(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	made := w.draft(owner, w.client(owner).ID, map[string]any{"discount": map[string]any{"amount": eur(500)}})
	update := func(match string, body map[string]any) apitest.Answer {
		w.Clock.Advance(time.Second)
		return w.Call(invoicing.UpdateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, apitest.Request{Path: at(made), IfMatch: match, Body: body})
	}
	a := update(`"1"`, map[string]any{"discount": nil, "notes": "Soon.", "recipient": map[string]any{"name": "Head Office", "email": "head@example.com"}})
	w.Want(a, http.StatusOK, "")
	got, _ := w.get(owner, made)
	if got.Total.Amount != 16065 || got.Discount != nil || got.Notes != "Soon." || got.Recipient.Name != "Head Office" || got.Recipient.Address != nil || !got.UpdatedAt.After(got.CreatedAt) {
		t.Errorf("the invoice = %+v", got)
	}
	w.Want(update(`"1"`, map[string]any{"notes": "x"}), 412, "stale_version")
	w.Want(update("", map[string]any{"notes": "x"}), 428, "if_match_required")
	w.Want(update("*", map[string]any{"prices_include_tax": true}), 200, "")
	if got, _ := w.get(owner, made); got.Total.Amount != 13500 || got.TaxTotal.Amount != 2155 || got.Net.Amount != 11345 {
		t.Errorf("with taxes in the prices = %+v", got.Sums)
	}
}

func TestAPayerWhoIsRestricted(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	made := w.draft(owner, w.client(owner).ID, nil)
	key := invoicing.PayerKey(owner.Org, id.Invoice(made.ID))
	change(w, owner, key, func(u *dynamo.Update) { u.Set("restricted", true) })
	got, _ := w.get(owner, made)
	if got.Recipient != nil || got.Total.Amount != 16065 {
		t.Errorf("the invoice = %+v; want it without its payer", got)
	}
	update := func() apitest.Answer {
		return w.Call(invoicing.UpdateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, apitest.Request{Path: at(made), IfMatch: "*", Body: map[string]any{"recipient": map[string]any{"name": "x"}}})
	}
	w.Want(update(), 403, "processing_restricted")
	w.Want(w.send(owner, made, apitest.Request{}), 409, "recipient_without_address")
	w.Want(w.Call(invoicing.DeleteInvoice(w.Store), owner, apitest.Request{Path: at(made), IfMatch: "*"}), 409, "kept_by_law")
	change(w, owner, key, func(u *dynamo.Update) { u.Remove("restricted").Set("held", true) })
	w.Want(w.Call(invoicing.DeleteInvoice(w.Store), owner, apitest.Request{Path: at(made), IfMatch: "*"}), 409, "kept_by_law")
	w.Want(update(), 200, "")
}

func TestTwoChangesAtOnce(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	made := w.draft(owner, w.client(owner).ID, nil)
	answers := make(chan int, 8)
	for n := range cap(answers) {
		go func() {
			var lines []any
			for range 20 * n {
				lines = append(lines, line("1", 100))
			}
			answers <- w.Call(invoicing.UpdateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, apitest.Request{Path: at(made), IfMatch: `"1"`, Body: map[string]any{"lines": lines}}).Status
		}()
	}
	done := 0
	for range cap(answers) {
		if s := <-answers; s == http.StatusOK {
			done++
		} else if s != http.StatusPreconditionFailed && s != 422 {
			t.Errorf("a change = %d", s)
		}
		if got, a := w.get(owner, made); a.Status != http.StatusOK || len(got.Lines) != got.LineCount {
			t.Errorf("meanwhile %d: %d lines of %d", a.Status, len(got.Lines), got.LineCount)
		}
	}
	if done != 1 {
		t.Errorf("%d changes of one version; want one", done)
	}
}

func TestAClientWithInvoicesStays(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	cli := w.client(owner)
	made := w.draft(owner, cli.ID, nil)
	del := func() apitest.Answer {
		return w.Call(clients.DeleteClient(w.Store), owner, apitest.Request{Path: "/v1/clients/" + cli.ID, IfMatch: "*"})
	}
	w.Want(del(), 409, "client_in_use")
	since := w.Clock.Now()
	w.Clock.Advance(time.Minute)
	w.Want(w.Call(invoicing.DeleteInvoice(w.Store), owner, apitest.Request{Path: at(made), IfMatch: `"7"`}), 412, "stale_version")
	w.Want(w.Call(invoicing.DeleteInvoice(w.Store), owner, apitest.Request{Path: at(made)}), 428, "if_match_required")
	w.Want(w.Call(invoicing.DeleteInvoice(w.Store), owner, apitest.Request{Path: at(made), IfMatch: `"1"`}), 204, "")
	_, a := w.get(owner, made)
	w.Want(a, 404, "invoice_not_found")
	if n := w.clocks(w.Clock.Now().AddDate(8, 0, 0)); n != 0 {
		t.Errorf("%d clocks of retention are left", n)
	}
	l := w.list(owner, "updated_since="+url.QueryEscape(since.Format(time.RFC3339)))
	if len(l.Deleted) != 1 || l.Deleted[0].ID != made.ID {
		t.Errorf("the changes = %+v; want one deletion", l)
	}
	w.Want(del(), 204, "")
	w.Want(w.Call(invoicing.CreateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, apitest.Request{Body: map[string]any{"client_id": cli.ID}}), 404, "client_not_found")
	other := w.client(owner)
	w.Want(w.Call(clients.ArchiveClient(w.Store), owner, apitest.Request{Path: "/v1/clients/" + other.ID + "/archive", IfMatch: "*"}), 200, "")
	w.Want(w.Call(invoicing.CreateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, apitest.Request{Body: map[string]any{"client_id": other.ID}}), 409, "client_archived")
	w.Want(w.Call(invoicing.CreateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, apitest.Request{Body: map[string]any{"client_id": w.client(w.studio()).ID}}), 404, "client_not_found")
	w.Want(w.Call(invoicing.CreateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, apitest.Request{Body: map[string]any{"client_id": "x"}}), 404, "client_not_found")
}

func TestARepeatIsTheSameInvoice(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	r := apitest.Request{Key: "k", Body: map[string]any{"client_id": w.client(owner).ID}}
	answers := make(chan string, 4)
	for range cap(answers) {
		go func() {
			var b invoicing.Body
			w.Call(invoicing.CreateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, r).Into(t, &b)
			answers <- b.ID
		}()
	}
	first := <-answers
	for range cap(answers) - 1 {
		if another := <-answers; another != first || first == "" {
			t.Errorf("two invoices %s and %s under one key", first, another)
		}
	}
	if n := len(w.list(owner, "").Data); n != 1 {
		t.Errorf("%d invoices; want one", n)
	}
	r.Body = map[string]any{"client_id": w.client(owner).ID}
	w.Want(w.Call(invoicing.CreateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, r), 422, "idempotency_key_reused")
}

func TestInvoicesAreListed(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	one, two := w.client(owner), w.client(owner)
	var want []string
	for n := range 6 {
		w.Clock.Advance(time.Second)
		cli := one
		if n%3 == 2 {
			cli = two
		}
		made := w.draft(owner, cli.ID, nil)
		if cli.ID == one.ID {
			want = append(want, made.ID)
		}
	}
	tests := []struct {
		query string
		n     int
	}{{"", 6}, {"status=draft", 6}, {"status=sent", 0}, {"client_id=" + one.ID, 4}, {"status=draft&client_id=" + one.ID, 4}, {"updated_since=2026-03-01T00:00:00Z", 6}}
	for _, tt := range tests {
		var got []string
		for cursor := ""; ; {
			l := w.list(owner, tt.query+"&limit=2&cursor="+cursor)
			for _, b := range l.Data {
				got = append(got, b.ID)
			}
			if cursor = l.NextCursor; cursor == "" {
				break
			}
		}
		if len(got) != tt.n || tt.n == 4 && !slices.Equal(got, want) {
			t.Errorf("%q lists %v; want %d", tt.query, got, tt.n)
		}
	}
	for _, query := range []string{"cursor=x", "client_id=x", "client_id=" + one.ID + "&cursor=eA", "status=open", "status=draft&updated_since=2026-03-01T00:00:00Z", "limit=0"} {
		w.Want(w.Call(invoicing.ListInvoices(), owner, apitest.Request{Path: "/v1/invoices?" + query}), 422, "invalid_input")
	}
	owner = w.Later(owner, 31*24*time.Hour)
	w.Want(w.Call(invoicing.ListInvoices(), owner, apitest.Request{Path: "/v1/invoices?updated_since=2026-03-01T00:00:00Z"}), 410, "resync_required")
}

func TestWhoMayDoWhat(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	cli := w.client(owner)
	made := w.draft(owner, cli.ID, nil)
	stranger := w.studio()
	roles := []apitest.Caller{w.Member(owner.Org, access.Guest), w.Member(owner.Org, access.Contributor), w.Member(owner.Org, access.Manager), w.Member(owner.Org, access.Accountant)}
	tests := []struct {
		op   api.Operation
		path string
		body any
		want [4]int
	}{
		{invoicing.CreateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), "/v1/invoices", map[string]any{"client_id": cli.ID}, [4]int{403, 403, 201, 201}},
		{invoicing.ListInvoices(), "/v1/invoices", nil, [4]int{403, 403, 200, 200}},
		{invoicing.GetInvoice(nil), at(made), nil, [4]int{403, 403, 200, 200}},
		{invoicing.UpdateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), at(made), map[string]any{"notes": "x"}, [4]int{403, 403, 200, 200}},
		{invoicing.DeleteInvoice(w.Store), at(made), nil, [4]int{403, 403, 204, 404}},
	}
	for _, tt := range tests {
		t.Run(tt.op.ID, func(t *testing.T) {
			w := w.In(t)
			r := apitest.Request{Path: tt.path, Body: tt.body, IfMatch: "*"}
			w.Want(w.Call(tt.op, apitest.Caller{}, r), 401, "authentication_required")
			if strings.Contains(tt.path, made.ID) {
				w.Want(w.Call(tt.op, stranger, r), 404, "invoice_not_found")
				w.Want(w.Call(tt.op, owner, apitest.Request{Path: "/v1/invoices/inv_no", Body: tt.body, IfMatch: "*"}), 404, "invoice_not_found")
			}
			for n, c := range roles {
				w.Want(w.Call(tt.op, c, r), tt.want[n], "")
			}
		})
	}
}
