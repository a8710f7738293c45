package notifications_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/notifications"
	"pixeltrack.io/platform/pkg/telemetry"
)

// taken is a bus that keeps what it takes, and refuses from a place on.
type taken struct {
	events []bus.Event
	from   int // -1 takes all
}

// Publish takes the events.
func (b *taken) Publish(_ context.Context, events []bus.Event) error {
	if b.from < 0 || b.from >= len(events) {
		b.events = append(b.events, events...)
		return nil
	}
	b.events = append(b.events, events[:b.from]...)
	return &bus.Unpublished{Places: []int{b.from}, Cause: errors.New("throttled")}
}

// row is an image of a row in a stream record.
func row(kind, by, state string, more string) string {
	return fmt.Sprintf(`{"PK":{"S":"USER#usr_1#F"},"SK":{"S":"1"},"_type":{"S":%q},"_by":{"S":%q},"state":{"S":%q}%s}`, kind, by, state, more)
}

func record(number int, name, old, is string) string {
	images := ""
	if old != "" {
		images += `,"OldImage":` + old
	}
	if is != "" {
		images += `,"NewImage":` + is
	}
	return fmt.Sprintf(`{"eventID":"e%d","eventName":%q,"dynamodb":{"Keys":{},"SequenceNumber":"%d"%s}}`, number, name, number, images)
}

func TestDispatchChanges(t *testing.T) {
	r := bus.Row{PK: "USER#usr_1#F", SK: "1"}
	forwarded := `,"processor":{"BOOL":true}`
	receipt := `,"template":{"S":"privacy_request_received"}`
	tests := []struct {
		name   string
		record string
		want   []bus.Event
	}{
		{"a mail is queued", record(1, "INSERT", "", row("MAIL_OUT", "usr_1/r", "queued", "")), []bus.Event{bus.OutboxQueued{Row: r}}},
		{"the sender lets a mail wait", record(1, "MODIFY", row("MAIL_OUT", "job:send-outbox/r", "sending", ""), row("MAIL_OUT", "job:send-outbox/r", "queued", "")), nil},
		{"a queued mail is marked", record(1, "MODIFY", row("MAIL_OUT", "usr_1/r", "queued", ""), row("MAIL_OUT", "job:hold/r", "queued", `,"held":{"BOOL":true}`)), nil},
		{"a mail is sent", record(1, "MODIFY", row("MAIL_OUT", "x", "sending", receipt), row("MAIL_OUT", "job:send-outbox/r", "sent", receipt)), nil},
		{"a receipt is delivered", record(1, "MODIFY", row("MAIL_OUT", "x", "sent", receipt), row("MAIL_OUT", "provider:resend/r", "delivered", receipt)),
			[]bus.Event{bus.MailSettled{Row: r, Template: "privacy_request_received", State: "delivered"}}},
		{"a receipt is given up by the sender", record(1, "MODIFY", row("MAIL_OUT", "x", "sending", receipt), row("MAIL_OUT", "job:send-outbox/r", "failed", receipt)),
			[]bus.Event{bus.MailSettled{Row: r, Template: "privacy_request_received", State: "failed"}}},
		{"another mail is delivered", record(1, "MODIFY", row("MAIL_OUT", "x", "sent", ""), row("MAIL_OUT", "provider:resend/r", "delivered", "")), nil},
		{"a request is filed", record(1, "INSERT", "", row("REQUEST", "usr_1/r", "identity_pending", "")), []bus.Event{bus.RequestReceived{Row: r}}},
		{"a request is confirmed", record(1, "MODIFY", row("REQUEST", "usr_1/r", "identity_pending", ""), row("REQUEST", "usr_1/q", "verified", "")), []bus.Event{bus.RequestReceived{Row: r}}},
		{"a forwarded request is withdrawn", record(1, "MODIFY", row("REQUEST", "job:work-requests/r", "forwarded", forwarded), row("REQUEST", "usr_1/q", "withdrawn", forwarded)), []bus.Event{bus.RequestReceived{Row: r}}},
		{"another is withdrawn", record(1, "MODIFY", row("REQUEST", "usr_1/r", "verified", ""), row("REQUEST", "usr_1/q", "withdrawn", "")), nil},
		{"the worker advances a request", record(1, "MODIFY", row("REQUEST", "usr_1/r", "received", ""), row("REQUEST", "job:work-requests/q", "verified", "")), nil},
		{"a package is asked for", record(1, "INSERT", "", row("PACKAGE", "job:work-requests/r", "queued", "")), []bus.Event{bus.ExportRequested{Row: r}}},
		{"an invoice is sent", record(1, "MODIFY", row("INVOICE", "mbr_1/r", "", ""), row("INVOICE", "mbr_1/q", "", `,"number":{"S":"INV-1"}`)), []bus.Event{bus.InvoiceSent{Row: r}}},
		{"an invoice that was sent is viewed", record(1, "MODIFY", row("INVOICE", "mbr_1/r", "", `,"number":{"S":"INV-1"}`), row("INVOICE", "client/q", "", `,"number":{"S":"INV-1"}`)), nil},
		{"an invoice is found overdue", record(1, "MODIFY", row("INVOICE", "client/r", "", `,"status":{"S":"viewed"},"number":{"S":"INV-1"}`), row("INVOICE", "job:mark-overdue/q", "", `,"status":{"S":"viewed"},"number":{"S":"INV-1"},"overdue":{"BOOL":true}`)), nil},
		{"a draft is written", record(1, "INSERT", "", row("INVOICE", "mbr_1/r", "", "")), nil},
		{"a client is to be erased", record(1, "MODIFY", row("CLIENT", "mbr_1/r", "", ""), row("CLIENT", "mbr_1/q", "", `,"erased_at":{"N":"1"}`)), []bus.Event{bus.ClientErased{Row: r}}},
		{"a client is being erased", record(1, "MODIFY", row("CLIENT", "mbr_1/r", "", `,"erased_at":{"N":"1"}`), row("CLIENT", "job:erase-recipients/r", "", `,"erased_at":{"N":"1"}`)), nil},
		{"an invoice is to take time", record(1, "INSERT", "", row("INVOICE", "mbr_1/r", "", `,"status":{"S":"assembling"},"assembly":{"M":{}}`)), []bus.Event{bus.InvoiceAssembling{Row: r}}},
		{"an invoice takes time", record(1, "MODIFY", row("INVOICE", "mbr_1/r", "", `,"status":{"S":"assembling"},"assembly":{"M":{}}`), row("INVOICE", "job:assemble-invoice/r", "", `,"status":{"S":"assembling"},"assembly":{"M":{}}`)), nil},
		{"an invoice of time is void", record(1, "MODIFY", row("INVOICE", "mbr_1/r", "", `,"status":{"S":"sent"},"number":{"S":"1"}`), row("INVOICE", "mbr_1/r", "", `,"status":{"S":"void"},"number":{"S":"1"},"assembly":{"M":{}}`)), []bus.Event{bus.InvoiceAssembling{Row: r}, bus.CheckoutOutdated{Row: r}}},
		{"an invoice of lines is void", record(1, "MODIFY", row("INVOICE", "mbr_1/r", "", `,"status":{"S":"sent"},"number":{"S":"1"}`), row("INVOICE", "mbr_1/r", "", `,"status":{"S":"void"},"number":{"S":"1"}`)), []bus.Event{bus.CheckoutOutdated{Row: r}}},
		{"an invoice is paid", record(1, "MODIFY", row("INVOICE", "mbr_1/r", "", `,"paid":{"N":"0"},"number":{"S":"1"}`), row("INVOICE", "mbr_1/r", "", `,"paid":{"N":"5"},"number":{"S":"1"}`)), []bus.Event{bus.CheckoutOutdated{Row: r}}},
		{"an organization is closing", record(1, "MODIFY", row("ORGGATE", "usr_1/r", "", `,"status":{"S":"active"}`), row("ORGGATE", "usr_1/r", "", `,"status":{"S":"closing"}`)), []bus.Event{bus.CheckoutOutdated{Row: r}}},
		{"Stripe tells of something", record(1, "INSERT", "", row("STRIPEEVENT", "provider:stripe/r", "received", "")), []bus.Event{bus.StripeReceived{Row: r}}},
		{"a mail came in", record(1, "INSERT", "", row("ARRIVAL", "provider:resend/r", "received", "")), []bus.Event{bus.MailArrived{Row: r}}},
		{"a mail was taken", record(1, "MODIFY", row("ARRIVAL", "provider:resend/r", "received", ""), row("ARRIVAL", "job:take-in-mail/r", "taken", "")), nil},
		{"a mail is looked at again", record(1, "MODIFY", row("ARRIVAL", "provider:resend/r", "received", ""), row("ARRIVAL", "job:take-in-mail/r", "received", "")), nil},
		{"what Stripe told of is done", record(1, "MODIFY", row("STRIPEEVENT", "provider:stripe/r", "received", ""), row("STRIPEEVENT", "job:apply-stripe-event/r", "applied", "")), nil},
		{"a row of another type changes", record(1, "INSERT", "", row("CONSENT", "usr_1/r", "queued", "")), nil},
		{"a mail is deleted", record(1, "REMOVE", row("MAIL_OUT", "usr_1/r", "queued", ""), ""), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := &taken{from: -1}
			if err := dispatch(b, tt.record); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(b.events, tt.want) {
				t.Errorf("events = %+v; want %+v", b.events, tt.want)
			}
		})
	}
}

func TestDispatchChangesStopsWhereTheBusDoes(t *testing.T) {
	mail := row("MAIL_OUT", "usr_1/r", "queued", "")
	records := record(11, "INSERT", "", mail) + "," + record(12, "INSERT", "", row("CONSENT", "u", "", "")) + "," + record(13, "INSERT", "", mail) + "," + record(14, "INSERT", "", mail)
	err := dispatch(&taken{from: 1}, records)
	var p *job.Partial
	if !errors.As(err, &p) || p.From != "13" {
		t.Errorf("dispatch = %v; want it to begin again at record 13", err)
	}
	if err := dispatch(&taken{from: -1}, records); err != nil {
		t.Errorf("dispatch = %v; want nil", err)
	}
}

func dispatch(p notifications.Publisher, records string) error {
	log := telemetry.New(new(bytes.Buffer), time.Now)
	return notifications.DispatchChanges(p).Do(context.Background(), []byte(`{"Records":[`+records+`]}`), nil, log, time.Now, "run")
}
