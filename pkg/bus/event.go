// Package bus is the product's events, which package publishing puts on the EventBridge bus. An event says that something has changed and names the
// row; whoever takes it reads the row as it is by then, so an event may come twice, late and in any order. An event
// holds ids and fixed words only.
package bus

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// Event is one event. Its type's name is its detail type on the bus.
type Event interface{ Type() string }

// Row names the row that an event is about.
type Row struct {
	PK string `json:"pk"`
	SK string `json:"sk"`
}

// RowOf names the row of a key.
func RowOf(k store.Key) Row { return Row{PK: k.PK, SK: k.SK} }

// Key is the key of the row.
func (r Row) Key() store.Key { return store.Key{PK: r.PK, SK: r.SK} }

// OutboxQueued says that a mail waits to be sent.
type OutboxQueued struct{ Row }

// Type is the event's type.
func (OutboxQueued) Type() string { return "OutboxQueued" }

// MailSettled says what became of a mail that somebody waits to hear of.
type MailSettled struct {
	Row
	Template string `json:"template"` // the mail's
	State    string `json:"state"`    // delivered, bounced, complained, failed or dropped
}

// Type is the event's type.
func (MailSettled) Type() string { return "MailSettled" }

// RequestReceived says that a data subject request was filed, confirmed by the person who filed it, or withdrawn after it was
// forwarded.
type RequestReceived struct{ Row }

// Type is the event's type.
func (RequestReceived) Type() string { return "RequestReceived" }

// ExportRequested says that a package waits to be built.
type ExportRequested struct{ Row }

// Type is the event's type.
func (ExportRequested) Type() string { return "ExportRequested" }

// InvoiceSent says that an invoice was given its number and sent.
type InvoiceSent struct{ Row }

// Type is the event's type.
func (InvoiceSent) Type() string { return "InvoiceSent" }

// InvoiceAssembling says that an invoice is to take unbilled time, or, void by now, to give it back.
type InvoiceAssembling struct{ Row }

// Type is the event's type.
func (InvoiceAssembling) Type() string { return "InvoiceAssembling" }

// ClientErased says that the erasure of a client has begun.
type ClientErased struct{ Row }

// Type is the event's type.
func (ClientErased) Type() string { return "ClientErased" }

// StripeReceived says that an event of Stripe's was taken in.
type StripeReceived struct{ Row }

// Type is the event's type.
func (StripeReceived) Type() string { return "StripeReceived" }

// TicketChanged says that a ticket was made or has changed.
type TicketChanged struct{ Row }

// Type is the event's type.
func (TicketChanged) Type() string { return "TicketChanged" }

// MailArrived says that a mail came in.
type MailArrived struct{ Row }

// Type is the event's type.
func (MailArrived) Type() string { return "MailArrived" }

// AuditRecorded says that an audit record was written that belongs to a chain: an organization's, or the platform's.
type AuditRecorded struct{ Row }

// Type is the event's type.
func (AuditRecorded) Type() string { return "AuditRecorded" }

// AccountChanged says that an account began, or was deleted.
type AccountChanged struct{ Row }

// Type is the event's type.
func (AccountChanged) Type() string { return "AccountChanged" }

// CheckoutOutdated says that an invoice has changed, or an organization is closing, in a way that ends a checkout.
type CheckoutOutdated struct{ Row }

// Type is the event's type.
func (CheckoutOutdated) Type() string { return "CheckoutOutdated" }

// Unpublished is the error of events that the bus did not take, by their place in what was given.
type Unpublished struct {
	Places []int // in order, at least one
	Cause  error
}

// Error tells how many there are, and why.
func (u *Unpublished) Error() string {
	return fmt.Sprintf("bus: %d events were not taken: %v", len(u.Places), u.Cause)
}

// Unwrap gives the cause.
func (u *Unpublished) Unwrap() error { return u.Cause }

// Registered is one event type with its fields.
type Registered struct {
	Sample Event
	Fields []registry.Field
}

// Types registers every event type that may be put on the bus.
func Types() []Registered {
	row := []registry.Field{
		registry.Secret("pk", "the partition of the row that changed: ids and a family", registry.EraseUnlink),
		registry.Secret("sk", "its sort key: ids, dates and fixed words", registry.EraseUnlink),
	}
	return []Registered{
		{Sample: OutboxQueued{}, Fields: row},
		{Sample: MailSettled{}, Fields: append(slices.Clone(row), registry.Internal("template", "a fixed word"), registry.Internal("state", "a fixed word"))},
		{Sample: RequestReceived{}, Fields: row},
		{Sample: ExportRequested{}, Fields: row},
		{Sample: InvoiceSent{}, Fields: row},
		{Sample: InvoiceAssembling{}, Fields: row},
		{Sample: ClientErased{}, Fields: row},
		{Sample: StripeReceived{}, Fields: row},
		{Sample: MailArrived{}, Fields: row},
		{Sample: CheckoutOutdated{}, Fields: row},
		{Sample: TicketChanged{}, Fields: row},
		{Sample: AuditRecorded{}, Fields: row},
		{Sample: AccountChanged{}, Fields: row},
	}
}

// Check compares event types with what is registered of them, and says what is missing, unknown or without a reason.
func Check(types []Registered) []string {
	var findings []string
	for _, t := range types {
		name, registered := t.Sample.Type(), map[string]bool{}
		if s := reflect.TypeOf(t.Sample).Name(); s != name {
			findings = append(findings, fmt.Sprintf("%s: the type is called %s", name, s))
		}
		there := members(reflect.TypeOf(t.Sample))
		for _, f := range t.Fields {
			registered[f.Name] = true
			switch {
			case f.Why == "":
				findings = append(findings, fmt.Sprintf("%s.%s: no reason", name, f.Name))
			case f.Personal && f.Erase == "":
				findings = append(findings, fmt.Sprintf("%s.%s: personal, but nothing says how it goes", name, f.Name))
			case !slices.Contains(there, f.Name):
				findings = append(findings, fmt.Sprintf("%s.%s: registered, but the event has no such field", name, f.Name))
			}
		}
		for _, m := range there {
			if !registered[m] {
				findings = append(findings, fmt.Sprintf("%s.%s: not registered", name, m))
			}
		}
	}
	slices.Sort(findings)
	return findings
}

// members lists the JSON members of a struct, its embedded parts included.
func members(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		f := t.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && tag == "":
			names = append(names, members(f.Type)...)
		case !f.IsExported() || tag == "-":
		case tag != "":
			names = append(names, tag)
		default:
			names = append(names, f.Name)
		}
	}
	return names
}
