package account_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/store"
)

type world struct{ *apitest.World }

// somebody gives a caller the rows of an account.
func (w world) somebody(c apitest.Caller) apitest.Caller {
	w.T.Helper()
	h := w.Store.BindUser(c.User, store.Actor{Who: string(c.User)})
	tx := w.Store.Begin()
	tx.Create(h, &account.Profile{User: c.User, Name: "Ada Example", Email: "ada@example.com", MailHash: "hash", Country: "DE", Locale: "en",
		TimeZone: "UTC", WeekStart: "monday", AgePassed: true, Created: w.Clock.Now().Unix()})
	tx.Create(h, &account.Membership{User: c.User, Organization: c.Org, Member: c.Member, Joined: w.Clock.Now().Unix()})
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
	return c
}

func (w world) update(c apitest.Caller, match string, body any) apitest.Answer {
	w.T.Helper()
	return w.Call(account.UpdateAccount(w.Store), c, apitest.Request{Body: body, IfMatch: match})
}

func TestAnAccountIsShownAndChanged(t *testing.T) {
	w := world{apitest.New(t)}
	ada := w.somebody(w.Organization())
	a := w.Call(account.GetAccount(), ada, apitest.Request{})
	w.Want(a, http.StatusOK, "")
	var mine account.Mine
	a.Into(t, &mine)
	if mine.ID != string(ada.User) || mine.Email != "ada@example.com" || len(mine.Organizations) != 1 || mine.Organizations[0].OrganizationID != string(ada.Org) {
		t.Errorf("the account = %+v; want Ada's, with one organization", mine)
	}
	for _, secret := range []string{"hash", "password"} {
		if strings.Contains(string(a.Body), secret) {
			t.Errorf("the account shows %q: %s", secret, a.Body)
		}
	}
	a = w.update(ada, a.Header.Get("ETag"), map[string]any{"job_title": "Designer", "time_zone": "Europe/Berlin", "locale": "de-DE", "week_start": "sunday"})
	w.Want(a, http.StatusOK, "")
	var body account.Body
	a.Into(t, &body)
	if body.JobTitle != "Designer" || body.TimeZone != "Europe/Berlin" || body.Name != "Ada Example" || a.Header.Get("ETag") != `"2"` {
		t.Errorf("the account = %+v, %s; want what was sent changed and nothing else", body, a.Header.Get("ETag"))
	}
	a = w.update(ada, `"2"`, map[string]any{"job_title": ""})
	a.Into(t, &body)
	if body.JobTitle != "" {
		t.Errorf("the job title = %q; want it removed", body.JobTitle)
	}
}

func TestAChangeIsRefused(t *testing.T) {
	w := world{apitest.New(t)}
	ada := w.somebody(w.Organization())
	tests := []struct {
		name   string
		match  string
		body   any
		status int
		code   string
	}{
		{"without the version", "", map[string]any{"name": "Ada"}, 428, "if_match_required"},
		{"of an old version", `"7"`, map[string]any{"name": "Ada"}, 412, "stale_version"},
		{"to no name", `"1"`, map[string]any{"name": ""}, 422, "invalid_input"},
		{"to no zone", `"1"`, map[string]any{"time_zone": "Mars/Base"}, 422, "invalid_input"},
		{"to the machine's zone", `"1"`, map[string]any{"time_zone": "Local"}, 422, "invalid_input"},
		{"to a file", `"1"`, map[string]any{"time_zone": "../../etc/passwd"}, 422, "invalid_input"},
		{"to no language", `"1"`, map[string]any{"locale": "no such language"}, 422, "invalid_input"},
		{"to no day", `"1"`, map[string]any{"week_start": "friday"}, 422, "invalid_input"},
		{"to no phone", `"1"`, map[string]any{"phone": "call me"}, 422, "invalid_input"},
		{"of the address", `"1"`, map[string]any{"email": "bob@example.com"}, 422, "invalid_input"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			world{w.In(t)}.check(ada, tt.match, tt.body, tt.status, tt.code)
		})
	}
	w.Want(w.update(apitest.Caller{}, `"1"`, map[string]any{"name": "Ada"}), http.StatusUnauthorized, "authentication_required")
	w.Want(w.Call(account.GetAccount(), w.Organization(), apitest.Request{}), http.StatusNotFound, "account_not_found")
}

func (w world) check(c apitest.Caller, match string, body any, status int, code string) {
	w.T.Helper()
	w.Want(w.update(c, match, body), status, code)
}

func TestTwoChangesAtOnceAreOne(t *testing.T) {
	w := world{apitest.New(t)}
	ada := w.somebody(w.Organization())
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[int]int{}
	for _, name := range []string{"Ada", "Ada E.", "Ada X.", "A. Example"} {
		wg.Go(func() {
			a := w.update(ada, `"1"`, map[string]any{"name": name})
			mu.Lock()
			defer mu.Unlock()
			codes[a.Status]++
		})
	}
	wg.Wait()
	if codes[200] != 1 || codes[412] != 3 {
		t.Errorf("four changes of one version = %v; want one taken", codes)
	}
}

func TestARestrictedPersonReadsAndDoesNotChange(t *testing.T) {
	w := world{apitest.New(t)}
	ada := w.somebody(w.Organization())
	tx := w.Store.Begin()
	tx.Change(w.Store.BindUser(ada.User, store.Actor{Who: "test"}), access.UserGateKey(ada.User), func(u *dynamo.Update) { u.Set("restrict", true) })
	if err := tx.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.Want(w.Call(account.GetAccount(), ada, apitest.Request{}), http.StatusOK, "")
	w.Want(w.update(ada, `"1"`, map[string]any{"name": "Ada"}), http.StatusForbidden, "processing_restricted")
}
