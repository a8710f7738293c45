package invoicing_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/size"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/invoicing/calc"
	"pixeltrack.io/platform/pkg/invoicing/paper/papertest"
	"pixeltrack.io/platform/pkg/invoicing/rendering"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/privacy/record"
	"pixeltrack.io/platform/pkg/store"
)

// drawn is what a random invoice is written with, in a currency of no, two or three digits.
func drawn(r *rand.Rand) map[string]any {
	currency := []string{"JPY", "EUR", "KWD"}[r.IntN(3)]
	amount := func(most int64) map[string]any {
		return map[string]any{"amount": r.Int64N(most) + 1, "currency": currency}
	}
	discount := func(most int64) map[string]any {
		switch r.IntN(4) {
		case 0:
			return map[string]any{"percent": fmt.Sprintf("%d.%02d", r.IntN(90), r.IntN(100))}
		case 1:
			return map[string]any{"amount": amount(most)}
		}
		return nil
	}
	var lines []any
	for range r.IntN(6) + 1 {
		price := r.Int64N(300_000) + 100
		l := map[string]any{"description": "Sketches", "quantity": fmt.Sprintf("%d.%06d", r.IntN(40)+1, r.IntN(1_000_000)), "unit_price": map[string]any{"amount": price, "currency": currency}}
		for name, rate := range map[string]string{"VAT": []string{"19", "7"}[r.IntN(2)], "City": "0.333333", "QST": "9.975"} {
			if r.IntN(3) == 0 {
				taxes, _ := l["taxes"].([]map[string]any)
				l["taxes"] = append(taxes, map[string]any{"name": name, "rate": rate})
			}
		}
		if d := discount(price / 2); d != nil {
			l["discount"] = d
		}
		lines = append(lines, l)
	}
	body := map[string]any{"currency": currency, "lines": lines, "prices_include_tax": r.IntN(2) == 0}
	if d := discount(20); d != nil {
		body["discount"] = d
	}
	return body
}

// TestSumsAreTheSameWhereverTheyStand sends random invoices, 10,000 at full size, and compares the sums of the answer with
// those of a later read, of the client's page, of the PDF's text and of the row as an export tells it, to the cent.
func TestSumsAreTheSameWhereverTheyStand(t *testing.T) {
	w, seed := newWorld(t), uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var all sync.WaitGroup
	for n := range uint64(4) {
		owner := w.studio(func(o *organization.Organization) {
			o.TaxRounding = string([]calc.Rounding{calc.PerLine, calc.PerDocument}[n%2])
		})
		client, random := w.client(owner).ID, rand.New(rand.NewPCG(seed, n))
		all.Go(func() {
			for range size.Of(5, 2_500) {
				w.everywhere(w.Later(owner, 0), client, drawn(random))
			}
		})
	}
	all.Wait()
}

// everywhere sends one invoice and compares its sums.
func (w world) everywhere(owner apitest.Caller, client string, written map[string]any) {
	ctx := context.Background()
	b := w.sent(owner, client, written)
	wrong := func(where string, got any) {
		w.T.Errorf("%s says %+v; the answer %+v of %v", where, got, b.Sums, written)
	}
	if got, _ := w.get(owner, b); !reflect.DeepEqual(got.Sums, b.Sums) {
		wrong("a later read", got.Sums)
	}
	var page invoicing.PublicBody
	a := w.public(token(b))
	w.Want(a, http.StatusOK, "")
	if a.Into(w.T, &page); !reflect.DeepEqual(page.Sums, b.Sums) {
		wrong("the page", page.Sums)
	}
	documents, key := new(blobtest.Bucket), invoicing.Key(owner.Org, id.Invoice(b.ID))
	if err := w.run(rendering.RenderInvoice(documents, nil), "InvoiceSent", key); err != nil {
		w.T.Error(err)
		return
	}
	text, err := papertest.Text(contentOf(documents, owner, b))
	if err != nil {
		w.T.Error(err)
	}
	shown := []money.Money{b.Subtotal, b.Total}
	if !b.Inclusive { // else the sum is what is to be paid, and the taxes are said to be in it
		shown = append(shown, b.Net)
	}
	for _, x := range b.Taxes {
		shown = append(shown, x.Amount, x.Base)
	}
	for _, l := range b.Lines {
		shown = append(shown, l.Amount)
	}
	for _, m := range shown {
		if !strings.Contains(text, m.String()) {
			wrong("the PDF lacks "+m.String()+" and", text)
		}
	}
	row, err := store.Get[record.Row](ctx, w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"}), key)
	if err != nil {
		w.T.Error(err)
		return
	}
	told := row.Attributes()
	for name, m := range map[string]money.Money{"subtotal": b.Subtotal, "net": b.Net, "tax": b.TaxTotal, "total": b.Total} {
		if got := fmt.Sprint(told[name]); got != fmt.Sprint(m.Amount) && (m.Amount != 0 || told[name] != nil) {
			wrong("the export as "+name, got)
		}
	}
}
