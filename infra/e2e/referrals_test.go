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

// TestAWithdrawnRequestLeavesTheOrganization forwards what a client asks, who has an account, and takes it back.
func TestAWithdrawnRequestLeavesTheOrganization(t *testing.T) {
	p, q := signUp(t), signUp(t)
	client := clientBody()
	client["email"] = q.person.Email
	p.must(201, journey.Call{Method: "POST", Path: "/v1/clients", Body: client})
	own := q.askFor(map[string]any{"type": "access"})
	for range 2 { // one finds the client, the next tells the organization
		q.settle()
		if err := q.RunJob(t.Context(), "WorkRequests"); err != nil {
			t.Fatal(err)
		}
	}
	q.settle()
	waiting := journey.Call{Method: "GET", Path: "/v1/org/data-requests?state=open"}
	request := p.must(200, waiting).Text("data.0.id")
	if linked := q.must(200, journey.Call{Method: "GET", Path: "/v1/dsr/" + own}).Text("linked"); request == "" || linked != request {
		t.Fatalf("forwarded is %q, and the person is shown %q; want one request", request, linked)
	}
	if n := len(p.mails("Somebody asks about their data")); n != 1 {
		t.Errorf("the owner has %d mails about it; want one", n)
	}

	q.must(200, journey.Call{Method: "POST", Path: "/v1/dsr/" + request + "/withdraw"})
	q.settle() // and no schedule
	if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/org/data-requests"}); a.Text("data.0.state") != "withdrawn" || a.Text("data.0.withdrawn_at") == "" {
		t.Errorf("the organization is shown %s; want it withdrawn", a.Body)
	}
	if a := p.must(200, waiting); a.Text("data.0.id") != "" {
		t.Errorf("the organization has %s to answer; want nothing", a.Body)
	}
	if a := p.must(409, journey.Call{Method: "POST", Path: "/v1/org/data-requests/" + request + "/answer", Body: map[string]any{"answer": "acted"}}); a.Code() != "data_request_withdrawn" {
		t.Errorf("an answer = %s; want it refused, for it was withdrawn", a.Code())
	}
	if n := len(p.mails("was withdrawn")); n != 1 {
		t.Errorf("the owner has %d mails about the end; want one", n)
	}
}
