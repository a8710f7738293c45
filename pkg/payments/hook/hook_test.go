package hook_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"pixeltrack.io/platform/pkg/payments/hook"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// sign signs as Stripe's own library does.
func sign(at time.Time, body string, secrets ...string) string {
	header := fmt.Sprintf("t=%d", at.Unix())
	for _, s := range secrets {
		header += fmt.Sprintf(",v1=%x", webhook.ComputeSignature(at, []byte(body), s))
	}
	return header
}

func TestVerify(t *testing.T) {
	const body = `{"id":"evt_1"}`
	good := sign(now, body, "whsec_a")
	tests := []struct {
		name, header, body, secrets string
		want                        error
	}{
		{"signed", good, body, "whsec_a", nil},
		{"signed with the old secret, two count", sign(now, body, "whsec_a"), body, "whsec_b,whsec_a", nil},
		{"signed with both, one counts", sign(now, body, "whsec_b", "whsec_a"), body, "whsec_a", nil},
		{"signed with spaces", strings.ReplaceAll(good, ",", ", "), body, "whsec_a", nil},
		{"299 seconds old", sign(now.Add(-299*time.Second), body, "whsec_a"), body, "whsec_a", nil},
		{"300 seconds old", sign(now.Add(-300*time.Second), body, "whsec_a"), body, "whsec_a", nil},
		{"301 seconds old", sign(now.Add(-301*time.Second), body, "whsec_a"), body, "whsec_a", hook.ErrAge},
		{"301 seconds ahead", sign(now.Add(301*time.Second), body, "whsec_a"), body, "whsec_a", hook.ErrAge},
		{"another secret", sign(now, body, "whsec_b"), body, "whsec_a", hook.ErrSignature},
		{"another body", good, body + " ", "whsec_a", hook.ErrSignature},
		{"another time", strings.Replace(good, fmt.Sprint(now.Unix()), fmt.Sprint(now.Unix()+1), 1), body, "whsec_a", hook.ErrSignature},
		{"another scheme", strings.Replace(good, "v1=", "v0=", 1), body, "whsec_a", hook.ErrSignature},
		{"old and forged", sign(now.Add(-time.Hour), body, "whsec_b"), body, "whsec_a", hook.ErrSignature},
		{"no signature", fmt.Sprintf("t=%d", now.Unix()), body, "whsec_a", hook.ErrSignature},
		{"no time", good[strings.Index(good, ",")+1:], body, "whsec_a", hook.ErrSignature},
		{"nothing", "", body, "whsec_a", hook.ErrSignature},
		{"no secret", sign(now, body, ""), body, "", hook.ErrSignature},
		{"no secret beside one", sign(now, body, ""), body, "whsec_a,", hook.ErrSignature},
		{"a time that is none", "t=x,v1=00", body, "whsec_a", hook.ErrSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := hook.Verify(tt.header, []byte(tt.body), tt.secrets, now); got != tt.want {
				t.Errorf("Verify(%q) = %v; want %v", tt.header, got, tt.want)
			}
			if tt.want == nil && !strings.Contains(tt.secrets, ",") {
				if err := webhook.ValidatePayloadIgnoringTolerance([]byte(tt.body), tt.header, tt.secrets); err != nil && !strings.Contains(tt.name, "spaces") {
					t.Errorf("Stripe's library says %v", err)
				}
			}
		})
	}
}

func TestParse(t *testing.T) {
	tests := []struct {
		name, body string
		want       hook.Event
		bad        bool
	}{
		{name: "a session", body: `{"id":"evt_1","type":"checkout.session.completed","account":"acct_1","created":5,"livemode":true,"data":{"object":{"id":"cs_1","object":"checkout.session","payment_intent":"pi_1"}}}`,
			want: hook.Event{ID: "evt_1", Type: "checkout.session.completed", Account: "acct_1", Live: true, Created: 5, Object: "cs_1", Kind: "checkout.session", Intent: "pi_1"}},
		{name: "an intent", body: `{"id":"evt_1","type":"payment_intent.succeeded","data":{"object":{"id":"pi_1","object":"payment_intent"}}}`,
			want: hook.Event{ID: "evt_1", Type: "payment_intent.succeeded", Object: "pi_1", Kind: "payment_intent", Intent: "pi_1"}},
		{name: "an intent that comes whole", body: `{"id":"evt_1","type":"refund.updated","data":{"object":{"id":"re_1","object":"refund","payment_intent":{"id":"pi_1"}}}}`,
			want: hook.Event{ID: "evt_1", Type: "refund.updated", Object: "re_1", Kind: "refund", Intent: "pi_1"}},
		{name: "an object without an id", body: `{"id":"evt_1","type":"balance.available","data":{"object":{"id":7}}}`, want: hook.Event{ID: "evt_1", Type: "balance.available"}},
		{name: "an id that is none", body: `{"id":"evt_1","type":"x","data":{"object":{"id":"a#b"}}}`, want: hook.Event{ID: "evt_1", Type: "x"}},
		{name: "no id", body: `{"type":"x"}`, bad: true},
		{name: "no type", body: `{"id":"evt_1"}`, bad: true},
		{name: "an account that is none", body: `{"id":"evt_1","type":"x","account":"a#b"}`, bad: true},
		{name: "a list", body: `[]`, bad: true},
		{name: "no JSON", body: `{`, bad: true},
		{name: "nothing", body: ``, bad: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := hook.Parse([]byte(tt.body))
			if (err != nil) != tt.bad || got != tt.want {
				t.Errorf("Parse(%s) = %+v, %v; want %+v", tt.body, got, err, tt.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"id":"evt_1","type":"refund.updated","data":{"object":{"id":"re_1","object":"refund","payment_intent":{"id":"pi_1"}}}}`)
	f.Add(`{"id":"evt_1","type":"x","data":{"object":[]}}`)
	f.Fuzz(func(t *testing.T, body string) {
		e, err := hook.Parse([]byte(body))
		if err == nil && (strings.Contains(e.ID+e.Account+e.Object+e.Intent, "#") || e.ID == "") {
			t.Errorf("Parse(%q) = %+v", body, e)
		}
	})
}
