package e2e_test

import (
	"testing"

	"pixeltrack.io/platform/infra/journey"
)

// referred lets a contact of the caller's ask PixelTrack about their data, and gives the request that comes to the caller.
func (c *caller) referred() string {
	c.t.Helper()
	s, pass := c.byMail()
	c.must(201, journey.Call{Method: "POST", Path: "/v1/clients/" + c.newClient() + "/contacts", Body: map[string]any{"name": "Cleo", "email": s.person.Email}})
	s.must(200, journey.Call{Method: "POST", Path: "/v1/dsr/mail/open", Body: map[string]any{"pass": pass, "code": s.mailedCode(pass)}})
	for range 2 { // one finds the contact, the next tells the organization
		s.settle()
		if err := s.RunJob(c.t.Context(), "WorkRequests"); err != nil {
			c.t.Fatal(err)
		}
	}
	return c.must(200, journey.Call{Method: "GET", Path: "/v1/org/data-requests"}).Text("data.0.id")
}

func referralSteps() []step {
	return []step{
		{operation: "list-data-requests", status: 200, prepare: get("/v1/org/data-requests")},
		{operation: "answer-data-request", status: 200, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/org/data-requests/" + p.referred() + "/answer", Body: map[string]any{"answer": "acted"}, Key: "key-" + unique()}
		}},
	}
}

// TestAContactsRequestComesToTheOrganization follows a request from a contact to the organization, and its answer back.
func TestAContactsRequestComesToTheOrganization(t *testing.T) {
	p := signUp(t)
	request := p.referred()
	p.settle()
	if n := len(p.mails("Somebody asks about their data")); n != 1 {
		t.Errorf("the owner has %d mails about it; want one", n)
	}
	p.must(200, journey.Call{Method: "POST", Path: "/v1/org/data-requests/" + request + "/answer", Body: map[string]any{"answer": "no_data"}})
	p.must(409, journey.Call{Method: "POST", Path: "/v1/org/data-requests/" + request + "/answer", Body: map[string]any{"answer": "acted"}})
	signUp(t).must(404, journey.Call{Method: "POST", Path: "/v1/org/data-requests/" + request + "/answer", Body: map[string]any{"answer": "acted"}})
}
