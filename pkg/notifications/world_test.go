package notifications_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/local/resend"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/notifications"
	"pixeltrack.io/platform/pkg/notifications/letters"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// world is a table, a mail provider, and a person who gets mails.
type world struct {
	*apitest.World
	provider *resend.Server
	stack    *simclock.Clock
	sender   *mail.Sender
	post     notifications.Post
	ada      apitest.Caller
	log      *telemetry.Log
	lines    *bytes.Buffer // what the jobs logged

	mu     sync.Mutex
	fault  resend.Fault
	people map[id.User]compose.Person
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: apitest.New(t), stack: &simclock.Clock{}, people: map[id.User]compose.Person{}, lines: new(bytes.Buffer)}
	w.stack.Set(w.Clock.Now())
	var err error
	w.provider, err = resend.New(resend.Options{Key: "re_local", Clock: w.stack, Fault: func(*http.Request) resend.Fault {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.fault
	}})
	w.must(err)
	t.Cleanup(w.provider.Close)
	web := httptest.NewServer(w.provider)
	t.Cleanup(web.Close)
	w.sender, err = mail.NewSender("re_local", web.URL, web.Client())
	w.must(err)
	w.ada = w.Organization()
	w.people[w.ada.User] = compose.Person{Name: "Ada Example", Address: "ada@example.com"}
	w.log = telemetry.New(w.lines, w.Clock.Now)
	w.post = notifications.Post{Sender: w.sender, Templates: letters.Templates(), Links: keys.Links{Secret: "links"}, Pseudonyms: keys.Pseudonyms{Secret: "pseudonyms"},
		PublicURL: "https://app.example.org", From: "PixelTrack <mail@example.org>", Boxes: mail.Boxes{Domain: "example.org"},
		People: func(_ context.Context, h *store.User) (compose.Person, error) {
			p, ok := w.people[h.ID]
			if !ok {
				return p, compose.ErrGone
			}
			return p, nil
		}}
	return w
}

func (w *world) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

// faulty makes every call of the provider go wrong, until it is called with nothing wrong.
func (w *world) faulty(f resend.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = f
}

func (w *world) pass(d time.Duration) {
	w.Clock.Advance(d)
	w.stack.Set(w.Clock.Now())
}

func (w *world) self() *store.User {
	return w.Store.BindUser(w.ada.User, store.Actor{Who: string(w.ada.User)})
}

// queue puts a mail about a request into Ada's outbox.
func (w *world) queue(dedupe string) store.Key {
	w.T.Helper()
	tx := w.Store.Begin()
	outbox.Queue(tx, w.self(), "privacy_request_received", dedupe, map[string]string{"case": dedupe, "kind": "access", "due": "2026-04-02", "state": "verified"})
	w.must(tx.Commit(context.Background()))
	return outbox.Key(w.self().Scope(), dedupe)
}

func (w *world) mail(key store.Key) *outbox.Mail {
	w.T.Helper()
	m, err := store.Get[outbox.Mail](context.Background(), w.self(), key)
	w.must(err)
	return m
}

// event runs the sender for a mail that was queued, under the request given.
func (w *world) event(key store.Key) error {
	detail, err := json.Marshal(map[string]string{"pk": key.PK, "sk": key.SK})
	if err != nil {
		return err
	}
	payload := fmt.Sprintf(`{"detail-type":"OutboxQueued","source":"pixeltrack","time":%q,"detail":%s}`, w.Clock.Now().Format(time.RFC3339), detail)
	return notifications.SendOutbox(w.post).Do(context.Background(), []byte(payload), w.Store, w.log, w.Clock.Now, string(id.New[id.Message](w.Store.IDs())))
}

// schedule runs the sender as its schedule does.
func (w *world) schedule() error {
	payload := fmt.Sprintf(`{"detail-type":"Scheduled Event","source":"aws.scheduler","time":%q,"detail":"{}"}`, w.Clock.Now().Format(time.RFC3339))
	return notifications.SendOutbox(w.post).Do(context.Background(), []byte(payload), w.Store, w.log, w.Clock.Now, string(id.New[id.Message](w.Store.IDs())))
}

// due counts the due rows of mails, however far ahead.
func (w *world) due() int {
	w.T.Helper()
	n := 0
	for shard := range store.Shards {
		rows, err := store.DueBy(context.Background(), w.Store.BindPlatform(store.Actor{Who: "test"}), outbox.Due, shard, w.Clock.Now().AddDate(1, 0, 0), 100)
		w.must(err)
		n += len(rows)
	}
	return n
}

// want fails the test unless a mail is in a state, the provider has taken so many to Ada, and so many due rows are left.
func (w *world) want(key store.Key, state outbox.State, taken, due int) {
	w.T.Helper()
	if m := w.mail(key); m.State != state {
		w.T.Errorf("the mail is %s after %d attempts; want %s\n%s", m.State, m.Attempts, state, w.lines)
	}
	if n := len(w.provider.Mails("ada@example.com")); n != taken {
		w.T.Errorf("%d mails were taken; want %d", n, taken)
	}
	if n := w.due(); n != due {
		w.T.Errorf("%d due rows; want %d", n, due)
	}
}

// dying is a sender whose process is killed at the first mail, before or after it has left.
type dying struct {
	next  notifications.Sender
	after bool
	dead  *bool
}

var errKilled = errors.New("killed")

// Send panics once in the place of a process that ends there.
func (d dying) Send(ctx context.Context, m mail.Message) (string, error) {
	if *d.dead {
		return d.next.Send(ctx, m)
	}
	*d.dead = true
	if d.after {
		if _, err := d.next.Send(ctx, m); err != nil {
			return "", err
		}
	}
	panic(errKilled)
}

// marking is a sender while which a hold is set on the mail.
type marking struct {
	w   *world
	key store.Key
}

// Send sends after the mark was set.
func (s marking) Send(ctx context.Context, m mail.Message) (string, error) {
	row := s.w.mail(s.key)
	row.Held = true
	tx := s.w.Store.Begin()
	tx.Rewrite(s.w.self(), row)
	s.w.must(tx.Commit(ctx))
	return s.w.sender.Send(ctx, m)
}
