package privacy

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/privacy/record"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// The families of legal holds: each hold, and what is held by one or more of them.
const (
	FamilyHold    store.Family = "HOLD"
	FamilyCustody store.Family = "CUSTODY"
)

// HoldReviewDue is the clock of active holds: when somebody must say that one is still needed.
const HoldReviewDue store.DueKind = "hold-review"

// HoldReview is how often that is.
const HoldReview = 90 * 24 * time.Hour

// The states of a hold.
const (
	holdActive = "active"
	holdLifted = "lifted"
)

// The kinds of things that can be held, each one row.
const (
	heldAccount      = "account"
	heldOrganization = "organization"
	heldClient       = "client"
	heldProject      = "project"
	heldInvoice      = "invoice"
	heldFile         = "file"
)

// Hold is one legal hold (GDPR Art. 17(3)(e)): one thing, for one matter. What it holds is not deleted by anybody until it
// is lifted.
type Hold struct {
	store.Meta
	ID           id.Hold         `dynamo:"id"`
	Matter       string          `dynamo:"matter"` // the file number of the legal matter
	Kind         string          `dynamo:"kind"`
	Object       string          `dynamo:"object,omitempty"` // the id of what is held; of an account only while it is
	Organization id.Organization `dynamo:"org,omitempty"`
	State        string          `dynamo:"state"`
	Placed       int64           `dynamo:"placed"` // epoch seconds, as all times here
	PlacedBy     id.Staff        `dynamo:"placed_by"`
	Reviewed     int64           `dynamo:"reviewed,omitempty"`
	ReviewedBy   id.Staff        `dynamo:"reviewed_by,omitempty"`
	Review       int64           `dynamo:"review"`         // by when the next review is owed
	Next         int64           `dynamo:"next,omitempty"` // when its clock rings; 0 when it is lifted
	Lifted       int64           `dynamo:"lifted,omitempty"`
	LiftedBy     id.Staff        `dynamo:"lifted_by,omitempty"`
}

// Type is the row's type.
func (h *Hold) Type() string { return "HOLD" }

// Keys puts holds under their id, and lists those of a state by the date of their review.
func (h *Hold) Keys() store.Keys {
	return store.Keys{Primary: holdKey(h.ID), Index1: store.Key{PK: store.PlatformScope().Partition(FamilyHold, h.State),
		SK: store.Join(store.Instant(clock.At(h.Review)), string(h.ID))}}
}

func holdKey(h id.Hold) store.Key { return store.PlatformScope().Key(FamilyHold, string(h)) }

func (h *Hold) due() *store.Due { return store.NewDue(HoldReviewDue, clock.At(h.Next), holdKey(h.ID)) }

// save writes a hold that was read, with its due row moved from where it was.
func (h *Hold) save(tx *store.Tx, p *store.Platform, was int64) {
	if was != 0 && was != h.Next {
		old := *h
		old.Next = was
		tx.Disarm(p, old.due(), false)
	}
	if h.Next != 0 && was != h.Next {
		tx.Arm(p, h.due())
	}
	tx.Replace(p, h)
}

// Custody is what is held, by which holds, and the times at which it would have gone. It goes with the last of them.
type Custody struct {
	store.Meta
	Object    string    `dynamo:"object"`
	Kind      string    `dynamo:"kind"`
	Target    store.Key `dynamo:"target"`
	Holds     []id.Hold `dynamo:"holds"`
	ExpiresAs int64     `dynamo:"expires_was,omitempty"` // epoch seconds of its TTL
	DueAs     int64     `dynamo:"due_was,omitempty"`     // epoch seconds of its due row
}

// Type is the row's type.
func (c *Custody) Type() string { return "CUSTODY" }

// Keys puts what is held under its own id, which no two things share.
func (c *Custody) Keys() store.Keys { return store.Keys{Primary: custodyKey(c.Object)} }

func custodyKey(object string) store.Key { return store.PlatformScope().Key(FamilyCustody, object) }

// thing is what a hold is about: its row, and the handle that reaches it. That handle is bound by an id that somebody with
// the right to hold things has named; nothing of the row is shown to them.
type thing struct {
	kind   string
	object string
	org    id.Organization
	h      holder
	key    store.Key
	late   bool // whether it may be past its time
}

// errNoThing says that an id is none of the kind named.
var errNoThing = errors.New("privacy: not an id of such a thing")

// thingOf finds where a thing lies. It reads past its time when due is set.
func thingOf(st *store.Store, actor store.Actor, kind, object string, org id.Organization, due bool) (*thing, error) {
	t := &thing{kind: kind, object: object, org: org, late: due}
	if kind == heldAccount {
		user, err := id.Parse[id.User](object)
		if err != nil || org != "" {
			return nil, errNoThing
		}
		h := st.BindUser(user, actor)
		h.SeeRestricted()
		if due {
			h.SeeDue()
		}
		t.h, t.key = h, access.UserGateKey(user)
		return t, nil
	}
	if kind == heldOrganization {
		parsed, err := id.Parse[id.Organization](object)
		if err != nil || org != "" && org != parsed {
			return nil, errNoThing
		}
		org = parsed
	}
	if _, err := id.Parse[id.Organization](string(org)); err != nil {
		return nil, errNoThing
	}
	h := st.BindOrganization(org, actor)
	h.SeeRestricted()
	if due {
		h.SeeDue()
	}
	t.h, t.org = h, org
	var err error
	switch kind {
	case heldOrganization:
		t.key = access.OrganizationGateKey(org)
	case heldClient:
		_, err = id.Parse[id.Client](object)
		t.key = h.Scope().Key("CLIENT", object)
	case heldProject:
		_, err = id.Parse[id.Project](object)
		t.key = h.Scope().Key("PROJECT", object)
	case heldInvoice:
		_, err = id.Parse[id.Invoice](object)
		t.key = h.Scope().Key("INVOICE", object)
	case heldFile:
		_, err = id.Parse[id.File](object)
		t.key = h.Scope().Key("STOREDFILE", object)
	default:
		err = errNoThing
	}
	if err != nil {
		return nil, errNoThing
	}
	return t, nil
}

// clock gives the due row of a thing that is deleted by one, nil when it has none.
func (t *thing) clock(row *record.Row, dueAt int64) *store.Due {
	kind := map[string]store.DueKind{heldAccount: retention.AccountPurge, heldOrganization: retention.OrganizationPurge, heldInvoice: retention.InvoicePurge, heldProject: retention.ProjectPurge}[t.kind]
	switch t.kind {
	case heldInvoice:
		dueAt = number(row, "keep_until")
	case heldProject:
		dueAt = number(row, "clock")
	}
	if kind == "" || dueAt == 0 {
		return nil
	}
	return store.NewDue(kind, clock.At(dueAt), t.key)
}

// dueAgain is when a thing that is held no longer is due: an account or organization by what became of it meanwhile, any
// other thing when it was before.
func (t *thing) dueAgain(row *record.Row, was int64) int64 {
	switch t.kind {
	case heldAccount:
		if deleted := number(row, "deleted"); deleted != 0 {
			return clock.At(deleted).Add(retention.Account).Unix()
		}
		return 0
	case heldOrganization:
		if access.Status(row.Text("status")) == access.Closed {
			return clock.At(number(row, "closing_at")).Add(retention.Organization).Unix()
		}
		return 0
	}
	return was
}

// number gives a number attribute, 0 when there is none.
func number(row *record.Row, name string) int64 {
	text, _ := row.Attributes()[name].(json.Number)
	n, err := text.Int64()
	if err != nil {
		return 0
	}
	return n
}

// seize adds to a transaction that a thing is held by one hold more: with the first its mark is set, and TTL, due row and
// wake row are taken off. The thing must be there, else store.ErrMissing.
func (t *thing) seize(ctx context.Context, tx *store.Tx, p *store.Platform, hold id.Hold) error {
	row, err := store.Get[record.Row](ctx, t.h, t.key)
	if err != nil {
		return err
	}
	c, err := store.Get[Custody](ctx, p, custodyKey(t.object))
	if err == nil {
		c.Holds = append(c.Holds, hold)
		tx.Check(t.h, t.key, "attribute_exists('held')").Else(store.ErrStale)
		tx.Replace(p, c)
		return nil
	}
	if !errors.Is(err, store.ErrMissing) {
		return err
	}
	tx.Create(p, &Custody{Object: t.object, Kind: t.kind, Target: t.key, Holds: []id.Hold{hold}, ExpiresAs: row.ExpiresAt, DueAs: row.DueAt}).Else(store.ErrStale)
	if d := t.clock(row, row.DueAt); d != nil {
		tx.Disarm(p, d, true)
	}
	row.Held = true
	if t.late {
		row.ExpiresAt, row.DueAt = 0, 0
		tx.Rewrite(t.h, row)
		return nil
	}
	tx.Replace(t.h, row)
	return nil
}

// release adds to a transaction that a thing is held by one hold less: with the last the mark goes, and the times come
// back, those that have passed meanwhile too.
func (t *thing) release(ctx context.Context, tx *store.Tx, p *store.Platform, hold id.Hold, now time.Time) (last bool, err error) {
	c, err := store.Get[Custody](ctx, p, custodyKey(t.object))
	if errors.Is(err, store.ErrMissing) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	c.Holds = slices.DeleteFunc(c.Holds, func(h id.Hold) bool { return h == hold })
	if len(c.Holds) > 0 {
		tx.Replace(p, c)
		return false, nil
	}
	tx.Delete(p, c)
	row, err := store.Get[record.Row](ctx, t.h, t.key)
	if errors.Is(err, store.ErrMissing) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	row.Held, row.DueAt = false, t.dueAgain(row, c.DueAs)
	if d := t.clock(row, row.DueAt); d != nil {
		tx.ArmWake(p, d)
	}
	if c.ExpiresAs != 0 {
		row.ExpiresAt = max(c.ExpiresAs, now.Add(-24*time.Hour).Unix()) // TTL passes over what is years late
	}
	tx.Rewrite(t.h, row)
	return true, nil
}

// rerun adds to a transaction that what requests of a person had kept under a hold is now to be done: the same requests go
// on.
func (t *thing) rerun(ctx context.Context, tx *store.Tx, now time.Time) error {
	if t.kind != heldAccount {
		return nil
	}
	var failed error
	err := each(ctx, t.h, FamilyRequest, func(r *Request) {
		was, open := r.Next, false
		for _, i := range r.status().Retained() {
			if i.Ground == groundHold && request.May(r.State, request.DutyEnded) {
				failed = errors.Join(failed, r.happen(request.Event{Type: request.DutyEnded, Item: i.Name, At: now}))
				open = true
			}
		}
		if open {
			r.Next = now.Unix()
			r.save(tx, t.h, was)
		}
	})
	return errors.Join(err, failed)
}

// lift adds to a transaction that a hold ends. The caller saves the hold.
func (h *Hold) lift(ctx context.Context, st *store.Store, actor store.Actor, tx *store.Tx, p *store.Platform, now time.Time, by id.Staff) error {
	t, err := thingOf(st, actor, h.Kind, h.Object, h.Organization, true)
	if err != nil {
		return err
	}
	last, err := t.release(ctx, tx, p, h.ID, now)
	if err != nil {
		return err
	}
	if last {
		if err := t.rerun(ctx, tx, now); err != nil {
			return err
		}
	}
	h.end(now, by)
	return nil
}

// end makes a hold one that was lifted.
func (h *Hold) end(now time.Time, by id.Staff) {
	h.State, h.Lifted, h.LiftedBy, h.Next = holdLifted, now.Unix(), by, 0
	if h.Kind == heldAccount {
		h.Object = ""
	}
	h.Expire(clocks.AddYears(now, retention.AuditYears))
}

// remindOfHold tells people of a hold whose review is owed, once a day until it is done.
func (w *worker) remindOfHold(ctx context.Context, d *store.Due, now time.Time) error {
	p := w.st.BindPlatform(w.actor)
	h, err := store.Get[Hold](ctx, p, d.Target)
	if errors.Is(err, store.ErrMissing) || err == nil && h.Next != d.At {
		return store.Forget(ctx, p, d)
	}
	if err != nil {
		return err
	}
	w.log.Error("hold_review_due", telemetry.Object(string(h.ID)), telemetry.Lag(now.Sub(clock.At(h.Review))))
	was := h.Next
	h.Next = now.Add(24 * time.Hour).Unix()
	tx := w.st.Begin()
	h.save(tx, p, was)
	return store.Except(tx.Commit(ctx), store.ErrStale)
}

// recheck lets a closed request go on whose kept items are no longer under a duty.
func (w *worker) recheck(ctx context.Context, h holder, r *Request, now time.Time) error {
	was := r.Next
	for _, i := range r.status().Retained() {
		if i.Until.After(now) {
			continue
		}
		if err := r.happen(request.Event{Type: request.DutyEnded, Item: i.Name, At: now}); err != nil {
			return err
		}
	}
	if !r.State.Open() {
		r.Next = r.rechecked()
	} else {
		w.log.Warn("request_needs_people", telemetry.Case(string(r.ID)), telemetry.Kind(string(r.Kind)))
		r.Next = watchAt(r, now)
	}
	tx := w.st.Begin()
	r.save(tx, h, was)
	return store.Except(tx.Commit(ctx), store.ErrStale)
}

// rechecked is when the first of the duties ends that a request which people worked on keeps something under; 0 when there
// is none.
func (r *Request) rechecked() int64 {
	if !byPeople(r.Kind) || r.State != request.PartiallyFulfilled {
		return 0
	}
	first := int64(0)
	for _, i := range r.status().Retained() {
		if until := clock.Epoch(i.Until); until != 0 && (first == 0 || until < first) {
			first = until
		}
	}
	return first
}

// keepUntil is when a request that is closed goes: 36 months after its end, and after that of the last duty that it keeps
// something under.
func (r *Request) keepUntil(closed time.Time) time.Time {
	last := closed
	if byPeople(r.Kind) {
		for _, i := range r.status().Retained() {
			if i.Until.After(last) {
				last = i.Until
			}
		}
	}
	return clocks.AddMonths(last, retention.RequestMonths)
}
