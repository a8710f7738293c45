package privacy

import (
	"context"
	"errors"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// A request may be made by an authorized agent (CCPA regulations §7063). It is the person's in everything: it lies with them, is
// acknowledged and answered to them, and waits until they have shown that they are who it is about; of the agent nothing more is
// asked than to say that they have a signed permission, and that alone lets an opt-out take effect. The agent is told that the
// request was confirmed, and how it ended, only when the person agreed to it; the data itself goes to the person alone.

// Templates of the mails to agents.
const (
	MailAgentConfirmed = "privacy_agent_confirmed"
	MailAgentAnswered  = "privacy_agent_answered"
	MailAgentTaken     = "privacy_agent_taken" // a mail was taken as a request for somebody else
)

// AgentTemplates lists those that the person must have agreed to.
func AgentTemplates() []string { return []string{MailAgentConfirmed, MailAgentAnswered} }

// Agent is who makes a request for somebody else.
type Agent struct {
	Name   string `json:"name" minLength:"1" maxLength:"100" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f:/@<>]+$" doc:"Who you are. The person is told." example:"Rights & Co."`
	Email  string `json:"email" maxLength:"254" doc:"Where you are told that the person has confirmed the request and how it ended, if they agree to that." example:"desk@rights.example.com"`
	Signed bool   `json:"signed_permission" doc:"That the person has given you a signed permission to ask this. An opt-out, a limit and a withdrawal of consent take effect on it; everything else waits for the person." example:"true"`
}

// check refuses an agent who is the person, and what needs a permission without one.
func (a *Agent) check(k request.Kind, person string) error {
	if a == nil {
		return nil
	}
	a.Name, a.Email = strings.TrimSpace(a.Name), account.Normal(a.Email)
	switch {
	case a.Name == "":
		return problem.InvalidField("body.agent.name", "must not be blank")
	case a.Email == "":
		return problem.InvalidField("body.agent.email", "not an e-mail address")
	case a.Email == person:
		return problem.InvalidField("body.agent.email", "an agent has another address than the person")
	case k.Unverified() && !a.Signed:
		return problem.InvalidField("body.agent.signed_permission", "this needs a signed permission of the person")
	}
	return nil
}

// by notes who made a request for its person.
func (r *Request) by(a *Agent) {
	if a != nil {
		r.AgentName, r.AgentEmail, r.AgentSigned = a.Name, a.Email, a.Signed
	}
}

// AgentBody is who made a request for its person.
type AgentBody struct {
	Name   string `json:"name" example:"Rights & Co."`
	Email  string `json:"email" example:"desk@rights.example.com"`
	Signed bool   `json:"signed_permission" doc:"Whether they said to have a signed permission."`
	May    bool   `json:"told" doc:"Whether the person agreed that they are told of the request. They get no data."`
}

func (r *Request) agent() *AgentBody {
	if r.AgentEmail == "" {
		return nil
	}
	return &AgentBody{Name: r.AgentName, Email: r.AgentEmail, Signed: r.AgentSigned, May: r.AgentMay}
}

// share lets the agent of a request be told of it, or no longer, as its person says; nil says nothing.
func (r *Request) share(tx *store.Tx, h holder, may *bool) {
	if may == nil || r.AgentEmail == "" || r.AgentMay == *may {
		return
	}
	r.AgentMay = *may
	if !r.AgentMay || r.AgentHeard {
		return
	}
	r.AgentHeard = true
	outbox.Queue(tx, h, MailAgentConfirmed, store.Join(string(r.ID), "agent_confirmed"), map[string]string{"case": string(r.ID), "kind": string(r.Kind),
		"due": clock.At(r.Due).Format(time.DateOnly)})
}

// tellAgent adds to the transaction that writes a request the mail that tells its agent how it ended: once, and of an erasure
// while the agent is still known.
func (r *Request) tellAgent(tx *store.Tx, h holder) {
	ended := !r.State.Open() && r.State != request.Withdrawn || r.Kind == request.Erasure && r.State == request.Executing && !r.Processor
	if !r.AgentMay || r.AgentTold || !ended {
		return
	}
	r.AgentTold = true
	outbox.Queue(tx, h, MailAgentAnswered, store.Join(string(r.ID), "agent_answered"), map[string]string{"case": string(r.ID), "kind": string(r.Kind),
		"state": string(r.State), "reason": r.Denial})
}

// AgentOf is the agent of a request, and whether they may be told of it. It gives compose.ErrGone where there is none any more.
func AgentOf(ctx context.Context, h store.Bound, s store.Scope, c id.Case) (to compose.Person, may bool, err error) {
	r, err := store.Get[Request](ctx, h, requestKey(s, c))
	if errors.Is(err, store.ErrMissing) || err == nil && r.AgentEmail == "" {
		return compose.Person{}, false, compose.ErrGone
	}
	if err != nil {
		return compose.Person{}, false, err
	}
	return compose.Person{Name: r.AgentName, Address: r.AgentEmail}, r.AgentMay, nil
}

// WriteToAgent gives the text of a mail to an agent. It says nothing of the person.
func WriteToAgent(template string, ids map[string]string) Letter {
	kind := kindInWords(request.Kind(ids["kind"]))
	number := "The number of the request is " + ids["case"] + "."
	if template == MailAgentTaken {
		l := Letter{Subject: "We take your message as a request for somebody else", Paragraphs: []string{"You wrote to us for somebody else, as their agent: " + kind + ". We have written to the address that you gave us for them; the request goes on as theirs when they have confirmed it.",
			number + " It is counted from the day on which your message came, and is answered by " + ids["due"] + " at the latest. A link that we mailed you before opens it no more.",
			"Whether you are told of it any more is theirs to say. We tell you nothing of them, nor whether we know them; what is made for them goes to them alone."}}
		if ids["unsigned"] != "" {
			l.Paragraphs = append(l.Paragraphs, "Do you have a signed permission of theirs to ask this? Then please say so in an answer to this mail, with that number.")
			l.Answerable = true
		}
		return l
	}
	if template == MailAgentConfirmed {
		return Letter{Subject: "A privacy request that you made was confirmed", Paragraphs: []string{"The person for whom you asked has confirmed the request, and agrees that we tell you: " + kind + ".",
			number + " It is answered by " + ids["due"] + " at the latest."}}
	}
	l := Letter{Subject: "A privacy request that you made is answered", Paragraphs: []string{"We have answered the request that you made for somebody: " + kind + ".", number}}
	switch request.State(ids["state"]) {
	case request.Executing:
		l.Paragraphs = append(l.Paragraphs, "It is being carried out now.")
	case request.PartiallyFulfilled:
		l.Paragraphs = append(l.Paragraphs, "It was carried out in part; what was not, and why, was told to the person.")
	case request.Denied:
		l.Paragraphs = append(l.Paragraphs, "It was not carried out. The reason: "+reasonInWords(ids["reason"]), recourse)
	default:
		l.Paragraphs = append(l.Paragraphs, "It was carried out.")
	}
	l.Paragraphs = append(l.Paragraphs, "What was made for the person goes to the person alone. Ask them for it.")
	return l
}
