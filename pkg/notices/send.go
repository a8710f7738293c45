package notices

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/admin/deadline"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// Due is the clock of rounds.
const Due store.DueKind = "notices"

const (
	// page is after how many accounts a round notes how far it is.
	page = 25
	// perRun is how many accounts of a shard one run tells. The next goes on.
	perRun = 5000
	// again is how often a round looks for accounts that were made since, until the effect.
	again = 24 * time.Hour
	// settle is longer than a transaction that makes an account may take from the making of its id.
	settle = 5 * time.Minute
)

// SendNotices tells everybody of what was announced. It notes how far it is, so that whoever runs it next goes on from
// there; who was told is not told again.
func SendNotices() job.Job {
	return job.Job{
		ID: "send-notices", Area: "privacy", Summary: "Tell people of what takes effect later", Purpose: purpose.PrivacyRights, Triggers: []string{"schedule"},
		Run: func(ctx context.Context, r *job.Run) error {
			t := &teller{st: r.Store, p: r.Platform(), actor: r.Actor, now: r.Event.At, settled: r.Settled().Add(-settle), log: r.Log}
			return r.EachDue(ctx, Due, r.Event.At, t.round)
		},
	}
}

type teller struct {
	st      *store.Store
	p       *store.Platform
	actor   store.Actor
	now     time.Time
	settled time.Time // no account whose id is older than this is still being made
	log     *telemetry.Log
}

// round goes on with one round.
func (t *teller) round(ctx context.Context, d *store.Due) error {
	r, err := store.Get[Round](ctx, t.p, d.Target)
	if errors.Is(err, store.ErrMissing) || err == nil && r.Next != d.At {
		return store.Forget(ctx, t.p, d)
	}
	if err != nil {
		return err
	}
	a, err := Find(ctx, t.p, r.Announcement)
	if err != nil {
		return err
	}
	if a.Withdrawn != 0 {
		r.Next = 0
		return store.Except(t.note(ctx, r, d), store.ErrStale)
	}
	last, failed := id.Earliest[id.User](time.UnixMilli(r.Past)), error(nil)
	for done := 0; done < perRun; done += page {
		people, err := access.Subjects(ctx, t.p, r.Shard, last, page)
		if err != nil {
			return errors.Join(failed, err)
		}
		for _, s := range people {
			told, err := t.tell(ctx, a, s.User)
			if err != nil {
				t.log.Error("notice_not_made", telemetry.Object(string(a.ID)), telemetry.Cause(err))
				failed = errors.Join(failed, err)
			}
			if told {
				r.Count++
			}
			if last = s.User; failed == nil && id.Made(s.User).Before(t.settled) {
				r.Past = id.Made(s.User).UnixMilli()
			}
		}
		end := len(people) < page
		if end && failed == nil && r.Passed == 0 {
			r.Passed = t.now.Unix()
		}
		if err := t.note(ctx, r, d); err != nil {
			return store.Except(err, store.ErrStale) // a twin is at it
		}
		if !end {
			continue
		}
		if err := errors.Join(failed, t.complete(ctx, a.ID)); err != nil {
			return err
		}
		t.again(a, r)
		return store.Except(t.note(ctx, r, d), store.ErrStale)
	}
	return failed
}

// again sets when a round that has come to the end of the list goes on: as long as accounts are made that must be told. It is
// the last that a run does, so that whoever dies before leaves the clock as it was.
func (t *teller) again(a *Announcement, r *Round) {
	end := clock.At(a.Effective).Add(after)
	if r.Next = t.now.Add(again).Unix(); r.Next > end.Unix() {
		r.Next = end.Unix()
	}
	if !t.now.Before(end) {
		r.Next = 0
	}
}

// note writes how far a round is.
func (t *teller) note(ctx context.Context, r *Round, d *store.Due) error {
	tx := t.st.Begin()
	tx.Replace(t.p, r)
	if r.Next != d.At {
		tx.Disarm(t.p, d, false)
		if r.Next != 0 {
			tx.Arm(t.p, r.due())
		}
	}
	return tx.Commit(ctx)
}

// tell gives one person a notice with its mail, once, and says whether it did. An account that was deleted gets none.
func (t *teller) tell(ctx context.Context, a *Announcement, user id.User) (told bool, err error) {
	h := t.st.BindUser(user, t.actor)
	h.SeeRestricted()
	err = store.Again(ctx, store.ErrStale, func() error {
		gate, before := new(access.UserGate), new(Notice)
		gates := &store.Fetch{Through: h, Key: access.UserGateKey(user), Row: gate}
		notices := &store.Fetch{Through: h, Key: noticeKey(h.Scope(), a.ID), Row: before}
		if err := t.st.FetchAll(ctx, gates, notices); err != nil {
			return err
		}
		if notices.Err == nil || gates.Err != nil || gate.Deleted != 0 {
			return store.Except(gates.Err, store.ErrMissing)
		}
		if a.Audience == Owners {
			if owner, err := owns(ctx, h); err != nil || !owner {
				return err
			}
		}
		tx := t.st.Begin()
		tx.Create(h, &Notice{Announcement: a.ID, Kind: a.Kind, Object: a.Object, Title: a.Title, Text: a.Text, SHA256: a.SHA256, Effective: a.Effective,
			Told: t.st.Now().Unix(), scope: h.Scope()}).Else(store.ErrStale)
		outbox.Queue(tx, h, MailNotice, string(a.ID), nil)
		if a.Kind == PolicyChange {
			if gate.Changes == nil {
				gate.Changes = map[id.Announcement]int64{}
			}
			gate.Changes[a.ID] = a.Effective
			tx.Replace(h, gate)
		} else {
			tx.Check(h, access.UserGateKey(user), "attribute_not_exists('deleted')").Else(store.ErrStale)
		}
		err := tx.Commit(ctx)
		told = err == nil
		return err
	})
	if err != nil {
		return false, fmt.Errorf("tell: %w", err)
	}
	return told, nil
}

// owns says whether a person owns an organization.
func owns(ctx context.Context, h *store.User) (bool, error) {
	memberships, err := account.Memberships(ctx, h)
	if err != nil {
		return false, err
	}
	belongings, err := account.Belongings(ctx, h.Store(), h.Actor(), memberships)
	return slices.ContainsFunc(belongings, func(b account.Belonging) bool { return b.Access.Role == access.Owner }), err
}

// errPassed says that what waited for an announcement waits for another by now.
var errPassed = errors.New("notices: it waits for another announcement")

// complete notes that everybody has been told, when the last round has passed.
func (t *teller) complete(ctx context.Context, announcement id.Announcement) error {
	all, err := rounds(ctx, t.p, announcement)
	if err != nil || slices.ContainsFunc(all, func(r *Round) bool { return r.Passed == 0 }) {
		return err
	}
	for waits := true; ; waits = false {
		a, err := Find(ctx, t.p, announcement)
		if err != nil || a.Told != 0 || a.Withdrawn != 0 {
			return err
		}
		a.Told = t.now.Unix()
		tx := t.st.Begin()
		tx.Replace(t.p, a)
		deadline.Clear(tx, t.p, string(a.ID), unsent)
		if waits && !a.Waits.IsZero() {
			tx.Change(t.p, a.Waits, func(u *dynamo.Update) { u.Set("told", a.Told).If("'announcement' = ?", a.ID) }).Else(errPassed)
		}
		if err := tx.Commit(ctx); !errors.Is(err, errPassed) {
			return store.Except(err, store.ErrStale) // a twin was first
		}
	}
}
