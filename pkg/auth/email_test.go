package auth_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/auth"
)

const moved = "ada@example.org"

func (w *world) askForEmail(p person, to string) apitest.Answer {
	return w.as(p, auth.CreateEmailChange(w.Store, w.pseudonyms), map[string]any{"email": to})
}

func (w *world) confirmEmail(p person, token string) apitest.Answer {
	return w.as(p, auth.ConfirmEmailChange(w.Store, w.links), map[string]any{"token": token})
}

// emailToken is the token of the newest mail about a change of address to somebody, empty for none.
func (w *world) emailToken(to string) (token string) {
	w.T.Helper()
	for _, m := range w.letters() {
		if _, rest, ok := strings.Cut(m.Text, "/confirm-email#token="); ok && m.To == to {
			token, _, _ = strings.Cut(rest, "\n")
		}
	}
	return strings.TrimSpace(token)
}

func (w *world) emailChange(a apitest.Answer) (b auth.EmailChangeBody) {
	w.T.Helper()
	a.Into(w.T, &b)
	return b
}

func TestAnAddressChangesWhenBothConfirm(t *testing.T) {
	for _, oldFirst := range []bool{true, false} {
		t.Run(fmt.Sprint("the old first: ", oldFirst), func(t *testing.T) {
			w := newWorld(t)
			p := w.somebody(ada)
			other := w.tokens(w.logIn(ada, phrase))
			w.Want(w.forgot(ada), http.StatusAccepted, "")
			link := w.resetTokens(ada)[0]
			a := w.askForEmail(p, moved)
			w.Want(a, http.StatusAccepted, "")
			if b := w.emailChange(a); b.Email != moved || b.OldConfirmed || b.NewConfirmed || b.Done || !b.ExpiresAt.Equal(b.RequestedAt.Add(24*time.Hour)) {
				t.Errorf("the change = %+v", b)
			}
			first, second := w.emailToken(ada), w.emailToken(moved)
			if !oldFirst {
				first, second = second, first
			}
			a = w.confirmEmail(p, first)
			w.Want(a, http.StatusOK, "")
			if b := w.emailChange(a); b.Done || b.OldConfirmed != oldFirst || b.NewConfirmed == oldFirst {
				t.Errorf("after one = %+v", b)
			}
			w.Want(w.confirmEmail(p, first), http.StatusOK, "")
			w.Want(w.logIn(moved, phrase), http.StatusUnauthorized, "invalid_credentials")
			w.Want(w.me(other.AccessToken), http.StatusOK, "")
			a = w.confirmEmail(p, second)
			w.Want(a, http.StatusOK, "")
			if b := w.emailChange(a); !b.Done {
				t.Errorf("after both = %+v; want it done", b)
			}
			var mine account.Mine
			w.me(p.tokens.AccessToken).Into(t, &mine)
			if mine.Email != moved {
				t.Errorf("the account has %q", mine.Email)
			}
			w.Want(w.me(other.AccessToken), http.StatusUnauthorized, "session_ended")
			w.Want(w.reset(link, "another phrase that nobody has"), http.StatusUnauthorized, "reset_invalid")
			w.Want(w.logIn(ada, phrase), http.StatusUnauthorized, "invalid_credentials")
			w.tokens(w.logIn(moved, phrase))
			if n := w.told(ada, "Your PixelTrack address has changed"); n != 1 {
				t.Errorf("%d mails told the address before; want 1", n)
			}
			w.Want(w.confirmEmail(p, second), http.StatusOK, "")
			w.somebody(ada) // the address before is free again
		})
	}
}

func TestATakenAddressIsAnsweredTheSame(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	w.somebody("bob@example.com")
	units := regexp.MustCompile(`"(calls|read_units|write_units)":[0-9.]+`)
	ask := func(to string) (apitest.Answer, string) {
		w.Log.Reset()
		a := w.askForEmail(p, to)
		return a, fmt.Sprint(units.FindAllString(w.Log.String(), -1))
	}
	w.Want(w.askForEmail(p, "dee@example.com"), http.StatusAccepted, "") // so that each of the two replaces one
	free, cost := ask("cyd@example.com")
	taken, same := ask("bob@example.com")
	one, two := w.emailChange(free), w.emailChange(taken)
	one.Email, two.Email = "", ""
	if free.Status != taken.Status || one != two {
		t.Errorf("free = %d %+v, taken = %d %+v; want the same", free.Status, one, taken.Status, two)
	}
	if cost != same || !strings.Contains(cost, "write_units") {
		t.Errorf("a free address costs %s, a taken one %s; want the same", cost, same)
	}
	token := w.emailToken(ada)
	w.Want(w.confirmEmail(p, token), http.StatusOK, "")
	if n := w.told("bob@example.com", "You already have a PixelTrack account"); n != 1 || w.emailToken("bob@example.com") != "" {
		t.Errorf("%d mails told the taken address, and it may confirm: %v", n, w.emailToken("bob@example.com") != "")
	}
	change := w.of("EMAIL_CHANGE")[0]["id"].(string)
	w.Want(w.confirmEmail(p, w.links.Token(auth.NewEmailPurpose, change)), http.StatusForbidden, "link_invalid")
}

func TestAChangeOfAddressIsRefused(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	for _, tt := range []struct{ to, code string }{{"", "invalid_input"}, {"ada", "invalid_input"}, {"ADA@example.com", "invalid_input"}, {"ada@mailinator.com", "disposable_email"}} {
		w.Want(w.askForEmail(p, tt.to), http.StatusUnprocessableEntity, tt.code)
	}
	show := func() apitest.Answer { return w.as(p, auth.GetEmailChange(), nil) }
	w.Want(show(), http.StatusNotFound, "email_change_not_found")
	w.Want(w.confirmEmail(p, "nonsense"), http.StatusNotFound, "email_change_not_found")
	w.Want(w.askForEmail(p, moved), http.StatusAccepted, "")
	w.Want(w.confirmEmail(p, "nonsense"), http.StatusForbidden, "link_invalid")
	stale := w.emailToken(moved)
	w.Want(w.askForEmail(p, "ada@example.net"), http.StatusAccepted, "")
	w.Want(w.confirmEmail(p, stale), http.StatusForbidden, "link_invalid")
	w.Want(w.as(p, auth.DeleteEmailChange(w.Store), nil), http.StatusNoContent, "")
	w.Want(w.as(p, auth.DeleteEmailChange(w.Store), nil), http.StatusNotFound, "email_change_not_found")
	w.Want(w.askForEmail(p, moved), http.StatusAccepted, "")
	token := w.emailToken(moved)
	w.Clock.Advance(11 * time.Minute)
	w.Want(w.askForEmail(p, moved), http.StatusUnauthorized, "reauthentication_required")
	w.Clock.Advance(24 * time.Hour)
	p.tokens = w.tokens(w.logIn(ada, phrase))
	w.Want(w.confirmEmail(p, token), http.StatusNotFound, "email_change_not_found")
	w.Want(show(), http.StatusNotFound, "email_change_not_found")
	bob := w.somebody("bob@example.com")
	w.Want(w.askForEmail(p, moved), http.StatusAccepted, "")
	w.Want(w.confirmEmail(bob, w.emailToken(moved)), http.StatusNotFound, "email_change_not_found")
}

func TestOneOfTwoGetsAnAddress(t *testing.T) {
	w := newWorld(t)
	people := []person{w.somebody(ada), w.somebody("bob@example.com")}
	tokens := make([]string, 2)
	for i, p := range people {
		w.Want(w.askForEmail(p, moved), http.StatusAccepted, "")
		for _, row := range w.of("EMAIL_CHANGE") {
			if row["user"] == string(p.user) {
				tokens[i] = w.links.Token(auth.NewEmailPurpose, row["id"].(string))
			}
		}
	}
	for i, was := range []string{ada, "bob@example.com"} {
		w.Want(w.confirmEmail(people[i], w.emailToken(was)), http.StatusOK, "")
	}
	answers := make([]apitest.Answer, 2)
	var wg sync.WaitGroup
	for i, p := range people {
		wg.Go(func() { answers[i] = w.confirmEmail(p, tokens[i]) })
	}
	wg.Wait()
	codes := answers[0].Code() + answers[1].Code()
	if answers[0].Status+answers[1].Status != http.StatusOK+http.StatusConflict || codes != "address_taken" {
		t.Errorf("two at once = %d and %d (%s); want one and a conflict", answers[0].Status, answers[1].Status, codes)
	}
	if n := len(w.of("ADDRESS")); n != 2 {
		t.Errorf("%d addresses are taken; want one of each", n)
	}
}

func TestOrganizationsOfACallerAreListed(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	var all api.List[account.MyOrganization]
	a := w.as(p, account.ListMyOrganizations(w.Store), nil)
	w.Want(a, http.StatusOK, "")
	a.Into(t, &all)
	if len(all.Data) != 1 || all.Data[0].Name == "" || all.Data[0].Role != "owner" || all.Data[0].State != "active" || !all.Data[0].Current || all.Data[0].OrganizationID != string(p.org) {
		t.Errorf("the organizations are %+v; want Ada's own", all.Data)
	}
}
