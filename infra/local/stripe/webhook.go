package stripe

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Delivery says how an event's webhook goes out. The zero value is once, now and well signed.
type Delivery struct {
	Times        int           `json:"times,omitempty"` // how often; 0 is once, or what Repeat says
	Delay        time.Duration `json:"-"`               // of real time
	BadSignature bool          `json:"bad_signature,omitempty"`
	OldSignature bool          `json:"old_signature,omitempty"` // dated ten minutes back, beyond what anybody should take
	Secret       string        `json:"secret,omitempty"`        // current or previous, to sign with that alone; empty is all that count
}

// wrong says whether a delivery is made to be refused; then it is not tried again.
func (d Delivery) wrong() bool { return d.BadSignature || d.OldSignature || d.Secret == "previous" }

// oldBy is how far back an old signature is dated. Stripe's libraries take five minutes.
const oldBy = 10 * time.Minute

// message is one webhook on its way.
type message struct {
	outgoing
	attempts int
	due      time.Time // real
}

// keys are the secrets of an endpoint.
type keys struct {
	current, previous string
	until             time.Time // when the previous one ends, by the stack's clock
}

// webhooks posts messages one after another, in the order in which they become due.
type webhooks struct {
	options  Options
	each     func() // what time brings about
	heard    func(event string, status int, over bool)
	kick     chan struct{}
	ctx      context.Context // ends with the server
	stop     context.CancelFunc
	ended    chan struct{}
	platform keys
	connect  keys

	mu      sync.Mutex
	queue   []*message
	current int
}

// tick is how often a message that must wait is looked at again.
const tick = 20 * time.Millisecond

func newWebhooks(o Options, each func(), heard func(string, int, bool)) *webhooks {
	h := &webhooks{options: o, each: each, heard: heard, kick: make(chan struct{}, 1), ended: make(chan struct{}),
		platform: keys{current: o.Platform.Secret}, connect: keys{current: o.Connect.Secret}}
	h.ctx, h.stop = context.WithCancel(context.Background())
	go h.run()
	return h
}

func (h *webhooks) close() {
	h.stop()
	<-h.ended
}

// add queues an event as often as told. Every copy bears the same id, as a repeated delivery does.
func (h *webhooks) add(out outgoing) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for range max(out.how.Times, 1) {
		h.queue = append(h.queue, &message{outgoing: out, due: time.Now().Add(out.how.Delay)})
	}
	select {
	case h.kick <- struct{}{}:
	default:
	}
}

func (h *webhooks) pending() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.queue) + h.current
}

func (h *webhooks) keys(connect bool) *keys {
	if connect {
		return &h.connect
	}
	return &h.platform
}

func (h *webhooks) hasPrevious(connect bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.keys(connect).previous != ""
}

func (h *webhooks) roll(connect bool, secret string, until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.keys(connect)
	k.previous, k.current, k.until = k.current, secret, until
}

func (h *webhooks) run() {
	defer close(h.ended)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		h.each()
		for m := h.next(); m != nil; m = h.next() {
			h.attempt(m)
		}
		select {
		case <-h.ctx.Done():
			return
		case <-h.kick:
		case <-ticker.C:
		}
	}
}

// next takes the first message that may go now.
func (h *webhooks) next() *message {
	if h.ctx.Err() != nil {
		return nil
	}
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, m := range h.queue {
		if !m.due.After(now) {
			h.queue = append(h.queue[:i:i], h.queue[i+1:]...)
			h.current = 1
			return m
		}
	}
	return nil
}

// attempt posts a message and queues it again when it was not taken.
func (h *webhooks) attempt(m *message) {
	status := h.post(m)
	again := status/100 != 2 && m.attempts < len(h.options.Retries) && !m.how.wrong()
	h.heard(m.event, status, !again)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.current = 0
	if again {
		m.due = time.Now().Add(h.options.Retries[m.attempts])
		m.attempts++
		h.queue = append(h.queue, m)
	}
}

// post gives the status of the answer, 0 for none.
func (h *webhooks) post(m *message) int {
	url := h.options.Platform.URL
	if m.connect {
		url = h.options.Connect.URL
	}
	r, err := http.NewRequestWithContext(h.ctx, http.MethodPost, url, bytes.NewReader(m.body))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	r.Header.Set("Stripe-Signature", h.signature(m))
	answer, err := h.options.Client.Do(r)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, answer.Body) // only so that the connection can be used again
	return answer.StatusCode
}

// signature dates a message by the stack's clock and signs it with each secret that counts.
func (h *webhooks) signature(m *message) string {
	now := h.options.Clock.Now()
	stamp := now.Unix()
	if m.how.OldSignature {
		stamp = now.Add(-oldBy).Unix()
	}
	h.mu.Lock()
	k := *h.keys(m.connect)
	h.mu.Unlock()
	secrets := []string{k.current}
	switch {
	case m.how.Secret == "previous":
		secrets = []string{k.previous}
	case m.how.Secret == "" && k.previous != "" && now.Before(k.until):
		secrets = append(secrets, k.previous)
	}
	all := []string{fmt.Sprintf("t=%d", stamp)}
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "%d.%s", stamp, m.body)
		if m.how.BadSignature {
			mac.Write([]byte("bad")) // never fails
		}
		all = append(all, "v1="+hex.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, ",")
}
