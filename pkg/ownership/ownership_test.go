package ownership_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/auth/password"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/ownership"
	"pixeltrack.io/platform/pkg/store"
)

const phrase = "a phrase nobody else uses"

type world struct {
	*apitest.World
	pseudonyms keys.Pseudonyms
	hash       string
}

func newWorld(t *testing.T) world {
	return world{apitest.New(t), keys.Pseudonyms{Secret: "pseudonyms"}, password.Hash(phrase)}
}

// proven gives a caller a password and the membership that leads to the organization.
func (w world) proven(c apitest.Caller) apitest.Caller {
	w.T.Helper()
	h := w.Store.BindUser(c.User, store.Actor{Who: string(c.User)})
	tx := w.Store.Begin()
	tx.Create(h, &account.Credential{User: c.User, PasswordHash: w.hash, Since: 1})
	tx.Create(h, &account.Membership{User: c.User, Organization: c.Org, Member: c.Member, Joined: 1})
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
	return c
}

func (w world) offer(c, to apitest.Caller, phrase string) (apitest.Answer, ownership.OfferBody) {
	w.T.Helper()
	a := w.Call(ownership.CreateOffer(w.Store, w.pseudonyms), c, apitest.Request{Body: map[string]any{"member_id": to.Member, "password": phrase}})
	var b ownership.OfferBody
	if a.Status == http.StatusCreated {
		a.Into(w.T, &b)
	}
	return a, b
}

func (w world) accept(c apitest.Caller, offer, phrase string) apitest.Answer {
	return w.Call(ownership.AcceptOffer(w.Store, w.pseudonyms), c, apitest.Request{Path: "/v1/org/ownership-offers/" + offer + "/accept", Body: map[string]any{"password": phrase}})
}

func (w world) withdraw(c apitest.Caller, offer string) apitest.Answer {
	return w.Call(ownership.DeleteOffer(w.Store), c, apitest.Request{Path: "/v1/org/ownership-offers/" + offer})
}

// owners counts the owners of an organization.
func (w world) owners(c apitest.Caller) int {
	w.T.Helper()
	n := 0
	h := w.Store.BindOrganization(c.Org, store.Actor{})
	for a, err := range store.All[access.Access](context.Background(), h, store.Query{Partition: h.Scope().Partition(access.FamilyAccess), Limit: 50}) {
		if err != nil {
			w.T.Fatal(err)
		}
		if a.Role == access.Owner && a.Live() {
			n++
		}
	}
	return n
}

func TestTheOwnershipPassesByOfferAndAcceptance(t *testing.T) {
	w := newWorld(t)
	owner := w.proven(w.Organization())
	heir, third := w.proven(w.Member(owner.Org, access.Contributor)), w.proven(w.Member(owner.Org, access.Admin))
	a, o := w.offer(owner, heir, phrase)
	w.Want(a, 201, "")
	a, _ = w.offer(owner, third, phrase)
	w.Want(a, 409, "offer_open")
	w.Want(w.accept(third, o.ID, phrase), 404, "offer_not_found")
	w.Want(w.accept(owner, o.ID, phrase), 404, "offer_not_found")
	w.Want(w.withdraw(third, o.ID), 404, "offer_not_found")
	w.Want(w.accept(heir, o.ID, "not the phrase at all"), 403, "password_wrong")
	var wg sync.WaitGroup
	answers := make([]apitest.Answer, 4)
	for i := range answers {
		wg.Go(func() { answers[i] = w.accept(heir, o.ID, phrase) })
	}
	wg.Wait()
	won := 0
	for _, a := range answers {
		if a.Status == 204 {
			won++
		} else {
			w.Want(a, 404, "offer_not_found")
		}
	}
	if n := w.owners(owner); won != 1 || n != 1 {
		t.Errorf("%d acceptances and %d owners; want one of each", won, n)
	}
	a, _ = w.offer(owner, third, phrase)
	w.Want(a, 403, "permission_denied")
	a, _ = w.offer(heir, third, phrase)
	w.Want(a, 201, "")
}

func TestAnOfferIsRefused(t *testing.T) {
	w := newWorld(t)
	owner, foreign := w.proven(w.Organization()), w.proven(w.Organization())
	admin, guest := w.proven(w.Member(owner.Org, access.Admin)), w.Member(owner.Org, access.Guest)
	tests := []struct {
		name     string
		from, to apitest.Caller
		phrase   string
		status   int
		code     string
	}{
		{"by an admin", admin, owner, phrase, 403, "permission_denied"},
		{"without the password", owner, admin, "not the phrase at all", 403, "password_wrong"},
		{"to a guest", owner, guest, phrase, 404, "member_not_found"},
		{"to oneself", owner, owner, phrase, 404, "member_not_found"},
		{"to another organization's member", owner, foreign, phrase, 404, "member_not_found"},
		{"to nobody", owner, apitest.Caller{Member: "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}, phrase, 404, "member_not_found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sub := world{w.In(t), w.pseudonyms, w.hash}
			a, _ := sub.offer(tt.from, tt.to, tt.phrase)
			sub.Want(a, tt.status, tt.code)
		})
	}
	a, o := w.offer(owner, admin, phrase)
	w.Want(a, 201, "")
	w.Want(w.withdraw(foreign, o.ID), 404, "offer_not_found")
	w.Want(w.withdraw(admin, o.ID), 204, "")
	w.Want(w.withdraw(owner, o.ID), 404, "offer_not_found")
	_, o = w.offer(owner, admin, phrase)
	w.Clock.Advance(ownership.Life)
	admin.Token = w.Token(admin)
	w.Want(w.accept(admin, o.ID, phrase), 404, "offer_not_found")
}

func TestAFurtherOrganization(t *testing.T) {
	w := newWorld(t)
	ada := w.proven(w.Organization())
	make := func(key string) (apitest.Answer, ownership.Founded) {
		a := w.Call(ownership.CreateOrganization(w.Store), ada, apitest.Request{Key: key, Body: map[string]any{"name": "Second", "country": "CH"}})
		var f ownership.Founded
		if a.Status == 201 {
			a.Into(t, &f)
		}
		return a, f
	}
	_, first := make("k")
	_, again := make("k")
	if first.ID == "" || first != again {
		t.Errorf("a repeat made %+v; want %+v", again, first)
	}
	for range account.MaxMemberships - 2 {
		a, _ := make("")
		w.Want(a, 201, "")
	}
	a, _ := make("")
	w.Want(a, 409, "too_many_organizations")
}

func TestAnOrganizationClosesAndOpensAgain(t *testing.T) {
	w := newWorld(t)
	owner := w.proven(w.Organization())
	admin := w.proven(w.Member(owner.Org, access.Admin))
	shut := func(c apitest.Caller, phrase string) apitest.Answer {
		return w.Call(ownership.CloseOrganization(w.Store, w.pseudonyms), c, apitest.Request{Body: map[string]any{"password": phrase}})
	}
	open := func(c apitest.Caller, org string) apitest.Answer {
		return w.Call(ownership.ReopenOrganization(w.Store, w.pseudonyms), c, apitest.Request{Body: map[string]any{"organization_id": org, "password": phrase}})
	}
	w.Want(shut(admin, phrase), 403, "permission_denied")
	w.Want(shut(owner, "not the phrase at all"), 403, "password_wrong")
	w.Want(open(owner, string(owner.Org)), 404, "organization_not_found")
	w.Want(shut(owner, phrase), 202, "")
	w.Want(shut(owner, phrase), 409, "organization_closing")
	w.Want(w.Call(ownership.CreateOffer(w.Store, w.pseudonyms), owner, apitest.Request{Body: map[string]any{"member_id": admin.Member, "password": phrase}}), 403, "organization_closing")
	w.Want(open(admin, string(owner.Org)), 404, "organization_not_found")
	w.Want(open(w.proven(w.Organization()), string(owner.Org)), 404, "organization_not_found")
	w.Want(open(owner, "org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"), 404, "organization_not_found")
	w.Want(open(owner, string(owner.Org)), 204, "")
	a, _ := w.offer(owner, admin, phrase)
	w.Want(a, 201, "")
}
