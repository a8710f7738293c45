package privacy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/admin/heartbeat"
	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invitations"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/record"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// EventRequestReceived is the event of a request that was filed.
const EventRequestReceived = "RequestReceived"

// Names of the items of requests.
const (
	itemData    = "data"    // the package
	itemAccount = "account" // everything of the account
	itemProofs  = "proofs"  // consents, requests and audit records
)

const (
	// erasureMargin is how long before its answer is due an erasure that need not be at once is carried out.
	erasureMargin = 24 * time.Hour
	// lastCall is how long before the due date an unverified request is denied, so that the denial is in time.
	lastCall = 24 * time.Hour
	// silence is how long an acknowledgement may take before somebody is told.
	silence = 24 * time.Hour
	// warning is how long before the due date an open request raises an alarm, every day from then on.
	warning = 5 * 24 * time.Hour
	// mailPatience is how long an erasure waits for its last mail to leave the house.
	mailPatience = 30 * time.Minute
)

// WorkRequests advances open requests: what can be decided by rule is, packages are asked for, erasures are carried
// out, and what is late or stuck is told to people.
func WorkRequests(engine *erasure.Engine) job.Job {
	return job.Job{
		ID: "work-requests", Area: "privacy", Summary: "Advance open privacy requests and watch their deadlines",
		Purpose: purpose.PrivacyRights, Triggers: []string{"schedule", EventRequestReceived, bus.MailSettled{}.Type()},
		Run: func(ctx context.Context, r *job.Run) error {
			w := &worker{st: r.Store, engine: engine, actor: r.Actor, clock: r.Clock, log: r.Log}
			if r.Event.Type != "" {
				var n changed
				if err := json.Unmarshal(r.Event.Detail, &n); err != nil {
					return fmt.Errorf("work requests: read the event: %w", err)
				}
				if r.Event.Type == (bus.MailSettled{}).Type() {
					return w.receipt(ctx, store.Key{PK: n.PK, SK: n.SK}, r.Event.At)
				}
				return w.request(ctx, store.Key{PK: n.PK, SK: n.SK}, r.Event.At, nil)
			}
			requests := r.EachDue(ctx, RequestDue, r.Event.At, func(ctx context.Context, d *store.Due) error { return w.request(ctx, d.Target, r.Event.At, d) })
			packages := r.EachDue(ctx, PackageDue, r.Event.At, w.repackage)
			holds := r.EachDue(ctx, HoldReviewDue, r.Event.At, func(ctx context.Context, d *store.Due) error { return w.remindOfHold(ctx, d, r.Event.At) })
			if failed := errors.Join(requests, packages, holds); failed != nil {
				return failed
			}
			return heartbeat.Beat(ctx, r, "work-requests")
		},
	}
}

type worker struct {
	st     *store.Store
	engine *erasure.Engine
	actor  store.Actor
	clock  func() time.Time
	log    *telemetry.Log
}

// repackage makes a package queued again whose event was lost or whose builder died.
func (w *worker) repackage(ctx context.Context, d *store.Due) error {
	h, _, ok := bind(w.st, w.actor, d.Target)
	if !ok {
		return store.Forget(ctx, w.st.BindPlatform(w.actor), d)
	}
	p, err := store.Get[Package](ctx, h, d.Target)
	if errors.Is(err, store.ErrMissing) {
		return store.Forget(ctx, w.st.BindPlatform(w.actor), d)
	}
	if err != nil {
		return err
	}
	now := w.clock().Unix()
	switch {
	case p.State == PackageReady:
		return store.Forget(ctx, w.st.BindPlatform(w.actor), d)
	case p.State == PackageBuilding && p.ClaimedUntil > now:
		return nil
	}
	p.State, p.Asked = PackageQueued, now
	tx := w.st.Begin()
	tx.Rewrite(h, p)
	tx.Disarm(h, d, false)
	tx.Arm(h, p.due())
	w.log.Warn("package_again", telemetry.Kind(string(p.Kind)), telemetry.Count(p.Attempts))
	return store.Except(tx.Commit(ctx), store.ErrStale) // whoever was first has its way; the clock rings again
}

// request advances one request. D is the due row that led to it, nil when an event did.
func (w *worker) request(ctx context.Context, key store.Key, now time.Time, d *store.Due) error {
	h, r, err := w.find(ctx, key)
	if err != nil {
		return err
	}
	if r == nil || r.Next == 0 {
		return store.Forget(ctx, w.st.BindPlatform(w.actor), d)
	}
	if d != nil && d.At != r.Next && h.Scope().String() == scopeOf(key) {
		return store.Forget(ctx, w.st.BindPlatform(w.actor), d) // an older clock of the request
	}
	if r.Next > now.Unix() {
		return nil
	}
	if moved, err := w.moves(ctx, h, r, key); err != nil || moved && !r.Destroying {
		if err == nil && r.recalls() {
			return store.Forget(ctx, w.st.BindPlatform(w.actor), d) // which organizations it was, is not known any more
		}
		return err // another erasure of its person has begun, and will close it
	}
	return w.advance(ctx, h, r, key, now, d)
}

// moves says whether a request was moved by an erasure, from where its clock says it is, or to where nobody is who has only
// written to us. A report about a child's account lies with its link, where nobody ever is, and is not moved.
func (w *worker) moves(ctx context.Context, h holder, r *Request, key store.Key) (bool, error) {
	hash, ok := h.Scope().Case()
	if !ok || h.Scope().String() != scopeOf(key) {
		return ok, nil
	}
	if r.Kind == request.ChildReport {
		return false, nil
	}
	_, err := store.Get[correspondents.Correspondent](ctx, h, correspondents.Key(hash))
	if errors.Is(err, store.ErrMissing) {
		return true, nil
	}
	return false, err
}

func scopeOf(key store.Key) string {
	s, _ := store.ScopeOf(key.PK)
	return s.String()
}

// find reads a request where its clock says it is, or, once its person has been erased, under the keyed hash.
func (w *worker) find(ctx context.Context, key store.Key) (holder, *Request, error) {
	h, _, ok := bind(w.st, w.actor, key)
	if !ok {
		return nil, nil, nil
	}
	r, err := store.Get[Request](ctx, h, key)
	if err == nil {
		return h, r, nil
	}
	if !errors.Is(err, store.ErrMissing) {
		return nil, nil, err
	}
	subject := ""
	if user, ok := h.Scope().User(); ok {
		subject = w.engine.Subject(erasure.ScopeAccount, string(user))
	} else if hash, ok := h.Scope().Case(); ok {
		subject = w.engine.Subject(erasure.ScopeCorrespondent, hash)
	} else {
		return nil, nil, nil
	}
	c := w.st.BindCase(subject, w.actor)
	c.SeeRestricted()
	r, err = store.Get[Request](ctx, c, store.Key{PK: c.Scope().Partition(FamilyRequest), SK: key.SK})
	if errors.Is(err, store.ErrMissing) {
		return nil, nil, nil
	}
	return c, r, err
}

// advance takes a request as far as rules can.
func (w *worker) advance(ctx context.Context, h holder, r *Request, key store.Key, now time.Time, d *store.Due) error {
	switch {
	case r.recalls():
		return w.recall(ctx, h, r, now)
	case !r.State.Open():
		return w.recheck(ctx, h, r, now)
	case r.forwards():
		if err := w.seek(ctx, h, r, now); err != nil {
			return store.Except(err, store.ErrStale)
		}
	}
	was := r.Next
	if err := observe(ctx, h, r, now); err != nil {
		return err
	}
	w.watch(r, now)
	tx := w.st.Begin()
	switch {
	case r.State == request.IdentityPending:
		if err := w.pending(tx, h, r, now); err != nil {
			return err
		}
	case r.Processor:
		if err := w.forwarded(ctx, tx, h, r, now); err != nil {
			return store.Except(err, store.ErrStale)
		}
	case r.Kind.Discloses() && (r.State == request.Verified || r.State == request.InReview):
		if err := w.disclose(tx, h, r, now); err != nil {
			return err
		}
	case r.Kind == request.Erasure:
		return w.erase(ctx, h, r, key, now, was)
	case (r.Kind == request.Restriction || r.Kind == request.RestrictionLift) && r.State == request.Verified:
		if err := w.restrict(ctx, tx, h, r, now); err != nil {
			return err
		}
	case r.Kind == request.ChildReport && r.State == request.Executing:
		return w.eraseChild(ctx, h, r, now, was)
	case r.Kind == request.ChildReport && r.State == request.Verified:
		if err := w.lookAt(ctx, tx, h, r, now); err != nil {
			return err
		}
	case r.State == request.Verified && r.Channel != channelAPI && r.Kind.Immediate() && !r.Kind.Destroys():
		if err := w.take(ctx, tx, h, r, now); err != nil {
			return err
		}
	case r.State == request.Verified:
		if err := w.handOver(r, now); err != nil {
			return err
		}
	default:
		r.Next = watchAt(r, now)
	}
	r.save(tx, h, was)
	return store.Except(tx.Commit(ctx), store.ErrStale) // whoever was first has its way; the clock rings again
}

// handOver gives a request to people, who decide what becomes of it.
func (w *worker) handOver(r *Request, now time.Time) error {
	if err := r.happen(request.Event{Type: request.Scoped, At: now, Items: []request.Item{{Name: string(r.Kind), Decision: request.Act}}}); err != nil {
		return err
	}
	w.log.Warn("request_needs_people", telemetry.Case(string(r.ID)), telemetry.Kind(string(r.Kind)))
	r.Next = watchAt(r, now)
	return nil
}

// take lets take effect what was asked for without a session. An objection that must be weighed goes to people as well; that of
// somebody without an account keeps invitations from their address, too.
func (w *worker) take(ctx context.Context, tx *store.Tx, h holder, r *Request, now time.Time) error {
	newest, err := newestActs(ctx, h)
	if err != nil {
		return err
	}
	if err := effect(ctx, tx, h, r, newest, r.Channel, ""); err != nil {
		return err
	}
	if hash, ok := h.Scope().Case(); ok && r.Kind == request.Objection {
		if err := invitations.LeaveAlone(ctx, tx, w.st.BindCase(hash, w.actor), invitations.WhyObjection); err != nil {
			return err
		}
	}
	if r.Kind == request.Objection && weighed(r.PurposeOf) {
		return w.handOver(r, now)
	}
	if err := r.done(now); err != nil {
		return err
	}
	w.answered(tx, h, r)
	return nil
}

// answered queues the mail about the end of a request.
func (w *worker) answered(tx *store.Tx, h holder, r *Request) {
	outbox.Queue(tx, h, MailAnswered, store.Join(string(r.ID), "answered"), map[string]string{"case": string(r.ID), "kind": string(r.Kind), "state": string(r.State)}).Else(store.ErrStale)
}

// watchAt is when an open request that waits for somebody is looked at again.
func watchAt(r *Request, now time.Time) int64 {
	next := now.Add(24 * time.Hour)
	if first := clock.At(r.Due).Add(-warning); now.Before(first) && first.Before(next) {
		next = first
	}
	return next.Unix()
}

// watch tells people of what is late or stuck, once a day.
func (w *worker) watch(r *Request, now time.Time) {
	if !r.State.Open() || r.Alarmed > now.Add(-23*time.Hour).Unix() {
		return
	}
	what := ""
	switch {
	case now.After(clock.At(r.Due)):
		what = "request_overdue"
	case now.After(clock.At(r.Due).Add(-warning)):
		what = "request_due_soon"
	case r.AckFailed != 0, r.Acknowledged == 0 && !r.Processor && now.After(clock.At(r.Received).Add(silence)):
		what = "request_not_acknowledged"
	}
	if what == "" {
		return
	}
	r.Alarmed = now.Unix()
	w.log.Error(what, telemetry.Case(string(r.ID)), telemetry.Kind(string(r.Kind)), telemetry.Lag(now.Sub(clock.At(r.Due))))
}

// receipt records on a request what became of the mail that acknowledged it.
func (w *worker) receipt(ctx context.Context, mail store.Key, now time.Time) error {
	h, _, ok := bind(w.st, w.actor, mail)
	if !ok {
		return nil
	}
	for try := 0; ; try++ {
		m, err := store.Get[outbox.Mail](ctx, h, mail)
		if err != nil {
			return store.Except(err, store.ErrMissing)
		}
		r, err := store.Get[Request](ctx, h, requestKey(h.Scope(), id.Case(m.Ids["case"])))
		if err != nil {
			return store.Except(err, store.ErrMissing)
		}
		was := *r
		if err := observe(ctx, h, r, now); err != nil || !r.State.Open() || r.Acknowledged == was.Acknowledged && r.AckFailed == was.AckFailed {
			return err
		}
		tx := w.st.Begin()
		r.save(tx, h, was.Next)
		if err := tx.Commit(ctx); !errors.Is(err, store.ErrStale) || try == 3 {
			return err
		}
	}
}

// observe records what became of the acknowledgement. One that came back after it had left counts as failed.
func observe(ctx context.Context, h holder, r *Request, now time.Time) error {
	if r.AckFailed != 0 || !r.State.Open() {
		return nil
	}
	m, err := store.Get[outbox.Mail](ctx, h, outbox.Key(h.Scope(), string(r.ID)))
	if errors.Is(err, store.ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	switch m.State {
	case outbox.Sent, outbox.Delivered, outbox.Complained:
		if r.Acknowledged != 0 {
			return nil
		}
		return r.happen(request.Event{Type: request.AcknowledgementSent, At: clock.At(m.SentAt)})
	case outbox.Bounced, outbox.Failed, outbox.Dropped:
		return r.happen(request.Event{Type: request.AcknowledgementFailed, At: now})
	}
	return nil
}

// pending denies a request whose proof of identity never came, in time for the answer.
func (w *worker) pending(tx *store.Tx, h holder, r *Request, now time.Time) error {
	if now.Before(clock.At(r.Due).Add(-lastCall)) {
		r.Next = clock.At(r.Due).Add(-lastCall).Unix()
		return nil
	}
	if err := r.happen(request.Event{Type: request.IdentityFailed, At: now}); err != nil {
		return err
	}
	outbox.Queue(tx, h, MailDenied, store.Join(string(r.ID), "denied"), map[string]string{"case": string(r.ID), "kind": string(r.Kind), "reason": r.Denial}).Else(store.ErrStale)
	return nil
}

// disclose approves a request that a package answers, and asks for the package.
func (w *worker) disclose(tx *store.Tx, h holder, r *Request, now time.Time) error {
	if r.State == request.Verified {
		if err := r.happen(request.Event{Type: request.Scoped, At: now, Items: []request.Item{{Name: itemData, Decision: request.Act}}}); err != nil {
			return err
		}
	}
	if err := r.happen(request.Event{Type: request.Approved, At: now}); err != nil {
		return err
	}
	r.Package = AskForPackage(tx, h, r.Kind, r.ID)
	r.Next = watchAt(r, now)
	return nil
}

// restrict tells the organisations of a person whether processing is restricted, and ends the request. The person's own
// gate was marked with the call that asked for a restriction; a lift clears it here, unless the person has asked for
// another since. Requests may be worked on in any order: what counts is what the gate says when all are done.
func (w *worker) restrict(ctx context.Context, tx *store.Tx, h holder, r *Request, now time.Time) error {
	on := r.Kind == request.Restriction
	user, ok := h.Scope().User()
	if !ok {
		return w.restrictCorrespondent(ctx, tx, h, r, on, now)
	}
	u := w.st.BindUser(user, w.actor)
	u.SeeDue() // what comes before the sweep
	gate, err := store.Get[access.UserGate](ctx, u, access.UserGateKey(user))
	if err != nil {
		return err
	}
	if !id.Made(gate.RestrictedBy).After(id.Made(r.ID)) {
		switch {
		case !on:
			gate.Restrict, gate.RestrictedBy = false, ""
		case r.Channel != channelAPI: // otherwise the call has done it
			gate.Restrict, gate.RestrictedBy = true, r.ID
		}
	}
	memberships, err := Memberships(ctx, h, w.engine.Map)
	if err != nil {
		return err
	}
	for _, m := range memberships {
		if err := w.restrictIn(ctx, m, gate.Restrict); err != nil {
			return err
		}
	}
	if err := r.done(now); err != nil {
		return err
	}
	tx.Rewrite(u, gate) // of two that meet here the second looks again
	w.answered(tx, h, r)
	return nil
}

// restrictCorrespondent marks everything that a correspondent wrote to support, or takes the marks off: what is marked is
// stored, and neither shown to staff nor changed nor deleted. What comes later is marked by nobody, for they sent it since.
// No invitation is mailed to the address meanwhile.
func (w *worker) restrictCorrespondent(ctx context.Context, tx *store.Tx, h holder, r *Request, on bool, now time.Time) error {
	for _, t := range w.engine.Map.In(registry.InCase) {
		if t.Class != registry.ClassSupport || t.Subject != registry.SubjectMember {
			continue
		}
		parts, err := record.Partitions(ctx, h, w.engine.Map, registry.InCase, t.Family)
		if err != nil {
			return err
		}
		for _, p := range parts {
			err := record.Walk(ctx, h, store.Query{Partition: p}, func(row *record.Row) error {
				mark := w.st.Begin()
				mark.Change(h, row.Key(), func(u *dynamo.Update) {
					if on {
						u.Set("restricted", true)
					} else {
						u.Remove("restricted")
					}
				}).Else(nil)
				return mark.Commit(ctx)
			})
			if err != nil {
				return err
			}
		}
	}
	hash, _ := h.Scope().Case()
	address := w.st.BindCase(hash, w.actor)
	var err error
	if on {
		err = invitations.LeaveAlone(ctx, tx, address, invitations.WhyRestriction)
	} else {
		err = invitations.InviteAgain(ctx, tx, address)
	}
	if err != nil {
		return err
	}
	if err := r.done(now); err != nil {
		return err
	}
	w.answered(tx, h, r)
	return nil
}

// restrictIn puts a member on the list of an organisation's gate, or takes it off.
func (w *worker) restrictIn(ctx context.Context, m Membership, on bool) error {
	org := w.st.BindOrganization(m.Organization, w.actor)
	for try := 0; ; try++ {
		gate, err := store.Get[access.OrganizationGate](ctx, org, access.OrganizationGateKey(m.Organization))
		if errors.Is(err, store.ErrMissing) || err == nil && slices.Contains(gate.RestrictedMembers, m.Member) == on {
			return nil
		}
		if err != nil {
			return err
		}
		if on {
			gate.RestrictedMembers = append(gate.RestrictedMembers, m.Member)
		} else {
			gate.RestrictedMembers = slices.DeleteFunc(gate.RestrictedMembers, func(x id.Member) bool { return x == m.Member })
		}
		tx := w.st.Begin()
		tx.Replace(org, gate)
		if err := tx.Commit(ctx); !errors.Is(err, store.ErrStale) || try == 3 {
			return err
		}
	}
}

// erase takes an erasure through its states. Each state is saved before the next begins, so that a run that dies leaves
// a request that says truly how far it is.
func (w *worker) erase(ctx context.Context, h holder, r *Request, key store.Key, now time.Time, was int64) error {
	step := func(what func(tx *store.Tx) error) error {
		tx := w.st.Begin()
		if err := what(tx); err != nil {
			return err
		}
		r.save(tx, h, was)
		if err := tx.Commit(ctx); err != nil {
			return err
		}
		was = r.Next
		return nil
	}
	if r.State == request.Verified {
		if err := step(func(*store.Tx) error { return w.scopeErasure(h, r, now) }); err != nil {
			return store.Except(err, store.ErrStale)
		}
	}
	if r.State == request.InReview {
		when := clock.At(r.Due).Add(-erasureMargin)
		if !r.AtOnce && now.Before(when) {
			if r.Next = when.Unix(); r.Next == was {
				return nil
			}
			return store.Except(step(func(*store.Tx) error { return nil }), store.ErrStale)
		}
		if untold, err := w.untold(ctx, h, r); err != nil {
			return err
		} else if untold {
			r.Next = now.Add(time.Minute).Unix()
			return store.Except(step(func(*store.Tx) error { return nil }), store.ErrStale)
		}
		err := step(func(tx *store.Tx) error {
			if err := r.happen(request.Event{Type: request.Approved, At: now}); err != nil {
				return err
			}
			outbox.Queue(tx, h, MailErasure, store.Join(string(r.ID), "erasing"), map[string]string{"case": string(r.ID), "kind": string(r.Kind)}).Else(store.ErrStale)
			r.Next = now.Add(time.Minute).Unix()
			return nil
		})
		if err != nil {
			return store.Except(err, store.ErrStale)
		}
	}
	if r.State != request.Executing {
		return nil
	}
	if waiting, err := w.lastMail(ctx, h, r, now); err != nil {
		return err
	} else if waiting {
		r.Next = now.Add(time.Minute).Unix()
		return store.Except(step(func(*store.Tx) error { return nil }), store.ErrStale)
	}
	return w.execute(ctx, r, key, now, step)
}

// scopeErasure decides what goes and what stays.
func (w *worker) scopeErasure(h holder, r *Request, now time.Time) error {
	if _, ok := h.Scope().Case(); ok {
		return r.happen(request.Event{Type: request.Scoped, At: now, Items: []request.Item{
			{Name: itemAccount, Decision: request.Act},
			{Name: itemProofs, Decision: request.Retain, Ground: "legal_obligation: requests are kept under a keyed hash, without what leads to you",
				Until: clocks.AddMonths(now, retention.RequestMonths)},
		}})
	}
	return r.happen(request.Event{Type: request.Scoped, At: now, Items: []request.Item{
		{Name: itemAccount, Decision: request.Act},
		{Name: itemProofs, Decision: request.Retain, Ground: "legal_obligation: consents, requests and audit records are kept under a keyed hash, without what leads to you",
			Until: clocks.AddYears(now, retention.AuditYears)},
	}})
}

// lastMail says whether the mail about the erasure is still to be sent.
func (w *worker) lastMail(ctx context.Context, h holder, r *Request, now time.Time) (bool, error) {
	if now.Sub(clock.At(r.Decided)) > mailPatience {
		return false, nil
	}
	m, err := store.Get[outbox.Mail](ctx, h, outbox.Key(h.Scope(), store.Join(string(r.ID), "erasing")))
	if errors.Is(err, store.ErrMissing) {
		return false, nil
	}
	return err == nil && (m.State == outbox.Queued || m.State == outbox.Sending), err
}

// execute erases the account of a request and closes the request, which by then lies under the keyed hash.
func (w *worker) execute(ctx context.Context, r *Request, key store.Key, now time.Time, step func(func(*store.Tx) error) error) error {
	scope, _ := store.ScopeOf(key.PK)
	begin := func(context.Context) error {
		if r.Destroying {
			return nil
		}
		err := step(func(*store.Tx) error { return r.destroy(now) })
		if errors.Is(err, store.ErrStale) {
			return erasure.ErrBusy // somebody else wrote the request
		}
		return err
	}
	due := store.NewDue(RequestDue, clock.At(r.Next), key)
	cause := erasure.Cause{Case: r.ID, Begin: begin, Final: w.close(ctx, r.ID, key, now, due)}
	res, err := erasure.Result{}, error(nil)
	if user, ok := scope.User(); ok {
		res, err = w.engine.Account(ctx, w.actor, user, cause)
	} else if hash, ok := scope.Case(); ok {
		res, err = w.engine.Correspondent(ctx, w.actor, hash, cause)
	}
	return w.erased(r.ID, res, err)
}

// erased says how an erasure for a request went. One that another run is at, that is not yet due or that is held is tried
// again: its due row stays.
func (w *worker) erased(c id.Case, res erasure.Result, err error) error {
	switch {
	case errors.Is(err, erasure.ErrBusy), errors.Is(err, erasure.ErrSoon):
		return nil
	case errors.Is(err, erasure.ErrHeld):
		w.log.Error("erasure_held", telemetry.Case(string(c)))
		return nil
	case err != nil:
		return err
	}
	w.log.Info("erased", telemetry.Case(string(c)), telemetry.Count(res.Count))
	return nil
}

// destroy notes that the ledger has the erasure of a request, and that it begins.
func (r *Request) destroy(now time.Time) error {
	for _, t := range []request.EventType{request.LedgerWritten, request.DestructionBegun} {
		if err := r.happen(request.Event{Type: t, At: now}); err != nil {
			return err
		}
	}
	return nil
}

// close adds the end of a request to the last transaction of its erasure.
func (w *worker) close(ctx context.Context, c id.Case, key store.Key, now time.Time, due *store.Due) func(*store.Tx, *store.Platform, erasure.Result) error {
	return func(tx *store.Tx, p *store.Platform, res erasure.Result) error {
		h := w.st.BindCase(res.Subject, w.actor)
		r, err := store.Get[Request](ctx, h, store.Key{PK: h.Scope().Partition(FamilyRequest), SK: key.SK})
		if err != nil {
			return fmt.Errorf("close the request: %w", err)
		}
		for _, e := range []request.Event{{Type: request.StepDone, Item: itemAccount, Count: res.Count, At: now}, {Type: request.Finished, At: now}} {
			if err := r.happen(e); err != nil {
				return fmt.Errorf("close the request: %s: %w", e.Type, err)
			}
		}
		tx.Disarm(p, due, false)
		tx.Rewrite(h, r)
		r.line(tx, h)
		logPurge(tx, p, "erasure-request", now, clock.At(r.Due), res.Count, res.Kept)
		from, _ := store.ScopeOf(key.PK)
		return w.closeOpen(ctx, tx, p, from, res.Subject, c, now)
	}
}
