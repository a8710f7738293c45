package notifications

import (
	"context"
	"errors"
	"strings"

	"pixeltrack.io/platform/pkg/activity/feed"
	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// Publisher puts events on the bus. What it could not put there it names by a *bus.Unpublished.
type Publisher interface {
	Publish(ctx context.Context, events []bus.Event) error
}

// DispatchChanges turns changes of the table that somebody wants into events of ids on the bus, and those of what people
// work with into acts of the activity feed. A change may give its event twice and after later changes; who takes it reads
// the row as it is by then. It gives its act once, however often it comes.
func DispatchChanges(p Publisher) job.Job {
	return job.Job{
		ID: "dispatch-changes", Area: "notifications", Summary: "Turn changes of the table into events on the bus, and into the activity feed",
		Purpose: purpose.ServiceDelivery, Triggers: []string{"stream"},
		Run: func(ctx context.Context, r *job.Run) error {
			err := publish(ctx, p, r)
			// Also where the bus takes nothing more. What the table does not take makes all of it come again: the events are
			// taken twice, and the acts that are there already stay.
			if missing := keepActs(ctx, r); missing != nil {
				return missing
			}
			return err
		},
	}
}

// publish puts the events of a run's records on the bus.
func publish(ctx context.Context, p Publisher, r *job.Run) error {
	var events []bus.Event
	var from []string // the record of each event
	for _, record := range r.Event.Records {
		for _, e := range eventsOf(record) {
			events, from = append(events, e), append(from, record.Change.Sequence)
		}
	}
	if len(events) == 0 {
		return nil
	}
	err := p.Publish(ctx, events)
	var left *bus.Unpublished
	if errors.As(err, &left) {
		r.Log.Warn("events_not_taken", telemetry.Operation("dispatch-changes"), telemetry.Request(r.Request), telemetry.Count(len(left.Places)))
		return &job.Partial{From: from[left.Places[0]], Cause: err}
	}
	return err
}

// keepActs keeps the acts of a run's records. A record that no act can be read from is logged and passed over, for it would
// not be another one the next time.
func keepActs(ctx context.Context, r *job.Run) error {
	var acts []*feed.Act
	read := map[store.Key]bool{}
	for _, rec := range r.Event.Records {
		a, err := feed.Read(rec)
		if err != nil {
			r.Log.Warn("act_not_read", telemetry.Operation("dispatch-changes"), telemetry.Request(r.Request), telemetry.Kind(rec.Change.New.Text("_type")), telemetry.Cause(err))
			continue
		}
		if a == nil || read[a.Keys().Primary] {
			continue
		}
		read[a.Keys().Primary] = true
		acts = append(acts, a)
	}
	return feed.Keep(ctx, r.Store, r.Actor, acts)
}

// change is one write of a row.
type change struct {
	key     store.Key
	was, is job.Image // was is nil of a new row
}

// became says whether an attribute has a value now that it did not have before.
func (c change) became(name, value string) bool {
	return c.is.Text(name) == value && c.was.Text(name) != value
}

// want is one event that somebody wants of the changes of a row type.
type want struct {
	row   string
	by    string // the job that takes the event; what it wrote itself makes none, so there is no loop
	event func(c change) bus.Event
}

// settled are the states in which it is known what became of a mail.
var settled = [...]outbox.State{outbox.Delivered, outbox.Bounced, outbox.Complained, outbox.Failed, outbox.Dropped}

// awaited says whether somebody waits to hear what became of the mails of a template: the receipt of a privacy request
// must have reached the person.
func awaited(template string) bool { return template == "privacy_request_received" }

// wants is the one table of what is dispatched.
func wants() []want {
	return []want{
		{row: "MAIL_OUT", by: "send-outbox", event: func(c change) bus.Event {
			if !c.became("state", string(outbox.Queued)) {
				return nil
			}
			return bus.OutboxQueued{Row: bus.RowOf(c.key)}
		}},
		{row: "MAIL_OUT", event: func(c change) bus.Event {
			for _, s := range settled {
				if awaited(c.is.Text("template")) && c.became("state", string(s)) {
					return bus.MailSettled{Row: bus.RowOf(c.key), Template: c.is.Text("template"), State: string(s)}
				}
			}
			return nil
		}},
		{row: "REQUEST", by: "work-requests", event: func(c change) bus.Event {
			_, forwarded := c.is["processor"]
			if c.was != nil && !c.became("state", "verified") && !(forwarded && c.became("state", "withdrawn")) {
				return nil
			}
			return bus.RequestReceived{Row: bus.RowOf(c.key)}
		}},
		{row: "PACKAGE", by: "build-export", event: func(c change) bus.Event {
			if !c.became("state", "queued") {
				return nil
			}
			return bus.ExportRequested{Row: bus.RowOf(c.key)}
		}},
		{row: "INVOICE", event: func(c change) bus.Event {
			if c.is.Text("number") == "" || c.was.Text("number") != "" {
				return nil
			}
			return bus.InvoiceSent{Row: bus.RowOf(c.key)}
		}},
		{row: "INVOICE", by: "assemble-invoice", event: func(c change) bus.Event {
			if _, ofTime := c.is["assembly"]; !ofTime || !c.became("status", "assembling") && !c.became("status", "void") {
				return nil
			}
			return bus.InvoiceAssembling{Row: bus.RowOf(c.key)}
		}},
		{row: "CLIENT", by: "erase-recipients", event: func(c change) bus.Event {
			_, is := c.is["erased_at"]
			if _, was := c.was["erased_at"]; was || !is {
				return nil
			}
			return bus.ClientErased{Row: bus.RowOf(c.key)}
		}},
		{row: "STRIPEEVENT", event: func(c change) bus.Event {
			if !c.became("state", "received") {
				return nil
			}
			return bus.StripeReceived{Row: bus.RowOf(c.key)}
		}},
		{row: "ARRIVAL", event: func(c change) bus.Event {
			if !c.became("state", "received") {
				return nil
			}
			return bus.MailArrived{Row: bus.RowOf(c.key)}
		}},
		{row: "INVOICE", event: func(c change) bus.Event {
			if c.was == nil || c.was.Text("number") == "" || c.is.Number("paid") == c.was.Number("paid") && !c.became("status", "void") {
				return nil
			}
			return bus.CheckoutOutdated{Row: bus.RowOf(c.key)}
		}},
		{row: "TICKET", event: func(c change) bus.Event { return bus.TicketChanged{Row: bus.RowOf(c.key)} }},
		{row: "AUDIT", event: func(c change) bus.Event {
			scope, _ := store.ScopeOf(c.key.PK)
			if _, ok := scope.Organization(); !ok && scope != store.PlatformScope() || c.was != nil {
				return nil
			}
			return bus.AuditRecorded{Row: bus.RowOf(c.key)}
		}},
		{row: "PROFILE", event: begun},
		{row: "DELETION", event: begun},
		{row: "ORGGATE", event: func(c change) bus.Event {
			if !c.became("status", "closing") {
				return nil
			}
			return bus.CheckoutOutdated{Row: bus.RowOf(c.key)}
		}},
	}
}

// begun is the event of a row of an account that is new.
func begun(c change) bus.Event {
	if c.was != nil {
		return nil
	}
	return bus.AccountChanged{Row: bus.RowOf(c.key)}
}

// eventsOf gives the events that are wanted of one record.
func eventsOf(r job.Record) []bus.Event {
	if r.Change.New == nil {
		return nil // a deletion
	}
	is := r.Change.New
	c := change{key: store.Key{PK: is.Text("PK"), SK: is.Text("SK")}, was: r.Change.Old, is: is}
	var events []bus.Event
	for _, w := range wants() {
		if w.row != is.Text("_type") || w.by != "" && writtenBy(is.Text("_by"), w.by) {
			continue
		}
		if e := w.event(c); e != nil {
			events = append(events, e)
		}
	}
	return events
}

// writtenBy says whether a row was written last by a job.
func writtenBy(by, jobID string) bool {
	who, _, _ := strings.Cut(by, "/")
	return who == "job:"+jobID
}
