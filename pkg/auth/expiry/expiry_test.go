package expiry_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/auth/expiry"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

type world struct{ *apitest.World }

func (w world) run() {
	w.T.Helper()
	payload := fmt.Sprintf(`{"source":"aws.scheduler","detail-type":"Scheduled Event","time":%q,"detail":"{}"}`, w.Clock.Now().Format(time.RFC3339))
	if err := expiry.RemindAPITokens().Do(context.Background(), []byte(payload), w.Store, telemetry.New(w.Log, w.Clock.Now), w.Clock.Now, "run"); err != nil {
		w.T.Error(err)
	}
}

// make makes a token that lives for a time.
func (w world) make(c apitest.Caller, life time.Duration) auth.APITokenBody {
	w.T.Helper()
	a := w.Call(auth.CreateAPIToken(w.Store), c, apitest.Request{Body: map[string]any{"name": "Nightly import", "scopes": []string{"clients:read"}, "expires_at": w.Clock.Now().Add(life)}})
	w.Want(a, http.StatusCreated, "")
	var b auth.APITokenBody
	a.Into(w.T, &b)
	return b
}

// mails counts the mails about the end of a token.
func (w world) mails(c apitest.Caller) (n int) {
	w.T.Helper()
	h := w.Store.BindUser(c.User, store.Actor{Who: "test"})
	for m, err := range store.All[outbox.Mail](context.Background(), h, store.Query{Partition: h.Scope().Partition(outbox.Family), Limit: 100}) {
		if err != nil {
			w.T.Fatal(err)
		}
		if m.Template == expiry.MailTokenEnds {
			n++
		}
	}
	return n
}

func (w world) clocks() (n int) {
	w.T.Helper()
	for _, err := range store.AllDue(context.Background(), w.Store.BindPlatform(store.Actor{}), access.DueAPIToken, w.Clock.Now().AddDate(2, 0, 0)) {
		if err != nil {
			w.T.Fatal(err)
		}
		n++
	}
	return n
}

func TestTheEndOfATokenIsMailedOnce(t *testing.T) {
	w := world{apitest.New(t)}
	owner := w.Organization()
	w.make(owner, 30*24*time.Hour)
	w.Clock.Advance(23*24*time.Hour - time.Second)
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
}

func TestTheEndOfATokenIsMailedThreeDaysLate(t *testing.T) {
	w := world{apitest.New(t)}
	owner := w.Organization()
	w.make(owner, 30*24*time.Hour)
	w.Clock.Advance(26 * 24 * time.Hour)
	w.run()
	if w.mails(owner) != 1 || w.clocks() != 0 {
		t.Errorf("%d mails and %d clocks; want one and none", w.mails(owner), w.clocks())
	}
}

func TestNobodyIsMailedForNothing(t *testing.T) {
	const month = 30 * 24 * time.Hour
	tests := []struct {
		name string
		life time.Duration
		end  func(w world, c apitest.Caller, b auth.APITokenBody)
	}{
		{"a token that lives for a week", 7 * 24 * time.Hour, func(world, apitest.Caller, auth.APITokenBody) {}},
		{"one that was ended", month, func(w world, c apitest.Caller, b auth.APITokenBody) {
			w.Want(w.Call(auth.DeleteAPIToken(w.Store), c, apitest.Request{Path: "/v1/me/api-tokens/" + b.ID}), http.StatusNoContent, "")
		}},
		{"one that has expired meanwhile", month, func(w world, _ apitest.Caller, _ auth.APITokenBody) { w.Clock.Advance(month) }},
		{"a deleted account's", month, func(w world, c apitest.Caller, _ auth.APITokenBody) {
			tx := w.Store.Begin()
			tx.Change(w.Store.BindUser(c.User, store.Actor{Who: "test"}), access.UserGateKey(c.User), func(u *dynamo.Update) { u.Set("deleted", 1) })
			if err := tx.Commit(context.Background()); err != nil {
				w.T.Fatal(err)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := world{apitest.New(t)}
			owner := w.Organization()
			tt.end(w, owner, w.make(owner, tt.life))
			w.Clock.Advance(tt.life - access.TokenNotice)
			w.run()
			if w.mails(owner) != 0 || w.clocks() != 0 {
				t.Errorf("%d mails and %d clocks; want none", w.mails(owner), w.clocks())
			}
		})
	}
}
