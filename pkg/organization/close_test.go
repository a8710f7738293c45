package organization_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys/keystest"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

func (w world) run() error {
	payload := fmt.Sprintf(`{"detail-type":"Scheduled Event","source":"aws.scheduler","time":%q,"detail":"{}"}`, w.Clock.Now().Format(time.RFC3339))
	return organization.CloseOrganizations(privacy.AskForOrganization).Do(context.Background(), []byte(payload), w.Store, telemetry.New(w.Log, w.Clock.Now), w.Clock.Now, "run")
}

func (w world) handle(c apitest.Caller) *store.Organization {
	return w.Store.BindOrganization(c.Org, store.Actor{Who: string(c.Member)})
}

func (w world) gate(c apitest.Caller) *access.OrganizationGate {
	w.T.Helper()
	h := w.handle(c)
	h.SeeDue()
	gate, err := store.Get[access.OrganizationGate](context.Background(), h, access.OrganizationGateKey(c.Org))
	if err != nil {
		w.T.Fatal(err)
	}
	return gate
}

func (w world) close(c apitest.Caller) *access.OrganizationGate {
	w.T.Helper()
	gate := w.gate(c)
	tx := w.Store.Begin()
	organization.Close(tx, w.handle(c), gate, w.Clock.Now())
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
	return gate
}

// remove ends a membership.
func (w world) remove(c apitest.Caller) {
	w.T.Helper()
	tx := w.Store.Begin()
	tx.Change(w.handle(c), access.AccessKey(c.Org, c.Member), func(u *dynamo.Update) { u.Set("removed", 1) })
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
}

// mails lists the mails that wait for a user.
func (w world) mails(u id.User) []*outbox.Mail {
	w.T.Helper()
	h := w.Store.BindUser(u, store.Actor{Who: "test"})
	all, _, err := store.List[outbox.Mail](context.Background(), h, store.Query{Partition: h.Scope().Partition(outbox.Family), Limit: 10})
	if err != nil {
		w.T.Fatal(err)
	}
	return all
}

// compose writes a mail as the sender does.
func (w world) compose(m *outbox.Mail) (mail.Message, error) {
	c := &compose.Composer{Store: w.Store, Actor: store.Actor{Who: "job:send-outbox"}, From: "PixelTrack <no-reply@mail.example.com>",
		People: func(context.Context, *store.User) (compose.Person, error) {
			return compose.Person{Address: "bob@example.com"}, nil
		}}
	return organization.Templates()[0].Compose(context.Background(), c, m)
}

// left counts the clocks of a kind.
func (w world) left(kind store.DueKind) int {
	w.T.Helper()
	n := 0
	for shard := range store.Shards {
		rows, err := store.DueBy(context.Background(), w.Store.BindPlatform(store.Actor{Who: "test"}), kind, shard, w.Clock.Now().AddDate(1, 0, 0), 100)
		if err != nil {
			w.T.Fatal(err)
		}
		n += len(rows)
	}
	return n
}

func TestAnOrganizationCloses(t *testing.T) {
	w := world{apitest.New(t), new(keystest.Vault)}
	ada := w.settle(w.Organization())
	other := w.settle(w.Organization())
	began := w.Clock.Now()
	member := w.Member(ada.Org, access.Contributor)
	gone := w.Member(ada.Org, access.Contributor)
	w.remove(gone)
	w.close(ada)
	w.Want(w.Call(organization.GetOrganization(w.vault), ada, apitest.Request{}), http.StatusOK, "")
	w.Want(w.update(ada, `"1"`, map[string]any{"name": "X"}), http.StatusForbidden, "organization_closing")
	w.Clock.Advance(organization.Settle - time.Second)
	if err := w.run(); err != nil || w.gate(ada).Status != access.Closing {
		t.Errorf("before a minute has passed the job = %v and the organization %s; want it closing", err, w.gate(ada).Status)
	}
	w.Clock.Advance(time.Second)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := w.run(); err != nil {
				t.Errorf("a run beside others: %v", err)
			}
		})
	}
	wg.Wait()
	gate := w.gate(ada)
	if gate.Status != access.Closed || gate.DueAt != began.Add(retention.Organization).Unix() {
		t.Errorf("the gate = %s until %d; want closed, and due 30 days after it began to close", gate.Status, gate.DueAt)
	}
	if w.left(organization.CloseDue) != 0 || w.left(retention.OrganizationPurge) != 1 {
		t.Error("want the clock of the closing gone, and that of the retention armed")
	}
	w.Want(w.Call(organization.GetOrganization(w.vault), ada, apitest.Request{}), http.StatusUnauthorized, "membership_ended")
	for _, c := range []struct {
		who  string
		user id.User
		want int
	}{{"a member", member.User, 1}, {"the owner", ada.User, 0}, {"a former member", gone.User, 0}, {"somebody else", other.User, 0}} {
		if n := len(w.mails(c.user)); n != c.want {
			t.Errorf("%s got %d mails; want %d", c.who, n, c.want)
		}
	}
	m := w.mails(member.User)[0]
	letter, err := w.compose(m)
	if err != nil || letter.To != "bob@example.com" || !strings.Contains(letter.Text, "Example Studio") || !strings.Contains(letter.Text, "1 April 2026") {
		t.Errorf("the mail = %q, %v; want what closes and when it goes", letter.Text, err)
	}
	tx := w.Store.Begin()
	organization.Reopen(tx, w.handle(ada), began.Unix(), access.Active)
	if err := tx.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.compose(m); !errors.Is(err, compose.ErrGone) {
		t.Errorf("the mail of an organization that is open again = %v; want ErrGone", err)
	}
	w.Want(w.Call(organization.GetOrganization(w.vault), other, apitest.Request{}), http.StatusOK, "")
}

func TestAReopenedOrganizationStaysOpen(t *testing.T) {
	w := world{apitest.New(t), new(keystest.Vault)}
	ada := w.settle(w.Organization())
	at := w.close(ada).ClosingAt
	reopen := func(at int64) error {
		tx := w.Store.Begin()
		organization.Reopen(tx, w.handle(ada), at, access.Active)
		return tx.Commit(context.Background())
	}
	if err := reopen(at - 1); !errors.Is(err, store.ErrMissing) {
		t.Errorf("reopening another closing = %v; want ErrMissing", err)
	}
	if err := reopen(at); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(time.Hour)
	if err := w.run(); err != nil || w.gate(ada).Status != access.Active || w.left(organization.CloseDue) != 0 {
		t.Errorf("after a run = %v the organization is %s with %d clocks; want it active and none", err, w.gate(ada).Status, w.left(organization.CloseDue))
	}
}

// A clock that a reopening missed must not close what was closed and opened since.
func TestAClockOfAnEarlierClosingCountsForNothing(t *testing.T) {
	w := world{apitest.New(t), new(keystest.Vault)}
	ada := w.settle(w.Organization())
	at := w.close(ada).ClosingAt
	h := w.handle(ada)
	tx := w.Store.Begin()
	organization.Reopen(tx, h, at, access.Active)
	if err := tx.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	tx = w.Store.Begin()
	tx.Arm(h, store.NewDue(organization.CloseDue, time.Unix(at, 0).Add(organization.Settle), access.OrganizationGateKey(ada.Org)))
	if err := tx.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(organization.Settle - time.Second)
	w.close(ada)
	w.Clock.Advance(time.Second)
	if err := w.run(); err != nil || w.gate(ada).Status != access.Closing || w.left(organization.CloseDue) != 1 {
		t.Errorf("the run = %v; the organization is %s with %d clocks; want it closing, with its own clock", err, w.gate(ada).Status, w.left(organization.CloseDue))
	}
}
