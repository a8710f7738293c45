package auth_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/auth"
)

func (w *world) logInWith(source, device, email, password string) apitest.Answer {
	w.T.Helper()
	return w.Call(auth.LogIn(w.Store, w.pseudonyms, w.refresh, w.minter), apitest.Caller{},
		apitest.Request{Body: map[string]any{"email": email, "password": password, "device_token": device}, Source: source})
}

// TestGuessesFromEverywhereDoNotLockTheOwnerOut guesses for an hour from one address and from many, and counts the guesses
// that were looked at.
func TestGuessesFromEverywhereDoNotLockTheOwnerOut(t *testing.T) {
	guesses, places := 120, 30
	if os.Getenv("PIXELTRACK_PROVE") != "" {
		guesses, places = 10_000, 1_000
	}
	w := newWorld(t)
	known := w.somebody(ada).tokens.DeviceToken
	looked := 0
	guess := func(source string) {
		a := w.logInFrom(source, ada, better)
		switch a.Status {
		case http.StatusUnauthorized:
			looked++
		case http.StatusTooManyRequests:
			if a.Header.Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
		default:
			t.Fatalf("a guess = %d %s", a.Status, a.Body)
		}
	}
	for i := range guesses {
		if i == guesses/2 {
			w.Clock.Advance(20 * time.Minute)
		}
		guess("198.51.100.7")
		guess(fmt.Sprintf("2001:db8:%x::1", i%places))
	}
	if looked >= 100 || looked < 20 {
		t.Errorf("%d of %d guesses within an hour were looked at; want some, fewer than 100", looked, 2*guesses)
	}
	w.Want(w.logInFrom("203.0.113.9", ada, phrase), http.StatusTooManyRequests, "too_many_attempts")
	w.tokens(w.logInWith("203.0.113.9", known, ada, phrase))
	w.tokens(w.logInWith("198.51.100.7", known, ada, phrase))
	other := w.somebody("bob@example.com").tokens.DeviceToken
	w.Want(w.logInWith("203.0.113.9", other, ada, phrase), http.StatusTooManyRequests, "too_many_attempts") // the token of another account
	w.Want(w.logInWith("203.0.113.9", known+"x", ada, phrase), http.StatusTooManyRequests, "too_many_attempts")
	for range 10 {
		w.Want(w.logInWith("203.0.113.9", known, ada, better), http.StatusUnauthorized, "invalid_credentials")
	}
	w.Want(w.logInWith("203.0.113.9", known, ada, phrase), http.StatusTooManyRequests, "too_many_attempts") // a known device may not guess either
	w.Clock.Advance(time.Hour)
	w.tokens(w.logIn(ada, phrase))
}

func TestLogInsThatSucceedAreNoGuesses(t *testing.T) {
	w := newWorld(t)
	w.somebody(ada)
	for range 55 {
		w.tokens(w.logIn(ada, phrase))
	}
}

func TestALogInFromANewDeviceIsMailed(t *testing.T) {
	w := newWorld(t)
	known := w.somebody(ada).tokens.DeviceToken
	const subject = "A login from a new device"
	if n := w.told(ada, subject); n != 0 {
		t.Errorf("%d mails about the first login; want none", n)
	}
	same := w.logInWith("192.0.2.77", known, ada, phrase)
	if got := w.tokens(same).DeviceToken; got != known {
		t.Errorf("the device token = %q; want the same, %q", got, known)
	}
	cookie, _, _ := strings.Cut(same.Header.Get("Set-Cookie"), ";")
	w.tokens(w.Call(auth.LogIn(w.Store, w.pseudonyms, w.refresh, w.minter), apitest.Caller{},
		apitest.Request{Body: map[string]any{"email": ada, "password": phrase}, Headers: map[string]string{"Cookie": cookie}}))
	if n := w.told(ada, subject); n != 0 {
		t.Errorf("%d mails about logins from a known device; want none", n)
	}
	if !strings.HasPrefix(cookie, "__Host-device=dvt_") {
		t.Errorf("Set-Cookie = %q; want the device", cookie)
	}
	w.tokens(w.logIn(ada, phrase))
	if n := w.told(ada, subject); n != 1 {
		t.Errorf("%d mails about a login from a new device; want 1", n)
	}
	w.Clock.Advance(366 * 24 * time.Hour)
	w.tokens(w.logInWith("192.0.2.77", known, ada, phrase))
	if n := w.told(ada, subject); n != 1 {
		t.Errorf("%d mails about a login from a device that was known a year ago; want 1", n)
	}
}
