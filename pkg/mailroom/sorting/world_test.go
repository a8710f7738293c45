package sorting_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/mailroom"
	"pixeltrack.io/platform/pkg/mailroom/sorting"
	"pixeltrack.io/platform/pkg/notifications/letters"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
	"pixeltrack.io/platform/pkg/telemetry"
)

// provider has the mails that came in.
type provider struct {
	mails map[string]*mail.Received
	err   error // of every fetch, nil for none
}

func (p *provider) Fetch(_ context.Context, id string) (*mail.Received, error) {
	switch m := p.mails[id]; {
	case p.err != nil:
		return nil, p.err
	case m == nil:
		return nil, mail.ErrRefused
	default:
		return m, nil
	}
}

// world is a table that mails come in to.
type world struct {
	*apitest.World
	provider *provider
	room     sorting.Room
	n        int
}

func newWorld(t *testing.T) *world {
	w := &world{World: apitest.New(t), provider: &provider{mails: map[string]*mail.Received{}}}
	w.room = sorting.Room{Fetcher: w.provider, Boxes: mail.Boxes{Domain: "pixeltrack.io"}, Own: "PixelTrack <no-reply@mail.pixeltrack.io>", Server: "amazonses.com",
		Links: keys.Links{Secret: "links"}, Pseudonyms: keys.Pseudonyms{Secret: "pseudonyms"}}
	return w
}

func (w *world) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

// account gives a caller an account with an address, and a membership where the caller is a member.
func (w *world) account(c apitest.Caller, email string) {
	w.T.Helper()
	h := w.Store.BindUser(c.User, store.Actor{Who: "test"})
	hash := account.HashOf(w.room.Pseudonyms, email)
	tx := w.Store.Begin()
	tx.Create(h, &account.Profile{User: c.User, Name: "Ada Example", Email: email, MailHash: hash})
	tx.Create(w.Store.BindPlatform(store.Actor{Who: "test"}), &account.Address{User: c.User, Hash: hash})
	w.must(tx.Commit(context.Background()))
	w.join(c)
}

func (w *world) join(c apitest.Caller) {
	w.T.Helper()
	tx := w.Store.Begin()
	tx.Create(w.Store.BindUser(c.User, store.Actor{Who: "test"}), &account.Membership{User: c.User, Organization: c.Org, Member: c.Member})
	w.must(tx.Commit(context.Background()))
}

// authentic are the headers of a mail that comes from whom it says.
func authentic() map[string]mail.Values {
	return map[string]mail.Values{"authentication-results": {"amazonses.com; dmarc=pass header.from=example.com"}}
}

// arrive writes down that a mail came in, as the webhook does, and gives the arrival's key.
func (w *world) arrive(m mail.Received) store.Key {
	w.T.Helper()
	w.Clock.Advance(time.Second) // ids of one moment have no order
	w.n++
	m.ID = fmt.Sprintf("4ef9a417-02e9-4d39-ad75-%012d", w.n)
	if m.To == nil {
		m.To = []string{"support@pixeltrack.io"}
	}
	w.provider.mails[m.ID] = &m
	p := w.Store.BindPlatform(store.Actor{Who: "test"})
	a := &mailroom.Arrival{ID: m.ID, Received: w.Clock.Now().Unix(), Clock: w.Clock.Now().Add(mailroom.Patience).Unix(), State: mailroom.Received}
	tx := w.Store.Begin()
	tx.Create(p, a)
	tx.Arm(p, a.Due())
	w.must(tx.Commit(context.Background()))
	return mailroom.Key(m.ID)
}

// event runs the job for an arrival.
func (w *world) event(key store.Key) error {
	detail, err := json.Marshal(bus.MailArrived{Row: bus.RowOf(key)})
	w.must(err)
	payload := fmt.Sprintf(`{"detail-type":"MailArrived","source":"pixeltrack","time":%q,"detail":%s}`, w.Clock.Now().Format(time.RFC3339), detail)
	return w.do(payload)
}

// schedule runs the job for its schedule.
func (w *world) schedule() error {
	return w.do(fmt.Sprintf(`{"time":%q}`, w.Clock.Now().Format(time.RFC3339)))
}

func (w *world) do(payload string) error {
	return sorting.TakeInMail(w.room).Do(context.Background(), []byte(payload), w.Store, telemetry.New(w.Log, w.Clock.Now), w.Clock.Now, "run")
}

// receive lets a mail come in and be taken, and gives what became of it.
func (w *world) receive(m mail.Received) *mailroom.Arrival {
	w.T.Helper()
	key := w.arrive(m)
	w.must(w.event(key))
	return w.arrival(key)
}

func (w *world) arrival(key store.Key) *mailroom.Arrival {
	w.T.Helper()
	a, err := store.Get[mailroom.Arrival](context.Background(), w.Store.BindPlatform(store.Actor{Who: "test"}), key)
	w.must(err)
	return a
}

// correspondent is the handle of an address.
func (w *world) correspondent(address string) *store.Case {
	return w.Store.BindCase(correspondents.HashOf(w.room.Pseudonyms, address), store.Actor{Who: "test"})
}

// tickets lists the tickets of a scope, with their texts in one line each.
func (w *world) tickets(h support.Holder) (all []string) {
	w.T.Helper()
	rows, _, err := store.List[support.Ticket](context.Background(), h, store.Query{Partition: h.Scope().Partition(support.Family), Limit: 100})
	w.must(err)
	for _, t := range rows {
		messages, _, err := store.List[support.Message](context.Background(), h, store.Query{Partition: h.Scope().Partition(support.FamilyMessages, string(t.ID)), Limit: 100})
		w.must(err)
		texts := []string{string(t.Status), t.Subject}
		for _, m := range messages {
			texts = append(texts, m.Text)
		}
		if int(t.Messages) != len(messages) {
			w.T.Errorf("the ticket counts %d messages; there are %d", t.Messages, len(messages))
		}
		all = append(all, strings.Join(texts, " | "))
	}
	return all
}

// mails writes the mails that wait in a scope, by their templates.
func (w *world) mails(h support.Holder) map[string]mail.Message {
	w.T.Helper()
	rows, _, err := store.List[outbox.Mail](context.Background(), h, store.Query{Partition: h.Scope().Partition(outbox.Family), Limit: 100})
	w.must(err)
	all := map[string]mail.Message{}
	for _, m := range rows {
		all[m.Template] = w.write(m)
	}
	return all
}

func (w *world) write(m *outbox.Mail) mail.Message {
	w.T.Helper()
	for _, t := range letters.Templates() {
		if t.Kind != m.Template {
			continue
		}
		c := &compose.Composer{Store: w.Store, Actor: store.Actor{Who: "job:send-outbox"}, Links: w.room.Links, PublicURL: "https://app.example.com", From: w.room.Own,
			Boxes: w.room.Boxes, People: account.People}
		message, err := t.Compose(context.Background(), c, m)
		w.must(err)
		return message
	}
	w.T.Fatalf("no template is called %s", m.Template)
	return mail.Message{}
}

func (w *world) org(c apitest.Caller) *store.Organization {
	return w.Store.BindOrganization(c.Org, store.Actor{Who: "test"})
}

// member is a member of a new organisation, with an account.
func (w *world) member(email string) apitest.Caller {
	w.T.Helper()
	c := w.Member(w.Organization().Org, access.Contributor)
	w.account(c, email)
	return c
}

// queued lists the mails of a scope.
func (w *world) queued(h support.Holder) []*outbox.Mail {
	w.T.Helper()
	rows, _, err := store.List[outbox.Mail](context.Background(), h, store.Query{Partition: h.Scope().Partition(outbox.Family), Limit: 200})
	w.must(err)
	return rows
}

// unzipped is the text of every file in a zip.
func unzipped(t *testing.T, content []byte) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&all, r); err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}
