package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
)

// ticketRows counts the rows of tickets, their messages and their clocks that name a text.
func (c *caller) ticketRows(text string) int {
	c.t.Helper()
	rows, err := cloud.Rows(c.t.Context(), "")
	if err != nil {
		c.t.Fatal(err)
	}
	n := 0
	for _, r := range rows {
		if row := fmt.Sprint(r); strings.Contains(row, text) && (strings.Contains(row, "#TICKET") || strings.Contains(row, "purge-ticket")) {
			n++
		}
	}
	return n
}

// TestATicketGoesTwoYearsAfterItsLastClose closes a ticket, and lets the sweep look before and after its time.
func TestATicketGoesTwoYearsAfterItsLastClose(t *testing.T) {
	p := signUp(t)
	at := p.newTicket()
	p.must(201, journey.Call{Method: "POST", Path: at + "/messages", Body: map[string]any{"text": "It is in the PDF too."}})
	p.must(200, journey.Call{Method: "POST", Path: at + "/close", IfMatch: "*"})
	p.settle()
	ticket := at[strings.LastIndex(at, "/")+1:]
	const all = 6 // the ticket, two messages, a due and a wake row, and the line of the queue
	if n := p.ticketRows(ticket); n != all {
		t.Fatalf("%d rows of the ticket; want %d", n, all)
	}
	years := p.now().AddDate(2, 0, 0).Sub(p.now())
	p.later("sweep-retention", years-time.Hour)
	if n := p.ticketRows(ticket); n != all {
		t.Errorf("%d rows an hour before its time; want %d", n, all)
	}
	p.later("sweep-retention", 25*time.Hour)
	if n := p.ticketRows(ticket); n != 0 {
		t.Errorf("%d rows after its time; want none", n)
	}
}
