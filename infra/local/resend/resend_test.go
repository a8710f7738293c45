package resend_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	client "github.com/resend/resend-go/v2"

	"pixeltrack.io/platform/infra/local/resend"
	"pixeltrack.io/platform/infra/local/simclock"
)

const (
	apiKey = "re_local"
	secret = "whsec_c2VjcmV0IG9mIHRoZSB3ZWJob29rcw=="
)

// hook is a product that takes webhooks.
type hook struct {
	Status func(n int) int // the answer to the nth call

	mu    sync.Mutex
	calls []posted
}

type posted struct {
	header http.Header
	body   string
	Type   string `json:"type"`
	Data   struct {
		EmailID string            `json:"email_id"`
		Tags    map[string]string `json:"tags"`
	} `json:"data"`
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	p := posted{header: r.Header, body: string(body)}
	if err != nil || json.Unmarshal(body, &p) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, p)
	if h.Status != nil {
		w.WriteHeader(h.Status(len(h.calls)))
	}
}

func (h *hook) types() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := []string{}
	for _, c := range h.calls {
		list = append(list, c.Type)
	}
	return list
}

func (h *hook) last() posted {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.calls[len(h.calls)-1]
}

// world is a server, a client of it, a product for its webhooks and a clock.
type world struct {
	*resend.Server
	client *client.Client
	url    string
	hook   *hook
	clock  *simclock.Clock
}

func start(t *testing.T, change func(*resend.Options)) *world {
	t.Helper()
	h := &hook{}
	product := httptest.NewServer(h)
	t.Cleanup(product.Close)
	clock := &simclock.Clock{}
	o := resend.Options{Key: apiKey, WebhookURL: product.URL + "/v1/webhooks/resend", WebhookSecret: secret,
		InboundURL: product.URL + "/v1/webhooks/inbound-mail", InboundSecret: secret, Clock: clock,
		Retries: []time.Duration{time.Millisecond, time.Millisecond}}
	if change != nil {
		change(&o)
	}
	s, err := resend.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	c := client.NewCustomClient(web.Client(), apiKey)
	if c.BaseURL, err = url.Parse(web.URL + "/"); err != nil {
		t.Fatal(err)
	}
	return &world{Server: s, client: c, url: web.URL, hook: h, clock: clock}
}

// quiet waits until every webhook is out.
func (w *world) quiet(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); w.Pending() > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%d webhooks are still pending", w.Pending())
		}
		<-time.After(time.Millisecond)
	}
}

func (w *world) send(t *testing.T, key string, change func(*client.SendEmailRequest)) (string, error) {
	t.Helper()
	q := &client.SendEmailRequest{From: "PixelTrack <mail@example.org>", To: []string{"Ada@example.com"}, Subject: "Confirm your address",
		Text: "Open https://example.org/confirm?token=abc.\n", Html: `<a href="https://example.org/confirm?token=abc&amp;x=1">Confirm</a>`,
		Headers: map[string]string{"X-Entity-Ref-ID": "1"}, Tags: []client.Tag{{Name: "message", Value: "msg_1"}}}
	if change != nil {
		change(q)
	}
	out, err := w.client.Emails.SendWithOptions(context.Background(), q, &client.SendEmailOptions{IdempotencyKey: key})
	if err != nil {
		return "", err
	}
	return out.Id, nil
}

func TestSend(t *testing.T) {
	w := start(t, nil)
	id, err := w.send(t, "k1", func(q *client.SendEmailRequest) {
		q.Attachments = []*client.Attachment{{Filename: "invoice.pdf", Content: []byte("%PDF")}}
	})
	if err != nil {
		t.Fatal(err)
	}
	mails := w.Mails("ada@example.com")
	if len(mails) != 1 || mails[0].ID != id {
		t.Fatalf("Mails = %v; want the one mail", mails)
	}
	m := mails[0]
	if want := []string{"https://example.org/confirm?token=abc&x=1", "https://example.org/confirm?token=abc"}; !slices.Equal(m.Links, want) {
		t.Errorf("links = %q; want %q", m.Links, want)
	}
	if m.Headers["X-Entity-Ref-ID"] != "1" || m.Tags["message"] != "msg_1" || string(m.Attachments[0].Content) != "%PDF" {
		t.Errorf("headers %v, tags %v, attachments %v are not those sent", m.Headers, m.Tags, m.Attachments)
	}
	w.quiet(t)
	if got, want := w.hook.types(), []string{"email.sent", "email.delivered"}; !slices.Equal(got, want) {
		t.Errorf("events = %v; want %v", got, want)
	}
	if p := w.hook.last(); p.Data.EmailID != id || p.Data.Tags["message"] != "msg_1" {
		t.Errorf("event is of %q with tags %v; want the mail's", p.Data.EmailID, p.Data.Tags)
	}
	got, err := w.client.Emails.GetWithContext(context.Background(), id)
	if err != nil || got.LastEvent != "delivered" || got.Subject != "Confirm your address" {
		t.Errorf("Get = %+v, %v; want the delivered mail", got, err)
	}
}

func TestIdempotency(t *testing.T) {
	tests := []struct {
		name    string
		key     string
		subject string
		advance time.Duration
		same    bool
		mails   int
		refused string
	}{
		{name: "the same mail again is the same mail", key: "k", subject: "A", same: true, mails: 1},
		{name: "another mail under the key is refused", key: "k", subject: "B", mails: 1, refused: "different request payload"},
		{name: "another key is another mail", key: "l", subject: "A", mails: 2},
		{name: "no key is another mail", subject: "A", mails: 2},
		{name: "the key counts until a day has passed", key: "k", subject: "A", advance: 24*time.Hour - time.Minute, same: true, mails: 1},
		{name: "the key counts no more after a day", key: "k", subject: "B", advance: 24*time.Hour + time.Minute, mails: 2},
		{name: "a key that is too long", key: strings.Repeat("k", 257), subject: "A", mails: 1, refused: "1-256"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := start(t, nil)
			first, err := w.send(t, "k", func(q *client.SendEmailRequest) { q.Subject = "A" })
			if err != nil {
				t.Fatal(err)
			}
			w.clock.Advance(tt.advance)
			second, err := w.send(t, tt.key, func(q *client.SendEmailRequest) { q.Subject = tt.subject })
			if tt.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tt.refused) {
					t.Errorf("error = %v; want one with %q", err, tt.refused)
				}
			} else if err != nil || (first == second) != tt.same {
				t.Errorf("ids %q, %q, error %v; want the same: %v", first, second, err, tt.same)
			}
			if got := len(w.Mails("")); got != tt.mails {
				t.Errorf("%d mails; want %d", got, tt.mails)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name   string
		key    string
		body   string
		status int
		code   string
	}{
		{"no key", "", `{}`, 401, "missing_api_key"},
		{"another key", "Bearer re_other", `{}`, 403, "invalid_api_key"},
		{"not JSON", "Bearer " + apiKey, `{`, 400, "validation_error"},
		{"no sender", "Bearer " + apiKey, `{"to":"a@example.com","subject":"S","text":"T"}`, 422, "missing_required_field"},
		{"no recipient", "Bearer " + apiKey, `{"from":"a@example.com","subject":"S","text":"T"}`, 422, "missing_required_field"},
		{"no text", "Bearer " + apiKey, `{"from":"a@example.com","to":"a@example.com","subject":"S"}`, 422, "missing_required_field"},
		{"not an address", "Bearer " + apiKey, `{"from":"a@example.com","to":["nobody"],"subject":"S","text":"T"}`, 422, "validation_error"},
		{"a tag with a space", "Bearer " + apiKey, `{"from":"a@example.com","to":["b@example.com"],"subject":"S","text":"T","tags":[{"name":"a b","value":"c"}]}`, 422, "validation_error"},
	}
	w := start(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequest(http.MethodPost, w.url+"/emails", strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if tt.key != "" {
				r.Header.Set("Authorization", tt.key)
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			var got struct{ Name string }
			if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode != tt.status || got.Name != tt.code {
				t.Errorf("answer = %d %s; want %d %s", answer.StatusCode, got.Name, tt.status, tt.code)
			}
		})
	}
	if got := len(w.Mails("")); got != 0 {
		t.Errorf("%d mails; want none", got)
	}
}

func TestBatch(t *testing.T) {
	w := start(t, nil)
	out, err := w.client.Batch.SendWithContext(context.Background(), []*client.SendEmailRequest{
		{From: "mail@example.org", To: []string{"ada@example.com"}, Subject: "One", Text: "1"},
		{From: "mail@example.org", To: []string{"bob@example.com"}, Subject: "Two", Text: "2"},
	})
	if err != nil || len(out.Data) != 2 {
		t.Fatalf("Send = %v, %v; want two ids", out, err)
	}
	if mails := w.Mails(""); len(mails) != 2 || mails[0].Subject != "Two" {
		t.Errorf("Mails = %v; want two, newest first", mails)
	}
}

func TestWebhookSignature(t *testing.T) {
	w := start(t, nil)
	if _, err := w.send(t, "", nil); err != nil {
		t.Fatal(err)
	}
	w.quiet(t)
	p := w.hook.last()
	headers := client.WebhookHeaders{Id: p.header.Get("Svix-Id"), Timestamp: p.header.Get("Svix-Timestamp"), Signature: p.header.Get("Svix-Signature")}
	verify := func(body string) error {
		return w.client.Webhooks.Verify(&client.VerifyWebhookOptions{Payload: body, Headers: headers, WebhookSecret: secret})
	}
	if err := verify(p.body); err != nil {
		t.Errorf("Verify = %v; want a good signature", err)
	}
	if err := verify(p.body + " "); err == nil {
		t.Error("Verify of a changed body succeeded")
	}
}

func TestWebhookDelivery(t *testing.T) {
	t.Run("is tried again until it is taken", func(t *testing.T) {
		w := start(t, nil)
		w.hook.Status = func(n int) int { return map[int]int{1: 500, 2: 503}[n] + map[bool]int{true: 200}[n > 2] }
		w.Hold(true)
		id, err := w.send(t, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Event(id, "", "bounced", resend.Delivery{}); err != nil {
			t.Fatal(err)
		}
		w.quiet(t)
		if got, want := w.hook.types(), []string{"email.bounced", "email.bounced", "email.bounced"}; !slices.Equal(got, want) {
			t.Errorf("events = %v; want %v", got, want)
		}
	})
	t.Run("is given up", func(t *testing.T) {
		w := start(t, nil)
		w.hook.Status = func(int) int { return 500 }
		if _, err := w.send(t, "", nil); err != nil {
			t.Fatal(err)
		}
		w.quiet(t)
		if got := len(w.hook.types()); got != 6 {
			t.Errorf("%d attempts; want 3 for each of two events", got)
		}
	})
	t.Run("comes twice with one id when told", func(t *testing.T) {
		w := start(t, nil)
		w.Receive(resend.Inbound{From: "bob@example.com", To: []string{"help@example.org"}, Subject: "Help"}, resend.Delivery{Times: 2})
		w.quiet(t)
		if got, want := w.hook.types(), []string{"email.received", "email.received"}; !slices.Equal(got, want) {
			t.Fatalf("events = %v; want %v", got, want)
		}
		if a, b := w.hook.calls[0].header.Get("Svix-Id"), w.hook.calls[1].header.Get("Svix-Id"); a != b {
			t.Errorf("ids %q and %q; want the same", a, b)
		}
	})
	t.Run("comes late by the stack's clock", func(t *testing.T) {
		w := start(t, nil)
		w.Receive(resend.Inbound{From: "bob@example.com", To: []string{"help@example.org"}}, resend.Delivery{Delay: time.Hour})
		if n := w.Pending(); n != 0 {
			t.Fatalf("Pending = %d before the webhook is due; want 0", n)
		}
		w.clock.Advance(time.Hour)
		w.quiet(t)
		if got := len(w.hook.types()); got != 1 {
			t.Errorf("%d events; want 1", got)
		}
	})
	t.Run("is held and released", func(t *testing.T) {
		w := start(t, nil)
		w.Hold(true)
		if _, err := w.send(t, "", nil); err != nil {
			t.Fatal(err)
		}
		w.quiet(t)
		if got := w.hook.types(); len(got) != 0 {
			t.Fatalf("events = %v while held; want none", got)
		}
		w.Hold(false)
		w.quiet(t)
		if got := len(w.hook.types()); got != 2 {
			t.Errorf("%d events after the release; want 2", got)
		}
	})
	t.Run("of no mail and of no kind are refused", func(t *testing.T) {
		w := start(t, nil)
		if err := w.Event("", "nobody@example.com", "bounced", resend.Delivery{}); err != resend.ErrNoMail {
			t.Errorf("Event = %v; want ErrNoMail", err)
		}
		if err := w.Event("", "", "exploded", resend.Delivery{}); err == nil {
			t.Error("Event of an unknown kind succeeded")
		}
	})
}

func TestReceive(t *testing.T) {
	w := start(t, nil)
	id := w.Receive(resend.Inbound{From: "Bob Example <bob@example.com>", To: []string{"help@example.org"}, Subject: "Help", Text: "My screen is blue."}, resend.Delivery{})
	w.quiet(t)
	if p := w.hook.last(); p.Type != "email.received" || p.Data.EmailID != id || strings.Contains(p.body, "blue") {
		t.Errorf("event = %s; want email.received of %s without the text", p.body, id)
	}
	r, err := w.client.NewRequest(context.Background(), http.MethodGet, "emails/receiving/"+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ From, Subject, Text string }
	if _, err := w.client.Perform(r, &got); err != nil || got.Text != "My screen is blue." {
		t.Errorf("received mail = %+v, %v; want its text", got, err)
	}
}

func TestFaults(t *testing.T) {
	var fault resend.Fault
	w := start(t, func(o *resend.Options) { o.Fault = func(*http.Request) resend.Fault { return fault } })
	fault = resend.Fault{Status: 429}
	if _, err := w.send(t, "k", nil); err == nil || len(w.Mails("")) != 0 {
		t.Errorf("throttled: error %v, %d mails; want an error and none", err, len(w.Mails("")))
	}
	fault = resend.Fault{Drop: true, After: true}
	if _, err := w.send(t, "k", nil); err == nil || len(w.Mails("")) != 1 {
		t.Errorf("answer lost: error %v, %d mails; want an error and one", err, len(w.Mails("")))
	}
	fault = resend.Fault{}
	if _, err := w.send(t, "k", nil); err != nil || len(w.Mails("")) != 1 {
		t.Errorf("sent again: error %v, %d mails; want the one mail", err, len(w.Mails("")))
	}
}
