package stripe

import (
	"encoding/json"
	"strings"
)

// ownerOf finds the account that an object is of, empty for the platform's and for one that nobody knows.
func (s *Server) ownerOf(o map[string]any) string {
	for _, name := range []string{"id", "charge", "payment_intent"} {
		id, _ := o[name].(string)
		if id == "" {
			continue
		}
		if b := s.books[id]; b != nil {
			return id // an account
		}
		for account, b := range s.books {
			if account != "" && b.ids[id] != nil {
				return account
			}
		}
	}
	return ""
}

// whole gives the object that is remembered, with what a caller says beyond it; or what the caller says of one that is not.
func (b *book) whole(said map[string]any) map[string]any {
	id, _ := said["id"].(string)
	known := b.ids[id]
	if known == nil {
		return said
	}
	var all map[string]any
	if json.Unmarshal(known.snapshot(), &all) != nil {
		return said
	}
	for name, v := range said {
		if _, ok := all[name]; !ok {
			all[name] = v
		}
	}
	return all
}

// come makes true what an event says of an object that is remembered: a session that was paid, is under way or expired, a
// payment that came or did not, a refund and how it ended, a dispute and how it ended, an account that may charge or may
// not, or that left. A dispute or refund that is new is known by the charge that it names. What cannot be, is not.
// Events do not go out. The caller holds the lock.
func (s *Server) come(b *book, kind string, said object) {
	o := b.ids[said.text("id")]
	switch kind {
	case "checkout.session.completed":
		if o == nil || o.text("status") != "open" {
			return
		}
		outcome := "paid"
		if said.text("payment_status") == "unpaid" {
			outcome = "async"
		}
		s.payNow(b, o, Payment{Outcome: outcome})
	case "checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed":
		if o != nil && o.text("status") == "open" {
			s.payNow(b, o, Payment{Outcome: "async"})
		}
		s.clearNow(b, o, strings.HasSuffix(kind, "succeeded"))
	case "checkout.session.expired":
		if o != nil && o.kind() == "checkout.session" && o.text("status") == "open" {
			s.end(b, nil, o)
		}
	case "payment_intent.succeeded":
		for _, session := range b.kinds["checkout.session"] {
			if o == nil || session.text("payment_intent") != o.id() {
				continue
			}
			if session.text("status") == "open" {
				s.payNow(b, session, Payment{})
			} else {
				s.clearNow(b, session, true)
			}
		}
	case "charge.refunded":
		s.refundNow(b, o, amountOf(said, "amount_refunded"))
	case "refund.created":
		if charge := b.get("charge", said.text("charge")); o == nil && charge != nil {
			s.refundNow(b, charge, charge.number("amount_refunded")+amountOf(said, "amount"))
		}
	case "refund.updated", "refund.failed", "charge.refund.updated":
		if o != nil && o.kind() == "refund" && (said.text("status") == "succeeded" || said.text("status") == "failed" || kind == "refund.failed") {
			s.endRefund(b, o, said.text("status") == "succeeded")
		}
	case "charge.dispute.created":
		if o == nil {
			s.disputeNow(b, said)
		}
	case "charge.dispute.closed":
		if o != nil && o.kind() == "dispute" && (said.text("status") == "won" || said.text("status") == "lost") {
			s.closeDispute(b, o, said.text("status") == "won")
		}
	case "account.updated":
		if on, ok := said["charges_enabled"].(bool); ok && o != nil && o.kind() == "account" && !b.gone && on != o.is("charges_enabled") {
			s.enableNow(b, o, on)
		}
	case "account.application.deauthorized":
		if b.account != "" && !b.gone {
			s.forget(b.account)
		}
	}
}

// amountOf reads an amount as JSON or a test gives it.
func amountOf(o object, name string) int64 {
	switch v := o[name].(type) {
	case float64:
		return int64(v)
	case int:
		return int64(v)
	case int64:
		return v
	}
	return 0
}

// refundNow refunds a charge until so much of it is refunded; all of it for 0.
func (s *Server) refundNow(b *book, charge object, until int64) {
	if charge == nil || charge.kind() != "charge" {
		return
	}
	if until == 0 {
		until = charge.number("amount")
	}
	if more := until - charge.number("amount_refunded"); more > 0 {
		_, _ = s.createRefund(&call{book: b, params: map[string]any{"charge": charge.id(), "amount": int(more)}}) // what cannot be refunded is not
	}
}

// disputeNow opens a dispute under the id that was said.
func (s *Server) disputeNow(b *book, said object) {
	charge := b.get("charge", said.text("charge"))
	if intent := b.get("payment_intent", said.text("payment_intent")); charge == nil && intent != nil {
		charge = b.get("charge", intent.text("latest_charge"))
	}
	if charge == nil {
		return
	}
	_, _ = s.openDispute(b, charge, Dispute{Amount: amountOf(said, "amount"), Reason: said.text("reason")}, said.text("id")) // likewise
}
