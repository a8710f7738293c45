package invoicing_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/invoicing/paper/papertest"
	"pixeltrack.io/platform/pkg/invoicing/rendering"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/keys/keystest"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/privacy/record"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/store/storetest"
	"pixeltrack.io/platform/pkg/telemetry"
)

// run runs a job by an event on the bus, or by its schedule when there is none.
func (w world) run(j job.Job, event string, row store.Key) error {
	payload := fmt.Sprintf(`{"source":"aws.scheduler","detail-type":"Scheduled Event","time":%q,"detail":"{}"}`, w.Clock.Now().Format(time.RFC3339))
	if event != "" {
		payload = fmt.Sprintf(`{"source":"pixeltrack","detail-type":%q,"time":%q,"detail":{"pk":%q,"sk":%q}}`, event, w.Clock.Now().Format(time.RFC3339), row.PK, row.SK)
	}
	return j.Do(context.Background(), []byte(payload), w.Store, telemetry.New(new(bytes.Buffer), w.Clock.Now), w.Clock.Now, "run")
}

func (w world) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

func (w world) due(kind store.DueKind, by time.Time) int {
	w.T.Helper()
	n := 0
	for shard := range store.Shards {
		due, err := store.DueBy(context.Background(), w.Store.BindPlatform(store.Actor{}), kind, shard, by, 200)
		w.must(err)
		n += len(due)
	}
	return n
}

func TestAnInvoiceOnPaper(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	documents := new(blobtest.Bucket)
	pdf := func(c apitest.Caller, b invoicing.Body) apitest.Answer {
		return w.Call(invoicing.GetInvoicePDF(documents), c, apitest.Request{Path: at(b, "/pdf")})
	}
	public := func(token string) apitest.Answer {
		return w.Call(invoicing.GetPublicInvoicePDF(w.Store, documents), apitest.Caller{}, apitest.Request{Path: "/v1/public/invoices/" + token + "/pdf"})
	}
	cli := w.client(owner).ID
	draft := w.draft(owner, cli, nil)
	w.Want(pdf(owner, draft), 409, "pdf_not_ready")
	b := w.sent(owner, cli, map[string]any{"discount": map[string]any{"percent": "10"}, "notes": "Děkuji!", "recipient": map[string]any{"name": "Łucja Przykład", "email": "l@example.com"},
		"lines": []any{line("1.333333", 9999, vat("19")...), line("2", 1250, vat("7")...), line("3", 33)}})
	w.Want(pdf(owner, b), 409, "pdf_not_ready")
	key := invoicing.Key(owner.Org, id.Invoice(b.ID))
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := w.run(rendering.RenderInvoice(documents, nil), "InvoiceSent", key); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := w.due(invoicing.DueDocument, w.Clock.Now().Add(time.Hour)); n != 0 {
		t.Errorf("%d documents are due", n)
	}
	a := pdf(owner, b)
	w.Want(a, http.StatusOK, "")
	var link invoicing.PDFBody
	a.Into(t, &link)
	content := contentOf(documents, owner, b)
	sum := sha256.Sum256(content)
	if link.SHA256 != hex.EncodeToString(sum[:]) || link.Size != int64(len(content)) || link.URL == "" || !link.ExpiresAt.Equal(w.Clock.Now().Add(5*time.Minute)) {
		t.Errorf("the link = %+v", link)
	}
	text, err := papertest.Text(content)
	w.must(err)
	want := []string{b.Number, "Łucja Przykład", "Example Studio GmbH", "Děkuji!", b.IssuedOn, b.DueOn}
	sums := []money.Money{b.Subtotal, b.Net, b.Total}
	for _, x := range b.Taxes {
		sums = append(sums, x.Amount, x.Base)
	}
	for _, l := range b.Lines {
		sums = append(sums, l.Amount, l.UnitPrice)
	}
	for _, m := range sums {
		want = append(want, m.String())
	}
	for _, s := range append(want, "-"+b.DiscountTotal.String()) {
		if !strings.Contains(text, s) {
			t.Errorf("the paper lacks %q:\n%s", s, text)
		}
	}
	w.Want(public(token(b)), http.StatusOK, "")
	w.Want(public("x"), 404, "invoice_not_found")
	w.Want(public(token(w.sent(owner, cli, nil))), 409, "pdf_not_ready")
	w.Want(pdf(w.studio(), b), 404, "invoice_not_found")
	w.Want(pdf(w.Member(owner.Org, access.Contributor), b), 403, "permission_denied")
	w.Want(w.Call(invoicing.GetInvoicePDF(documents), owner, apitest.Request{Path: "/v1/invoices/x/pdf"}), 404, "invoice_not_found")
	w.must(w.run(rendering.RenderInvoice(documents, nil), "InvoiceSent", key))
	if !bytes.Equal(content, contentOf(documents, owner, b)) {
		t.Error("made again it is another document")
	}
}

func TestADocumentThatTheStreamForgot(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	b := w.sent(owner, w.client(owner).ID, nil)
	documents := new(blobtest.Bucket)
	documents.Fail(errors.New("no bucket"))
	if err := w.run(rendering.RenderInvoice(documents, nil), "InvoiceSent", invoicing.Key(owner.Org, id.Invoice(b.ID))); err == nil {
		t.Error("a document that cannot be stored is no failure")
	}
	documents.Fail(nil)
	w.must(w.run(rendering.RenderInvoice(documents, nil), "", store.Key{}))
	if n := w.due(invoicing.DueDocument, w.Clock.Now().Add(time.Hour)); n != 1 {
		t.Errorf("%d documents are due before the time of the stream is over; want one", n)
	}
	w.Clock.Advance(invoicing.Patience)
	w.must(w.run(rendering.RenderInvoice(documents, nil), "", store.Key{}))
	owner = w.Later(owner, 0)
	w.Want(w.Call(invoicing.GetInvoicePDF(documents), owner, apitest.Request{Path: at(b, "/pdf")}), http.StatusOK, "")
	if n := w.due(invoicing.DueDocument, w.Clock.Now().Add(time.Hour)); n != 0 {
		t.Errorf("%d documents are due", n)
	}
}

// contentOf is the stored document of an invoice, nil when there is none.
func contentOf(documents *blobtest.Bucket, c apitest.Caller, b invoicing.Body) []byte {
	r, err := documents.Open(context.Background(), invoicing.DocumentKey(c.Org, id.Invoice(b.ID)))
	if err != nil {
		return nil
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		return nil
	}
	return content
}

// TestInvoicesOutliveTheirOrganizationForSevenYears purges an organization: its invoices stay to their own time, without
// persons, and go then.
func TestInvoicesOutliveTheirOrganizationForSevenYears(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	cli := w.client(owner).ID
	draft := w.draft(owner, cli, nil)
	b := w.sent(owner, cli, nil)
	other := w.studio()
	w.draft(other, w.client(other).ID, nil)
	packages, vault, documents := new(blobtest.Bucket), new(blobtest.Bucket), new(blobtest.Bucket)
	w.must(w.run(rendering.RenderInvoice(documents, nil), "InvoiceSent", invoicing.Key(owner.Org, id.Invoice(b.ID))))
	engine := privacy.NewEngine(w.Store, []erasure.Objects{packages}, vault, keystest.Envelope(w.Clock.Now), keys.Pseudonyms{Secret: "s"}, w.Clock.Now)
	engine.Strip = invoicing.Strip(documents)
	sweep := privacy.SweepRetention(engine, retention.Clearance{Kind: retention.InvoicePurge, Clear: invoicing.Clear(documents)})

	at := w.Clock.Now().Add(retention.Organization)
	org := w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"})
	tx := w.Store.Begin()
	tx.Change(org, access.OrganizationGateKey(owner.Org), func(u *dynamo.Update) { u.Set("status", access.Closed).Set("due_at", at.Unix()) })
	tx.ArmWake(org, retention.OrganizationDue(owner.Org, at))
	w.must(tx.Commit(context.Background()))
	w.Clock.Set(at.Add(time.Minute))
	w.must(w.run(sweep, "", store.Key{}))
	has := func(key store.Key) bool {
		row, err := store.Get[invoicing.Invoice](context.Background(), org, key)
		return err == nil && row.Total >= 0
	}
	keyOf := func(b invoicing.Body) store.Key { return invoicing.Key(owner.Org, id.Invoice(b.ID)) }
	if _, err := store.Get[clients.Client](context.Background(), org, clients.Key(owner.Org, id.Client(cli))); err != store.ErrMissing {
		t.Errorf("the client = %v; want it gone with the organization", err)
	}
	if !has(keyOf(b)) || has(keyOf(draft)) {
		t.Fatalf("the invoice %v, the draft %v; want the draft alone gone with its organization", has(keyOf(b)), has(keyOf(draft)))
	}
	if c := contentOf(documents, owner, b); c != nil {
		t.Error("the document that names the recipient outlived the organization")
	}
	if n := w.due(invoicing.DueOverdue, w.Clock.Now().AddDate(2, 0, 0)); n != 0 {
		t.Errorf("%d clocks of overdue invoices outlived the organization", n)
	}
	w.Clock.Advance(clients.Settle)
	erase := rendering.EraseRecipients(&erasure.Engine{Store: w.Store, Vault: vault, Seals: keystest.Envelope(w.Clock.Now), Pseudonyms: keys.Pseudonyms{Secret: "s"}, Clock: w.Clock.Now}, documents, nil)
	w.must(w.run(erase, "", store.Key{}))
	payer, err := store.Get[invoicing.Payer](context.Background(), org, invoicing.PayerKey(owner.Org, id.Invoice(b.ID)))
	if err != nil || payer.Name != "" || payer.Email != "" || len(payer.Original) != 64 || !slices.Equal(documents.Keys(), []string{invoicing.BareKey(owner.Org, id.Invoice(b.ID))}) {
		t.Errorf("the payer = %+v, %v; the documents %q", payer, err, documents.Keys())
	}
	w.Want(w.public(token(b)), 404, "invoice_not_found")

	w.Clock.Set(storetest.Start.AddDate(7, 0, 0))
	w.must(w.run(sweep, "", store.Key{}))
	if !has(keyOf(b)) {
		t.Fatal("an invoice went before its seven years were over")
	}
	change(w, owner, invoicing.PayerKey(owner.Org, id.Invoice(b.ID)), func(u *dynamo.Update) { u.Set("held", true) })
	w.Clock.Set(storetest.Start.AddDate(7, 0, 1))
	w.must(w.run(sweep, "", store.Key{}))
	if !has(keyOf(b)) || has(keyOf(draft)) {
		t.Errorf("held %v, draft %v; want the held one kept and the draft gone", has(keyOf(b)), has(keyOf(draft)))
	}
	change(w, owner, invoicing.PayerKey(owner.Org, id.Invoice(b.ID)), func(u *dynamo.Update) { u.Remove("held") })
	w.Clock.Advance(24 * time.Hour)
	w.must(w.run(sweep, "", store.Key{}))
	w.must(w.run(sweep, "", store.Key{}))
	for _, family := range []store.Family{invoicing.Family, invoicing.FamilyPayer, invoicing.FamilyNumber, invoicing.FamilyFile} {
		left := 0
		err := record.Walk(context.Background(), org, store.Query{Partition: org.Scope().Partition(family)}, func(*record.Row) error { left++; return nil })
		if err != nil || left != 0 {
			t.Errorf("%d rows of %s are left, %v", left, family, err)
		}
	}
	if left := documents.Keys(); len(left) > 0 {
		t.Errorf("the documents %q are left", left)
	}
	if n := w.due(retention.InvoicePurge, w.Clock.Now().AddDate(9, 0, 0)); n != 0 {
		t.Errorf("%d clocks of retention are left; want none, the other organization's draft has gone too", n)
	}
}
