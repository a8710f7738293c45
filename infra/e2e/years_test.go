package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/simclock"
)

// TestInvoicesGoAfterSevenYears lets two invoices come to the end of their time: one goes when TTL deletes its wake row, the
// other, of which the stream tells nothing, by the schedule. It moves the clock by years, and is the last of all tests.
func TestInvoicesGoAfterSevenYears(t *testing.T) {
	p := signUp(t)
	p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices"})
	send := func() string {
		t.Helper()
		id := p.newInvoice()
		token := p.sendInvoice(id)
		p.must(201, journey.Call{Method: "POST", Path: "/v1/payments", Body: p.paymentBody(id, 6065)})
		p.settle()
		p.steer("sessions/"+p.checkout(token)+"/pay", map[string]any{})
		p.settle()
		if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices/" + id}); a.Text("status") != "paid" {
			t.Fatalf("the invoice = %s", a.Body)
		}
		return id
	}
	there := func(id string) (rows []string, objects int) {
		t.Helper()
		all, err := cloud.Rows(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			if text, err := json.Marshal(r); err == nil && strings.Contains(string(text), id) {
				rows = append(rows, fmt.Sprint(r["_type"]))
			}
		}
		for _, o := range cloud.S3.Objects() {
			if strings.Contains(o.Key, id) {
				objects++
			}
		}
		return rows, objects
	}
	to := func(at time.Time) { cloud.Move(func(c *simclock.Clock) { c.Set(at) }) }
	begun := p.now().UTC().Truncate(24 * time.Hour).Add(36 * time.Hour) // noon of the next day
	to(begun)
	p.logIn()
	p.connected()
	first := send()
	to(begun.Add(48 * time.Hour))
	p.logIn()
	second := send()
	to(begun.AddDate(0, 3, 0)) // the mails go in time: TTL leaves what expired more than five years ago
	if err := p.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	to(begun.AddDate(7, 0, 1))
	if err := p.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.settle()
	if rows, objects := there(first); len(rows) > 0 || objects != 0 {
		t.Errorf("after seven years rows of the first invoice %v, objects %d; want none", rows, objects)
	}
	if rows, objects := there(second); len(rows) == 0 || objects != 1 {
		t.Errorf("before its seven years rows of the second invoice %v, objects %d; want it whole", rows, objects)
	}
	cloud.Stream.Off()
	defer cloud.Stream.On()
	to(begun.AddDate(7, 0, 3))
	if err := p.RunJob(t.Context(), "SweepRetention"); err != nil {
		t.Fatal(err)
	}
	if _, objects := there(second); objects != 0 {
		t.Errorf("the schedule left %d objects of the second invoice", objects)
	}
	if err := p.Sweep(t.Context()); err != nil { // what only speaks of the invoice carries its own end
		t.Fatal(err)
	}
	if rows, objects := there(second); len(rows) > 0 || objects != 0 {
		t.Errorf("after seven years rows of the second invoice %v, objects %d; want none", rows, objects)
	}
}
