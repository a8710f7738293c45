package privacy_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

func (w *world) optOut(c apitest.Caller, headers map[string]string) (b privacy.OptOutBody, cookie string) {
	w.T.Helper()
	a := w.Call(privacy.OptOut(w.Store), c, apitest.Request{Headers: headers})
	w.Want(a, http.StatusOK, "")
	a.Into(w.T, &b)
	return b, a.Header.Get("Set-Cookie")
}

func TestABrowserOptsOutWithoutALogin(t *testing.T) {
	w := newWorld(t)
	before := w.dump()
	b, cookie := w.optOut(apitest.Caller{}, nil)
	if !b.OptedOut || b.Scope != "browser" || b.Signal || b.Request != "" || b.Message == "" || !b.AskAgain.Equal(w.Clock.Now().AddDate(1, 0, 0)) {
		t.Errorf("the answer = %+v; want the browser opted out, for a year", b)
	}
	if cookie != "__Host-opt-out=1; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=31536000" {
		t.Errorf("Set-Cookie = %q", cookie)
	}
	if b, _ := w.optOut(apitest.Caller{}, map[string]string{"Sec-GPC": "1"}); !b.Signal {
		t.Error("the signal of the browser is not confirmed")
	}
	if w.dump() != before {
		t.Error("something is kept of somebody who only visits")
	}
}

func TestAnAccountOptsOut(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada").Caller
	w.Call(privacy.CreateConsent(w.Store), ada, apitest.Request{Body: give("given", purpose.Analytics)})
	first, cookie := w.optOut(ada, nil)
	if first.Scope != "account" || first.Request == "" || cookie != "" || w.agreed(ada, purpose.Analytics) {
		t.Errorf("the answer = %+v with cookie %q, agreed %v; want the account opted out", first, cookie, w.agreed(ada, purpose.Analytics))
	}
	if r := w.get(ada, first.Request); r.Type != "opt_out" || r.State != "fulfilled" {
		t.Errorf("the request = %s, %s; want an opt-out that has taken effect", r.Type, r.State)
	}
	if mails := w.mails(store.UserScope(ada.User)); len(mails) != 1 || mails[0] != privacy.MailReceived {
		t.Errorf("mails = %v; want the receipt", mails)
	}

	before := w.dump()
	w.Clock.Advance(time.Hour)
	again, _ := w.optOut(w.Later(ada, 0), nil)
	if again.Request != "" || !again.Since.Equal(first.Since) || w.dump() != before {
		t.Errorf("again = %+v; want the same opt-out, and nothing written", again)
	}

	w.Want(w.Call(privacy.CreateConsent(w.Store), w.Later(ada, 0), apitest.Request{Body: give("given", purpose.Analytics)}), http.StatusCreated, "")
	if anew, _ := w.optOut(w.Later(ada, 0), nil); anew.Request == "" || w.agreed(ada, purpose.Analytics) {
		t.Errorf("after another consent = %+v; want another opt-out", anew)
	}
}

func TestAnOptOutIsRefusedToNobodyWhoIsKnown(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada").Caller
	w.file(ada, map[string]any{"type": "restriction"})
	if b, _ := w.optOut(ada, nil); b.Scope != "account" {
		t.Errorf("a restricted person = %+v; want the account opted out", b)
	}
	forged := ada
	forged.Token += "x"
	w.Want(w.Call(privacy.OptOut(w.Store), forged, apitest.Request{}), http.StatusUnauthorized, "token_invalid")
}

func TestOptOutsAtOnceAreOne(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada").Caller
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() { w.optOut(ada, nil) })
	}
	wg.Wait()
	if requests := w.keys(store.UserScope(ada.User).Partition(privacy.FamilyRequest)); len(requests) != 1 {
		t.Errorf("%d requests; want 1", len(requests))
	}
}

// Who agrees again in a browser that opted out is counted there again.
func TestAConsentForgetsTheOptOutOfItsBrowser(t *testing.T) {
	w := newWorld(t)
	ada := w.Organization()
	cookie := map[string]string{"Cookie": api.OptOutCookie + "=1"}
	for act, forgets := range map[string]bool{"refused": false, "given": true} {
		a := w.Call(privacy.CreateConsent(w.Store), ada, apitest.Request{Body: give(act, purpose.Analytics), Headers: cookie})
		w.Want(a, http.StatusCreated, "")
		if got := strings.HasPrefix(a.Header.Get("Set-Cookie"), api.OptOutCookie+"=;"); got != forgets {
			t.Errorf("%s: Set-Cookie = %q; want it forgotten: %v", act, a.Header.Get("Set-Cookie"), forgets)
		}
	}
}
