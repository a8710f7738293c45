package auth_test

import (
	"context"
	"net/http"
	"pixeltrack.io/platform/pkg/keys/keystest"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/store"
)

func (w *world) delete(p person, password string, decisions ...account.Decision) apitest.Answer {
	w.T.Helper()
	return w.Call(account.DeleteAccount(w.Store, w.pseudonyms, w.links), apitest.Caller{Token: p.tokens.AccessToken},
		apitest.Request{Body: account.DeleteBody{Password: password, Organizations: decisions}})
}

func (w *world) restore(token, password string) apitest.Answer {
	w.T.Helper()
	return w.Call(auth.RestoreAccount(w.judge()), apitest.Caller{}, apitest.Request{Body: map[string]any{"token": token, "password": password}})
}

func closing(org id.Organization) account.Decision {
	return account.Decision{OrganizationID: string(org), Action: "close"}
}

// restoreToken is the token of the mail about a deletion.
func (w *world) restoreToken(email string) string {
	w.T.Helper()
	for _, m := range w.letters() {
		if m.To == email && strings.Contains(m.Subject, "deletion") {
			_, token, _ := strings.Cut(m.Text, "#token=")
			return strings.Fields(token)[0]
		}
	}
	w.T.Fatalf("no mail to %s about a deletion", email)
	return ""
}

func (w *world) organizationGate(org id.Organization) *access.OrganizationGate {
	w.T.Helper()
	h := w.Store.BindOrganization(org, store.Actor{Who: "test"})
	h.SeeDue()
	gate, err := store.Get[access.OrganizationGate](context.Background(), h, access.OrganizationGateKey(org))
	w.must(err)
	return gate
}

// due lists the kinds of the due rows that are left.
func (w *world) due() string {
	var kinds []string
	for _, r := range append(w.of("DUE"), w.of("WAKE")...) {
		if kind := r["kind"].(string); kind != "outbox" {
			kinds = append(kinds, kind)
		}
	}
	return strings.Join(kinds, " ")
}

func TestDeleteIsRefused(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	w.Want(w.delete(p, "another phrase altogether", closing(p.org)), http.StatusForbidden, "password_wrong")
	a := w.delete(p, phrase)
	w.Want(a, http.StatusConflict, "organizations_undecided")
	if !strings.Contains(string(a.Body), string(p.org)) {
		t.Errorf("the refusal does not name the organization: %s", a.Body)
	}
	handover := account.Decision{OrganizationID: string(p.org), Action: "transfer", ToMember: "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}
	w.Want(w.delete(p, phrase, handover), http.StatusNotFound, "member_not_found")
	handover.ToMember = ""
	w.Want(w.delete(p, phrase, handover), http.StatusNotFound, "member_not_found")
	w.Want(w.me(p.tokens.AccessToken), http.StatusOK, "")
	for range 6 {
		w.delete(p, "another phrase altogether", closing(p.org))
	}
	w.Want(w.delete(p, phrase, closing(p.org)), http.StatusTooManyRequests, "too_many_attempts")
}

func TestADeletedAccountIsRestored(t *testing.T) {
	for _, closed := range []bool{false, true} {
		t.Run(map[bool]string{false: "while its organization is closing", true: "after it was closed"}[closed], func(t *testing.T) {
			w := newWorld(t)
			p := w.somebody(ada)
			a := w.delete(p, phrase, closing(p.org))
			w.Want(a, http.StatusAccepted, "")
			if !strings.Contains(string(a.Body), "2026-04-01T09:00:00Z") {
				t.Errorf("the answer = %s; want 30 days", a.Body)
			}
			w.Want(w.me(p.tokens.AccessToken), http.StatusUnauthorized, "session_ended")
			w.Want(w.refreshToken(p.tokens.RefreshToken), http.StatusUnauthorized, "session_ended")
			w.Want(w.logIn(ada, phrase), http.StatusForbidden, "account_deleted")
			w.Want(w.logIn(ada, "another phrase altogether"), http.StatusUnauthorized, "invalid_credentials")
			w.must(w.run(organization.CloseOrganizations(privacy.AskForOrganization)))
			if status := w.organizationGate(p.org).Status; status != access.Closing {
				t.Errorf("the organization is %s at once; want it closing", status)
			}
			if closed {
				w.Clock.Advance(2 * time.Minute)
				w.must(w.run(organization.CloseOrganizations(privacy.AskForOrganization)))
				if status := w.organizationGate(p.org).Status; status != access.Closed {
					t.Errorf("the organization is %s after a minute; want it closed", status)
				}
			}
			token := w.restoreToken(ada)
			if strings.Contains(w.dump(), token) {
				t.Error("a row holds the token of the link")
			}
			w.Clock.Set(time.Date(2026, 4, 1, 8, 59, 59, 0, time.UTC))
			w.Want(w.restore(token, "another phrase altogether"), http.StatusUnauthorized, "invalid_credentials")
			w.Want(w.restore("nonsense", phrase), http.StatusNotFound, "deleted_account_not_found")
			w.Want(w.restore(token, phrase), http.StatusOK, "")
			w.Want(w.restore(token, phrase), http.StatusNotFound, "deleted_account_not_found")
			wanted := map[bool]string{true: "package"}[closed] // the export that its owner was offered is still made
			if left := w.due(); left != wanted {
				t.Errorf("clocks are left: %s; want %q", left, wanted)
			}
			tokens := w.tokens(w.logIn(ada, phrase))
			if tokens.OrganizationID != string(p.org) || w.organizationGate(p.org).Status != access.Active {
				t.Error("the organization is not open again")
			}
			w.Clock.Advance(48 * time.Hour)
			w.must(w.run(organization.CloseOrganizations(privacy.AskForOrganization)))
			tokens = w.tokens(w.logIn(ada, phrase)) // the address does not expire any more
			p.tokens = tokens
			w.Want(w.delete(p, phrase, closing(p.org)), http.StatusAccepted, "")
			if again := w.restoreToken(ada); again == token {
				t.Error("a second deletion has the link of the first")
			}
		})
	}
}

// The organization closes at the very second of the deletion, however long the call takes: by that second the
// restoration knows what it opens again.
func TestADeletionOverTheTurnOfASecondIsUndoneWhole(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	w.Clock.Tick(time.Second)
	w.Want(w.delete(p, phrase, closing(p.org)), http.StatusAccepted, "")
	w.Clock.Tick(0)
	w.Want(w.restore(w.restoreToken(ada), phrase), http.StatusOK, "")
	if status := w.organizationGate(p.org).Status; status != access.Active {
		t.Errorf("the organization is %s after the restoration; want it open", status)
	}
}

func TestADeletedAccountIsErased(t *testing.T) {
	w := newWorld(t)
	engine := privacy.NewEngine(w.Store, nil, new(blobtest.Bucket), keystest.Envelope(w.Clock.Now), w.pseudonyms, w.Clock.Now)
	p := w.somebody(ada)
	w.Want(w.delete(p, phrase, closing(p.org)), http.StatusAccepted, "")
	token := w.restoreToken(ada)
	w.Clock.Advance(time.Minute)
	w.must(w.run(organization.CloseOrganizations(privacy.AskForOrganization)))
	w.Clock.Advance(30*24*time.Hour - time.Minute)
	w.Want(w.restore(token, phrase), http.StatusNotFound, "deleted_account_not_found")
	w.Want(w.logIn(ada, phrase), http.StatusUnauthorized, "invalid_credentials")

	// The address is free at once, before anything was swept.
	w.Want(w.signUp(signUpBody(ada)), http.StatusAccepted, "")
	var second string
	for _, r := range w.of("SIGNUP") {
		second = w.links.Token(auth.ConfirmPurpose, r["id"].(string))
	}
	w.Want(w.confirm(second, phrase), http.StatusCreated, "")

	w.must(w.run(privacy.SweepRetention(engine)))
	text := w.dump()
	for _, mark := range []string{string(p.user), string(p.org), "close-organization", "purge-"} {
		if strings.Contains(strings.ReplaceAll(text, `"rule":"purge-`, ""), mark) {
			t.Errorf("%q is left", mark)
		}
	}
	if n := len(w.of("ACCEPTANCE")); n != 2 {
		t.Errorf("%d acceptances; want the proof of the erased account kept", n)
	}
	w.tokens(w.logIn(ada, phrase))
}

func TestAnOrganizationIsHandedOver(t *testing.T) {
	w := newWorld(t)
	p, q := w.somebody(ada), w.somebody("bob@example.com")
	member := w.Member(p.org, access.Manager)
	org := w.Store.BindOrganization(p.org, store.Actor{Who: "test"})
	row, err := store.Get[access.Access](context.Background(), org, access.AccessKey(p.org, member.Member))
	w.must(err)
	row.User = q.user
	tx := w.Store.Begin()
	tx.Replace(org, row)
	w.must(tx.Commit(context.Background()))
	w.Want(w.delete(p, phrase, account.Decision{OrganizationID: string(p.org), Action: "transfer", ToMember: string(member.Member)}), http.StatusAccepted, "")
	owners := 0
	for _, r := range w.of("ACCESS") {
		if r["org"] == string(p.org) && r["role"] == string(access.Owner) {
			owners++
			if r["member"] != string(member.Member) || r["grant_version"] != 2.0 {
				t.Errorf("the owner is %v; want the member named, with a new version of grants", r)
			}
		}
	}
	if owners != 1 || w.organizationGate(p.org).Status != access.Active {
		t.Errorf("%d owners of an organization that is %s; want one, and it active", owners, w.organizationGate(p.org).Status)
	}
}

func TestTwoDeletionsAtOnceAreOne(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[int]int{}
	for range 4 {
		wg.Go(func() {
			a := w.delete(p, phrase, closing(p.org))
			mu.Lock()
			defer mu.Unlock()
			codes[a.Status]++
		})
	}
	wg.Wait()
	if codes[http.StatusAccepted] != 1 || codes[http.StatusUnauthorized] != 3 {
		t.Errorf("the answers are %v; want one deletion", codes)
	}
	if got := len(w.of("DELETION")); got != 1 {
		t.Errorf("%d deletions", got)
	}
}
