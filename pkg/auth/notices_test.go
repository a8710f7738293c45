package auth_test

import (
	"net/http"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// TestTheFirstUseAfterAChange tells two people of a change: one renews their tokens after it, and one logs in.
func TestTheFirstUseAfterAChange(t *testing.T) {
	w := newWorld(t)
	renews := w.somebody(ada)
	w.somebody("bob@example.com")
	p := w.Store.BindPlatform(store.Actor{Who: "test"})
	a := &notices.Announcement{ID: id.New[id.Announcement](w.Store.IDs()), Kind: notices.PolicyChange, Object: "2", Audience: notices.Everybody, Title: "It changes",
		Text: "This and that.", Effective: w.Clock.Now().Add(24 * time.Hour).Unix()}
	tx := w.Store.Begin()
	notices.Announce(tx, p, a)
	w.must(tx.Commit(t.Context()))
	w.must(notices.SendNotices().Do(t.Context(), []byte(`{}`), w.Store, telemetry.New(w.Log, w.Clock.Now), w.Clock.Now, "run"))
	if n := len(w.of("NOTICE")); n != 2 {
		t.Fatalf("%d notices; want one for each account", n)
	}
	before := w.refreshToken(renews.tokens.RefreshToken)
	w.Want(before, http.StatusOK, "")
	if n := len(w.of("ACK")); n != 0 {
		t.Errorf("%d uses are noted before the effect; want none", n)
	}
	w.Clock.Advance(25 * time.Hour)
	tokens := w.tokens(before)
	for range 2 { // the second within the grace of the first
		w.Want(w.refreshToken(tokens.RefreshToken), http.StatusOK, "")
	}
	w.Want(w.logIn("bob@example.com", phrase), http.StatusOK, "")
	w.Clock.Advance(time.Hour)
	w.Want(w.logIn("bob@example.com", phrase), http.StatusOK, "")
	acts := w.of("ACK")
	if len(acts) != 2 {
		t.Fatalf("%d uses are noted; want the first of each", len(acts))
	}
	for _, act := range acts {
		if act["act"] != notices.Used || act["announcement"] != string(a.ID) {
			t.Errorf("act = %v", act)
		}
	}
}
