package privacy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/named"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/privacy/record"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/referrals"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// What PixelTrack holds of a person for organizations is theirs to decide about. A request that concerns such data as well
// goes on as it is for what PixelTrack decides about, and opens a second request, linked with it, of the same kind and date,
// whose role is processor. That one is forwarded to every organization which keeps the person's address as that of a client,
// of a client's contact or of who is to pay an invoice, once it is known who asks; the person sees there which, since when, and
// what they answered. It ends when all have answered, or two days before its date: before an erasure of the person takes their
// address away. The person may take it back until then: what an organization has answered stays, and the others are told that
// nothing is to be done any more.

// forwardedMargin is how long before its date a forwarded request ends without the answers that are missing.
const forwardedMargin = 48 * time.Hour

// Reasons for which a forwarded request is denied.
const (
	denialController = "controller_refused"
	denialNoData     = "controller_no_data"
	denialSilent     = "controller_silent"
)

// closed stands for the answer of an organization that has closed.
const closed referrals.Answer = "closed"

// Controller is an organization that a request was forwarded to.
type Controller struct {
	Org         id.Organization   `dynamo:"org"`
	Name        string            `dynamo:"name,omitempty"`
	Places      []referrals.Place `dynamo:"places,omitempty"`
	Told        int64             `dynamo:"told,omitempty"` // epoch seconds, as all times here
	Answer      referrals.Answer  `dynamo:"answer,omitempty"`
	Explanation string            `dynamo:"explanation,omitempty"`
	Answered    int64             `dynamo:"answered,omitempty"`
}

// forwards says whether what organizations hold is looked for, for a request that has just been verified.
func (r *Request) forwards() bool {
	return r.State == request.Verified && !r.Sought && !r.Processor &&
		(r.Kind.Discloses() || r.Kind.Destroys() && r.Kind != request.ChildReport || slices.Contains([]request.Kind{request.Rectification, request.Restriction, request.RestrictionLift, request.Objection}, r.Kind))
}

// seek looks for organizations that keep the address of whose request it is for themselves, and opens the
// request that is forwarded to them. It fails with store.ErrStale when somebody else wrote the request.
func (w *worker) seek(ctx context.Context, h holder, r *Request, now time.Time) error {
	hash, ok := h.Scope().Case()
	if !ok {
		var err error
		if hash, err = w.engine.Correspondence(ctx, h, w.engine.Map); err != nil {
			return err
		}
	}
	controllers, err := w.controllers(ctx, hash)
	if err != nil {
		return err
	}
	was := r.Next
	r.Sought = true
	tx := w.st.Begin()
	if len(controllers) > 0 {
		f, err := r.forward(w.st, h, controllers, now)
		if err != nil {
			return err
		}
		tx.Create(h, f)
		f.line(tx, h)
		tx.Arm(h, f.due())
	}
	r.save(tx, h, was)
	return tx.Commit(ctx)
}

// controllers lists the organizations that keep an address, by its keyed hash, as that of a client or a client's contact: whatever the
// registry says is a contact's.
func (w *worker) controllers(ctx context.Context, hash string) ([]Controller, error) {
	if hash == "" {
		return nil, nil
	}
	p := w.st.BindPlatform(w.actor)
	p.SeeRestricted()
	rows, _, err := store.List[record.Row](ctx, p, named.By(hash))
	if err != nil {
		return nil, err
	}
	var all []Controller
	for _, row := range rows {
		place, ok := w.place(row)
		if !ok {
			continue
		}
		org := id.Organization(row.Text("org"))
		i := slices.IndexFunc(all, func(c Controller) bool { return c.Org == org })
		if i < 0 {
			i, all = len(all), append(all, Controller{Org: org})
		}
		if len(all[i].Places) < referrals.MostPlaces {
			all[i].Places = append(all[i].Places, place)
		}
	}
	return all, nil
}

// place is what a row names its organization's client or contact by, false for a row that is not about one.
func (w *worker) place(row *record.Row) (referrals.Place, bool) {
	if !slices.ContainsFunc(w.engine.Map.In(registry.InOrganization), func(t datamap.Row) bool { return t.Type == row.Type() && t.Subject == registry.SubjectContact }) {
		return referrals.Place{}, false
	}
	if invoice, err := id.Parse[id.Invoice](row.Text("id")); err == nil {
		return referrals.Place{Invoice: invoice}, true
	}
	if client, err := id.Parse[id.Client](row.Text("id")); err == nil {
		return referrals.Place{Client: client}, true
	}
	return referrals.Place{Client: id.Client(row.Text("client")), Contact: id.Contact(row.Text("id"))}, true
}

// forward makes the request that organizations get, linked with the one that it came from.
func (r *Request) forward(st *store.Store, h holder, controllers []Controller, now time.Time) (*Request, error) {
	f := &Request{ID: id.New[id.Case](st.IDs()), Kind: r.Kind, State: request.Received, Channel: r.Channel, Country: r.Country, Region: r.Region,
		Received: r.Received, Due: r.Due, Steps: r.Steps, Next: now.Unix(), Controllers: controllers, Linked: r.ID, scope: h.Scope(),
		AgentName: r.AgentName, AgentEmail: r.AgentEmail, AgentSigned: r.AgentSigned, AgentMay: r.AgentMay, AgentHeard: r.AgentHeard}
	if r.Kind == request.Rectification {
		f.Description = r.Description // an organization must know what is wrong; of others it learns the kind alone
	}
	f.note(clock.At(r.Received), "submitted", "")
	f.note(now, "linked", string(r.ID))
	for _, e := range []request.Event{{Type: request.IdentityClear, At: now, Fresh: true}, {Type: request.HeldAsProcessor, At: now}} {
		if err := f.happen(e); err != nil {
			return nil, fmt.Errorf("forward: %w", err)
		}
	}
	r.Linked = f.ID
	r.note(now, "linked", string(f.ID))
	return f, nil
}

// forwarded tells the organizations of a forwarded request that have not been told, gathers their answers, and ends the
// request when they are all there or its time is over.
func (w *worker) forwarded(ctx context.Context, tx *store.Tx, h holder, r *Request, now time.Time) error {
	for i := range r.Controllers {
		c := &r.Controllers[i]
		var err error
		switch {
		case c.Told == 0:
			err = w.tell(ctx, h, r, c, now)
		case c.Answer == "":
			err = w.ask(ctx, r, c)
		}
		if err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(r.History, func(e HistoryEntry) bool { return e.Event == "controllers_told" }) {
		r.note(now, "controllers_told", "")
		outbox.Queue(tx, h, MailForwarded, string(r.ID), map[string]string{"case": string(r.ID), "kind": string(r.Kind), "count": itoa(len(r.Controllers)),
			"due": clock.At(r.Due).Format(time.DateOnly)}).Else(store.ErrStale)
	}
	waiting := slices.ContainsFunc(r.Controllers, func(c Controller) bool { return c.Answer == "" })
	end := clock.At(r.Due).Add(-forwardedMargin)
	if waiting && now.Before(end) {
		if r.Next = watchAt(r, now); r.Next > end.Unix() {
			r.Next = end.Unix()
		}
		return nil
	}
	return w.returned(tx, h, r, now)
}

// tell forwards a request to one organization, once however often it is tried.
func (w *worker) tell(ctx context.Context, h holder, r *Request, c *Controller, now time.Time) error {
	org := w.st.BindOrganization(c.Org, w.actor)
	org.SeeRestricted()
	c.Told = now.Unix()
	o, err := store.Get[organization.Organization](ctx, org, organization.Key(c.Org))
	if errors.Is(err, store.ErrMissing) {
		c.Answer, c.Answered = closed, now.Unix()
		return nil
	}
	if err != nil {
		return err
	}
	c.Name = o.Name
	leaders, err := access.Leaders(ctx, org)
	if err != nil {
		return err
	}
	email, err := addressOf(ctx, h, w.engine.Map)
	if err != nil {
		return err
	}
	f := &referrals.Referral{Org: c.Org, Case: r.ID, Kind: r.Kind, Email: email, Places: c.Places, Description: r.Description,
		Received: r.Received, Forwarded: now.Unix(), Due: clock.At(r.Due).Add(-forwardedMargin).Unix()}
	tx := w.st.Begin()
	tx.Check(h, requestKey(h.Scope(), r.ID), "'_v' = ?", r.Version).Else(store.ErrStale) // one that is withdrawn meanwhile does not come here after all
	f.Forward(tx, org, leaders)
	if err := tx.Commit(ctx); err != nil && !errors.Is(err, referrals.ErrForwarded) {
		return err
	}
	if len(leaders) == 0 {
		w.log.Warn("nobody_to_forward_to", telemetry.Case(string(r.ID)))
	}
	return nil
}

// ask looks whether an organization has answered.
func (w *worker) ask(ctx context.Context, r *Request, c *Controller) error {
	org := w.st.BindOrganization(c.Org, w.actor)
	org.SeeRestricted()
	f, err := store.Get[referrals.Referral](ctx, org, referrals.Key(c.Org, r.ID))
	if errors.Is(err, store.ErrMissing) {
		c.Answer, c.Answered = closed, w.clock().Unix()
		return nil
	}
	if err != nil {
		return err
	}
	c.Answer, c.Explanation, c.Answered = f.Answer, f.Explanation, f.Answered
	return nil
}

// returned ends a forwarded request with what the organizations answered.
func (w *worker) returned(tx *store.Tx, h holder, r *Request, now time.Time) error {
	items, denial := make([]request.Item, len(r.Controllers)), denialSilent
	for i, c := range r.Controllers {
		items[i] = request.Item{Name: string(c.Org), Decision: request.Refuse, Ground: denialSilent}
		switch c.Answer {
		case referrals.Acted:
			items[i].Decision, items[i].Ground = request.Act, ""
		case referrals.Refused:
			items[i].Ground, denial = denialController, denialController
		case referrals.NoData, closed:
			items[i].Ground = denialNoData
		}
	}
	if !slices.ContainsFunc(items, func(i request.Item) bool { return i.Ground != denialNoData }) {
		denial = denialNoData
	}
	events := []request.Event{{Type: request.ControllerAnswered, Items: items}}
	acted := slices.ContainsFunc(items, func(i request.Item) bool { return i.Decision == request.Act })
	if acted {
		events = append(events, request.Event{Type: request.Approved})
		for _, i := range items {
			if i.Decision == request.Act {
				events = append(events, request.Event{Type: request.StepDone, Item: i.Name})
			}
		}
		events = append(events, request.Event{Type: request.Finished})
	} else {
		events = append(events, request.Event{Type: request.Refused, Reason: denial})
	}
	for _, e := range events {
		e.At = now
		if err := r.happen(e); err != nil {
			return fmt.Errorf("forwarded: %s: %w", e.Type, err)
		}
	}
	if acted {
		w.answered(tx, h, r)
		return nil
	}
	outbox.Queue(tx, h, MailDenied, store.Join(string(r.ID), "denied"), map[string]string{"case": string(r.ID), "kind": string(r.Kind), "reason": r.Denial}).Else(store.ErrStale)
	return nil
}

// recalls says whether organizations are still to learn that a request which was forwarded to them was withdrawn.
func (r *Request) recalls() bool {
	return r.Processor && r.State == request.Withdrawn && r.Next != 0
}

// recall lets the organizations of a withdrawn request know, each once however often it is tried.
func (w *worker) recall(ctx context.Context, h holder, r *Request, now time.Time) error {
	for i := range r.Controllers {
		if err := w.takeBack(ctx, r, &r.Controllers[i], now); err != nil {
			return err
		}
	}
	was := r.Next
	r.Next = 0
	tx := w.st.Begin()
	r.save(tx, h, was)
	return store.Except(tx.Commit(ctx), store.ErrStale)
}

// takeBack withdraws a request at one organization that it came to, unless that has answered: the answer is kept then.
func (w *worker) takeBack(ctx context.Context, r *Request, c *Controller, now time.Time) error {
	org := w.st.BindOrganization(c.Org, w.actor)
	org.SeeRestricted()
	return store.Again(ctx, store.ErrStale, func() error {
		f, err := store.Get[referrals.Referral](ctx, org, referrals.Key(c.Org, r.ID))
		if err != nil {
			return store.Except(err, store.ErrMissing)
		}
		c.Told = f.Forwarded
		if f.Answer != "" || f.Withdrawn != 0 {
			c.Answer, c.Explanation, c.Answered = f.Answer, f.Explanation, f.Answered
			return nil
		}
		leaders, err := access.Leaders(ctx, org)
		if err != nil {
			return err
		}
		tx := w.st.Begin()
		f.Withdraw(tx, org, leaders, now)
		return tx.Commit(ctx)
	})
}

// untold says whether organizations are still to learn of a request, or that it was withdrawn, which an erasure of its person
// waits for.
func (w *worker) untold(ctx context.Context, h holder, r *Request) (bool, error) {
	if r.Linked == "" || r.Processor {
		return false, nil
	}
	f, err := store.Get[Request](ctx, h, requestKey(h.Scope(), r.Linked))
	if errors.Is(err, store.ErrMissing) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return f.recalls() || f.State.Open() && slices.ContainsFunc(f.Controllers, func(c Controller) bool { return c.Told == 0 }), nil
}
