package sorting_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/invitations"
	"pixeltrack.io/platform/pkg/notifications/letters"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/store"
)

// studio is an organization with a name, by its owner.
func (w *world) studio(name string) apitest.Caller {
	w.T.Helper()
	c := w.Organization()
	tx := w.Store.Begin()
	tx.Create(w.org(c), &organization.Organization{ID: c.Org, Name: name})
	w.must(tx.Commit(w.T.Context()))
	return c
}

// invite invites an address, and gives the invitation.
func (w *world) invite(owner apitest.Caller, email string) invitations.InvitationBody {
	w.T.Helper()
	owner.Token = w.Token(owner) // of this moment
	a := w.Call(invitations.CreateInvitations(w.Store, w.room.Pseudonyms, w.room.Links), owner, apitest.Request{Body: map[string]any{"invitations": []any{map[string]any{"email": email, "role": "member"}}}})
	w.Want(a, 200, "")
	var out invitations.Results
	a.Into(w.T, &out)
	return *out.Data[0].Invitation
}

// invited lists the addresses that an organization has invited.
func (w *world) invited(owner apitest.Caller) (all []string) {
	w.T.Helper()
	rows, _, err := store.List[invitations.Invitation](w.T.Context(), w.org(owner), store.Query{Partition: w.org(owner).Scope().Partition(invitations.Family), Limit: 100})
	w.must(err)
	for _, i := range rows {
		all = append(all, i.Email)
	}
	return all
}

// wouldSend says of each mail that waits in an organization whether it would be sent.
func (w *world) wouldSend(owner apitest.Caller) (all []bool) {
	w.T.Helper()
	c := &compose.Composer{Store: w.Store, Actor: store.Actor{Who: "job:send-outbox"}, Links: w.room.Links, PublicURL: "https://app.example.com", From: w.room.Own, Boxes: w.room.Boxes}
	for _, m := range w.queued(w.org(owner)) {
		i := slices.IndexFunc(letters.Templates(), func(t compose.Template) bool { return t.Kind == m.Template })
		_, err := letters.Templates()[i].Compose(w.T.Context(), c, m)
		if err != nil && !errors.Is(err, compose.ErrGone) {
			w.T.Fatal(err)
		}
		all = append(all, err == nil)
	}
	return all
}

// prove opens a request with a mailed code.
func (o *office) prove(h *store.Case, pass string) privacy.OpenBody {
	o.T.Helper()
	a := o.open(o.packages, map[string]any{"pass": pass, "code": o.code(h, pass)})
	o.Want(a, 200, "")
	var body privacy.OpenBody
	a.Into(o.T, &body)
	return body
}

func TestWhoIsInvitedSeesByWhom(t *testing.T) {
	w := newWorld(t)
	one, two := w.studio("Bauer & Daughters"), w.studio("Cat Sitters")
	w.invite(one, "Ada@example.com")
	w.invite(two, "ada@example.com")
	w.invite(two, "bob@example.com")
	over := w.studio("Long Ago")
	w.invite(over, "ada@example.com")
	w.Clock.Advance(invitations.Life)
	w.invite(one, "ada@example.com")
	w.invite(two, "ada@example.com")
	w.receive(toPrivacy("A copy of my data, please."))
	h, o := w.correspondent("ada@example.com"), w.office()
	pass := w.pass(h)
	o.prove(h, pass)
	o.work(h)
	opened := o.prove(h, pass)
	if opened.Download == nil {
		t.Fatalf("the request is %s; want a package", opened.State)
	}
	content, err := o.packages.Fetch(opened.Download.URL)
	w.must(err)
	text := unzipped(t, content)
	for want, there := range map[string]bool{"Bauer & Daughters": true, "Cat Sitters": true, "member": true, "Long Ago": false, "bob@example.com": false} {
		if strings.Contains(text, want) != there {
			t.Errorf("the package has %q: %t; want %t", want, !there, there)
		}
	}
	if n := strings.Count(text, `"record_type":"INVITATION"`); n != 2 {
		t.Errorf("the package has %d invitations; want the two that stand", n)
	}
}

func TestAnErasureRevokesInvitations(t *testing.T) {
	w := newWorld(t)
	one, two := w.studio("One"), w.studio("Two")
	w.invite(one, "ada@example.com")
	first := w.invite(two, "ada@example.com")
	w.invite(two, "bob@example.com")
	w.receive(toPrivacy("Please delete my data."))
	h, o := w.correspondent("ada@example.com"), w.office()
	o.prove(h, w.pass(h))
	o.work(h)
	w.sendAll(h)
	r := w.requests(h)[0]
	if r.State != request.InReview || len(w.invited(one)) != 1 {
		t.Fatalf("the erasure is %s; want it to wait for its day", r.State)
	}
	w.Clock.Set(time.Unix(r.Due, 0).Add(-24 * time.Hour))
	w.invite(one, "ada@example.com") // the others are over by now
	again := w.invite(two, "ada@example.com")
	if again.ID == first.ID {
		t.Fatal("an invitation outlived its week")
	}
	w.invite(two, "bob@example.com")
	for range 3 {
		o.work(h)
		w.sendAll(h)
		w.Clock.Advance(2 * time.Minute)
	}
	if got, want := append(w.invited(one), w.invited(two)...), []string{"bob@example.com"}; !slices.Equal(got, want) {
		t.Errorf("invited = %q; want %q", got, want)
	}
	for _, m := range append(w.queued(w.org(one)), w.queued(w.org(two))...) {
		if m.Ids["invitation"] == again.ID {
			t.Error("the mail of a revoked invitation is kept")
		}
	}
	rows, _, err := store.List[api.Audit](t.Context(), w.org(two), store.Query{Partition: w.org(two).Scope().Partition(api.FamilyAudit), Limit: 100})
	w.must(err)
	told := 0
	for _, a := range rows {
		if a.Action == "erase-invitee" && a.Object == again.ID && a.Actor == "job:work-requests" {
			told++
		}
	}
	if told != 1 {
		t.Errorf("%d records of the organization tell that the invitation was revoked; want one", told)
	}
	w.invite(one, "ada@example.com") // nobody is kept from inviting anew, and from being asked
}

func TestARevocationIsRepeatedAndMeetsOthers(t *testing.T) {
	w := newWorld(t)
	one := w.studio("One")
	i := w.invite(one, "ada@example.com")
	w.Want(w.Call(invitations.ResendInvitation(w.Store, w.room.Links), one, apitest.Request{Path: "/v1/invitations/" + i.ID + "/resend"}), 200, "")
	h := w.correspondent("ada@example.com")
	met := make(chan error)
	for range 3 {
		go func() {
			_, err := invitations.RevokeAll(t.Context(), h)
			met <- err
		}()
	}
	for range 3 {
		w.must(<-met)
	}
	if n, err := invitations.RevokeAll(t.Context(), h); n != 0 || err != nil {
		t.Errorf("a repeat revokes %d, %v; want none", n, err)
	}
	if got := w.invited(one); got != nil || len(w.queued(w.org(one))) != 0 {
		t.Errorf("invited = %q, with %d mails; want nothing", got, len(w.queued(w.org(one))))
	}
}

func TestWhoRestrictsOrObjectsIsNotInvitedByMail(t *testing.T) {
	for words, kind := range map[string]request.Kind{"Restrict the processing of my data.": request.Restriction, "I object to the processing of my data.": request.Objection} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			one := w.studio("One")
			i := w.invite(one, "ada@example.com")
			if got, want := w.wouldSend(one), []bool{true}; !slices.Equal(got, want) {
				t.Fatalf("before: sent = %v; want %v", got, want)
			}
			w.receive(toPrivacy(words))
			h, o := w.correspondent("ada@example.com"), w.office()
			o.prove(h, w.pass(h))
			o.work(h)
			if got := w.wouldSend(one); slices.Contains(got, true) {
				t.Errorf("the mail that waited: sent = %v; want none", got)
			}
			w.Want(w.Call(invitations.ResendInvitation(w.Store, w.room.Links), one, apitest.Request{Path: "/v1/invitations/" + i.ID + "/resend"}), 200, "")
			two := w.studio("Two")
			w.invite(two, "ada@example.com")
			w.invite(two, "bob@example.com")
			if got := w.wouldSend(one); slices.Contains(got, true) {
				t.Errorf("sent again = %v; want none", got)
			}
			if got, want := w.wouldSend(two), []bool{true, false}; slices.Equal(got, want) == slices.Equal(got, []bool{false, true}) {
				t.Errorf("sent by another = %v; want that to Bob alone", got)
			}
			w.sendAll(h)
			w.Clock.Advance(time.Minute)

			lifted := w.Call(privacy.CreateMailRequest(w.Store, w.room.Pseudonyms, w.room.Links), apitest.Caller{}, apitest.Request{Body: map[string]any{"email": "ada@example.com", "type": "restriction_lift"}})
			w.Want(lifted, 201, "")
			var made privacy.ByMailBody
			lifted.Into(t, &made)
			o.prove(h, made.Pass)
			o.work(h)
			if got, want := w.wouldSend(two), kind == request.Restriction; slices.Contains(got, false) == want {
				t.Errorf("after a lift: sent = %v; want all of them: %t, for an objection stands", got, want)
			}
		})
	}
}

func TestAMarkOutlivesAnErasure(t *testing.T) {
	w := newWorld(t)
	h := w.correspondent("ada@example.com")
	tx := w.Store.Begin()
	w.must(invitations.LeaveAlone(t.Context(), tx, h, invitations.WhyObjection))
	w.must(tx.Commit(t.Context()))
	w.receive(toPrivacy("Please delete my data."))
	o := w.office()
	o.prove(h, w.pass(h))
	o.work(h)
	w.sendAll(h)
	w.Clock.Set(time.Unix(w.requests(h)[0].Due, 0).Add(-24 * time.Hour))
	for range 3 {
		o.work(h)
		w.sendAll(h)
		w.Clock.Advance(2 * time.Minute)
	}
	if len(w.requests(h)) != 0 {
		t.Fatal("they were not erased")
	}
	one := w.studio("One")
	w.invite(one, "ada@example.com")
	if got := w.wouldSend(one); slices.Contains(got, true) {
		t.Errorf("sent = %v; want none: an objection counts beyond an erasure", got)
	}
}
