package e2e_test

import (
	"testing"

	"pixeltrack.io/platform/infra/journey"
)

func passwordSteps() []step {
	return []step{
		{operation: "resend-sign-up", status: 202, public: true, prepare: func(*caller) journey.Call {
			return confirmAgain(journey.NewPerson().Email)
		}},
		{operation: "forgot-password", status: 202, public: true, prepare: func(*caller) journey.Call {
			return forgot(journey.NewPerson().Email)
		}},
		{operation: "reset-password", status: 204, alone: true, public: true, prepare: func(p *caller) journey.Call {
			p.must(202, forgot(p.person.Email))
			return reset(p.mailToken("Set a new"), p.person.Password)
		}, again: []int{401}, check: func(_ testing.TB, p *caller) error {
			p.logIn()
			return nil
		}},
		{operation: "change-password", status: 204, prepare: func(p *caller) journey.Call {
			p.logIn()
			return change(p.person.Password, p.person.Password)
		}, cleanup: (*caller).logIn},
	}
}

func forgot(email string) journey.Call {
	return journey.Call{Method: "POST", Path: "/v1/auth/password/forgot", Body: map[string]any{"email": email}}
}

func confirmAgain(email string) journey.Call {
	return journey.Call{Method: "POST", Path: "/v1/auth/signup/resend", Body: map[string]any{"email": email}}
}

func reset(token, password string) journey.Call {
	return journey.Call{Method: "POST", Path: "/v1/auth/password/reset", Body: map[string]any{"token": token, "password": password}}
}

func change(current, next string) journey.Call {
	return journey.Call{Method: "PUT", Path: "/v1/me/password", Body: map[string]any{"current_password": current, "new_password": next}}
}

// TestAPasswordIsForgottenResetAndChanged goes through both ways to a new password, and counts what the first costs for
// an address with an account and one without.
func TestAPasswordIsForgottenResetAndChanged(t *testing.T) {
	p := signUp(t)
	known, unknown := p.must(202, forgot(p.person.Email)), p.must(202, forgot(journey.NewPerson().Email))
	if string(known.Body) != string(unknown.Body) {
		t.Errorf("known = %s; unknown = %s; want the same", known.Body, unknown.Body)
	}
	if k, u := costOf(cloud.Recorder.OfRequest(request(known))), costOf(cloud.Recorder.OfRequest(request(unknown))); k != u {
		t.Errorf("known costs %+v, unknown %+v; want the same", k, u)
	}
	token := p.mailToken("Set a new")
	const next = "seven tin kettles under a maple"
	p.must(422, reset(token, "passwordpassword"))
	p.must(204, reset(token, next))
	p.must(401, reset(token, next))
	p.must(401, journey.Call{Method: "GET", Path: "/v1/me"})
	p.person.Password = next
	p.logIn()
	other := *p
	p.logIn()
	p.must(204, change(next, "eight tin kettles under a maple"))
	p.must(200, journey.Call{Method: "GET", Path: "/v1/me"})
	other.must(401, journey.Call{Method: "GET", Path: "/v1/me"})
	p.settle()
	if n := len(p.mails("Your password was changed")); n != 2 {
		t.Errorf("%d mails say that the password was changed; want 2", n)
	}
}

// TestAConfirmationIsMailedAgain confirms by the link of a second mail, and counts what asking costs for an address that is
// signing up and one that is not.
func TestAConfirmationIsMailedAgain(t *testing.T) {
	p := &caller{Client: client(), t: t, person: journey.NewPerson()}
	p.must(202, journey.Call{Method: "POST", Path: "/v1/auth/signup", Body: signUpBody(p.person)})
	pending, nobody := p.must(202, confirmAgain(p.person.Email)), p.must(202, confirmAgain(journey.NewPerson().Email))
	if string(pending.Body) != string(nobody.Body) {
		t.Errorf("pending = %s; nobody = %s; want the same", pending.Body, nobody.Body)
	}
	if k, u := costOf(cloud.Recorder.OfRequest(request(pending))), costOf(cloud.Recorder.OfRequest(request(nobody))); k != u {
		t.Errorf("pending costs %+v, nobody %+v; want the same", k, u)
	}
	p.settle()
	if n := len(p.mails("Confirm your")); n != 2 {
		t.Errorf("%d mails; want 2", n)
	}
	p.must(201, journey.Call{Method: "POST", Path: "/v1/auth/confirm", Body: map[string]any{"token": p.mailToken("Confirm"), "password": p.person.Password}})
}
