package e2e_test

import (
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/pkg/organization/agreements"
)

// changeEmail begins a change of a person's address, and gives the new one.
func (c *caller) changeEmail() string {
	c.t.Helper()
	to := journey.NewPerson().Email
	c.must(202, journey.Call{Method: "POST", Path: "/v1/me/email", Body: map[string]any{"email": to}})
	return to
}

// TestAnAddressIsChangedAtBothEnds changes an address by the links that were mailed, and logs in by it.
func TestAnAddressIsChangedAtBothEnds(t *testing.T) {
	p := signUp(t)
	to := p.changeEmail()
	reader := &caller{Client: p.Client, t: t, person: journey.Person{Email: to}}
	confirm := func(token string) journey.Answer {
		return p.must(200, journey.Call{Method: "POST", Path: "/v1/me/email/confirm", Body: map[string]any{"token": token}})
	}
	if a := confirm(reader.mailToken("new pixeltrack address")); a.Text("done") != "false" || a.Text("new_confirmed") != "true" {
		t.Errorf("after the new address: %s; want it to wait for the old one", a.Body)
	}
	p.logIn()
	if a := confirm(p.mailToken("address changes")); a.Text("done") != "true" {
		t.Errorf("after both: %s; want it done", a.Body)
	}
	was := p.person.Email
	p.person.Email = to
	p.logIn()
	if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/me"}); a.Text("email") != to {
		t.Errorf("the account has %s", a.Text("email"))
	}
	if a := p.call(journey.Call{Method: "POST", Path: "/v1/auth/login", Body: map[string]any{"email": was, "password": p.person.Password}}); a.Status != 401 {
		t.Errorf("a login by the address before = %d; want 401", a.Status)
	}
}

// TestAnAgreementIsAcceptedOnce accepts a text again, by other calls: it stays accepted as it was.
func TestAnAgreementIsAcceptedOnce(t *testing.T) {
	p := signUp(t)
	d := agreements.Documents()[0]
	body := map[string]any{"document": d.ID, "version": d.Version, "sha256": d.SHA256()}
	first := p.must(200, journey.Call{Method: "POST", Path: "/v1/org/agreements", Body: body}).Text("accepted_at")
	pass(time.Minute)
	p.logIn()
	if again := p.must(200, journey.Call{Method: "POST", Path: "/v1/org/agreements", Body: body}).Text("accepted_at"); again != first || first == "" {
		t.Errorf("accepted at %q, then at %q; want once", first, again)
	}
}
