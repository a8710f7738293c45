package notices_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/admin/deadline"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

type world struct {
	*apitest.World
	p *store.Platform
}

func newWorld(t *testing.T) *world {
	w := &world{World: apitest.New(t)}
	w.p = w.Store.BindPlatform(store.Actor{Who: "test"})
	return w
}

func (w *world) commit(tx *store.Tx) {
	w.T.Helper()
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
}

// person is somebody with an account, on the list of all accounts: the owner of an organization, or another of its members.
func (w *world) person(owner bool) apitest.Caller {
	w.T.Helper()
	c := w.Organization()
	if !owner {
		c = w.Member(c.Org, access.Contributor)
	}
	tx := w.Store.Begin()
	access.Enlist(tx, w.p, c.User)
	tx.Create(w.Store.BindUser(c.User, store.Actor{Who: "test"}), &account.Membership{User: c.User, Organization: c.Org, Member: c.Member, Joined: w.Clock.Now().Unix()})
	w.commit(tx)
	return c
}

func (w *world) announce(k notices.Kind, to notices.Audience) *notices.Announcement {
	w.T.Helper()
	a := &notices.Announcement{ID: id.New[id.Announcement](w.Store.IDs()), Kind: k, Object: "2", Audience: to, Title: "It changes", Text: "This and that.",
		Effective: w.Clock.Now().Add(notices.Advance).Unix()}
	tx := w.Store.Begin()
	notices.Announce(tx, w.p, a)
	w.commit(tx)
	return a
}

func (w *world) send() error {
	payload := fmt.Sprintf(`{"source":"aws.scheduler","time":%q}`, w.Clock.Now().Format(time.RFC3339))
	return notices.SendNotices().Do(context.Background(), []byte(payload), w.Store, telemetry.New(w.Log, w.Clock.Now), w.Clock.Now, "run")
}

func (w *world) sent() {
	w.T.Helper()
	if err := w.send(); err != nil {
		w.T.Fatal(err)
	}
}

// of gives the notices of a person, and how many mails wait for them.
func (w *world) of(c apitest.Caller) ([]notices.NoticeBody, int) {
	w.T.Helper()
	h := w.Store.BindUser(c.User, store.Actor{Who: "test"})
	mails, _, err := store.List[outbox.Mail](w.T.Context(), h, store.Query{Partition: h.Scope().Partition(outbox.Family), Limit: 100})
	if err != nil {
		w.T.Fatal(err)
	}
	var page api.List[notices.NoticeBody]
	c.Token = w.Token(c)
	a := w.Call(notices.ListNotices(), c, apitest.Request{})
	w.Want(a, 200, "")
	a.Into(w.T, &page)
	return page.Data, len(mails)
}

func (w *world) told(c apitest.Caller) int {
	w.T.Helper()
	all, mails := w.of(c)
	if len(all) != mails {
		w.T.Errorf("%d notices and %d mails; want as many", len(all), mails)
	}
	return len(all)
}

func (w *world) found(a *notices.Announcement) *notices.Announcement {
	w.T.Helper()
	now, err := notices.Find(w.T.Context(), w.p, a.ID)
	if err != nil {
		w.T.Fatal(err)
	}
	return now
}

func TestEverybodyIsToldOnce(t *testing.T) {
	w := newWorld(t)
	var people []apitest.Caller
	for range 130 { // more than a page in each shard
		people = append(people, w.person(true))
	}
	w.Clock.Advance(time.Hour)
	a := w.announce(notices.PolicyChange, notices.Everybody)
	gone := people[7]
	gate, err := store.Get[access.UserGate](t.Context(), w.Store.BindUser(gone.User, store.Actor{}), access.UserGateKey(gone.User))
	if err != nil {
		t.Fatal(err)
	}
	gate.Deleted = w.Clock.Now().Unix()
	tx := w.Store.Begin()
	tx.Replace(w.Store.BindUser(gone.User, store.Actor{Who: "test"}), gate)
	w.commit(tx)
	check := func(when string) {
		t.Helper()
		for i, c := range people {
			if i != 7 && w.told(c) != 1 {
				t.Errorf("%s person %d has %d notices; want 1", when, i, w.told(c))
			}
		}
		n, err := notices.Progress(t.Context(), w.p, a.ID)
		if err != nil || n != len(people)-1 {
			t.Errorf("%s the progress is %d, %v; want %d", when, n, err, len(people)-1)
		}
	}
	if w.found(a).Told != 0 {
		t.Error("all are told before the first run")
	}
	w.sent()
	check("after a run")
	if w.found(a).Told == 0 {
		t.Error("not all are told after the run")
	}
	w.sent()
	check("after a second")
	w.Clock.Advance(25 * time.Hour)
	var at sync.WaitGroup
	for range 4 {
		at.Go(func() { _ = w.send() })
	}
	at.Wait()
	check("after four at once a day later")
	h := w.Store.BindUser(gone.User, store.Actor{})
	if left, _, err := store.List[notices.Notice](t.Context(), h, store.Query{Partition: h.Scope().Partition(notices.FamilyNotice), Limit: 1}); err != nil || len(left) != 0 {
		t.Errorf("a deleted account has %d notices, %v; want none", len(left), err)
	}
	all, _ := w.of(people[0])
	if n := all[0]; n.ID != a.ID || n.Title != a.Title || n.Text != a.Text || !n.Told.Before(n.Effective) || n.AcknowledgedAt != nil || n.UsedAt != nil {
		t.Errorf("notice = %+v", n)
	}
}

// TestARunThatDies ends runs after a few calls, again and again.
func TestARunThatDies(t *testing.T) {
	w := newWorld(t)
	var people []apitest.Caller
	for range 40 {
		people = append(people, w.person(true))
	}
	w.Clock.Advance(time.Hour)
	a := w.announce(notices.PolicyChange, notices.Everybody)
	payload := fmt.Sprintf(`{"source":"aws.scheduler","time":%q}`, w.Clock.Now().Format(time.RFC3339))
	died := 0
	for range 60 {
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Millisecond)
		err := notices.SendNotices().Do(ctx, []byte(payload), w.Store, telemetry.New(w.Log, w.Clock.Now), w.Clock.Now, "run")
		cancel()
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, store.ErrConflict) {
			died++
		}
	}
	w.sent()
	for i, c := range people {
		if n := w.told(c); n != 1 {
			t.Errorf("person %d has %d notices; want 1", i, n)
		}
	}
	if died == 0 || w.found(a).Told == 0 {
		t.Errorf("%d runs died, told at %d; want some, and all told", died, w.found(a).Told)
	}
}

func TestWhoComesBeforeTheEffectIsToldToo(t *testing.T) {
	w := newWorld(t)
	w.person(true)
	w.announce(notices.BusinessTransfer, notices.Everybody)
	w.sent()
	w.Clock.Advance(2 * time.Hour)
	soon := w.person(true)
	w.sent()
	if n := w.told(soon); n != 0 {
		t.Errorf("%d notices before the round goes on; want none", n)
	}
	w.Clock.Advance(25 * time.Hour)
	w.sent()
	if n := w.told(soon); n != 1 {
		t.Errorf("%d notices after a day; want 1", n)
	}
	w.Clock.Advance(notices.Advance - 26*time.Hour)
	last := w.person(true)
	w.Clock.Advance(3 * 24 * time.Hour) // late
	w.sent()
	if n := w.told(last); n != 1 {
		t.Errorf("%d notices of who came before the effect; want 1", n)
	}
	w.Clock.Advance(48 * time.Hour)
	after := w.person(true)
	w.sent()
	if n := w.told(after); n != 0 {
		t.Errorf("%d notices of who came after it; want none", n)
	}
	for shard := range store.Shards {
		left, err := store.DueBy(t.Context(), w.p, notices.Due, shard, w.Clock.Now().AddDate(1, 0, 0), 10)
		if err != nil || len(left) != 0 {
			t.Errorf("clocks are left: %v, %v", left, err)
		}
	}
}

func TestOwnersAlone(t *testing.T) {
	w := newWorld(t)
	owner, other := w.person(true), w.person(false)
	w.announce(notices.ProviderChange, notices.Owners)
	w.sent()
	if a, b := w.told(owner), w.told(other); a != 1 || b != 0 {
		t.Errorf("an owner has %d notices and another %d; want 1 and 0", a, b)
	}
}

func TestWhatIsWithdrawnIsToldToNobodyMore(t *testing.T) {
	w := newWorld(t)
	c := w.person(true)
	a := w.announce(notices.BusinessTransfer, notices.Everybody)
	tx := w.Store.Begin()
	notices.Withdraw(tx, w.p, w.found(a))
	w.commit(tx)
	w.sent()
	if n := w.told(c); n != 0 || w.found(a).Told != 0 {
		t.Errorf("%d notices of what was withdrawn; want none", n)
	}
}

func TestANoticeIsAcknowledged(t *testing.T) {
	w := newWorld(t)
	c, other := w.person(true), w.person(true)
	a := w.announce(notices.PolicyChange, notices.Everybody)
	path := "/v1/privacy/notices/" + string(a.ID) + "/acknowledgement"
	seen := func(c apitest.Caller, path string) apitest.Answer {
		c.Token = w.Token(c)
		return w.Call(notices.AcknowledgeNotice(w.Store), c, apitest.Request{Path: path})
	}
	w.Want(seen(c, path), 404, "notice_not_found")
	w.sent()
	w.Want(seen(c, path), 200, "")
	first, _ := w.of(c)
	w.Clock.Advance(time.Hour)
	w.Want(seen(c, path), 200, "")
	second, _ := w.of(c)
	if first[0].AcknowledgedAt == nil || !first[0].AcknowledgedAt.Equal(*second[0].AcknowledgedAt) {
		t.Errorf("acknowledged at %v, then %v; want the first time to stand", first[0].AcknowledgedAt, second[0].AcknowledgedAt)
	}
	if theirs, _ := w.of(other); theirs[0].AcknowledgedAt != nil {
		t.Error("another person's notice is acknowledged")
	}
	w.Want(seen(c, "/v1/privacy/notices/ann_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB/acknowledgement"), 404, "notice_not_found")
	w.Want(seen(c, "/v1/privacy/notices/none/acknowledgement"), 404, "notice_not_found")
}

// TestTheFirstUseAfterTheEffect marks when a person goes on, which is no consent and no more than a fact.
func TestTheFirstUseAfterTheEffect(t *testing.T) {
	w := newWorld(t)
	c := w.person(true)
	w.announce(notices.PolicyChange, notices.Everybody)
	w.sent()
	h := w.Store.BindUser(c.User, store.Actor{Who: string(c.User)})
	use := func() bool {
		t.Helper()
		gate, err := store.Get[access.UserGate](t.Context(), h, access.UserGateKey(c.User))
		if err != nil {
			t.Fatal(err)
		}
		tx := w.Store.Begin()
		first := notices.FirstUse(tx, h, gate, w.Clock.Now())
		if first {
			tx.Replace(h, gate)
			w.commit(tx)
		}
		return first
	}
	if use() {
		t.Error("a use before the effect is noted")
	}
	w.Clock.Advance(notices.Advance + time.Minute)
	used := w.Clock.Now()
	if !use() {
		t.Error("the first use after the effect is not noted")
	}
	w.Clock.Advance(time.Hour)
	if use() {
		t.Error("a second use is noted")
	}
	if all, _ := w.of(c); all[0].UsedAt == nil || !all[0].UsedAt.Equal(used.Truncate(time.Second)) || all[0].AcknowledgedAt != nil {
		t.Errorf("notice = %+v; want its first use at %v, and no acknowledgement", all[0], used)
	}
}

// TestNobodyToldInTime lets the days of an announcement run out with a job that does not run.
func TestNobodyToldInTime(t *testing.T) {
	w := newWorld(t)
	w.person(true)
	w.announce(notices.PolicyChange, notices.Everybody)
	alarms := func() int {
		w.Log.Reset()
		payload := fmt.Sprintf(`{"source":"aws.scheduler","time":%q}`, w.Clock.Now().Format(time.RFC3339))
		if err := deadline.Watch().Do(t.Context(), []byte(payload), w.Store, telemetry.New(w.Log, w.Clock.Now), w.Clock.Now, "run"); err != nil {
			t.Fatal(err)
		}
		return strings.Count(w.Log.String(), "notices_not_sent")
	}
	w.Clock.Advance(22 * 24 * time.Hour)
	if n := alarms(); n != 0 {
		t.Errorf("%d alarms eight days before; want none", n)
	}
	w.Clock.Advance(25 * time.Hour)
	if n := alarms(); n != 1 {
		t.Errorf("%d alarms on the seventh day before; want 1", n)
	}
	w.sent()
	w.Clock.Advance(25 * time.Hour)
	if n := alarms(); n != 0 {
		t.Errorf("%d alarms after all were told; want none", n)
	}
}
