package invoicing_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/invoicing/paper/papertest"
	"pixeltrack.io/platform/pkg/invoicing/rendering"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/keys/keystest"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/store"
)

// erasing is a world in which a client is erased.
type erasing struct {
	world
	owner            apitest.Caller
	cli              string
	documents, vault *blobtest.Bucket
}

func newErasing(t *testing.T) *erasing {
	w := newWorld(t)
	owner := w.studio()
	return &erasing{world: w, owner: owner, cli: w.client(owner).ID, documents: new(blobtest.Bucket), vault: new(blobtest.Bucket)}
}

func (e *erasing) ask() store.Key {
	e.T.Helper()
	e.Want(e.Call(clients.EraseClient(e.Store), e.owner, apitest.Request{Path: "/v1/clients/" + e.cli + "/erasure"}), http.StatusAccepted, "")
	return clients.Key(e.owner.Org, id.Client(e.cli))
}

// erase runs the job, by an event or by its schedule.
func (e *erasing) erase(event string, row store.Key) error {
	engine := &erasure.Engine{Store: e.Store, Vault: e.vault, Seals: keystest.Envelope(e.Clock.Now), Pseudonyms: keys.Pseudonyms{Secret: "s"}, Clock: e.Clock.Now}
	return e.run(rendering.EraseRecipients(engine, e.documents, nil), event, row)
}

func (e *erasing) render(b invoicing.Body) error {
	return e.run(rendering.RenderInvoice(e.documents, nil), "InvoiceSent", invoicing.Key(e.owner.Org, id.Invoice(b.ID)))
}

// end lets the clock of the erasure ring.
func (e *erasing) end() {
	e.T.Helper()
	e.Clock.Advance(clients.Settle)
	e.must(e.erase("", store.Key{}))
	e.owner = e.Later(e.owner, 0)
}

// bare checks that there is one document of an invoice, without its recipient.
func (e *erasing) bare(b invoicing.Body) {
	e.T.Helper()
	if keys := e.documents.Keys(); len(keys) != 1 || keys[0] != invoicing.BareKey(e.owner.Org, id.Invoice(b.ID)) {
		e.T.Fatalf("the documents are %q", keys)
	}
	r, err := e.documents.Open(context.Background(), invoicing.BareKey(e.owner.Org, id.Invoice(b.ID)))
	e.must(err)
	content, err := io.ReadAll(r)
	e.must(err)
	text, err := papertest.Text(content)
	e.must(err)
	if strings.Contains(text, "Example Bakery") || !strings.Contains(text, b.Number) || !strings.Contains(text, b.Total.String()) || !strings.Contains(text, "Example Studio GmbH") {
		e.T.Errorf("the document = %s", text)
	}
	if n := e.due(clients.DueErasure, e.Clock.Now().AddDate(1, 0, 0)); n != 0 {
		e.T.Errorf("%d clocks are left", n)
	}
}

// TestALateRendererBringsNobodyBack has a renderer store the document of a recipient who is erased at that very moment, and
// another die there.
func TestALateRendererBringsNobodyBack(t *testing.T) {
	e := newErasing(t)
	b := e.sent(e.owner, e.cli, nil)
	var met atomic.Bool
	e.documents.Before(func(call string) {
		if call == "Put" && met.CompareAndSwap(false, true) {
			e.must(e.erase("ClientErased", e.ask()))
		}
	})
	e.must(e.render(b)) // it read the person, and stores its document after the erasure
	e.documents.Before(nil)
	if got, _ := e.get(e.owner, b); got.Erased == nil || got.Original != "" || got.Recipient != nil {
		t.Errorf("the invoice = %+v; want no original, for nobody ever got one", got)
	}
	e.must(e.documents.Put(context.Background(), invoicing.DocumentKey(e.owner.Org, id.Invoice(b.ID)), "application/pdf", bytes.NewReader([]byte("Example Bakery")))) // and dies
	e.end()
	e.bare(b)
}

// TestAnErasureMeetsTheBooks pays, takes back and voids invoices while their recipient is erased, by four runs at once.
func TestAnErasureMeetsTheBooks(t *testing.T) {
	e := newErasing(t)
	b, wrong := e.sent(e.owner, e.cli, nil), e.sent(e.owner, e.cli, nil)
	e.must(e.render(b))
	before, _ := e.get(e.owner, b)
	key := e.ask()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := e.erase("ClientErased", key); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			e.Want(e.Call(invoicing.CreatePayment(e.Store), e.owner, apitest.Request{Body: map[string]any{"invoice_id": b.ID, "amount": eur(1000), "paid_on": e.Clock.Now().Format(time.DateOnly)}}), http.StatusCreated, "")
		})
	}
	wg.Go(func() { e.Want(e.void(e.owner, wrong, "*"), http.StatusOK, "") })
	wg.Wait()
	e.Clock.Advance(16 * time.Minute)
	e.must(e.erase("", store.Key{}))
	e.must(e.erase("", store.Key{}))
	e.owner = e.Later(e.owner, 0)
	got, _ := e.get(e.owner, b)
	if got.PaidTotal.Amount != 4000 || got.Status != invoicing.PartlyPaid || got.Number != before.Number || got.Total != before.Total || len(got.Lines) != len(before.Lines) || got.Recipient != nil || len(got.Original) != 64 {
		t.Errorf("the invoice = %+v", got)
	}
	if got, _ := e.get(e.owner, wrong); got.Status != invoicing.Void || got.Recipient != nil {
		t.Errorf("the void invoice = %+v", got)
	}
	if n := len(e.vault.Keys()); n != 1 {
		t.Errorf("%d ledgers; want one", n)
	}
}

// TestNothingGoesWithoutALedger lets the vault be down: the person is hidden, and nothing is destroyed.
func TestNothingGoesWithoutALedger(t *testing.T) {
	e := newErasing(t)
	b := e.sent(e.owner, e.cli, nil)
	e.must(e.render(b))
	key := e.ask()
	e.vault.Fail(errors.New("no vault"))
	if err := e.erase("ClientErased", key); err == nil {
		t.Error("an erasure without a ledger is no failure")
	}
	if got, _ := e.get(e.owner, b); got.Recipient == nil || got.Erased != nil {
		t.Errorf("the invoice = %+v; want it untouched", got)
	}
	e.vault.Fail(nil)
	e.Clock.Advance(72 * time.Hour)
	e.end()
	e.bare(b)
}

// TestADraftMeetsAnErasure changes a draft's recipient while the client is erased: the person is gone, whoever was first.
func TestADraftMeetsAnErasure(t *testing.T) {
	e := newErasing(t)
	b := e.draft(e.owner, e.cli, nil)
	key := e.ask()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			e.Call(invoicing.UpdateInvoice(e.Store, keys.Pseudonyms{Secret: "pseudonyms"}), e.owner, apitest.Request{Path: at(b), IfMatch: "*", Body: map[string]any{"recipient": map[string]any{"name": "Example Bakery", "email": "late@example.com"}}})
		})
	}
	wg.Go(func() { e.must(e.erase("ClientErased", key)) })
	wg.Wait()
	if got, _ := e.get(e.owner, b); got.Recipient != nil || got.Erased == nil {
		t.Errorf("the draft = %+v", got)
	}
	e.Want(e.send(e.owner, b, apitest.Request{}), http.StatusConflict, "recipient_erased")
}
