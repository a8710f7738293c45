package sorting_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/notifications/letters"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
)

const agentsAddress = "desk@rights.example.com"

func byAgent(kind string, signed bool) map[string]any {
	return map[string]any{"email": "cleo@example.com", "type": kind, "agent": map[string]any{"name": "Rights & Co.", "email": agentsAddress, "signed_permission": signed}}
}

func (w *world) file(body map[string]any) apitest.Answer {
	w.T.Helper()
	return w.Call(privacy.CreateMailRequest(w.Store, w.room.Pseudonyms, w.room.Links), apitest.Caller{}, apitest.Request{Body: body})
}

// toAgent writes the mails of a scope that go to the agent, but for those that are dropped.
func (w *world) toAgent(h support.Holder) (all []mail.Message) {
	w.T.Helper()
	c := &compose.Composer{Store: w.Store, Actor: store.Actor{Who: "job:send-outbox"}, Links: w.room.Links, PublicURL: "https://app.example.com", From: w.room.Own, Boxes: w.room.Boxes}
	for _, m := range w.queued(h) {
		if !slices.Contains(privacy.AgentTemplates(), m.Template) {
			continue
		}
		i := slices.IndexFunc(letters.Templates(), func(t compose.Template) bool { return t.Kind == m.Template })
		message, err := letters.Templates()[i].Compose(w.T.Context(), c, m)
		if errors.Is(err, compose.ErrGone) {
			continue
		}
		w.must(err)
		if message.To != agentsAddress {
			w.T.Errorf("%s goes to %s; want it to go to the agent", m.Template, message.To)
		}
		all = append(all, message)
	}
	return all
}

func TestAnAgentAsksAndThePersonConfirms(t *testing.T) {
	for share, want := range map[bool]int{true: 2, false: 0} {
		w := newWorld(t)
		w.receive(mail.Received{From: "Cleo <cleo@example.com>", To: []string{"support@pixeltrack.io"}, Text: "A secret of Cleo's."})
		a := w.file(byAgent("access", false))
		w.Want(a, 201, "")
		if strings.Contains(string(a.Body), "pass") {
			t.Error("the agent is given a pass")
		}
		h, o := w.correspondent("cleo@example.com"), w.office()
		if m := w.mails(h)[privacy.MailReceived]; m.To != "cleo@example.com" || !strings.Contains(m.Text, "Rights & Co. says to be your authorized agent") {
			t.Errorf("the mail = %s, %q; want the person told who asks", m.To, m.Text)
		}
		o.work(h)
		if got := w.toAgent(h); len(got) != 0 || w.requests(h)[0].State != request.IdentityPending {
			t.Errorf("before the person confirmed: %q, mails to the agent %+v; want nothing", said(w.requests(h)), got)
		}
		pass := w.pass(h)
		opened := w.open(o.packages, map[string]any{"pass": pass, "code": w.code(h, pass), "share_with_agent": share})
		w.Want(opened, 200, "")
		var body privacy.OpenBody
		opened.Into(t, &body)
		if body.Agent == nil || body.Agent.Email != agentsAddress || body.Agent.May != share {
			t.Errorf("opened: agent = %+v; want who asked, and what was agreed", body.Agent)
		}
		o.work(h)
		o.work(h)
		got := w.toAgent(h)
		if len(got) != want || len(o.packages.Keys()) != 1 {
			t.Fatalf("shared %t: %d mails to the agent and %d packages; want %d and one", share, len(got), len(o.packages.Keys()), want)
		}
		for _, m := range got {
			if strings.Contains(m.Text, "cleo") || strings.Contains(m.Text, "secret") || strings.Contains(m.Text, "http") {
				t.Errorf("the agent is told %q; want nothing of the person, and no link", m.Text)
			}
		}
		if share {
			w.Want(w.open(o.packages, map[string]any{"pass": pass, "code": w.code(h, pass), "share_with_agent": false}), 200, "")
			if got := w.toAgent(h); len(got) != 0 {
				t.Errorf("taken back: %d mails would be sent; want none", len(got))
			}
		}
	}
}

func TestAnAgentsOptOutNeedsASignedPermission(t *testing.T) {
	for _, kind := range []string{"opt_out", "limit", "consent_withdrawal"} {
		w := newWorld(t)
		w.Want(w.file(byAgent(kind, false)), 422, "invalid_input")
		w.Want(w.file(byAgent(kind, true)), 201, "")
		h, o := w.correspondent("cleo@example.com"), w.office()
		o.work(h)
		if got, want := said(w.requests(h)), []string{kind + " fulfilled by form"}; !slices.Equal(got, want) {
			t.Errorf("requests = %q; want %q without a confirmation", got, want)
		}
		if got := w.toAgent(h); len(got) != 0 {
			t.Errorf("%s: the agent is mailed %+v; want nothing, for the person agreed to nothing", kind, got)
		}
	}
}

func TestWhoIsNoAgent(t *testing.T) {
	w := newWorld(t)
	for why, agent := range map[string]map[string]any{
		"the person":          {"name": "Cleo", "email": "Cleo@example.com", "signed_permission": true},
		"no address":          {"name": "Rights & Co.", "email": "rights", "signed_permission": true},
		"a blank name":        {"name": "  ", "email": agentsAddress, "signed_permission": true},
		"a link for a name":   {"name": "https://evil.example", "email": agentsAddress, "signed_permission": true},
		"a name of two lines": {"name": "Rights\r\nBcc", "email": agentsAddress, "signed_permission": true},
		"nothing said":        {"name": "Rights & Co.", "email": agentsAddress},
	} {
		body := byAgent("access", true)
		body["agent"] = agent
		if a := w.file(body); a.Status != 422 {
			t.Errorf("%s = %d %s; want 422", why, a.Status, a.Body)
		}
	}
}

func TestNoConfirmationTellsTheAgentNothing(t *testing.T) {
	w := newWorld(t)
	w.Want(w.file(byAgent("erasure", true)), 201, "")
	h, o := w.correspondent("cleo@example.com"), w.office()
	w.Clock.Set(time.Unix(w.requests(h)[0].Due, 0).Add(-24 * time.Hour))
	o.work(h)
	if got, want := said(w.requests(h)), []string{"erasure denied by form"}; !slices.Equal(got, want) {
		t.Errorf("requests = %q; want %q", got, want)
	}
	if got := w.toAgent(h); len(got) != 0 {
		t.Errorf("the agent is mailed %+v; want nothing", got)
	}
}

func TestTheAgentGoesWithTheErasedRequest(t *testing.T) {
	w := newWorld(t)
	w.Want(w.file(byAgent("erasure", true)), 201, "")
	h, o := w.correspondent("cleo@example.com"), w.office()
	pass := w.pass(h)
	w.Want(w.open(o.packages, map[string]any{"pass": pass, "code": w.code(h, pass), "share_with_agent": true}), 200, "")
	o.work(h)
	w.sendAll(h)
	w.Clock.Set(time.Unix(w.requests(h)[0].Due, 0).Add(-24 * time.Hour))
	o.work(h)
	told := w.toAgent(h)
	if !slices.ContainsFunc(told, func(m mail.Message) bool { return strings.Contains(m.Text, "carried out now") }) {
		t.Errorf("the agent is told %+v; want that it is carried out", told)
	}
	for range 3 {
		w.sendAll(h)
		w.Clock.Advance(2 * time.Minute)
		o.work(h)
	}
	kept := w.requests(w.Store.BindCase(o.engine.Subject(erasure.ScopeCorrespondent, correspondents.HashOf(w.room.Pseudonyms, "cleo@example.com")), store.Actor{Who: "test"}))
	if len(kept) != 1 {
		t.Fatalf("%d proofs; want one", len(kept))
	}
	if kept[0].AgentName != "" || kept[0].AgentEmail != "" || !kept[0].AgentSigned {
		t.Errorf("the proof = %+v; want the request with the permission and without the agent", *kept[0])
	}
}

func TestAnAgentOfSomebodyWithAnAccount(t *testing.T) {
	w := newWorld(t)
	cleo := w.member("cleo@example.com")
	w.Want(w.file(byAgent("access", true)), 201, "")
	h := w.Store.BindUser(cleo.User, store.Actor{Who: "test"})
	if m := w.mails(h)[privacy.MailReceived]; !strings.Contains(m.Text, "Rights & Co. says to be your authorized agent") {
		t.Errorf("the mail = %q; want the person told who asks", m.Text)
	}
	id := string(w.requests(h)[0].ID)
	verify := func(key, share string) apitest.Answer {
		return w.Call(privacy.VerifyRequest(w.Store), cleo, apitest.Request{Path: "/v1/dsr/" + id + "/verify" + share, Key: key})
	}
	w.Want(verify("", "?share_with_agent=maybe"), 422, "invalid_input")
	w.Want(verify("k", "?share_with_agent=true"), 200, "")
	w.Want(verify("k", "?share_with_agent=true"), 200, "")
	o := w.office()
	o.work(h)
	if got := w.toAgent(h); len(got) != 2 {
		t.Errorf("%d mails to the agent; want that it was confirmed, and answered", len(got))
	}
	for _, m := range w.queued(h) {
		if m.State == outbox.Queued && slices.Contains(privacy.AgentTemplates(), m.Template) && strings.Contains(strings.Join([]string{m.Ids["case"], m.Ids["kind"], m.Ids["due"]}, " "), "@") {
			t.Errorf("the outbox keeps %v; want ids alone", m.Ids)
		}
	}
}
