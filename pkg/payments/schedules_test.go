package payments_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/local/stripe"
	"pixeltrack.io/platform/infra/size"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/invoicing"
)

// TestTheLedgerIsTheTrueHistory plays random lives of an invoice: checkouts that are paid, declined, left and slow, refunds
// by us and in Stripe's dashboard, refunds that fail, disputes, payments by hand. Stripe's webhooks about them come twice,
// late, in any order, or not at all; forged ones, old ones and ones under a rolled secret come between. At the end, once
// Stripe was asked what no webhook told, the ledger is what Stripe and the hand say, every time.
func TestTheLedgerIsTheTrueHistory(t *testing.T) {
	var told counts
	all := size.Of(15, 1000)
	for first := 0; first < all && !t.Failed(); first += chapter {
		playFrom(t, first, min(all, first+chapter), &told)
		t.Logf("%+v", told)
	}
}

// chapter is how many lives one world sees: a stand-in's table grows slow with its rows.
const chapter = 50

func playFrom(t *testing.T, first, end int, told *counts) {
	w, owner, account := newConnected(t)
	w.settings(owner, map[string]any{"partial_payments": true})
	for n := first; n < end && !t.Failed(); n++ {
		s := &schedule{world: w, owner: owner, account: account, rand: rand.New(rand.NewPCG(uint64(n), 1)), counts: told} //nolint:gosec // a life that can be played again
		s.play()
		for _, wrong := range s.differences() {
			t.Errorf("schedule %d: %s\n\t%s", n, wrong, strings.Join(s.log, "\n\t"))
		}
		owner = w.pass(s.owner, 25*time.Hour)
	}
}

// counts is what the schedules had in them.
type counts struct{ Schedules, Events, Delivered, Twice, Dropped, Forged, Old, Rolled, Payments, Refunds, Disputes, ByHand, Credits int }

type schedule struct {
	*world
	*counts
	owner    apitest.Caller
	account  string
	rand     *rand.Rand
	log      []string
	invoice  invoicing.Body
	token    string
	sessions []string
	byHand   int64
	waiting  []webhook // that are yet to come
	arrived  []webhook // that were taken, whose event is yet to come off the bus
	lost     bool      // whether something was dropped
	drops    int       // how many of eight webhooks are dropped
}

func (s *schedule) say(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf(format, args...))
}

// play lives one life.
func (s *schedule) play() {
	s.Schedules++
	s.drops = []int{0, 1, 1, 4, 8}[s.rand.IntN(5)]
	total := int64(5000 + s.rand.IntN(20000))
	s.invoice, s.token = s.world.invoice(s.owner, total, "EUR")
	if s.rand.IntN(4) == 0 {
		s.roll()
	}
	for range 3 + s.rand.IntN(8) {
		s.step()
		for _, h := range s.collect() {
			s.Events++
			s.enqueue(h)
		}
		for len(s.waiting)+len(s.arrived) > 0 && s.rand.IntN(3) > 0 {
			s.tell()
		}
	}
	for len(s.waiting)+len(s.arrived) > 0 {
		s.tell()
	}
	if s.lost || s.rand.IntN(3) == 0 {
		s.owner = s.pass(s.owner, 25*time.Hour)
		if err := s.reconcile(); err != nil {
			s.say("reconcile: %v", err)
			s.T.Error(err)
		}
	}
	for _, h := range s.collect() { // what the product itself did since
		s.take(h)
	}
}

// roll gives the endpoint a new secret. The product knows both for a while, or has the old one still.
func (s *schedule) roll() {
	s.Rolled++
	old := s.secret[strings.LastIndex(s.secret, ",")+1:]
	next := fmt.Sprintf("whsec_%d", s.rand.Uint64())
	s.stripe.Roll(true, next, time.Hour)
	s.secret = old + "," + next
	s.say("the secret is rolled")
}

// enqueue decides how often a webhook comes.
func (s *schedule) enqueue(h webhook) {
	switch n := s.rand.IntN(8); {
	case n < s.drops:
		s.Dropped++
		s.lost = true
		_, e := keyOf(h)
		s.say("%s is lost", e.Kind)
		return
	case n >= 6:
		s.Twice++
		s.waiting = append(s.waiting, h)
	}
	s.waiting = append(s.waiting, h)
}

// tell lets one webhook or one event off the bus arrive, whichever.
func (s *schedule) tell() {
	if len(s.arrived) > 0 && (len(s.waiting) == 0 || s.rand.IntN(2) == 0) {
		h := s.pick(&s.arrived)
		if err := s.apply(h); err != nil {
			s.say("apply: %v", err)
			s.T.Error(err)
		}
		return
	}
	h := s.pick(&s.waiting)
	s.forge(h)
	_, e := keyOf(h)
	s.say("Stripe tells of %s", e.Kind)
	if a := s.receive(h); a.Status != 200 {
		s.T.Errorf("a webhook = %d %s", a.Status, a.Body)
	}
	s.Delivered++
	s.arrived = append(s.arrived, h)
	if s.rand.IntN(5) == 0 { // the stream tells twice
		s.arrived = append(s.arrived, h)
	}
}

func (s *schedule) pick(from *[]webhook) webhook {
	n := s.rand.IntN(len(*from))
	h := (*from)[n]
	*from = slices.Delete(*from, n, n+1)
	return h
}

// forge lets something come that is not Stripe's: it is refused, and nothing reads it.
func (s *schedule) forge(h webhook) {
	body, code := h.body, "signature_invalid"
	signature := h.signature
	switch s.rand.IntN(12) {
	case 0:
		body = bytes.Replace(body, []byte(`"id"`), []byte(`"Id"`), 1)
	case 1:
		body = []byte("{")
	case 2:
		signature = strings.Replace(signature, "v1=", "v1=00", 1)
		if strings.Count(signature, "v1=") > 1 {
			signature = signature[:strings.Index(signature, ",")] + ",v1=00"
		}
	case 3:
		at := s.Clock.Now()
		s.Clock.Set(at.Add(310 * time.Second))
		defer s.Clock.Set(at)
		code = "signature_expired"
	default:
		return
	}
	if code == "signature_expired" {
		s.Old++
	} else {
		s.Forged++
	}
	if a := s.receive(webhook{body, signature}); a.Status != 401 || a.Code() != code {
		s.T.Errorf("a webhook that is not Stripe's = %d %s; want %s", a.Status, a.Body, code)
	}
}

// step lets something happen.
func (s *schedule) step() {
	switch s.rand.IntN(13) {
	case 0, 1, 2, 3:
		s.open()
	case 12: // on a page that was left open, whatever was paid since
		if len(s.sessions) > 0 {
			_, err := s.stripe.Pay(s.sessions[s.rand.IntN(len(s.sessions))], stripe.Payment{})
			s.say("a page that was left is paid: %v", err)
		}
	case 4:
		amount := 100 + s.rand.Int64N(6000)
		if a := s.manual(s.owner, s.invoice, amount); a.Status == 201 {
			s.byHand += amount
			s.ByHand++
			s.say("paid by hand: %d", amount)
		}
	case 5, 6:
		s.refundOne()
	case 7:
		s.refundAtStripe()
	case 8:
		s.endRefund()
	case 9, 10:
		s.dispute()
	case 11:
		if _, err := s.stripe.Restrict(s.account); err == nil {
			_, err = s.stripe.Onboard(s.account)
			if err != nil {
				s.T.Error(err)
			}
			s.say("restricted and enabled again")
		}
	}
}

func (s *schedule) open() {
	body := map[string]any{}
	if s.rand.IntN(2) == 0 {
		body["amount"] = money(50+s.rand.Int64N(8000), "EUR")
	}
	a := s.checkout(s.token, body)
	if a.Status != 201 {
		s.say("a checkout is refused: %s", a.Code())
		if a.Status >= 500 {
			s.T.Errorf("checkout = %d %s", a.Status, a.Body)
		}
		return
	}
	var out struct{ URL string }
	a.Into(s.T, &out)
	id := out.URL[strings.LastIndex(out.URL, "/")+1:]
	if !slices.Contains(s.sessions, id) {
		s.sessions = append(s.sessions, id)
	}
	outcome := []string{"paid", "paid", "paid", "paid", "declined", "async", "left"}[s.rand.IntN(7)]
	s.say("a checkout is %s", outcome)
	if outcome == "left" {
		return
	}
	s.pay(id, outcome)
	if outcome == "async" {
		came := s.rand.IntN(3) > 0
		if _, err := s.stripe.Clear(id, came); err != nil {
			s.T.Error(err)
		}
	}
}

func (s *schedule) refundOne() {
	all := s.payments(s.owner, s.invoice)
	if len(all) == 0 {
		return
	}
	p := all[s.rand.IntN(len(all))]
	if p.Source == invoicing.Manual { // the true history of a manual payment is the ledger's alone
		return
	}
	body := map[string]any{}
	if s.rand.IntN(3) > 0 {
		body["amount"] = money(1+s.rand.Int64N(p.Amount.Amount), "EUR")
	}
	a := s.refund(s.owner, p.ID, apitest.Request{Body: body})
	s.say("a refund by us = %d %s", a.Status, a.Code())
	if a.Status >= 500 {
		s.T.Errorf("refund = %d %s", a.Status, a.Body)
	}
}

// paidIntents lists the intents of the sessions that were paid.
func (s *schedule) paidIntents() []string {
	var all []string
	for _, id := range s.sessions {
		if intent, _ := s.ask(s.account, "/v1/checkout/sessions/"+id)["payment_intent"].(string); intent != "" {
			if s.ask(s.account, "/v1/payment_intents/"+intent)["status"] == "succeeded" {
				all = append(all, intent)
			}
		}
	}
	return all
}

func (s *schedule) refundAtStripe() {
	all := s.paidIntents()
	if len(all) == 0 {
		return
	}
	amount := 1 + s.rand.Int64N(4000)
	_, err := s.client.Refund(s.T.Context(), s.account, fmt.Sprint("dashboard-", s.rand.Uint64()), all[s.rand.IntN(len(all))], amount, "")
	s.say("a refund of %d in the dashboard: %v", amount, err)
}

func (s *schedule) endRefund() {
	all := s.paidIntents()
	if len(all) == 0 {
		return
	}
	refunds := s.list("/v1/refunds", all[s.rand.IntN(len(all))])
	if len(refunds) == 0 {
		return
	}
	_, err := s.stripe.EndRefund(refunds[0]["id"].(string), s.rand.IntN(2) == 0)
	if err != nil && !errors.Is(err, stripe.ErrState) {
		s.T.Error(err)
	}
	s.say("a refund ends: %v", err)
}

func (s *schedule) dispute() {
	all := s.paidIntents()
	if len(all) == 0 {
		return
	}
	intent := all[s.rand.IntN(len(all))]
	if all := s.list("/v1/disputes", intent); len(all) > 0 {
		_, err := s.stripe.CloseDispute(all[0]["id"].(string), s.rand.IntN(2) == 0)
		s.say("a dispute ends: %v", err)
		return
	}
	_, err := s.stripe.OpenDispute(stripe.Dispute{PaymentIntent: intent})
	s.say("a dispute: %v", err)
}

func (s *schedule) list(path, intent string) []map[string]any {
	data, _ := s.ask(s.account, path+"?limit=100&payment_intent="+intent)["data"].([]any)
	var all []map[string]any
	for _, d := range data {
		all = append(all, d.(map[string]any))
	}
	return all
}

// differences compares the ledger with what Stripe and the hand say, counted by another road.
func (s *schedule) differences() []string {
	var wrong []string
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	ledger := map[string]invoicing.PaymentBody{}
	hands, credits := int64(0), int64(0)
	for _, p := range s.payments(s.owner, s.invoice) {
		credits += p.Credit.Amount
		if p.Credit.Amount < 0 || p.Credit.Amount > p.Amount.Amount {
			add("the credit of %+v", p)
		}
		if p.Source == invoicing.Manual {
			hands += p.Amount.Amount
			continue
		}
		if _, twice := ledger[p.Stripe.Intent]; twice {
			add("%s is written down twice", p.Stripe.Intent)
		}
		ledger[p.Stripe.Intent] = p
	}
	if hands != s.byHand {
		add("by hand %d; want %d", hands, s.byHand)
	}
	sum := s.byHand
	intents := s.paidIntents()
	for _, intent := range intents {
		s.Payments++
		at := s.ask(s.account, "/v1/payment_intents/"+intent)
		net := int64(at["amount_received"].(float64))
		p, ok := ledger[intent]
		if !ok || p.Amount.Amount != net {
			add("%s of %d is written down as %+v", intent, net, p)
		}
		var want, got []string
		for _, r := range s.list("/v1/refunds", intent) {
			s.Refunds++
			want = append(want, fmt.Sprint(r["id"], r["amount"], r["status"]))
			if r["status"] != "failed" {
				net -= int64(r["amount"].(float64))
			}
		}
		for _, d := range s.list("/v1/disputes", intent) {
			s.Disputes++
			want = append(want, fmt.Sprint(d["id"], d["amount"], d["status"]))
			if d["status"] == "lost" {
				net -= int64(d["amount"].(float64))
			}
		}
		for _, r := range p.Refunds {
			if r.StripeID != "" {
				got = append(got, fmt.Sprint(r.StripeID, r.Amount.Amount, r.Status))
			} else if r.Status != invoicing.RefundFailed {
				add("Stripe was never told of %+v", r)
			}
		}
		for _, d := range p.Disputes {
			got = append(got, fmt.Sprint(d.ID, d.Amount.Amount, d.Status))
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			add("%s has %v; want %v", intent, got, want)
		}
		sum += max(0, net)
	}
	if len(ledger) != len(intents) {
		add("%d payments through Stripe; want %d", len(ledger), len(intents))
	}
	i := s.read(s.owner, s.invoice)
	over := max(0, sum-i.Total.Amount)
	if i.PaidTotal.Amount != sum-over || credits != over || (i.Credit == nil) != (over == 0) {
		add("the invoice of %d is paid %d with a credit of %d; want %d and %d", i.Total.Amount, i.PaidTotal.Amount, credits, sum-over, over)
	}
	if over > 0 {
		s.Credits++
	}
	want := invoicing.PartlyPaid
	switch i.PaidTotal.Amount {
	case i.Total.Amount:
		want = invoicing.Paid
	case 0:
		want = invoicing.Sent
	}
	if i.Status != want {
		add("the invoice is %s; want %s", i.Status, want)
	}
	return wrong
}
