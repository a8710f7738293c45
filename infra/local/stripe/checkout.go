package stripe

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/currency"
)

// A session may be paid for a time between these, by the stack's clock.
const (
	shortestSession = 30 * time.Minute
	longestSession  = 24 * time.Hour
)

// maxAmount is the largest amount of one payment, in minor units.
const maxAmount = 99_999_999

// minimum is the smallest amount of one payment, in minor units.
func minimum(currency string) int64 {
	switch currency {
	case "gbp":
		return 30
	case "aed", "myr", "pln", "ron":
		return 200
	case "bgn":
		return 100
	case "czk":
		return 1500
	case "dkk":
		return 250
	case "hkd":
		return 400
	case "huf":
		return 17500
	case "mxn", "thb":
		return 1000
	case "nok", "sek":
		return 300
	}
	return 50
}

// unplayedOfSession lists the parameters that would change what is charged, or how, in ways that are not played.
func unplayedOfSession() []string {
	return []string{"after_expiration", "automatic_tax", "consent_collection", "custom_fields", "discounts", "invoice_creation", "managed_payments", "name_collection",
		"optional_items", "permissions", "phone_number_collection", "redirect_on_completion", "return_url", "setup_intent_data", "shipping_address_collection", "shipping_options",
		"subscription_data", "tax_id_collection"}
}

func (s *Server) createSession(c *call) (any, *refusal) {
	if refused := playable(c); refused != nil {
		return nil, refused
	}
	if c.account != "" && !c.book.ids[c.account].is("charges_enabled") {
		return nil, invalid("", "", "Your account cannot currently make live charges. Finish the onboarding of %s first.", c.account)
	}
	items, code, refused := lineItems(c)
	if refused != nil {
		return nil, refused
	}
	var total int64
	for _, item := range items {
		total += item.number("amount_total")
	}
	if said := c.text("currency"); said != "" && !strings.EqualFold(said, code) {
		return nil, invalid("", "currency", "The currency %s is not that of the line items, %s.", said, code)
	}
	if total != 0 && total < minimum(code) {
		return nil, invalid("amount_too_small", "", "The Checkout Session's total amount due must add up to at least %s", money(minimum(code), code))
	}
	if total > maxAmount {
		return nil, invalid("amount_too_large", "", "The Checkout Session's total amount due must add up to no more than %s", money(maxAmount, code))
	}
	now := s.now()
	expires := now.Add(longestSession).Unix()
	if n, ok := c.params["expires_at"].(int); ok {
		expires = int64(n)
		switch left := time.Unix(expires, 0).Sub(now); {
		case left < shortestSession-time.Minute: // who computed it takes a moment to arrive
			return nil, invalid("", "expires_at", "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.")
		case left > longestSession:
			return nil, invalid("", "expires_at", "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.")
		}
	}
	if id := c.text("customer"); id != "" {
		if _, refused := c.customer(id, "customer"); refused != nil {
			return nil, refused
		}
	}
	creation := any("if_required")
	if v := c.orNull("customer_creation"); v != nil {
		creation = v
	}
	if c.text("customer") != "" {
		creation = nil
	}
	methods := []any{"card"}
	if given, ok := c.params["payment_method_types"].([]any); ok {
		methods = given
	}
	id := newID("cs_test_a1", 56)
	o := object{"id": id, "object": "checkout.session", "after_expiration": nil, "allow_promotion_codes": c.orNull("allow_promotion_codes"), "amount_subtotal": total,
		"amount_total": total, "automatic_tax": map[string]any{"enabled": false, "status": nil}, "billing_address_collection": c.orNull("billing_address_collection"),
		"cancel_url": c.orNull("cancel_url"), "client_reference_id": c.orNull("client_reference_id"), "consent": nil, "created": now.Unix(), "currency": code,
		"customer": c.orNull("customer"), "customer_creation": creation, "customer_details": nil, "customer_email": c.orNull("customer_email"), "expires_at": expires,
		"invoice": nil, "livemode": false, "locale": c.orNull("locale"), "metadata": metadata(nil, c.params), "mode": "payment", "payment_intent": nil, "payment_link": nil,
		"payment_method_collection": "if_required", "payment_method_options": map[string]any{}, "payment_method_types": methods, "payment_status": "unpaid",
		"phone_number_collection": map[string]any{"enabled": false}, "recovered_from": nil, "setup_intent": nil, "shipping_address_collection": nil, "shipping_cost": nil,
		"shipping_details": nil, "shipping_options": []any{}, "status": "open", "submit_type": c.orNull("submit_type"), "subscription": nil,
		"success_url": c.text("success_url"), "total_details": map[string]any{"amount_discount": int64(0), "amount_shipping": int64(0), "amount_tax": int64(0)},
		"ui_mode": "hosted", "url": "http://" + c.host + "/c/pay/" + id}
	if email := c.text("customer_email"); email != "" {
		o["customer_details"] = details(email, "")
	}
	c.book.put(o)
	c.book.items[id] = items
	c.book.wishes[id] = within(c.params, "payment_intent_data")
	s.open = append(s.open, id)
	return o, nil
}

// playable refuses sessions of which another thing than a plain payment is asked.
func playable(c *call) *refusal {
	switch mode := c.text("mode"); mode {
	case "payment":
	case "":
		return absent("mode")
	default:
		return unplayed("sessions of mode " + mode)
	}
	if c.text("ui_mode") == "embedded" {
		return unplayed("embedded sessions")
	}
	if c.text("success_url") == "" {
		return absent("success_url")
	}
	if c.text("customer") != "" && c.text("customer_email") != "" {
		return invalid("", "customer_email", "You may only specify one of these parameters: customer, customer_email.")
	}
	for _, name := range unplayedOfSession() {
		if _, ok := c.params[name]; ok {
			return unplayed("the " + name + " of a session")
		}
	}
	for name, v := range within(c.params, "payment_intent_data") {
		switch name {
		case "description", "metadata", "receipt_email", "statement_descriptor", "statement_descriptor_suffix":
		case "capture_method":
			if v == "manual" {
				return unplayed("capture by hand")
			}
		default:
			return unplayed("the payment_intent_data[" + name + "] of a session")
		}
	}
	return nil
}

// lineItems reads what a session sells.
func lineItems(c *call) (items []object, code string, refused *refusal) {
	asked, _ := c.params["line_items"].([]any)
	if len(asked) == 0 {
		return nil, "", absent("line_items")
	}
	if len(asked) > 100 {
		return nil, "", invalid("", "line_items", "You may only have up to 100 line items in a Checkout Session.")
	}
	for i, one := range asked {
		item, ok := one.(map[string]any)
		at := fmt.Sprintf("line_items[%d]", i)
		if !ok {
			return nil, "", invalid("", at, "Invalid object")
		}
		for name := range item {
			if name != "price_data" && name != "quantity" && name != "price" {
				return nil, "", unplayed("the " + name + " of a line item")
			}
		}
		if id, ok := item["price"].(string); ok {
			return nil, "", missing("price", id, at+"[price]")
		}
		price, ok := item["price_data"].(map[string]any)
		if !ok {
			return nil, "", absent(at + "[price_data]")
		}
		o, refused := lineItem(price, item, at)
		if refused != nil {
			return nil, "", refused
		}
		if code != "" && code != o.text("currency") {
			return nil, "", invalid("", at+"[price_data][currency]", "The price specified is in %s, but this Checkout Session has currency %s. A Checkout Session has one currency.", o.text("currency"), code)
		}
		code = o.text("currency")
		items = append(items, o)
	}
	return items, code, nil
}

func lineItem(price, item map[string]any, at string) (object, *refusal) {
	at += "[price_data]"
	for name := range price {
		if name != "currency" && name != "product_data" && name != "unit_amount" {
			return nil, unplayed("the " + name + " of a price")
		}
	}
	code, _ := price["currency"].(string)
	if code == "" {
		return nil, absent(at + "[currency]")
	}
	code = strings.ToLower(code)
	if _, err := currency.ParseISO(code); err != nil {
		return nil, invalid("", at+"[currency]", "Invalid currency: %s.", code)
	}
	product := within(price, "product_data")
	name, _ := product["name"].(string)
	if name == "" {
		return nil, absent(at + "[product_data][name]")
	}
	unit, ok := price["unit_amount"].(int)
	if !ok {
		return nil, absent(at + "[unit_amount]")
	}
	if unit < 0 {
		return nil, invalid("parameter_invalid_integer", at+"[unit_amount]", "This value must be greater than or equal to 0.")
	}
	quantity, ok := item["quantity"].(int)
	if !ok {
		return nil, absent(strings.TrimSuffix(at, "[price_data]") + "[quantity]")
	}
	if quantity < 1 || unit > 0 && quantity > maxAmount/unit+1 {
		return nil, invalid("parameter_invalid_integer", strings.TrimSuffix(at, "[price_data]")+"[quantity]", "This value must be greater than or equal to 1.")
	}
	amount := int64(unit) * int64(quantity)
	return object{"id": newID("li_1", 23), "object": "item", "amount_discount": int64(0), "amount_subtotal": amount, "amount_tax": int64(0), "amount_total": amount,
		"currency": code, "description": name, "quantity": int64(quantity), "price": object{"id": newID("price_1", 23), "object": "price", "active": false,
			"billing_scheme": "per_unit", "currency": code, "livemode": false, "metadata": map[string]any{}, "product": newID("prod_", 14), "recurring": nil,
			"tax_behavior": "unspecified", "type": "one_time", "unit_amount": int64(unit), "unit_amount_decimal": fmt.Sprint(unit)}}, nil
}

func (s *Server) listItems(c *call) (any, *refusal) {
	id := c.values["session"]
	if c.book.get("checkout.session", id) == nil {
		return nil, missing("checkout session", id, "id")
	}
	return c.page("item", c.book.items[id])
}

func (s *Server) expireSession(c *call) (any, *refusal) {
	id := c.values["session"]
	o := c.book.get("checkout.session", id)
	if o == nil {
		return nil, missing("checkout session", id, "id")
	}
	if o.text("status") != "open" {
		return nil, invalid("", "", "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of %s.", o.text("status"))
	}
	s.end(c.book, c, o)
	return o, nil
}

// expireDue ends the sessions whose time has come.
func (s *Server) expireDue() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireOpen()
}

// expireOpen does so for who holds the lock.
func (s *Server) expireOpen() {
	now := s.now().Unix()
	for _, id := range slices.Clone(s.open) {
		if b, o := s.find("checkout.session", id); o.number("expires_at") <= now {
			s.end(b, nil, o)
		}
	}
}

// end expires an open session, and what was begun to pay it.
func (s *Server) end(b *book, c *call, o object) {
	s.over(o)
	o["status"] = "expired"
	s.emit(b, c, "checkout.session.expired", o, nil)
	if intent := b.get("payment_intent", o.text("payment_intent")); intent != nil {
		intent["status"], intent["canceled_at"], intent["cancellation_reason"] = "canceled", s.now().Unix(), "automatic"
		s.emit(b, c, "payment_intent.canceled", intent, nil)
	}
}

// over takes a session from the open ones.
func (s *Server) over(o object) {
	o["url"] = nil
	s.open = slices.DeleteFunc(s.open, func(id string) bool { return id == o.id() })
}

// Payment says how a payer pays. The zero value is a card that is good.
type Payment struct {
	Outcome     string `json:"outcome"`      // paid, declined or async; empty is paid
	DeclineCode string `json:"decline_code"` // of a card that is declined; empty is generic_decline
	Email       string `json:"email"`        // empty is the session's, or payer@example.com
	Name        string `json:"name"`
}

// Pay is a payer paying a session. A declined card leaves it open; a payment that is async (a debit) completes it unpaid,
// until Clear says how it ended. It gives the session.
func (s *Server) Pay(session string, p Payment) (json.RawMessage, error) {
	if !slices.Contains([]string{"", "paid", "declined", "async"}, p.Outcome) {
		return nil, fmt.Errorf("%w: an outcome is paid, declined or async", ErrState)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireOpen()
	b, o := s.find("checkout.session", session)
	switch {
	case o == nil:
		return nil, ErrMissing
	case o.text("status") != "open" || b.gone:
		return nil, fmt.Errorf("%w: the session is %s", ErrState, o.text("status"))
	}
	s.payNow(b, o, p)
	return o.snapshot(), nil
}

// payNow pays an open session. The caller holds the lock.
func (s *Server) payNow(b *book, o object, p Payment) {
	p.complete(o)
	s.customerFor(b, o, p)
	if o.number("amount_total") == 0 {
		s.finish(b, o, "no_payment_required", p)
		return
	}
	intent := b.get("payment_intent", o.text("payment_intent"))
	if intent == nil {
		intent = s.newIntent(b, o)
		o["payment_intent"] = intent.id()
		s.emit(b, nil, "payment_intent.created", intent, nil)
	}
	charge := s.newCharge(b, intent, p)
	switch p.Outcome {
	case "declined":
		s.decline(b, intent, charge, p.DeclineCode)
		s.emit(b, nil, "charge.failed", charge, nil)
		s.emit(b, nil, "payment_intent.payment_failed", intent, nil)
	case "async":
		charge["status"], intent["status"] = "pending", "processing"
		s.slow[charge.id()] = true
		s.emit(b, nil, "payment_intent.processing", intent, nil)
		s.emit(b, nil, "charge.pending", charge, nil)
		s.finish(b, o, "unpaid", p)
	default:
		s.succeed(b, intent, charge)
		s.emit(b, nil, "charge.succeeded", charge, nil)
		s.emit(b, nil, "payment_intent.succeeded", intent, nil)
		s.finish(b, o, "paid", p)
	}
}

// complete says what a payer did not.
func (p *Payment) complete(session object) {
	if p.Email == "" {
		p.Email = session.text("customer_email")
	}
	if p.Email == "" {
		p.Email = "payer@example.com"
	}
	if p.Name == "" {
		p.Name = "Pat Payer"
	}
	if p.DeclineCode == "" {
		p.DeclineCode = "generic_decline"
	}
}

func details(email, name string) map[string]any {
	d := map[string]any{"address": nil, "email": email, "name": nil, "phone": nil, "tax_exempt": "none", "tax_ids": []any{}}
	if name != "" {
		d["name"] = name
		d["address"] = map[string]any{"city": nil, "country": "DE", "line1": nil, "line2": nil, "postal_code": nil, "state": nil}
	}
	return d
}

// customerFor makes the customer that a session is to make.
func (s *Server) customerFor(b *book, session object, p Payment) {
	if session.text("customer_creation") != "always" || session["customer"] != nil || p.Outcome == "declined" {
		return
	}
	v, _ := s.createCustomer(&call{book: b, params: map[string]any{"email": p.Email, "name": p.Name}}) // these are played
	session["customer"] = v.(object).id()
}

// finish completes a session.
func (s *Server) finish(b *book, o object, status string, p Payment) {
	s.over(o)
	o["status"], o["payment_status"], o["customer_details"] = "complete", status, details(p.Email, p.Name)
	s.emit(b, nil, "checkout.session.completed", o, nil)
}

// Clear ends the payment of a session that was async: it came, or it did not.
func (s *Server) Clear(session string, came bool) (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, o := s.find("checkout.session", session)
	if o == nil {
		return nil, ErrMissing
	}
	if !s.clearNow(b, o, came) {
		return nil, fmt.Errorf("%w: no payment is under way", ErrState)
	}
	return o.snapshot(), nil
}

// clearNow ends the payment of a session that is under way, and says whether one is. The caller holds the lock.
func (s *Server) clearNow(b *book, o object, came bool) bool {
	intent := b.get("payment_intent", o.text("payment_intent"))
	if intent == nil || intent.text("status") != "processing" {
		return false
	}
	charge := b.get("charge", intent.text("latest_charge"))
	if !came {
		s.decline(b, intent, charge, "debit_not_authorized")
		s.emit(b, nil, "charge.failed", charge, nil)
		s.emit(b, nil, "payment_intent.payment_failed", intent, nil)
		s.emit(b, nil, "checkout.session.async_payment_failed", o, nil)
		return true
	}
	s.succeed(b, intent, charge)
	o["payment_status"] = "paid"
	s.emit(b, nil, "charge.succeeded", charge, nil)
	s.emit(b, nil, "payment_intent.succeeded", intent, nil)
	s.emit(b, nil, "checkout.session.async_payment_succeeded", o, nil)
	return true
}

// Sessions gives every session, newest first.
func (s *Server) Sessions() []json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireOpen()
	var sessions []object
	for _, b := range s.books {
		for _, o := range b.kinds["checkout.session"] {
			one := object{"account": b.account}
			for _, name := range []string{"id", "status", "payment_status", "amount_total", "currency", "payment_intent", "url", "created", "client_reference_id", "metadata"} {
				one[name] = o[name]
			}
			sessions = append(sessions, one)
		}
	}
	slices.SortStableFunc(sessions, func(a, b object) int { return int(b.number("created") - a.number("created")) })
	all := []json.RawMessage{}
	for _, o := range sessions {
		all = append(all, o.snapshot())
	}
	return all
}

// money writes an amount as Stripe's errors do.
func money(amount int64, code string) string {
	unit, err := currency.ParseISO(code)
	if err != nil {
		return fmt.Sprintf("%d %s", amount, code)
	}
	places, _ := currency.Standard.Rounding(unit)
	text := fmt.Sprint(amount)
	if places > 0 {
		for len(text) <= places {
			text = "0" + text
		}
		text = text[:len(text)-places] + "." + text[len(text)-places:]
	}
	switch code {
	case "usd":
		return "$" + text
	case "eur":
		return "€" + text
	case "gbp":
		return "£" + text
	}
	return text + " " + code
}
