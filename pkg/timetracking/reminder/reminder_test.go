package reminder_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account/choices"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
	"pixeltrack.io/platform/pkg/timetracking"
	"pixeltrack.io/platform/pkg/timetracking/reminder"
)

type world struct{ *apitest.World }

func (w world) run() {
	w.T.Helper()
	payload := fmt.Sprintf(`{"source":"aws.scheduler","detail-type":"Scheduled Event","time":%q,"detail":"{}"}`, w.Clock.Now().Format(time.RFC3339))
	if err := reminder.RemindTimers().Do(context.Background(), []byte(payload), w.Store, telemetry.New(w.Log, w.Clock.Now), w.Clock.Now, "run"); err != nil {
		w.T.Error(err)
	}
}

func (w world) start(c apitest.Caller) {
	w.T.Helper()
	a := w.Call(projects.CreateProject(w.Store), c, apitest.Request{Body: map[string]any{"key": "WEB", "name": "WEB"}})
	w.Want(a, http.StatusCreated, "")
	var p projects.ProjectBody
	a.Into(w.T, &p)
	w.Want(w.Call(timetracking.StartTimer(w.Store), c, apitest.Request{Body: map[string]any{"project_id": p.ID}}), http.StatusCreated, "")
}

func (w world) mails(c apitest.Caller) int {
	w.T.Helper()
	h := w.Store.BindUser(c.User, store.Actor{Who: "test"})
	rows, _, err := store.List[outbox.Mail](context.Background(), h, store.Query{Partition: h.Scope().Partition(outbox.Family), Limit: 10})
	if err != nil {
		w.T.Fatal(err)
	}
	for _, m := range rows {
		if m.Template != reminder.MailForgotten {
			w.T.Errorf("a mail %s", m.Template)
		}
	}
	return len(rows)
}

func (w world) clocks() int {
	w.T.Helper()
	n := 0
	for shard := range store.Shards {
		due, err := store.DueBy(context.Background(), w.Store.BindPlatform(store.Actor{}), timetracking.DueForgotten, shard, w.Clock.Now().AddDate(1, 0, 0), 10)
		if err != nil {
			w.T.Fatal(err)
		}
		n += len(due)
	}
	return n
}

func TestAForgottenTimerIsMailedOnce(t *testing.T) {
	w := world{apitest.New(t)}
	owner := w.Organization()
	w.start(owner)
	w.Clock.Advance(timetracking.Forgotten - time.Second)
	w.run()
	if w.mails(owner) != 0 || w.clocks() != 1 {
		t.Errorf("%d mails and %d clocks before the time; want none and one", w.mails(owner), w.clocks())
	}
	w.Clock.Advance(time.Second)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(w.run)
	}
	wg.Wait()
	w.run()
	if w.mails(owner) != 1 || w.clocks() != 0 {
		t.Errorf("%d mails and %d clocks; want one and none", w.mails(owner), w.clocks())
	}
	owner = w.Later(owner, time.Hour)
	a := w.Call(timetracking.StopTimer(w.Store), owner, apitest.Request{})
	w.Want(a, http.StatusCreated, "")
}

func TestNobodyIsMailedForNothing(t *testing.T) {
	tests := []struct {
		name string
		end  func(w world, c apitest.Caller)
	}{
		{"a stopped timer", func(w world, c apitest.Caller) {
			w.Want(w.Call(timetracking.StopTimer(w.Store), c, apitest.Request{}), http.StatusCreated, "")
		}},
		{"a member who has left", func(w world, c apitest.Caller) {
			change(w, c, access.AccessKey(c.Org, c.Member), func(u *dynamo.Update) { u.Set("removed", 1).Remove("user") })
		}},
		{"a closing organization", func(w world, c apitest.Caller) {
			change(w, c, access.OrganizationGateKey(c.Org), func(u *dynamo.Update) { u.Set("status", access.Closing) })
		}},
		{"a deleted account", func(w world, c apitest.Caller) {
			change(w, c, access.UserGateKey(c.User), func(u *dynamo.Update) { u.Set("deleted", 1) })
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := world{apitest.New(t)}
			owner := w.Organization()
			w.start(owner)
			tt.end(w, owner)
			w.Clock.Advance(timetracking.Forgotten)
			w.run()
			if w.mails(owner) != 0 || w.clocks() != 0 {
				t.Errorf("%d mails and %d clocks; want none", w.mails(owner), w.clocks())
			}
		})
	}
}

func change(w world, c apitest.Caller, key store.Key, f func(*dynamo.Update)) {
	w.T.Helper()
	tx := w.Store.Begin()
	h := store.Bound(w.Store.BindOrganization(c.Org, store.Actor{Who: "test"}))
	if key == access.UserGateKey(c.User) {
		h = w.Store.BindUser(c.User, store.Actor{Who: "test"})
	}
	tx.Change(h, key, f)
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
}

// The choice is looked at when the mail is written, so that it counts for one that waits, too.
func TestWhoDoesNotWantAMailGetsNone(t *testing.T) {
	for _, wanted := range []bool{true, false} {
		w := world{apitest.New(t)}
		owner := w.Organization()
		w.start(owner)
		w.Clock.Advance(timetracking.Forgotten)
		w.run()
		owner.Token = w.Token(owner)
		body := map[string]any{"choices": []any{map[string]any{"kind": reminder.MailForgotten, "mail": wanted}}}
		w.Want(w.Call(choices.UpdateNotificationChoices(w.Store), owner, apitest.Request{Body: body}), http.StatusOK, "")
		c := &compose.Composer{Store: w.Store, People: func(context.Context, *store.User) (compose.Person, error) {
			return compose.Person{Address: "ada@example.com"}, nil
		}}
		h := w.Store.BindUser(owner.User, store.Actor{Who: "test"})
		rows, _, err := store.List[outbox.Mail](context.Background(), h, store.Query{Partition: h.Scope().Partition(outbox.Family), Limit: 10})
		if err != nil || len(rows) != 1 {
			t.Fatalf("%d mails: %v", len(rows), err)
		}
		if _, err := reminder.Templates()[0].Compose(context.Background(), c, rows[0]); errors.Is(err, compose.ErrGone) == wanted || err != nil && wanted {
			t.Errorf("wanted %v: writing the mail = %v", wanted, err)
		}
	}
}
