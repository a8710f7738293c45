package stripe

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"
)

// linkLife is how long the link to a page of onboarding counts.
const linkLife = 5 * time.Minute

// onboarding is a link that was given out.
type onboarding struct {
	account           string
	refresh, returnTo string
	expires           time.Time
	used              bool
}

// ErrMissing says that there is no such object, ErrState that it is not in a state to do that.
var (
	ErrMissing = errors.New("stripe: there is no such object")
	ErrState   = errors.New("stripe: the object's state does not allow it")
)

func (s *Server) createAccount(c *call) (any, *refusal) {
	kind := c.text("type")
	switch {
	case c.account != "":
		return nil, invalid("", "", "You can only create new accounts if you've signed up for Connect, which you can do at https://dashboard.stripe.com/connect.")
	case kind == "":
		return nil, absent("type")
	case kind == "custom":
		return nil, unplayed("accounts of type custom")
	}
	country := c.text("country")
	if country == "" {
		country = "US"
	}
	currency := c.text("default_currency")
	if currency == "" {
		currency = currencyOf(country)
	}
	o := object{"id": newID("acct_1", 15), "object": "account", "type": kind, "country": country, "default_currency": currency, "email": c.orNull("email"),
		"business_type": c.orNull("business_type"), "business_profile": c.orNull("business_profile"), "capabilities": map[string]any{}, "charges_enabled": false,
		"payouts_enabled": false, "details_submitted": false, "created": s.now().Unix(), "metadata": metadata(nil, c.params),
		"controller":   map[string]any{"type": "application", "is_controller": kind == "express"},
		"requirements": requirements("requirements.past_due", "business_profile.url", "business_type", "external_account", "tos_acceptance.date", "tos_acceptance.ip"),
		"settings":     map[string]any{"dashboard": map[string]any{"display_name": nil, "timezone": "Etc/UTC"}, "payments": map[string]any{"statement_descriptor": nil}}}
	if kind == "standard" {
		o["controller"] = map[string]any{"type": "application", "is_controller": false}
	}
	b := newBook(o.id())
	s.books[o.id()] = b
	s.books[""].put(o)
	b.ids[o.id()] = o
	return o, nil
}

// requirements are what an account still has to tell. Without a reason it has nothing to.
func requirements(reason string, due ...string) map[string]any {
	r := map[string]any{"alternatives": []any{}, "current_deadline": nil, "currently_due": append([]string{}, due...), "disabled_reason": nil, "errors": []any{},
		"eventually_due": append([]string{}, due...), "past_due": append([]string{}, due...), "pending_verification": []any{}}
	if reason != "" {
		r["disabled_reason"] = reason
	}
	return r
}

// currencyOf gives the currency that accounts of a country settle in, as far as tests need to tell them apart.
func currencyOf(country string) string {
	switch country {
	case "US":
		return "usd"
	case "GB":
		return "gbp"
	case "CH":
		return "chf"
	case "JP":
		return "jpy"
	case "CA":
		return "cad"
	case "AU":
		return "aud"
	}
	return "eur"
}

// accountOf gives the account that a call names and may reach.
func (s *Server) accountOf(c *call, id, param string) (object, *refusal) {
	b := s.books[id]
	if b == nil || id == "" || b.gone || c.account != "" && c.account != id {
		r := missing("account", id, param)
		if param == "" {
			r = &refusal{status: http.StatusForbidden, Type: invalidRequest, Code: "account_invalid", Message: fmt.Sprintf(
				"The provided key '%s' does not have access to account '%s' (or that account does not exist). Application access may have been revoked.", blot(s.options.Key), id)}
		}
		return nil, r
	}
	return b.ids[id], nil
}

func (s *Server) getAccount(c *call) (any, *refusal) {
	o, refused := s.accountOf(c, c.values["account"], "")
	if refused != nil {
		return nil, refused
	}
	return o, nil
}

// ownAccount gives the account that the call is made for. The platform's own has no more than an id.
func (s *Server) ownAccount(c *call) (any, *refusal) {
	if c.account == "" {
		return object{"id": "acct_1LocalPlatform000", "object": "account", "type": "standard", "country": "US", "default_currency": "usd", "charges_enabled": true,
			"payouts_enabled": true, "details_submitted": true, "metadata": map[string]any{}}, nil
	}
	return c.book.ids[c.account], nil
}

func (s *Server) listAccounts(c *call) (any, *refusal) {
	if c.account != "" {
		return nil, invalid("", "", "Connected accounts have no accounts of their own.")
	}
	return list("account")(c)
}

func (s *Server) updateAccount(c *call) (any, *refusal) {
	o, refused := s.accountOf(c, c.values["account"], "")
	if refused != nil {
		return nil, refused
	}
	changes := object{}
	for name := range c.params {
		switch name {
		case "metadata":
			changes[name] = metadata(o[name], c.params)
		case "email", "business_type", "default_currency":
			changes[name] = c.orNull(name)
		case "business_profile":
			profile := map[string]any{}
			maps.Copy(profile, within(o, name))
			maps.Copy(profile, within(c.params, name))
			changes[name] = profile
		case "expand":
		default:
			return nil, unplayed("changing the " + name + " of an account")
		}
	}
	before := o.snapshot()
	maps.Copy(o, changes)
	s.emit(s.books[o.id()], c, "account.updated", o, before)
	return o, nil
}

// deleteAccount takes an account off the platform at the platform's wish, of which no event tells.
func (s *Server) deleteAccount(c *call) (any, *refusal) {
	o, refused := s.accountOf(c, c.values["account"], "")
	if refused != nil {
		return nil, refused
	}
	s.forget(o.id())
	delete(s.books[o.id()].ids, o.id()) // for good
	return object{"id": o.id(), "object": "account", "deleted": true}, nil
}

// forget takes an account off the platform.
func (s *Server) forget(id string) {
	s.books[id].gone = true
	platform := s.books[""]
	delete(platform.ids, id)
	for i, o := range platform.kinds["account"] {
		if o.id() == id {
			platform.kinds["account"] = append(platform.kinds["account"][:i:i], platform.kinds["account"][i+1:]...)
			break
		}
	}
}

func (s *Server) deauthorizeAccount(c *call) (any, *refusal) {
	if !strings.HasPrefix(c.text("client_id"), "ca_") {
		return nil, &refusal{status: http.StatusUnauthorized, Type: "invalid_client", Message: "No such application: '" + c.text("client_id") + "'"}
	}
	id := c.text("stripe_user_id")
	if _, refused := s.accountOf(c, id, "stripe_user_id"); refused != nil {
		return nil, &refusal{status: http.StatusUnauthorized, Type: "invalid_client", Message: "This application is not connected to stripe account " + id + ", or that account does not exist."}
	}
	s.leave(id, c)
	return object{"stripe_user_id": id}, nil
}

// leave takes an account off the platform and says so. The caller holds the lock.
func (s *Server) leave(id string, c *call) {
	s.emit(s.books[id], c, "account.application.deauthorized", application(), nil)
	s.forget(id)
}

// Deauthorize is the owner of an account ending the platform's access to it.
func (s *Server) Deauthorize(account string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.books[account]; b == nil || account == "" || b.gone {
		return ErrMissing
	}
	s.leave(account, nil)
	return nil
}

// Authorize is the owner of an account that has left giving the platform access again. What it remembers is as it was.
func (s *Server) Authorize(account string) (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.books[account]
	switch {
	case b == nil || b.ids[account] == nil:
		return nil, ErrMissing
	case !b.gone:
		return nil, fmt.Errorf("%w: the account has not left", ErrState)
	}
	b.gone = false
	s.books[""].put(b.ids[account])
	s.emit(b, nil, "account.application.authorized", application(), nil)
	return b.ids[account].snapshot(), nil
}

// application is the platform as connected accounts see it.
func application() object {
	return object{"id": "ca_local", "object": "application", "name": "PixelTrack"}
}

// Onboard is the owner of an account telling all that Stripe asks: the account may then charge and pay out.
func (s *Server) Onboard(account string) (json.RawMessage, error) { return s.enable(account, true) }

// Restrict is Stripe stopping an account until it tells more.
func (s *Server) Restrict(account string) (json.RawMessage, error) { return s.enable(account, false) }

func (s *Server) enable(account string, on bool) (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.books[account]
	if b == nil || account == "" || b.gone {
		return nil, ErrMissing
	}
	o := b.ids[account]
	s.enableNow(b, o, on)
	return o.snapshot(), nil
}

// enableNow lets an account charge, or stops it. The caller holds the lock.
func (s *Server) enableNow(b *book, o object, on bool) {
	before := o.snapshot()
	o["charges_enabled"], o["payouts_enabled"] = on, on
	if on {
		o["details_submitted"], o["requirements"] = true, requirements("")
		o["capabilities"] = map[string]any{"card_payments": "active", "transfers": "active"}
	} else {
		o["requirements"] = requirements("requirements.past_due", "individual.verification.document")
		o["capabilities"] = map[string]any{"card_payments": "inactive", "transfers": "inactive"}
	}
	s.emit(b, nil, "account.updated", o, before)
}

func (s *Server) createAccountLink(c *call) (any, *refusal) {
	for _, name := range []string{"refresh_url", "return_url"} {
		if c.text(name) == "" {
			return nil, absent(name)
		}
	}
	o, refused := s.accountOf(c, c.text("account"), "account")
	if refused != nil {
		return nil, refused
	}
	token, now := newID("", 24), s.now()
	s.links[token] = &onboarding{account: o.id(), refresh: c.text("refresh_url"), returnTo: c.text("return_url"), expires: now.Add(linkLife)}
	return object{"object": "account_link", "created": now.Unix(), "expires_at": now.Add(linkLife).Unix(), "url": "http://" + c.host + "/setup/e/" + o.id() + "/" + token}, nil
}

// follow is the owner of an account opening the page of a link, which takes a link once. It gives where the page leads.
func (s *Server) follow(token string) (string, error) {
	s.mu.Lock()
	l := s.links[token]
	if l == nil {
		s.mu.Unlock()
		return "", ErrMissing
	}
	late := l.used || !s.now().Before(l.expires)
	l.used = true
	s.mu.Unlock()
	if late {
		return l.refresh, nil
	}
	_, err := s.Onboard(l.account)
	return l.returnTo, err
}
