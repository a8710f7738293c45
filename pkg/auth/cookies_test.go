package auth_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/auth"
)

// browser keeps cookies as a browser does, by name and path, and says where its calls come from.
type browser struct {
	w    *world
	kept map[string]string
	from map[string]string
}

func (w *world) browser() *browser {
	return &browser{w, map[string]string{}, map[string]string{"Origin": apitest.WebApp, "Sec-Fetch-Site": "same-site"}}
}

func (b *browser) call(op api.Operation, body any) apitest.Answer {
	b.w.T.Helper()
	headers := map[string]string{}
	for k, v := range b.from {
		headers[k] = v
	}
	var sent []string
	for name, value := range b.kept {
		if name != api.RefreshCookie || strings.HasPrefix(op.Path, "/v1/auth") {
			sent = append(sent, name+"="+value)
		}
	}
	if len(sent) > 0 {
		headers["Cookie"] = strings.Join(sent, "; ")
	}
	a := b.w.Call(op, apitest.Caller{}, apitest.Request{Body: body, Headers: headers})
	b.keep(a)
	return a
}

func (b *browser) keep(a apitest.Answer) {
	for _, line := range a.Header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			b.w.T.Fatal(err)
		}
		path := map[string]string{api.RefreshCookie: "/v1/auth"}[c.Name]
		if path == "" {
			path = "/"
		}
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != path || c.Domain != "" {
			b.w.T.Errorf("Set-Cookie: %s; want Secure, HttpOnly, SameSite=Strict, at %s and no domain", line, path)
		}
		if c.MaxAge < 0 || c.Value == "" {
			delete(b.kept, c.Name)
			continue
		}
		b.kept[c.Name] = c.Value
	}
}

func (b *browser) logIn() apitest.Answer {
	b.w.T.Helper()
	a := b.call(auth.LogIn(b.w.Store, b.w.pseudonyms, b.w.refresh, b.w.minter), map[string]any{"email": ada, "password": phrase, "cookies": true})
	b.w.Want(a, http.StatusOK, "")
	return a
}

func (b *browser) me() apitest.Answer { return b.call(account.GetAccount(), nil) }
func (b *browser) refresh() apitest.Answer {
	return b.call(auth.RefreshToken(b.w.Store, b.w.refresh, b.w.minter), map[string]any{})
}
func (b *browser) logOut() apitest.Answer { return b.call(auth.LogOut(b.w.Store), nil) }

func TestABrowserKeepsItsTokensInCookies(t *testing.T) {
	w := newWorld(t)
	w.somebody(ada)
	b := w.browser()
	a := b.logIn()
	for _, not := range []string{"access_token", "refresh_token", "device_token", "eyJ", "rft_"} {
		if strings.Contains(string(a.Body), not) {
			t.Errorf("the answer of the login holds %s: %s", not, a.Body)
		}
	}
	if b.kept[api.AccessCookie] == "" || b.kept[api.RefreshCookie] == "" || !strings.Contains(string(a.Body), `"organization_id":"org_`) {
		t.Fatalf("the login gave %v and %s; want both cookies and the organization", b.kept, a.Body)
	}
	w.Want(b.me(), http.StatusOK, "")
	spent := b.kept[api.RefreshCookie]
	w.Want(b.refresh(), http.StatusOK, "")
	if b.kept[api.RefreshCookie] == spent {
		t.Error("a refresh kept the refresh cookie as it was")
	}
	w.Clock.Advance(16 * time.Minute)
	w.Want(b.me(), http.StatusUnauthorized, "token_expired")
	if b.kept[api.RefreshCookie] == "" {
		t.Error("the end of an access token took the refresh cookie away")
	}
	w.Want(b.refresh(), http.StatusOK, "")
	w.Want(b.me(), http.StatusOK, "")
	w.Want(b.logOut(), http.StatusNoContent, "")
	if len(b.kept) != 1 || b.kept["__Host-device"] == "" {
		t.Errorf("after logging out the browser keeps %v; want what knows the device alone", b.kept)
	}
	w.Want(b.me(), http.StatusUnauthorized, "authentication_required")
	w.Want(b.refresh(), http.StatusUnauthorized, "refresh_token_invalid")
}

func TestCookiesOfAnEndedSessionAreTakenAway(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	everywhere := auth.EndOtherSessions(w.Store)
	one, other := w.browser(), w.browser()
	one.logIn()
	other.logIn()
	w.Want(w.Call(everywhere, apitest.Caller{Token: p.tokens.AccessToken}, apitest.Request{}), http.StatusNoContent, "")
	w.Want(one.me(), http.StatusUnauthorized, "session_ended")
	w.Want(other.refresh(), http.StatusUnauthorized, "session_ended")
	for _, b := range []*browser{one, other} {
		if b.kept[api.AccessCookie] != "" || b.kept[api.RefreshCookie] != "" {
			t.Errorf("the browser still keeps %v", b.kept)
		}
	}
	thief := w.browser()
	thief.logIn()
	stolen := thief.kept[api.RefreshCookie]
	w.Want(thief.refresh(), http.StatusOK, "")
	w.Want(thief.refresh(), http.StatusOK, "")
	w.Clock.Advance(31 * time.Second)
	late := w.browser()
	late.kept[api.RefreshCookie] = stolen
	w.Want(late.refresh(), http.StatusUnauthorized, "token_reused")
	w.Want(thief.me(), http.StatusUnauthorized, "session_ended")
	if len(late.kept) != 0 {
		t.Errorf("a spent cookie stays: %v", late.kept)
	}
}

func TestTwoTabsRefreshAtOnce(t *testing.T) {
	w := newWorld(t)
	w.somebody(ada)
	b := w.browser()
	b.logIn()
	next := make([]string, 8)
	var wg sync.WaitGroup
	for n := range next {
		wg.Go(func() {
			tab := w.browser()
			tab.kept[api.RefreshCookie] = b.kept[api.RefreshCookie]
			if a := tab.refresh(); a.Status != http.StatusOK {
				t.Errorf("a tab's refresh = %d %s", a.Status, a.Code())
			}
			next[n] = tab.kept[api.RefreshCookie]
		})
	}
	wg.Wait()
	for _, n := range next {
		if n != next[0] || n == "" {
			t.Errorf("the tabs got %v; want one successor", next)
		}
	}
}

func TestOtherSitesDoNothingWithCookies(t *testing.T) {
	tests := []struct {
		name string
		from map[string]string
		own  bool
	}{
		{"the web app's page", map[string]string{"Origin": apitest.WebApp, "Sec-Fetch-Site": "same-site"}, true},
		{"the web app in a browser without Fetch Metadata", map[string]string{"Origin": apitest.WebApp}, true},
		{"a page of the same origin", map[string]string{"Sec-Fetch-Site": "same-origin"}, true},
		{"another site's page", map[string]string{"Origin": "https://evil.example.net", "Sec-Fetch-Site": "cross-site"}, false},
		{"another site's page in a browser without Fetch Metadata", map[string]string{"Origin": "https://evil.example.net"}, false},
		{"a frame that hides its origin", map[string]string{"Origin": "null", "Sec-Fetch-Site": "cross-site"}, false},
		{"a sister of the web app", map[string]string{"Origin": "https://blog.example.com", "Sec-Fetch-Site": "same-site"}, false},
		{"an origin that begins alike", map[string]string{"Origin": apitest.WebApp + ".example.net"}, false},
		{"the web app's origin from elsewhere", map[string]string{"Origin": apitest.WebApp, "Sec-Fetch-Site": "cross-site"}, false},
		{"typed by hand", map[string]string{"Sec-Fetch-Site": "none"}, false},
		{"nothing said", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.somebody(ada)
			b := w.browser()
			b.logIn()
			b.from = tt.from
			w.Want(b.me(), http.StatusOK, "") // who reads changes nothing; what is read goes by CORS
			calls := map[string]func() apitest.Answer{"refresh": b.refresh, "change": func() apitest.Answer {
				return b.call(account.UpdateAccount(w.Store), map[string]any{"job_title": "Thief"})
			}, "login": func() apitest.Answer {
				return b.call(auth.LogIn(w.Store, w.pseudonyms, w.refresh, w.minter), map[string]any{"email": ada, "password": phrase, "cookies": true})
			}}
			for name, call := range calls {
				if a := call(); tt.own == (a.Code() == "cross_site") {
					t.Errorf("%s = %d %s; want it taken: %v", name, a.Status, a.Code(), tt.own)
				}
			}
			a := b.logOut()
			if !tt.own {
				w.Want(a, http.StatusForbidden, "cross_site")
				b.from = map[string]string{"Origin": apitest.WebApp}
				w.Want(b.me(), http.StatusOK, "")
				return
			}
			w.Want(a, http.StatusNoContent, "")
		})
	}
}

func TestTwoCredentialsAreRefused(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	b := w.browser()
	b.logIn()
	b.from["Authorization"] = "Bearer " + p.tokens.AccessToken
	w.Want(b.me(), http.StatusBadRequest, "two_credentials")
	w.Want(b.refresh(), http.StatusBadRequest, "two_credentials")
	delete(b.from, "Authorization")
	a := b.call(auth.RefreshToken(w.Store, w.refresh, w.minter), map[string]any{"refresh_token": p.tokens.RefreshToken})
	w.Want(a, http.StatusBadRequest, "two_credentials")
	w.Want(b.me(), http.StatusOK, "")
	key := w.browser()
	key.kept[api.AccessCookie] = w.apiToken(p).Token
	w.Want(key.me(), http.StatusUnauthorized, "token_invalid")
}

func TestOtherTokensOfASessionGoTheSameWay(t *testing.T) {
	w := newWorld(t)
	w.somebody(ada)
	b := w.browser()
	a := b.logIn()
	var in auth.Tokens
	a.Into(t, &in)
	for name, a := range map[string]apitest.Answer{
		"switch-organization": b.call(auth.SwitchOrganization(w.Store, w.minter), map[string]any{"organization_id": in.OrganizationID}),
		"reauthenticate":      b.call(auth.Reauthenticate(w.judge(), w.minter), map[string]any{"password": phrase}),
	} {
		w.Want(a, http.StatusOK, "")
		if strings.Contains(string(a.Body), "eyJ") || !strings.HasPrefix(a.Header.Get("Set-Cookie"), api.AccessCookie+"=eyJ") {
			t.Errorf("%s gave %s and %s; want the token as a cookie alone", name, a.Body, a.Header.Get("Set-Cookie"))
		}
	}
	w.Want(b.me(), http.StatusOK, "")
}

func TestALogInBySecondFactorFromANewDeviceIsMailed(t *testing.T) {
	w := newWorld(t)
	e := w.enrol(w.somebody(ada))
	const subject = "A login from a new device"
	before := w.told(ada, subject)
	w.Clock.Advance(time.Minute)
	w.Want(w.answer(w.challenge(ada), code(w.code(e.seed))), http.StatusOK, "")
	if n := w.told(ada, subject) - before; n != 1 {
		t.Errorf("%d mails; want 1", n)
	}
	w.Clock.Advance(time.Minute)
	a := w.logInWith("192.0.2.1", e.tokens.DeviceToken, ada, phrase)
	var known auth.LoggedIn
	a.Into(t, &known)
	w.Want(w.answer(known.Challenge, code(w.code(e.seed))), http.StatusOK, "")
	if n := w.told(ada, subject) - before; n != 1 {
		t.Errorf("%d mails after a login from a known device; want still 1", n)
	}
}

func TestALoginThatWaitsEndsWithItsPassword(t *testing.T) {
	w := newWorld(t)
	e := w.enrol(w.somebody(ada))
	waits := w.challenge(ada)
	w.Want(w.change(e.tokens.AccessToken, phrase, "another phrase that nobody has"), http.StatusNoContent, "")
	w.Clock.Advance(time.Minute)
	w.Want(w.answer(waits, code(w.code(e.seed))), http.StatusUnauthorized, "challenge_invalid")
	if n := len(w.of("SESSION")); n != 1 {
		t.Errorf("%d sessions; want the one that changed the password", n)
	}
}

func TestASecondFactorGivesCookiesToo(t *testing.T) {
	w := newWorld(t)
	e := w.enrol(w.somebody(ada))
	b := w.browser()
	a := b.call(auth.LogIn(w.Store, w.pseudonyms, w.refresh, w.minter), map[string]any{"email": ada, "password": phrase, "cookies": true})
	var in auth.LoggedIn
	a.Into(t, &in)
	if in.DeviceToken != "" || b.kept["__Host-device"] == "" || b.kept[api.AccessCookie] != "" {
		t.Fatalf("the first step gave %s and %v; want what knows the device, as a cookie alone", a.Body, b.kept)
	}
	w.Clock.Advance(time.Minute)
	step := map[string]any{"challenge": in.Challenge, "code": w.code(e.seed), "cookies": true}
	b.from = nil
	w.Want(b.call(auth.LogInSecondFactor(w.judge(), w.refresh, w.minter), step), http.StatusForbidden, "cross_site")
	b.from = map[string]string{"Origin": apitest.WebApp}
	w.Want(b.call(auth.LogInSecondFactor(w.judge(), w.refresh, w.minter), step), http.StatusOK, "")
	w.Want(b.me(), http.StatusOK, "")
}
