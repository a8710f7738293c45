package privacy_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/purpose"
)

func textHash(id string) string {
	text, _ := purpose.Current(id, purpose.DefaultLocale)
	return text.SHA256()
}

func give(act, id string) map[string]any {
	return map[string]any{"purpose": id, "act": act, "text_sha256": textHash(id), "source": "screen"}
}

func TestConsent(t *testing.T) {
	w := newWorld(t)
	ada := w.Organization()
	agreed := func() bool {
		ok, err := privacy.Agreed(context.Background(), w.Store.BindUser(ada.User, w.engineActor()), purpose.Analytics)
		w.must(err)
		return ok
	}
	if agreed() {
		t.Error("agreed before anything was asked")
	}
	a := w.Call(privacy.CreateConsent(w.Store), ada, apitest.Request{Body: give("given", purpose.Analytics), Source: "192.0.2.77"})
	w.Want(a, http.StatusCreated, "")
	var first, second privacy.ConsentBody
	a.Into(t, &first)
	if first.IP != "192.0.2.0/24" || first.TextSHA256 != textHash(purpose.Analytics) || first.PolicyVersion != 1 || first.Locale != "en" {
		t.Errorf("the act = %+v; want the text's hash, the version and a shortened address", first)
	}
	if !agreed() {
		t.Error("not agreed after consent was given")
	}
	w.Clock.Advance(time.Minute)
	w.Want(w.Call(privacy.WithdrawConsent(w.Store), ada, apitest.Request{Path: "/v1/privacy/consents/analytics"}), http.StatusOK, "")
	if agreed() {
		t.Error("still agreed after the consent was taken back")
	}
	w.Want(w.Call(privacy.WithdrawConsent(w.Store), ada, apitest.Request{Path: "/v1/privacy/consents/analytics"}), http.StatusNotFound, "consent_not_found")
	a = w.Call(privacy.CreateConsent(w.Store), ada, apitest.Request{Body: give("given", purpose.Analytics)})
	a.Into(t, &second)

	var list api.List[privacy.ConsentChoice]
	w.Call(privacy.ListConsents(), ada, apitest.Request{}).Into(t, &list)
	for _, c := range list.Data {
		if c.Purpose != purpose.Analytics {
			if c.Agreed || len(c.History) > 0 {
				t.Errorf("%s = %+v; want no choice", c.Purpose, c)
			}
			continue
		}
		if !c.Agreed || len(c.History) != 3 {
			t.Fatalf("analytics = agreed %v with %d acts; want agreed with 3", c.Agreed, len(c.History))
		}
		if c.History[0].Previous != c.History[1].ID || c.History[1].Previous != first.ID || c.History[2].ID != first.ID {
			t.Errorf("the acts are no chain: %+v", c.History)
		}
	}
}

func TestConsentIsRefused(t *testing.T) {
	w := newWorld(t)
	ada := w.Organization()
	tests := []struct {
		name string
		body map[string]any
	}{
		{"to a purpose that does not rest on it", give("given", purpose.Security)},
		{"to nothing", give("given", "sale")},
		{"by words that were never served", map[string]any{"purpose": purpose.Analytics, "act": "given", "text_sha256": textHash(purpose.MarketingEmail)}},
		{"by another act", give("withdrawn", purpose.Analytics)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.In(t).Want(w.Call(privacy.CreateConsent(w.Store), ada, apitest.Request{Body: tt.body}), http.StatusUnprocessableEntity, "invalid_input")
		})
	}
}

func TestTwoActsAtOnceAreOneAfterTheOther(t *testing.T) {
	w := newWorld(t)
	ada := w.Organization()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			w.Call(privacy.CreateConsent(w.Store), ada, apitest.Request{Body: give("given", purpose.Analytics)})
		})
	}
	wg.Wait()
	var list api.List[privacy.ConsentChoice]
	w.Call(privacy.ListConsents(), ada, apitest.Request{}).Into(t, &list)
	previous := map[string]bool{}
	for _, c := range list.Data {
		for _, act := range c.History {
			if previous[act.Previous] {
				t.Errorf("two acts follow %q", act.Previous)
			}
			previous[act.Previous] = true
		}
	}
	if len(previous) == 0 {
		t.Error("no act was recorded")
	}
}

func TestTruncate(t *testing.T) {
	tests := []struct{ in, want string }{
		{"192.0.2.77", "192.0.2.0/24"},
		{"2001:db8:1:2:3::4", "2001:db8:1::/48"},
		{"::ffff:192.0.2.77", "192.0.2.0/24"},
		{"fe80::1%eth0", "fe80::/48"},
		{"", ""},
		{"Ada", ""},
	}
	for _, tt := range tests {
		if got := privacy.Truncate(tt.in); got != tt.want {
			t.Errorf("Truncate(%q) = %q; want %q", tt.in, got, tt.want)
		}
	}
}

func TestNobodyTooYoungConsents(t *testing.T) {
	w := newWorld(t)
	ada := w.Organization()
	tx := w.Store.Begin()
	tx.Change(w.Store.BindUser(ada.User, w.engineActor()), access.UserGateKey(ada.User), func(u *dynamo.Update) { u.Set("too_young", true) })
	w.must(tx.Commit(context.Background()))
	with := func(act, birth string) apitest.Answer {
		body := give(act, purpose.Analytics)
		if birth != "" {
			body["date_of_birth"] = birth
		}
		return w.Call(privacy.CreateConsent(w.Store), ada, apitest.Request{Body: body})
	}
	tests := []struct {
		name, act, birth string
		status           int
		code             string
	}{
		{"without a date of birth", "given", "", http.StatusForbidden, "too_young"},
		{"a day before the 16th birthday", "given", "2010-03-03", http.StatusForbidden, "too_young"},
		{"with a date that is none", "given", "2010-02-30", http.StatusUnprocessableEntity, "invalid_input"},
		{"refusing is for everybody", "refused", "", http.StatusCreated, ""},
		{"the 16th birthday", "given", "2010-03-02", http.StatusCreated, ""},
		{"nobody is asked twice", "given", "", http.StatusCreated, ""},
	}
	for _, tt := range tests {
		before := w.agreed(ada, purpose.Analytics)
		a := with(tt.act, tt.birth)
		w.Want(a, tt.status, tt.code)
		if got := w.agreed(ada, purpose.Analytics); got != (before || tt.status == http.StatusCreated && tt.act == "given") {
			t.Errorf("%s: agreed = %v", tt.name, got)
		}
	}
	if strings.Contains(w.dump(), "2010-03-0") {
		t.Error("a date of birth is kept")
	}
}

func TestNobodyIsAskedAgainForAYear(t *testing.T) {
	w := newWorld(t)
	ada := w.Organization()
	look := func(headers map[string]string) (c privacy.ConsentChoice) {
		var list api.List[privacy.ConsentChoice]
		w.Call(privacy.ListConsents(), ada, apitest.Request{Headers: headers}).Into(t, &list)
		for _, c = range list.Data {
			if c.Purpose == purpose.Analytics {
				return c
			}
		}
		t.Fatal("nothing is said of analytics")
		return c
	}
	signal := map[string]string{"Sec-GPC": "1"}
	expect := func(when string, headers map[string]string, agreed, mayAsk bool) {
		t.Helper()
		if c := look(headers); c.Agreed != agreed || c.MayAsk != mayAsk {
			t.Errorf("%s: agreed %v, may be asked %v; want %v, %v", when, c.Agreed, c.MayAsk, agreed, mayAsk)
		}
	}
	expect("before anything", nil, false, true)
	expect("by the signal of a browser", signal, false, false)
	w.Call(privacy.CreateConsent(w.Store), ada, apitest.Request{Body: give("given", purpose.Analytics)})
	expect("after consent", nil, true, false)
	expect("after consent, by the signal of a browser", signal, false, false)
	w.Clock.Advance(time.Minute)
	w.Want(w.Call(privacy.WithdrawConsent(w.Store), ada, apitest.Request{Path: "/v1/privacy/consents/analytics"}), http.StatusOK, "")
	expect("after a withdrawal", nil, false, false)
	if again := look(nil).AskAgain; again == nil || !again.Equal(w.Clock.Now().AddDate(1, 0, 0)) {
		t.Errorf("asked again at %v; want a year later", again)
	}
	w.Clock.Advance(365*24*time.Hour - time.Second)
	ada = w.login(ada)
	expect("a second before the year is over", nil, false, false)
	w.Clock.Advance(time.Second)
	expect("a year after", nil, false, true)
}
