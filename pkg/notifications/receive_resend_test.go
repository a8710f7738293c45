package notifications_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/notifications"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/store"
)

const webhookSecret = "whsec_c2VjcmV0IG9mIHRoZSB3ZWJob29rcw=="

// report is a webhook of the provider.
func report(kind, mailID, bounce string, at time.Time) string {
	return fmt.Sprintf(`{"type":%q,"created_at":%q,"data":{"email_id":%q,"to":["ada@example.com"],"subject":"We have your privacy request","bounce":{"type":%q}}}`,
		kind, at.Format(time.RFC3339), mailID, bounce)
}

func signed(secret, body string, at time.Time) map[string]string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		panic(err)
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	m := hmac.New(sha256.New, key)
	m.Write([]byte("msg_1." + stamp + "." + body)) // never fails
	return map[string]string{"svix-id": "msg_1", "svix-timestamp": stamp, "svix-signature": "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))}
}

func (w *world) webhook(body string) apitest.Answer {
	return w.Call(notifications.ReceiveResend(w.Store, webhookSecret), apitest.Caller{}, apitest.Request{Body: body, Headers: signed(webhookSecret, body, w.Clock.Now())})
}

func TestReceiveResendRefuses(t *testing.T) {
	w := newWorld(t)
	now := w.Clock.Now()
	body := report("email.delivered", "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794", "", now)
	large := `{"type":"email.delivered","x":"` + strings.Repeat("x", 256<<10) + `"}`
	other := "whsec_YW5vdGhlciBzZWNyZXQ="
	tests := []struct {
		name    string
		body    string
		headers map[string]string
		status  int
		code    string
	}{
		{"no signature", body, nil, http.StatusUnauthorized, "signature_invalid"},
		{"another secret", body, signed(other, body, now), http.StatusUnauthorized, "signature_invalid"},
		{"another body", body + " ", signed(webhookSecret, body, now), http.StatusUnauthorized, "signature_invalid"},
		{"301 seconds old", body, signed(webhookSecret, body, now.Add(-301*time.Second)), http.StatusUnauthorized, "signature_expired"},
		{"301 seconds ahead", body, signed(webhookSecret, body, now.Add(301*time.Second)), http.StatusUnauthorized, "signature_expired"},
		{"more than 256 KB, however signed", large, signed(webhookSecret, large, now), http.StatusRequestEntityTooLarge, "body_too_large"},
		{"signed, but no JSON", "hello", signed(webhookSecret, "hello", now), http.StatusBadRequest, "not_an_event"},
		{"not signed, and no JSON", "hello", nil, http.StatusUnauthorized, "signature_invalid"},
		{"signed, but empty", "", signed(webhookSecret, "", now), http.StatusBadRequest, "not_an_event"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := w.In(t)
			w.Want(w.Call(notifications.ReceiveResend(w.Store, webhookSecret), apitest.Caller{}, apitest.Request{Body: tt.body, Headers: tt.headers}), tt.status, tt.code)
		})
	}
	for _, kind := range []string{"email.sent", "email.opened", "email.received", "contact.created"} {
		w.Want(w.webhook(report(kind, "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794", "", now)), http.StatusOK, "")
	}
	w.Want(w.webhook(report("email.delivered", "../../ORG", "", now)), http.StatusOK, "")
}

func TestReceiveResendRecords(t *testing.T) {
	type step struct{ kind, bounce string }
	delivered, soft, hard, complained := step{"email.delivered", ""}, step{"email.bounced", "Transient"}, step{"email.bounced", "Permanent"}, step{"email.complained", ""}
	tests := []struct {
		name       string
		steps      []step
		want       outbox.State
		suppressed bool
	}{
		{"a delivery", []step{delivered}, outbox.Delivered, false},
		{"a delivery twice", []step{delivered, delivered}, outbox.Delivered, false},
		{"a mailbox that is full", []step{soft}, outbox.Bounced, false},
		{"a mailbox that is not there", []step{hard}, outbox.Bounced, true},
		{"a bounce after a delivery", []step{delivered, hard}, outbox.Bounced, true},
		{"a delivery that comes after the bounce", []step{hard, delivered}, outbox.Bounced, true},
		{"a complaint", []step{delivered, complained}, outbox.Complained, true},
		{"a complaint before its delivery", []step{complained, delivered}, outbox.Complained, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			key := w.queue("dsr_1")
			w.must(w.event(key))
			for _, s := range tt.steps {
				w.Want(w.webhook(report(s.kind, w.mail(key).Provider, s.bounce, w.Clock.Now())), http.StatusOK, "")
			}
			was := w.mail(key)
			if was.State != tt.want || was.SettledAt != w.Clock.Now().Unix() {
				t.Errorf("the mail is %s at %d; want %s", was.State, was.SettledAt, tt.want)
			}
			w.pass(time.Minute)
			for _, s := range tt.steps {
				w.Want(w.webhook(report(s.kind, was.Provider, s.bounce, w.Clock.Now())), http.StatusOK, "")
			}
			if now := w.mail(key); now.Version != was.Version {
				t.Errorf("a repeat wrote the mail: version %d after %d", now.Version, was.Version)
			}
			next := w.queue("dsr_2")
			w.must(w.event(next))
			if dropped := w.mail(next).State == outbox.Dropped; dropped != tt.suppressed {
				t.Errorf("the next mail is %s; want it suppressed: %v", w.mail(next).State, tt.suppressed)
			}
		})
	}
}

func TestAReportBeforeTheRecordIsKept(t *testing.T) {
	w := newWorld(t)
	key := w.queue("dsr_1")
	w.post.Sender = dying{w.sender, true, new(bool)}
	if w.event(key) == nil {
		t.Error("a killed run succeeded")
	}
	provided := w.provider.Mails("")[0].ID
	for range 2 {
		w.Want(w.webhook(report("email.delivered", provided, "", w.Clock.Now())), http.StatusOK, "")
	}
	w.want(key, outbox.Sending, 1, 1)
	w.pass(5 * time.Minute)
	w.must(w.schedule())
	w.want(key, outbox.Delivered, 1, 0)
}

func TestReportsAndRecordAtOnceEndTheSame(t *testing.T) {
	w := newWorld(t)
	for i := range 4 {
		key := w.queue("dsr_" + strconv.Itoa(i))
		w.post.Sender = dying{w.sender, true, new(bool)}
		if w.event(key) == nil {
			t.Error("a killed run succeeded")
		}
		provided := w.provider.Mails("")[0].ID
		w.pass(5 * time.Minute)
		var all sync.WaitGroup
		all.Go(func() { w.webhook(report("email.delivered", provided, "", w.Clock.Now())) })
		all.Go(func() { w.webhook(report("email.complained", provided, "", w.Clock.Now())) })
		all.Go(func() { ignore(w.schedule()) })
		all.Wait()
		w.must(w.schedule())
		if m := w.mail(key); m.State != outbox.Complained {
			t.Fatalf("round %d: the mail is %s; want complained", i, m.State)
		}
		w.pass(366 * 24 * time.Hour)
	}
}

func TestAReportOfAnErasedPersonsMailChangesNothing(t *testing.T) {
	w := newWorld(t)
	key := w.queue("dsr_1")
	w.must(w.event(key))
	provided := w.mail(key).Provider
	tx := w.Store.Begin()
	tx.DeleteKey(w.self(), key, "")
	w.must(tx.Commit(context.Background()))
	w.Want(w.webhook(report("email.bounced", provided, "Permanent", w.Clock.Now())), http.StatusOK, "")
	if _, err := store.Get[outbox.Mail](context.Background(), w.self(), key); err != store.ErrMissing {
		t.Errorf("the mail is back: %v", err)
	}
}
