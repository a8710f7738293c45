package invoicing_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/infra/size"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/store"
)

var links = keys.Links{Secret: "a secret of the tests"}

func (w world) send(c apitest.Caller, b invoicing.Body, r apitest.Request) apitest.Answer {
	w.T.Helper()
	r.Path = at(b, "/send")
	if r.IfMatch == "" {
		r.IfMatch = "*"
	}
	return w.Call(invoicing.SendInvoice(w.Store, invoicing.Letterhead{}, links, "https://app.example.com"), c, r)
}

// sent writes and sends an invoice.
func (w world) sent(c apitest.Caller, client string, more map[string]any) invoicing.Body {
	w.T.Helper()
	a := w.send(c, w.draft(c, client, more), apitest.Request{})
	w.Want(a, http.StatusOK, "")
	var b invoicing.Body
	a.Into(w.T, &b)
	return b
}

func (w world) void(c apitest.Caller, b invoicing.Body, match string) apitest.Answer {
	w.T.Helper()
	return w.Call(invoicing.VoidInvoice(w.Store), c, apitest.Request{Path: at(b, "/void"), IfMatch: match, Body: map[string]any{"reason": "Wrong client"}})
}

func token(b invoicing.Body) string {
	_, token, _ := strings.Cut(b.PublicURL, "#token=")
	return token
}

func (w world) public(token string) apitest.Answer {
	w.T.Helper()
	return w.Call(invoicing.GetPublicInvoice(w.Store, nil, nil), apitest.Caller{}, apitest.Request{Path: "/v1/public/invoices/" + token})
}

func TestAnInvoiceIsSent(t *testing.T) {
	w := newWorld(t)
	owner := w.studio(func(o *organization.Organization) { o.TimeZone = "Pacific/Auckland" })
	made := w.draft(owner, w.client(owner).ID, nil)
	w.Clock.Set(time.Date(2026, 12, 31, 12, 0, 0, 0, time.UTC)) // there it is 2027 already
	owner = w.Later(owner, 0)
	w.Want(w.send(owner, made, apitest.Request{IfMatch: `"7"`}), 412, "stale_version")
	r := apitest.Request{IfMatch: `"1"`, Key: "k"}
	a := w.send(owner, made, r)
	w.Want(a, http.StatusOK, "")
	var b invoicing.Body
	a.Into(t, &b)
	if b.Status != invoicing.Sent || b.Number != "INV-2027-0001" || b.IssuedOn != "2027-01-01" || b.DueOn != "2027-01-31" || b.Issuer.LegalName != "Example Studio GmbH" ||
		b.Issuer.Address.City != "Berlin" || b.Delivery != "queued" || !strings.HasPrefix(b.PublicURL, "https://app.example.com/invoice#token=") || a.Header.Get("ETag") != `"2"` {
		t.Errorf("the invoice = %+v", b)
	}
	again := w.send(owner, made, r)
	w.Want(again, http.StatusOK, "")
	if again.Header.Get("Idempotency-Replayed") != "true" || strings.Contains(string(again.Body), "token=") || !strings.Contains(string(again.Body), "INV-2027-0001") {
		t.Errorf("the repeat = %s", again.Body)
	}
	w.Want(w.send(owner, made, apitest.Request{}), 409, "invoice_not_draft")
	w.Want(w.Call(invoicing.UpdateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, apitest.Request{Path: at(made), IfMatch: "*", Body: map[string]any{"notes": "x"}}), 409, "invoice_not_draft")
	w.Want(w.Call(invoicing.DeleteInvoice(w.Store), owner, apitest.Request{Path: at(made), IfMatch: "*"}), 409, "invoice_not_draft")
	if l := w.list(owner, "status=sent&client_id="+b.ClientID); len(l.Data) != 1 || l.Data[0].Number != b.Number {
		t.Errorf("the list = %+v", l.Data)
	}
	if n := w.clocks(w.Clock.Now().AddDate(8, 0, 0)); n != 1 {
		t.Errorf("%d clocks of retention; want one", n)
	}
	if n := w.clocks(w.Clock.Now().AddDate(7, 0, 0)); n != 0 {
		t.Error("the clock of the draft still runs")
	}
	org := w.Store.BindOrganization(owner.Org, store.Actor{})
	mails, _, err := store.List[outbox.Mail](context.Background(), org, store.Query{Partition: org.Scope().Partition(outbox.Family), Limit: 10})
	if err != nil || len(mails) != 1 || mails[0].Template != invoicing.MailSent || mails[0].Dedupe != store.Join(made.ID, "client", "sent") {
		t.Errorf("mails = %+v, %v; want one", mails, err)
	}
	for n, want := range map[time.Duration]bool{30*24*time.Hour - 2*time.Hour: false, 31 * 24 * time.Hour: true} {
		later := w.Later(owner, n-w.Clock.Now().Sub(*b.SentAt))
		if got, _ := w.get(later, made); got.Overdue != want {
			t.Errorf("overdue after %v = %v; want %v", n, got.Overdue, want)
		}
	}
}

func TestSendingIsRefused(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	cli := w.client(owner).ID
	empty := w.draft(owner, cli, map[string]any{"lines": []any{}})
	w.Want(w.send(owner, empty, apitest.Request{}), 409, "invoice_empty")
	nobody := w.draft(owner, cli, map[string]any{"recipient": map[string]any{"name": "Head Office"}})
	w.Want(w.send(owner, nobody, apitest.Request{}), 409, "recipient_without_address")
	w.Want(w.send(owner, nobody, apitest.Request{Body: map[string]any{"mail": "no"}}), 422, "invalid_input")
	w.Want(w.send(w.studio(), nobody, apitest.Request{}), 404, "invoice_not_found")
	w.Want(w.Call(invoicing.SendInvoice(w.Store, invoicing.Letterhead{}, links, ""), owner, apitest.Request{Path: at(nobody, "/send")}), 428, "if_match_required")
	w.Want(w.send(owner, nobody, apitest.Request{Body: map[string]any{"mail": false}}), 200, "")
	got, _ := w.get(owner, nobody)
	if got.Number != "INV-2026-0001" || got.Delivery != "" {
		t.Errorf("the invoice = %+v; want the first number, after what was refused, and no mail", got)
	}
	for role, want := range map[access.Role]int{access.Manager: 403, access.Contributor: 403, access.Guest: 403, access.Accountant: 409} {
		m := w.Member(owner.Org, role)
		w.Want(w.send(m, nobody, apitest.Request{}), want, "")
		if want == 409 {
			want = 200
		}
		w.Want(w.void(m, got, "*"), want, "")
	}
}

func TestNothingIsAskedForNothing(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	b := w.sent(owner, w.client(owner).ID, map[string]any{"lines": []any{line("1", 0)}})
	if b.Status != invoicing.Paid || b.SettledAt == nil {
		t.Errorf("the invoice = %+v; want it paid", b)
	}
}

// TestNumbersHaveNoGaps sends many drafts at once, some of them twice at once, and some in vain.
func TestNumbersHaveNoGaps(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	cli := w.client(owner).ID
	n := size.Of(20, 50)
	var drafts []invoicing.Body
	for range n {
		drafts = append(drafts, w.draft(owner, cli, nil))
	}
	empty := w.draft(owner, cli, map[string]any{"lines": []any{}})
	var wg sync.WaitGroup
	var mu sync.Mutex
	numbers := map[string]int{}
	for i, d := range drafts {
		for range 1 + i%2 {
			wg.Go(func() {
				a := w.send(owner, d, apitest.Request{IfMatch: `"1"`})
				if a.Status != http.StatusOK {
					if a.Code() != "stale_version" && a.Code() != "invoice_not_draft" {
						t.Errorf("send = %d %s", a.Status, a.Body)
					}
					return
				}
				var b invoicing.Body
				a.Into(t, &b)
				mu.Lock()
				defer mu.Unlock()
				numbers[b.Number]++
			})
		}
		if i%5 == 0 {
			wg.Go(func() { w.Want(w.send(owner, empty, apitest.Request{}), 409, "invoice_empty") })
		}
	}
	wg.Wait()
	for i := range n {
		if number := fmt.Sprintf("INV-2026-%04d", i+1); numbers[number] != 1 {
			t.Errorf("%s was given %d times; want once", number, numbers[number])
		}
	}
	if len(numbers) != n {
		t.Errorf("%d numbers; want %d", len(numbers), n)
	}
}

func TestNumbersFollowThePattern(t *testing.T) {
	w := newWorld(t)
	owner := w.studio(func(o *organization.Organization) { o.Numbers = "R{YY}{MM}-{SEQ2}" })
	cli := w.client(owner).ID
	pattern := func(p string) {
		w.Want(w.Call(organization.UpdateOrganization(w.Store, nil), owner, apitest.Request{IfMatch: "*", Body: map[string]any{"invoice_number_pattern": p}}), 200, "")
	}
	var got []string
	send := func() { got = append(got, w.sent(owner, cli, nil).Number) }
	send()
	send()
	owner = w.Later(owner, 31*24*time.Hour)
	send()
	pattern("{SEQ}")
	send()
	pattern("{SEQ1}") // counts anew under the same texts: what is given is passed over
	send()
	owner = w.Later(owner, 330*24*time.Hour)
	pattern("")
	send()
	if want := []string{"R2603-01", "R2603-02", "R2604-01", "1", "2", "INV-2027-0001"}; !slices.Equal(got, want) {
		t.Errorf("numbers = %v; want %v", got, want)
	}
	pattern("{YYYY}{SEQ}")
	send() // the year's count goes on: 20272
	pattern("2027{SEQ}")
	send() // another count, from 3: its own numbers are free
	pattern("{YYYY}{SEQ}")
	send() // 20273 was given by the other count: passed over
	if want := []string{"20272", "20273", "20274"}; !slices.Equal(got[6:], want) {
		t.Errorf("numbers = %v; want %v", got[6:], want)
	}
}

func TestTheClientSeesTheInvoice(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	b := w.sent(owner, w.client(owner).ID, map[string]any{"notes": "Thank you."})
	since := w.Clock.Now().Add(-time.Second)
	owner = w.Later(owner, time.Hour)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			a := w.public(token(b))
			w.Want(a, http.StatusOK, "")
			for _, secret := range []string{b.ID, b.ClientID, string(owner.Org), string(owner.Member), string(owner.User)} {
				if strings.Contains(string(a.Body), secret) {
					t.Errorf("the page names %s", secret)
				}
			}
			var p invoicing.PublicBody
			a.Into(t, &p)
			if p.Number != b.Number || p.Status != invoicing.Viewed || p.Total != b.Total || p.Recipient.Name != "Example Bakery" || p.Issuer.LegalName != "Example Studio GmbH" ||
				len(p.Lines) != 1 || p.Notes != "Thank you." {
				t.Errorf("the page = %+v", p)
			}
		})
	}
	wg.Wait()
	got, _ := w.get(owner, b)
	if got.Status != invoicing.Viewed || got.ViewedAt == nil || !got.ViewedAt.Equal(w.Clock.Now()) {
		t.Errorf("the invoice = %+v; want it viewed", got)
	}
	if l := w.list(owner, "updated_since="+since.UTC().Format(time.RFC3339)); len(l.Data) != 1 || l.Data[0].Status != invoicing.Viewed {
		t.Errorf("the changes = %+v", l.Data)
	}
	viewed := *got.ViewedAt
	owner = w.Later(owner, time.Hour)
	w.Want(w.public(token(b)), http.StatusOK, "")
	if got, _ := w.get(owner, b); !got.ViewedAt.Equal(viewed) {
		t.Errorf("viewed at %v; want the first time", got.ViewedAt)
	}
	for _, bad := range []string{"x", token(b)[1:], token(b) + "x", links.Token("invoice", "inv_x"), keys.HashToken(token(b))} {
		a := w.public(bad)
		w.Want(a, http.StatusNotFound, "invoice_not_found")
	}
	w.Want(w.void(owner, got, "*"), 200, "")
	var p invoicing.PublicBody
	w.public(token(b)).Into(t, &p)
	if p.Status != invoicing.Void {
		t.Errorf("the page of a void invoice says %s", p.Status)
	}
	change(w, owner, access.OrganizationGateKey(owner.Org), func(u *dynamo.Update) { u.Set("status", access.Closed) })
	w.Want(w.public(token(b)), http.StatusNotFound, "invoice_not_found")
}

func change(w world, c apitest.Caller, key store.Key, with func(*dynamo.Update)) {
	w.T.Helper()
	tx := w.Store.Begin()
	tx.Change(w.Store.BindOrganization(c.Org, store.Actor{Who: "test"}), key, with)
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
}

func TestAVoidInvoiceKeepsItsNumber(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	cli := w.client(owner).ID
	d := w.draft(owner, cli, nil)
	w.Want(w.void(owner, d, "*"), 409, "invoice_not_sent")
	b := w.sent(owner, cli, nil)
	w.Want(w.void(owner, b, `"1"`), 412, "stale_version")
	w.Want(w.void(owner, b, ""), 428, "if_match_required")
	w.Want(w.void(w.studio(), b, "*"), 404, "invoice_not_found")
	w.Want(w.Call(invoicing.VoidInvoice(w.Store), owner, apitest.Request{Path: at(b, "/void"), IfMatch: "*", Body: map[string]any{"reason": ""}}), 422, "invalid_input")
	w.Want(w.void(owner, b, `"2"`), 200, "")
	w.Want(w.void(owner, b, "*"), 200, "")
	got, _ := w.get(owner, b)
	if got.Status != invoicing.Void || got.Number != b.Number || got.VoidReason != "Wrong client" || got.VoidedAt == nil || got.Overdue {
		t.Errorf("the invoice = %+v", got)
	}
	if next := w.sent(owner, cli, nil); next.Number != "INV-2026-0002" {
		t.Errorf("the next number is %s", next.Number)
	}
}

func TestTheLetter(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	b := w.sent(owner, w.client(owner).ID, nil)
	composer := &compose.Composer{Store: w.Store, Links: links, PublicURL: "https://app.example.com", From: "PixelTrack <no-reply@mail.example.org>"}
	org := w.Store.BindOrganization(owner.Org, store.Actor{})
	row, err := store.Get[outbox.Mail](context.Background(), org, outbox.Key(org.Scope(), store.Join(b.ID, "client", "sent")))
	if err != nil {
		t.Fatal(err)
	}
	template := invoicing.Templates()[0]
	m, err := template.Compose(context.Background(), composer, row)
	if err != nil {
		t.Fatal(err)
	}
	if m.To != "office@example.com" || m.Subject != "Invoice INV-2026-0001 from Example Studio" || !strings.Contains(m.Text, "160.65 EUR, due on 2026-04-01") || !strings.Contains(m.Text, b.PublicURL) {
		t.Errorf("the letter = %+v", m)
	}
	gone := func(what string) {
		t.Helper()
		if _, err := template.Compose(context.Background(), composer, row); err != compose.ErrGone {
			t.Errorf("the letter of %s = %v; want ErrGone", what, err)
		}
	}
	inv := id.Invoice(b.ID)
	change(w, owner, invoicing.PayerKey(owner.Org, inv), func(u *dynamo.Update) { u.Remove("name").Remove("email") })
	gone("somebody erased")
	if got, a := w.get(owner, b); a.Status != 200 || got.Recipient != nil || got.Total.Amount != 16065 || got.Number != b.Number {
		t.Errorf("without its payer the invoice = %+v; want number and amounts untouched", got)
	}
	w.Want(w.public(token(b)), 200, "")
	change(w, owner, invoicing.PayerKey(owner.Org, inv), func(u *dynamo.Update) { u.Set("email", "x@example.com") })
	w.Want(w.void(owner, b, "*"), 200, "")
	gone("a void invoice")
}

func TestMoneyIsAudited(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	b := w.sent(owner, w.client(owner).ID, nil)
	w.Want(w.void(owner, b, "*"), 200, "")
	org := w.Store.BindOrganization(owner.Org, store.Actor{})
	rows, _, err := store.List[api.Audit](context.Background(), org, store.Query{Partition: org.Scope().Partition(api.FamilyAudit), Limit: 10})
	var actions []string
	for _, r := range rows {
		actions = append(actions, r.Action)
	}
	slices.Sort(actions)
	if err != nil || !slices.Equal(actions, []string{"send-invoice", "void-invoice"}) {
		t.Errorf("audited = %v, %v", actions, err)
	}
}
