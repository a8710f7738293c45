package choices_test

import (
	"net/http"
	"testing"

	"pixeltrack.io/platform/pkg/account/choices"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/registry"
)

func TestRowsAreRegistered(t *testing.T) {
	for _, f := range registry.Check(choices.Rows()) {
		t.Error(f)
	}
}

func TestMailsAreChosen(t *testing.T) {
	w := apitest.New(t)
	ada, bob := w.Organization(), w.Organization()
	on := func(c apitest.Caller) bool {
		t.Helper()
		a := w.Call(choices.GetNotificationChoices(), c, apitest.Request{})
		w.Want(a, http.StatusOK, "")
		var l api.List[choices.Body]
		a.Into(t, &l)
		if len(l.Data) != len(choices.Kinds()) || l.Data[0].Kind != "timer_forgotten" {
			t.Fatalf("the choices are %s", a.Body)
		}
		return l.Data[0].Mail
	}
	choose := func(mail ...bool) apitest.Answer {
		var all []any
		for _, m := range mail {
			all = append(all, map[string]any{"kind": "timer_forgotten", "mail": m})
		}
		return w.Call(choices.UpdateNotificationChoices(w.Store), ada, apitest.Request{Body: map[string]any{"choices": all}})
	}
	if !on(ada) {
		t.Error("off before anything was chosen")
	}
	for _, tt := range []struct {
		mail []bool
		want bool
	}{{[]bool{false}, false}, {[]bool{false}, false}, {[]bool{true, false}, false}, {[]bool{true}, true}} {
		w.Want(choose(tt.mail...), http.StatusOK, "")
		if on(ada) != tt.want || !on(bob) {
			t.Errorf("after %v it is on: %v, another person's: %v; want %v and theirs as it was", tt.mail, on(ada), on(bob), tt.want)
		}
	}
	for _, body := range []any{map[string]any{}, map[string]any{"choices": []any{}}, map[string]any{"choices": []any{map[string]any{"kind": "new_device", "mail": false}}}} {
		w.Want(w.Call(choices.UpdateNotificationChoices(w.Store), ada, apitest.Request{Body: body}), http.StatusUnprocessableEntity, "invalid_input")
	}
}
