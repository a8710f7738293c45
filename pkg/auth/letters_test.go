package auth_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the goldens")

// TestTheLetters compares every mail of the area, without the tokens of its links, with the golden.
func TestTheLetters(t *testing.T) {
	w := newWorld(t)
	w.somebody(ada)
	w.signUp(signUpBody(ada))
	w.signUp(signUpBody("bob@example.com"))
	w.Clock.Advance(time.Minute)
	w.tokens(w.logIn(ada, phrase))
	w.forgot(ada)
	token := w.resetTokens(ada)[0]
	texts := map[string]string{}
	keep := func() {
		for _, m := range w.letters() {
			texts[m.Subject] = m.Text
		}
	}
	keep()
	w.Want(w.reset(token, better), 204, "")
	keep()
	var got strings.Builder
	for _, subject := range []string{"Confirm your PixelTrack account", "You already have a PixelTrack account", "Set a new PixelTrack password",
		"Your password was changed", "A login from a new device"} {
		text := regexp.MustCompile(`#token=\S+`).ReplaceAllString(texts[subject], "#token=…")
		fmt.Fprintf(&got, "== %s\n%s\n", subject, strings.TrimSpace(text))
		delete(texts, subject)
	}
	for subject := range texts {
		t.Errorf("the mail %q is in no golden", subject)
	}
	const name = "testdata/letters.golden"
	if *update {
		if err := os.WriteFile(name, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the letters are\n%s\nwant\n%s", got.String(), want)
	}
}
