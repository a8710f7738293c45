package privacy

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// A mail that an authorized agent writes for somebody looks like the agent's own request: only who reads it can tell. Until
// work on it has begun it can be made what it would have been by the form: the person's, who is told of the agent and must
// confirm it, with the dates of the day on which the mail came.

// AttributeIn is the input of attribute-case.
type AttributeIn struct {
	CaseChange
	Body Attribution
}

// Attribution says for whom somebody has written as an agent.
type Attribution struct {
	Email  string `json:"person_email" maxLength:"254" doc:"Whom the request is about, as the mail says. They are mailed, and must confirm it." example:"ada@example.com"`
	Agent  string `json:"agent_name" minLength:"1" maxLength:"100" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f:/@<>]+$" doc:"Who wrote. The person is told; the agent's address is that which the mail came from." example:"Rights & Co."`
	Signed bool   `json:"signed_permission" doc:"Whether the agent says to have a signed permission of the person. Without it an opt-out, a limit and a withdrawal of consent are refused here; ask the agent for it first."`
	Type   string `json:"type,omitempty" enum:"access,portability,know_categories,know_specific,rectification,erasure,restriction,restriction_lift,objection,consent_withdrawal,opt_out,limit" doc:"Of a request that is unclear, and of no other: what the mail asks for."`
}

// AttributeCase makes a request that came by mail the person's for whom an agent has written it.
func AttributeCase(st *store.Store, pseudonyms keys.Pseudonyms) api.Operation {
	return api.Replayable(api.Route{
		ID: "attribute-case", Area: "admin", Method: http.MethodPost, Path: "/v1/admin/cases/{id}/agent", Audience: api.Staff, Audit: true, Permission: access.CasesDecide,
		Fresh: access.StaffFresh, Summary: "Say that a request was mailed by an agent, for somebody else", Purpose: purpose.PrivacyRights,
		Description: "The request is then as if the agent had filed it by the form on the day on which the mail came: number, received_at and due_at stay; it is the person's, who is mailed who asks and must confirm it anew. " +
			"The sender can open it no more, and is mailed that it waits for the person, with nothing of them; without a signed permission they are asked whether they have one.",
		ExampleIn: Attribution{Email: "ada@example.com", Agent: "Rights & Co.", Signed: true},
		ExampleOut: exampleCase(func(r *Request) {
			r.Channel, r.State, r.Items, r.Evidence = channelMail, request.IdentityPending, nil, true
			r.AgentName, r.AgentEmail, r.AgentSigned = "Rights & Co.", "desk@rights.example.com", true
		}),
		Refusals: []api.Refusal{noCase(), closedCase(),
			{Kind: problem.Conflict, Code: "request_not_by_mail", When: "It did not come by mail, or is by an agent already."},
			{Kind: problem.Conflict, Code: "request_at_work", When: "It took effect, was forwarded, or work on it has begun, for who sent it."},
			{Kind: problem.Conflict, Code: "kept_by_law", When: "A legal hold keeps it as it is."}},
	}, func(ctx context.Context, c *api.Caller, in *AttributeIn) (*CaseOut, error) {
		b, person := in.Body, account.Normal(in.Body.Email)
		if person == "" {
			return nil, problem.InvalidField("body.person_email", "not an e-mail address")
		}
		h, r, err := openCase(ctx, c, st, in.ID)
		if err != nil {
			return nil, err
		}
		if err := in.Matches(r.Version); err != nil {
			return nil, err
		}
		if err := r.attributable(); err != nil {
			return nil, err
		}
		if (b.Type != "") != (r.Kind == request.Unclear) {
			return nil, problem.InvalidField("body.type", "what the mail asks for, of a request that is unclear and of no other")
		}
		agent := &Agent{Name: strings.TrimSpace(b.Agent), Signed: b.Signed}
		if agent.Email, err = sender(ctx, h); err != nil {
			return nil, gone(err)
		}
		if err := agent.attributed(r.about(request.Kind(b.Type)), person); err != nil {
			return nil, err
		}
		to, err := Asker(ctx, st, c.Acting(), pseudonyms, person)
		if err != nil {
			return nil, err
		}
		made, err := r.attribute(to, request.Kind(b.Type), agent, c.Now)
		if err != nil {
			return nil, err
		}
		tx := st.Begin()
		tx.DeleteKey(h, r.Keys().Primary, "'_v' = ?", r.Version).Else(store.ErrStale)
		if r.Next != 0 {
			tx.Disarm(h, r.due(), false)
		}
		made.open(tx, to)
		if err := known(ctx, tx, to, Filing{From: person}); err != nil {
			return nil, err
		}
		ids := map[string]string{"case": string(made.ID), "kind": string(made.Kind), "due": clock.At(made.Due).Format(time.DateOnly)}
		if !agent.Signed {
			ids["unsigned"] = "yes"
		}
		outbox.Queue(tx, to, MailAgentTaken, store.Join(string(made.ID), "agent_taken"), ids)
		if err := c.Commit(ctx, tx, string(made.ID)); err != nil {
			return nil, err
		}
		return caseOf(made), nil
	}, caseAgain(st))
}

// attributed is check for an agent whom a member of staff names.
func (a *Agent) attributed(k request.Kind, person string) error {
	switch {
	case a.Name == "":
		return problem.InvalidField("body.agent_name", "must not be blank")
	case a.Email == person:
		return problem.InvalidField("body.person_email", "whom the agent asks for has another address than the agent")
	case k.Unverified() && !a.Signed:
		return problem.InvalidField("body.signed_permission", "this needs a signed permission of the person; ask the agent for it")
	}
	return nil
}

// about is the kind of a request, or what an unclear one is said to be.
func (r *Request) about(said request.Kind) request.Kind {
	if r.Kind == request.Unclear {
		return said
	}
	return r.Kind
}

// sender reads which address a request came from.
func sender(ctx context.Context, h holder) (string, error) {
	if user, ok := h.Scope().User(); ok {
		p, err := store.Get[account.Profile](ctx, h, account.ProfileKey(user))
		if err != nil {
			return "", err
		}
		return account.Normal(p.Email), nil
	}
	hash, _ := h.Scope().Case()
	c, err := store.Get[correspondents.Correspondent](ctx, h, correspondents.Key(hash))
	if err != nil {
		return "", err
	}
	return c.Address, nil
}

// attributable refuses a request that did not come by mail, and one that something was done about for who sent it.
func (r *Request) attributable() error {
	states := []request.State{request.Received, request.IdentityPending, request.Verified, request.InReview}
	switch {
	case r.Channel != channelMail || r.AgentEmail != "":
		return problem.Of(problem.Conflict, "request_not_by_mail", "It did not come by mail, or is by an agent already.")
	case r.Held:
		return problem.Of(problem.Conflict, "kept_by_law", "It must be kept as it is for now.")
	case !slices.Contains(states, r.State), r.Linked != "", r.Kind.Immediate() && r.State == request.InReview:
		return problem.Of(problem.Conflict, "request_at_work", "Something was done about it for who sent it.")
	}
	return nil
}

// attribute makes the request that an agent would have filed by the form when this one came by mail.
func (r *Request) attribute(to holder, said request.Kind, a *Agent, now time.Time) (*Request, error) {
	made := &Request{ID: r.ID, Kind: r.Kind, State: request.Received, Channel: r.Channel, Description: r.Description, Country: r.Country, Region: r.Region,
		Received: r.Received, Due: r.Due, Steps: r.Steps, Acknowledge: r.Acknowledge, Extended: r.Extended, ExtendedFor: r.ExtendedFor, ExtendedWhy: r.ExtendedWhy,
		Assignee: r.Assignee, scope: to.Scope()}
	made.by(a)
	made.note(clock.At(r.Received), "submitted", "")
	made.note(now, "attributed_to_agent", "")
	if r.Kind == request.Unclear {
		if err := made.clarify(said, now); err != nil {
			return nil, err
		}
	}
	return made, made.settle(false, now)
}
