package stripe

import (
	"encoding/json"
	"fmt"
	"time"
)

// What a card payment costs: 2.9 % and 30 minor units, never more than the payment. A refund gives none of it back. A
// dispute costs 1500 minor units.
const (
	feePerMille = 29
	feeFixed    = 30
	disputeFee  = 1500
)

func fee(amount int64) int64 { return min(amount, (amount*feePerMille+500)/1000+feeFixed) }

// newIntent makes the payment of a session.
func (s *Server) newIntent(b *book, session object) object {
	wish := b.wishes[session.id()]
	o := object{"id": newID("pi_3", 23), "object": "payment_intent", "amount": session["amount_total"], "amount_capturable": int64(0),
		"amount_details": map[string]any{"tip": map[string]any{}}, "amount_received": int64(0), "application": nil, "application_fee_amount": nil,
		"automatic_payment_methods": nil, "canceled_at": nil, "cancellation_reason": nil, "capture_method": "automatic", "confirmation_method": "automatic",
		"created": s.now().Unix(), "currency": session["currency"], "customer": session["customer"], "description": wish["description"], "invoice": nil,
		"last_payment_error": nil, "latest_charge": nil, "livemode": false, "metadata": metadata(nil, wish), "next_action": nil, "on_behalf_of": nil, "payment_method": nil,
		"payment_method_options": map[string]any{}, "payment_method_types": session["payment_method_types"], "processing": nil, "receipt_email": wish["receipt_email"],
		"review": nil, "setup_future_usage": nil, "shipping": nil, "source": nil, "statement_descriptor": wish["statement_descriptor"],
		"statement_descriptor_suffix": wish["statement_descriptor_suffix"], "status": "requires_payment_method", "transfer_data": nil, "transfer_group": nil}
	b.put(o)
	return o
}

// newCharge makes an attempt at a payment.
func (s *Server) newCharge(b *book, intent object, p Payment) object {
	method := map[string]any{"type": "card", "card": map[string]any{"brand": "visa", "country": "US", "exp_month": 12, "exp_year": s.now().Year() + 4,
		"funding": "credit", "last4": "4242", "network": "visa", "wallet": nil}}
	if p.Outcome == "declined" {
		within(method, "card")["last4"] = "0002"
	}
	if p.Outcome == "async" {
		method = map[string]any{"type": "sepa_debit", "sepa_debit": map[string]any{"bank_code": "37040044", "country": "DE", "last4": "3000", "mandate": nil}}
	}
	o := object{"id": newID("ch_3", 23), "object": "charge", "amount": intent["amount"], "amount_captured": int64(0), "amount_refunded": int64(0), "application": nil,
		"application_fee": nil, "application_fee_amount": nil, "balance_transaction": nil,
		"billing_details": map[string]any{"address": nil, "email": p.Email, "name": p.Name, "phone": nil}, "calculated_statement_descriptor": "LOCAL", "captured": false,
		"created": s.now().Unix(), "currency": intent["currency"], "customer": intent["customer"], "description": intent["description"], "disputed": false,
		"failure_balance_transaction": nil, "failure_code": nil, "failure_message": nil, "fraud_details": map[string]any{}, "invoice": nil, "livemode": false,
		"metadata": metadata(nil, object{"metadata": intent["metadata"]}), "on_behalf_of": nil, "outcome": nil, "paid": false, "payment_intent": intent.id(),
		"payment_method": newID("pm_1", 23), "payment_method_details": method, "receipt_email": intent["receipt_email"], "receipt_number": nil, "receipt_url": nil,
		"refunded": false, "review": nil, "shipping": nil, "source": nil, "source_transfer": nil, "statement_descriptor": intent["statement_descriptor"],
		"statement_descriptor_suffix": intent["statement_descriptor_suffix"], "status": "pending", "transfer_data": nil, "transfer_group": nil}
	b.put(o)
	intent["latest_charge"], intent["payment_method"], intent["last_payment_error"] = o.id(), o["payment_method"], nil
	return o
}

// succeed books an attempt that came through.
func (s *Server) succeed(b *book, intent, charge object) {
	amount := charge.number("amount")
	charge["status"], charge["paid"], charge["captured"], charge["amount_captured"] = "succeeded", true, true, amount
	charge["outcome"] = map[string]any{"network_status": "approved_by_network", "reason": nil, "risk_level": "normal", "seller_message": "Payment complete.", "type": "authorized"}
	charge["balance_transaction"] = s.balance(b, "charge", charge.id(), charge.text("currency"), amount, fee(amount))
	intent["status"], intent["amount_received"] = "succeeded", amount
}

// decline marks an attempt that did not.
func (s *Server) decline(b *book, intent, charge object, code string) {
	const message = "Your card was declined."
	charge["status"], charge["failure_code"], charge["failure_message"] = "failed", "card_declined", message
	charge["outcome"] = map[string]any{"network_status": "declined_by_network", "reason": code, "risk_level": "normal",
		"seller_message": "The bank did not return any further details with this decline.", "type": "issuer_declined"}
	intent["status"], intent["payment_method"] = "requires_payment_method", nil
	intent["last_payment_error"] = map[string]any{"type": "card_error", "code": "card_declined", "decline_code": code, "message": message, "charge": charge.id(),
		"doc_url": "https://stripe.com/docs/error-codes/card-declined"}
}

// balance books a movement of money and gives its id.
func (s *Server) balance(b *book, kind, source, code string, amount, fee int64) string {
	now := s.now()
	details := []any{}
	if fee > 0 {
		details = append(details, map[string]any{"amount": fee, "application": nil, "currency": code, "description": "Stripe processing fees", "type": "stripe_fee"})
	}
	o := object{"id": newID("txn_3", 23), "object": "balance_transaction", "amount": amount, "available_on": now.Unix(), "created": now.Unix(),
		"currency": code, "description": nil, "exchange_rate": nil, "fee": fee, "fee_details": details, "net": amount - fee, "reporting_category": kind, "source": source,
		"status": "available", "type": kind}
	b.put(o)
	return o.id()
}

func (s *Server) createRefund(c *call) (any, *refusal) {
	charge, refused := refundable(c)
	if refused != nil {
		return nil, refused
	}
	left := charge.number("amount") - charge.number("amount_refunded")
	amount := left
	if n, ok := c.params["amount"].(int); ok {
		amount = int64(n)
		code := charge.text("currency")
		switch {
		case n < 1:
			return nil, invalid("parameter_invalid_integer", "amount", "This value must be greater than or equal to 1.")
		case left == 0:
		case amount > left && left < charge.number("amount"):
			return nil, invalid("", "amount", "Refund amount (%s) is greater than unrefunded amount on charge (%s)", money(amount, code), money(left, code))
		case amount > left:
			return nil, invalid("", "amount", "Refund amount (%s) is greater than charge amount (%s)", money(amount, code), money(left, code))
		}
	}
	if left == 0 {
		return nil, invalid("charge_already_refunded", "", "Charge %s has already been refunded.", charge.id())
	}
	code := charge.text("currency")
	o := object{"id": newID("re_3", 23), "object": "refund", "amount": amount, "balance_transaction": nil, "charge": charge.id(), "created": s.now().Unix(), "currency": code,
		"destination_details": map[string]any{"type": "card", "card": map[string]any{"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}},
		"metadata":            metadata(nil, c.params), "payment_intent": charge["payment_intent"], "reason": c.orNull("reason"), "receipt_number": nil, "source_transfer_reversal": nil,
		"status": "succeeded", "transfer_reversal": nil}
	if s.slow[charge.id()] {
		o["status"], o["destination_details"] = "pending", map[string]any{"type": "sepa_bank_transfer", "sepa_bank_transfer": map[string]any{}}
	}
	c.book.put(o)
	o["balance_transaction"] = s.balance(c.book, "refund", o.id(), code, -amount, 0)
	before := charge.snapshot()
	charge["amount_refunded"] = charge.number("amount_refunded") + amount
	charge["refunded"] = charge["amount_refunded"] == charge["amount"]
	s.emit(c.book, c, "refund.created", o, nil)
	s.emit(c.book, c, "charge.refunded", charge, before)
	return o, nil
}

// refundable gives the charge that a refund names, by itself or by its payment.
func refundable(c *call) (object, *refusal) {
	for name := range c.params {
		switch name {
		case "charge", "payment_intent", "amount", "reason", "metadata", "expand":
		default:
			return nil, unplayed("the " + name + " of a refund")
		}
	}
	id, intentID := c.text("charge"), c.text("payment_intent")
	if id == "" && intentID == "" {
		return nil, invalid("parameter_missing", "payment_intent", "One of the following params should be provided for this request: payment_intent or charge.")
	}
	if intentID != "" {
		intent := c.book.get("payment_intent", intentID)
		if intent == nil {
			return nil, missing("payment_intent", intentID, "payment_intent")
		}
		if intent.text("status") != "succeeded" || id != "" && id != intent.text("latest_charge") {
			return nil, invalid("", "payment_intent", "This PaymentIntent (%s) does not have a successful charge to refund.", intentID)
		}
		id = intent.text("latest_charge")
	}
	charge := c.book.get("charge", id)
	switch {
	case charge == nil:
		return nil, missing("charge", id, "charge")
	case charge.text("status") != "succeeded":
		return nil, invalid("", "charge", "Charge %s was not successful, so it cannot be refunded.", id)
	case charge.is("disputed"):
		return nil, invalid("charge_disputed", "", "Charge %s has been charged back; cannot issue a refund.", id)
	}
	return charge, nil
}

func (s *Server) updateRefund(c *call) (any, *refusal) {
	o := c.book.get("refund", c.values["refund"])
	if o == nil {
		return nil, missing("refund", c.values["refund"], "id")
	}
	before := o.snapshot()
	o["metadata"] = metadata(o["metadata"], c.params)
	s.tellRefund(c.book, c, o, before)
	return o, nil
}

func (s *Server) tellRefund(b *book, c *call, o object, before json.RawMessage) {
	s.emit(b, c, "refund.updated", o, before)
	s.emit(b, c, "charge.refund.updated", o, before)
}

// EndRefund is the bank taking a refund that is pending, or sending it back: then the money is the account's again.
func (s *Server) EndRefund(refund string, taken bool) (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, o := s.find("refund", refund)
	if o == nil {
		return nil, ErrMissing
	}
	if !s.endRefund(b, o, taken) {
		return nil, fmt.Errorf("%w: the refund is %s", ErrState, o.text("status"))
	}
	return o.snapshot(), nil
}

// endRefund ends a refund, and says whether it could. The caller holds the lock.
func (s *Server) endRefund(b *book, o object, taken bool) bool {
	if status := o.text("status"); status == "failed" || taken && status != "pending" {
		return false
	}
	before := o.snapshot()
	o["status"] = "succeeded"
	if !taken {
		amount := o.number("amount")
		o["status"], o["failure_reason"] = "failed", "declined"
		o["failure_balance_transaction"] = s.balance(b, "refund_failure", o.id(), o.text("currency"), amount, 0)
		charge := b.get("charge", o.text("charge"))
		charge["amount_refunded"], charge["refunded"] = charge.number("amount_refunded")-amount, false
	}
	s.tellRefund(b, nil, o, before)
	return true
}

// Dispute says what a payer's bank objects to.
type Dispute struct {
	Charge        string `json:"charge"`
	PaymentIntent string `json:"payment_intent"` // instead of the charge
	Amount        int64  `json:"amount"`         // 0 is all of it
	Reason        string `json:"reason"`         // empty is fraudulent
}

// OpenDispute is a payer's bank objecting to a payment and taking its money back. It gives the dispute.
func (s *Server) OpenDispute(d Dispute) (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.Charge == "" {
		b, intent := s.find("payment_intent", d.PaymentIntent)
		if b == nil {
			return nil, ErrMissing
		}
		d.Charge = intent.text("latest_charge")
	}
	b, charge := s.find("charge", d.Charge)
	if b == nil {
		return nil, ErrMissing
	}
	o, err := s.openDispute(b, charge, d, newID("dp_1", 23))
	if err != nil {
		return nil, err
	}
	return o.snapshot(), nil
}

// openDispute opens a dispute of a charge under an id. The caller holds the lock.
func (s *Server) openDispute(b *book, charge object, d Dispute, id string) (object, error) {
	left := charge.number("amount") - charge.number("amount_refunded")
	if d.Amount == 0 {
		d.Amount = left
	}
	if charge.text("status") != "succeeded" || charge.is("disputed") || d.Amount < 1 || d.Amount > left {
		return nil, fmt.Errorf("%w: the charge cannot be disputed", ErrState)
	}
	if d.Reason == "" {
		d.Reason = "fraudulent"
	}
	now, code := s.now(), charge.text("currency")
	o := object{"id": id, "object": "dispute", "amount": d.Amount, "balance_transactions": []any{}, "charge": charge.id(), "created": now.Unix(),
		"currency": code, "evidence": map[string]any{}, "evidence_details": map[string]any{"due_by": now.Add(9 * 24 * time.Hour).Unix(), "has_evidence": false, "past_due": false,
			"submission_count": 0}, "is_charge_refundable": false, "livemode": false, "metadata": map[string]any{}, "payment_intent": charge["payment_intent"],
		"reason": d.Reason, "status": "needs_response"}
	b.put(o)
	charge["disputed"] = true
	s.emit(b, nil, "charge.dispute.created", o, nil)
	s.move(b, o, -d.Amount, disputeFee)
	s.emit(b, nil, "charge.dispute.funds_withdrawn", o, nil)
	return o, nil
}

// move books what a dispute takes or gives back.
func (s *Server) move(b *book, dispute object, amount, fee int64) {
	moved := b.ids[s.balance(b, "adjustment", dispute.id(), dispute.text("currency"), amount, fee)]
	all, _ := dispute["balance_transactions"].([]any)
	dispute["balance_transactions"] = append(all[:len(all):len(all)], moved)
}

// CloseDispute is the end of a dispute. A won one gives the money back, less the fee.
func (s *Server) CloseDispute(dispute string, won bool) (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, o := s.find("dispute", dispute)
	if o == nil {
		return nil, ErrMissing
	}
	if !s.closeDispute(b, o, won) {
		return nil, fmt.Errorf("%w: the dispute is %s", ErrState, o.text("status"))
	}
	return o.snapshot(), nil
}

// closeDispute ends a dispute, and says whether it could. The caller holds the lock.
func (s *Server) closeDispute(b *book, o object, won bool) bool {
	if status := o.text("status"); status == "won" || status == "lost" {
		return false
	}
	o["status"] = "lost"
	if won {
		o["status"] = "won"
	}
	s.emit(b, nil, "charge.dispute.closed", o, nil)
	if won {
		s.move(b, o, o.number("amount"), 0)
		s.emit(b, nil, "charge.dispute.funds_reinstated", o, nil)
	}
	return true
}
