package notifications_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/local/resend"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/notifications"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/store"
)

func TestAMailIsSentOnce(t *testing.T) {
	hours := func(w *world, n int) { // the schedule, for n hours
		for range n * 12 {
			w.pass(5 * time.Minute)
			w.must(w.schedule())
		}
	}
	tests := []struct {
		name  string
		do    func(w *world, key store.Key)
		state outbox.State
		taken int
		due   int
	}{
		{"when it is queued", func(w *world, key store.Key) { w.must(w.event(key)) }, outbox.Sent, 1, 0},
		{"when the event comes twice", func(w *world, key store.Key) { w.must(w.event(key)); w.must(w.event(key)) }, outbox.Sent, 1, 0},
		{"when the event was lost", func(w *world, _ store.Key) { w.pass(5 * time.Minute); w.must(w.schedule()) }, outbox.Sent, 1, 0},
		{"not by a schedule that leaves it to the stream", func(w *world, _ store.Key) { w.pass(time.Minute); w.must(w.schedule()) }, outbox.Queued, 0, 1},
		{"three days late", func(w *world, key store.Key) {
			w.pass(72 * time.Hour)
			w.must(w.schedule())
			w.must(w.event(key))
		}, outbox.Sent, 1, 0},
		{"at once, eight times", func(w *world, key store.Key) {
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					if i%2 == 0 {
						ignore(w.event(key))
						return
					}
					ignore(w.schedule())
				})
			}
			all.Wait()
		}, outbox.Sent, 1, 0},
		{"killed before it left", func(w *world, key store.Key) {
			w.post.Sender = dying{w.sender, false, new(bool)}
			if w.event(key) == nil {
				w.T.Error("a killed run succeeded")
			}
			w.must(w.event(key)) // while the claim holds
			w.want(key, outbox.Sending, 0, 1)
			w.pass(5 * time.Minute)
			w.must(w.schedule())
		}, outbox.Sent, 1, 0},
		{"killed after it left", func(w *world, key store.Key) {
			w.post.Sender = dying{w.sender, true, new(bool)}
			if w.event(key) == nil {
				w.T.Error("a killed run succeeded")
			}
			w.pass(5 * time.Minute)
			w.must(w.schedule())
			if m := w.mail(key); m.Provider != w.provider.Mails("")[0].ID {
				w.T.Errorf("the mail is bound to %q; want the provider's id", m.Provider)
			}
		}, outbox.Sent, 1, 0},
		{"killed after it left, and nothing ran for three days", func(w *world, key store.Key) {
			w.post.Sender = dying{w.sender, true, new(bool)}
			if w.event(key) == nil {
				w.T.Error("a killed run succeeded")
			}
			w.pass(72 * time.Hour) // the provider has forgotten the key
			w.must(w.schedule())
		}, outbox.Failed, 1, 0},
		{"when the answer is lost", func(w *world, key store.Key) {
			w.faulty(resend.Fault{Drop: true, After: true})
			w.must(w.event(key))
			w.faulty(resend.Fault{})
			w.pass(5 * time.Minute)
			w.must(w.schedule())
		}, outbox.Sent, 1, 0},
		{"when the provider fails for three hours", func(w *world, key store.Key) {
			w.faulty(resend.Fault{Status: 503})
			w.must(w.event(key))
			hours(w, 3)
			w.want(key, outbox.Queued, 0, 1)
			w.faulty(resend.Fault{})
			hours(w, 3)
		}, outbox.Sent, 1, 0},
		{"not at all when the provider fails for two days", func(w *world, key store.Key) {
			w.faulty(resend.Fault{Status: 503})
			w.must(w.event(key))
			hours(w, 23)
			w.want(key, outbox.Queued, 0, 1)
			hours(w, 3)
			w.want(key, outbox.Failed, 0, 0)
			w.faulty(resend.Fault{})
			hours(w, 1)
		}, outbox.Failed, 0, 0},
		{"after the provider asked for a pause", func(w *world, key store.Key) {
			w.faulty(resend.Fault{Status: 429})
			w.pass(5 * time.Minute)
			w.must(w.schedule())
			w.faulty(resend.Fault{})
			w.must(w.event(key)) // too early
			w.want(key, outbox.Queued, 0, 1)
			w.pass(5 * time.Minute)
			w.must(w.schedule())
		}, outbox.Sent, 1, 0},
		{"after the provider asked the stream for a pause", func(w *world, key store.Key) {
			w.faulty(resend.Fault{Status: 429})
			w.must(w.event(key))
			w.want(key, outbox.Queued, 0, 1)
			w.faulty(resend.Fault{})
			w.pass(5 * time.Minute)
			w.must(w.schedule())
		}, outbox.Sent, 1, 0},
		{"not at all when the provider refuses it", func(w *world, key store.Key) {
			w.people[w.ada.User] = compose.Person{Address: "no address"}
			w.must(w.event(key))
		}, outbox.Failed, 0, 0},
		{"not at all when its person is gone", func(w *world, key store.Key) {
			delete(w.people, w.ada.User)
			w.must(w.event(key))
		}, outbox.Dropped, 0, 0},
		{"once its template is there", func(w *world, key store.Key) {
			all := w.post.Templates
			w.post.Templates = nil
			w.must(w.event(key))
			w.want(key, outbox.Queued, 0, 1)
			w.post.Templates = all
			w.pass(5 * time.Minute)
			w.must(w.schedule())
		}, outbox.Sent, 1, 0},
		{"though its text has changed since it left", func(w *world, key store.Key) {
			w.post.Sender = dying{w.sender, true, new(bool)}
			if w.event(key) == nil {
				w.T.Error("a killed run succeeded")
			}
			w.post.PublicURL = "https://other.example.org"
			hours(w, 2)
		}, outbox.Sent, 1, 0},
		{"exactly a minute after it was queued, by a provider that fails", func(w *world, key store.Key) {
			w.pass(time.Minute)
			w.faulty(resend.Fault{Status: 500})
			w.must(w.event(key)) // its next attempt falls on the time its first due row has
			w.want(key, outbox.Queued, 0, 1)
			w.faulty(resend.Fault{})
			w.pass(time.Minute)
			w.must(w.schedule())
		}, outbox.Sent, 1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			key := w.queue("dsr_1")
			tt.do(w, key)
			w.want(key, tt.state, tt.taken, tt.due)
		})
	}
}

func TestWhatAMailSays(t *testing.T) {
	w := newWorld(t)
	key := w.queue("dsr_1")
	w.must(w.event(key))
	m := w.provider.Mails("ada@example.com")[0]
	if m.From != "PixelTrack <mail@example.org>" || m.Subject != "We have your privacy request" || m.Key != string(w.mail(key).ID) ||
		!strings.Contains(m.Text, "2026-04-02") || len(m.Links) != 1 || m.Links[0] != "https://app.example.org/privacy/requests/dsr_1" {
		t.Errorf("the mail is %+v", m)
	}
	if text := w.lines.String(); text == "" || strings.Contains(text, "ada@example.com") || strings.Contains(text, "Ada") {
		t.Errorf("the log is empty or names the person:\n%s", text)
	}
}

func TestTheMailOfAnOrganizationGoesToItsOwner(t *testing.T) {
	w := newWorld(t)
	bob := w.Member(w.ada.Org, access.Admin)
	w.people[bob.User] = compose.Person{Address: "bob@example.com"}
	h := w.Store.BindOrganization(w.ada.Org, store.Actor{Who: "job:build-export"})
	tx := w.Store.Begin()
	outbox.Queue(tx, h, "privacy_request_answered", "exp_1", map[string]string{"package": "exp_1", "until": "2026-03-09"})
	w.must(tx.Commit(context.Background()))
	w.must(w.event(outbox.Key(h.Scope(), "exp_1")))
	if ada, bob := len(w.provider.Mails("ada@example.com")), len(w.provider.Mails("bob@example.com")); ada != 1 || bob != 0 {
		t.Errorf("%d mails to the owner, %d to an admin; want 1, 0", ada, bob)
	}
}

func TestAnErasedPersonGetsNoMail(t *testing.T) {
	w := newWorld(t)
	key := w.queue("dsr_1")
	tx := w.Store.Begin()
	tx.DeleteKey(w.self(), key, "")
	w.must(tx.Commit(context.Background()))
	w.must(w.event(key))
	w.pass(5 * time.Minute)
	w.must(w.schedule())
	if n := len(w.provider.Mails("")) + w.due(); n != 0 {
		t.Errorf("%d mails and due rows; want none", n)
	}
}

func TestASuppressedAddressGetsNoMail(t *testing.T) {
	w := newWorld(t)
	first := w.queue("dsr_1")
	w.must(w.event(first))
	w.must(notifications.Settle(context.Background(), w.Store, store.Actor{Who: "test"}, notifications.Report{ID: w.mail(first).Provider, Kind: "email.bounced", Hard: true, At: w.Clock.Now()}))
	second := w.queue("dsr_2")
	w.must(w.event(second))
	w.want(second, outbox.Dropped, 1, 0)
	w.pass(91 * 24 * time.Hour) // a mailbox that was not there may be made
	third := w.queue("dsr_3")
	w.must(w.event(third))
	w.want(third, outbox.Sent, 2, 0)
}

func TestAMarkSetMeanwhileDoesNotLoseARecord(t *testing.T) {
	w := newWorld(t)
	key := w.queue("dsr_1")
	w.post.Sender = marking{w, key}
	w.must(w.event(key))
	w.want(key, outbox.Sent, 1, 0)
	if !w.mail(key).Held {
		t.Error("the hold is gone")
	}
}

// ignore takes the error of one of several runs at once: one of them does the work, a twin may be refused by the table.
func ignore(error) {}
