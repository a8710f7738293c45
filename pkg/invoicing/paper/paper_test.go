package paper_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/invoicing/paper"
	"pixeltrack.io/platform/pkg/invoicing/paper/papertest"
)

func invoice(lines int) paper.Invoice {
	in := paper.Invoice{Number: "INV-2026-0001", IssuedOn: "2026-03-02", DueOn: "2026-03-16", Order: "PO-77", At: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
		Issuer: []string{"Příklad Studio s.r.o.", "Beispielstraße 1", "10115 Berlin"}, Recipient: []string{"Ελένη Παράδειγμα", "ул. Примерная 7", "Łódź"},
		Sums: []paper.Sum{{Name: "Subtotal", Amount: "135.00 EUR"}, {Name: "VAT 19 %", Amount: "25.65 EUR"}}, Total: paper.Sum{Name: "Total", Amount: "160.65 EUR"},
		Notes: []string{"Thank you — for everything.\nUntil soon (really)\\."}}
	for n := range lines {
		in.Lines = append(in.Lines, paper.Line{Description: fmt.Sprintf("Sketches %d %s", n, strings.Repeat("of many words ", n%9)), Quantity: "1.5 h", Price: "90.00 EUR", Taxes: "19 %", Amount: "135.00 EUR"})
	}
	return in
}

func TestRender(t *testing.T) {
	pdf, err := paper.Render(invoice(120))
	if err != nil {
		t.Fatal(err)
	}
	text, err := papertest.Text(pdf)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"INVOICE", "Příklad Studio s.r.o.", "Beispielstraße 1", "Ελένη Παράδειγμα", "ул. Примерная 7", "Łódź", "INV-2026-0001", "2026-03-16", "PO-77",
		"Sketches 119", "1.5 h", "160.65 EUR", "VAT 19 %", "Thank you — for everything.", "Until soon (really)\\."} {
		if !strings.Contains(text, want) {
			t.Errorf("the paper lacks %q", want)
		}
	}
	if n := strings.Count(text, "Sketches "); n != 120 {
		t.Errorf("%d lines; want 120", n)
	}
	if n := strings.Count(text, "Description"); n < 3 {
		t.Errorf("the table is headed %d times; want it on each page", n)
	}
	again, err := paper.Render(invoice(120))
	if err != nil || !bytes.Equal(pdf, again) {
		t.Errorf("rendered again it is another document, %v", err)
	}
}

func TestAnyTextIsRendered(t *testing.T) {
	in := invoice(1)
	in.Recipient = []string{"株式会社 💩 Example", "e\u0301", "a\x00b\u202e", strings.Repeat("x", 400), ""}
	in.Lines[0].Description = strings.Repeat("💩", 500)
	in.Notes = []string{strings.Repeat("a\n", 400)}
	pdf, err := paper.Render(in)
	if err != nil {
		t.Fatal(err)
	}
	text, err := papertest.Text(pdf)
	if err != nil || !strings.Contains(text, "???? ? Example") || !strings.Contains(text, "é") {
		t.Errorf("the paper = %.300q, %v", text, err)
	}
	if pdf, err := paper.Render(paper.Invoice{}); err != nil || len(pdf) == 0 {
		t.Errorf("an empty invoice = %v", err)
	}
}
