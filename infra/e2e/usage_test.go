package e2e_test

import (
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/bus"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/usage"
)

// TestWhatIsUsedIsCounted tells of events with consent, without it and under Global Privacy Control, and ends the day.
func TestWhatIsUsedIsCounted(t *testing.T) {
	p := signUp(t)
	kept := func(headers map[string]string) string {
		t.Helper()
		a := p.must(202, journey.Call{Method: "POST", Path: "/v1/events", Body: eventsBody(), Headers: headers})
		return a.Text("kept") + " " + a.Text("stop")
	}
	if got := kept(nil); got != "0 not_agreed" {
		t.Errorf("without consent = %s; want none kept", got)
	}
	p.must(201, journey.Call{Method: "POST", Path: "/v1/privacy/consents", Body: p.consent("analytics")})
	for signal, want := range map[string]string{"1": "0 opted_out", "0, 1": "0 opted_out", "0": "1 "} {
		if got := kept(map[string]string{"Sec-GPC": signal}); got != want {
			t.Errorf("under Sec-GPC %s = %s; want %s", signal, got, want)
		}
	}
	p.lost("PutItem", 202, journey.Call{Method: "POST", Path: "/v1/events", Body: eventsBody()})
	cloud.Lambda.Recycle()
	if got := kept(nil); got != "1 " { // another process, which finds the salt of the first
		t.Errorf("after a new start = %s; want it kept", got)
	}
	out := p.must(200, journey.Call{Method: "POST", Path: "/v1/privacy/opt-out"})
	if got := kept(nil); out.Text("scope") != "account" || got != "0 not_agreed" {
		t.Errorf("after the opt-out of the %s = %s; want none kept", out.Text("scope"), got)
	}
	if out, err := p.Do(t.Context(), journey.Call{Method: "POST", Path: "/v1/privacy/opt-out"}); err != nil || out.Text("scope") != "browser" || !strings.HasPrefix(out.Header.Get("Set-Cookie"), "__Host-opt-out=1;") {
		t.Errorf("the opt-out of nobody = %s, %v; want the browser's", out.Body, err)
	}
	day := p.now().Format(time.DateOnly)
	if !strings.Contains(p.objects(), "salts/"+day) {
		t.Fatal("the day has no salt")
	}
	pass(25 * time.Hour)
	run(t, "aggregate-events", bus.Event("AggregateEvents", p.now()))
	if strings.Contains(p.objects(), "salts/"+day) {
		t.Error("the salt of the day is still there")
	}
	if p.row(store.PlatformScope().Key(usage.FamilyTotals, day))["day"] != day {
		t.Error("the day has no totals")
	}
}

// TestNobodyTooYoungConsents lets somebody who was too young to agree turn 16.
func TestNobodyTooYoungConsents(t *testing.T) {
	p := signUp(t)
	key := access.UserGateKey(id.User(p.user))
	gate := p.row(key)
	gate["too_young"] = true
	p.put(key, "USERGATE", gate)
	body := p.consent("analytics")
	if a := p.call(journey.Call{Method: "POST", Path: "/v1/privacy/consents", Body: body}); a.Code() != "too_young" {
		t.Errorf("the consent of somebody of 15 = %d %s; want too_young", a.Status, a.Code())
	}
	body["date_of_birth"] = cloud.Clock.Now().AddDate(-16, 0, 0).Format(time.DateOnly)
	p.must(201, journey.Call{Method: "POST", Path: "/v1/privacy/consents", Body: body})
}

// objects are the objects of all buckets.
func (c *caller) objects() string {
	c.t.Helper()
	text, err := c.Raw(c.t.Context(), "objects")
	if err != nil {
		c.t.Fatal(err)
	}
	return text
}
