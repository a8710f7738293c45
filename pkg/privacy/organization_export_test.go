package privacy_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/auth/password"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/store"
)

const exportPhrase = "a phrase nobody else uses"

// exported makes the export of an organization and gives the token that is mailed to its owner.
func (w *world) exported(c apitest.Caller) string {
	w.T.Helper()
	ctx := context.Background()
	org := w.Store.BindOrganization(c.Org, store.Actor{Who: string(c.Member)})
	tx := w.Store.Begin()
	tx.Put(w.Store.BindUser(c.User, store.Actor{Who: string(c.User)}), &account.Credential{User: c.User, PasswordHash: password.Hash(exportPhrase)})
	e := privacy.AskForPackage(tx, org, "", "")
	w.must(tx.Commit(ctx))
	w.must(w.event(privacy.BuildExport(w.packages, w.stored(), w.links, w.pseudonyms, w.seals, w.m), privacy.EventExportRequested, privacy.PackageKey(org.Scope(), e)))
	return w.links.Token(privacy.ExportPurpose, string(e))
}

func (w *world) fetchExport(token, phrase string) apitest.Answer {
	w.T.Helper()
	op := privacy.DownloadExport(w.Store, w.packages, keys.Pseudonyms{Secret: "pseudonyms"})
	return w.Call(op, apitest.Caller{}, apitest.Request{Body: map[string]any{"token": token, "password": phrase}})
}

func TestTheOwnerFetchesTheExportOfAnOrganization(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	token := w.exported(ada.Caller)
	tests := []struct {
		name, token, phrase string
		want                int
		code                string
	}{
		{"another token", "nobody's", exportPhrase, http.StatusNotFound, "export_not_found"},
		{"another password", token, "a phrase of somebody else", http.StatusUnauthorized, "invalid_credentials"},
		{"both right", token, exportPhrase, http.StatusOK, ""},
		{"again", token, exportPhrase, http.StatusOK, ""},
	}
	for _, tt := range tests {
		a := w.fetchExport(tt.token, tt.phrase)
		w.Want(a, tt.want, tt.code)
		if tt.want == http.StatusOK && !strings.Contains(string(a.Body), "ORG/"+string(ada.Org)+"/") {
			t.Errorf("%s gives %s; want a link to the organization's package", tt.name, a.Body)
		}
	}
}

func TestOnlyTheOwnerFetchesTheExportOfAnOrganization(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	token := w.exported(ada.Caller)
	h := w.Store.BindOrganization(ada.Org, store.Actor{Who: "test"})
	member, err := store.Get[access.Access](context.Background(), h, access.AccessKey(ada.Org, ada.Member))
	w.must(err)
	member.Role = access.Admin
	tx := w.Store.Begin()
	tx.Replace(h, member)
	w.must(tx.Commit(context.Background()))
	if a := w.fetchExport(token, exportPhrase); a.Code() != "export_not_found" {
		t.Errorf("a former owner gets %d %s; want export_not_found", a.Status, a.Code())
	}
}

func TestTheLinkToAnExportEnds(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	token := w.exported(ada.Caller)
	w.Clock.Advance(7*24*time.Hour + time.Second)
	if a := w.fetchExport(token, exportPhrase); a.Code() != "export_not_found" {
		t.Errorf("after 7 days: %d %s; want export_not_found", a.Status, a.Code())
	}
}

func TestGuessesAtAnExportAreCounted(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	token := w.exported(ada.Caller)
	last := 0
	for range 11 {
		last = w.fetchExport(token, "a wrong phrase altogether").Status
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the eleventh guess = %d; want 429", last)
	}
}

func TestAnOwnerAsksForTheExportOfAnOrganization(t *testing.T) {
	w := newWorld(t)
	ada := w.Organization()
	ask := func(c apitest.Caller, key string) apitest.Answer {
		return w.Call(privacy.CreateOrganizationExport(w.Store), c, apitest.Request{Key: key})
	}
	for _, role := range []access.Role{access.Admin, access.Manager, access.Contributor, access.Accountant, access.Guest} {
		w.Want(ask(w.Member(ada.Org, role), ""), http.StatusForbidden, "permission_denied")
	}
	var wg sync.WaitGroup
	codes := make([]int, 4)
	for n := range codes {
		wg.Go(func() { codes[n] = ask(ada, "").Status })
	}
	wg.Wait()
	if slices.Sort(codes); !slices.Equal(codes, []int{202, 409, 409, 409}) {
		t.Errorf("asked four times at once = %v; want one of them taken", codes)
	}
	ada = w.Later(ada, 24*time.Hour)
	first := ask(ada, "k")
	w.Want(first, http.StatusAccepted, "")
	var o privacy.OrderBody
	first.Into(t, &o)
	org := w.Store.BindOrganization(ada.Org, store.Actor{Who: "test"})
	w.must(w.event(privacy.BuildExport(w.packages, w.stored(), w.links, w.pseudonyms, w.seals, w.m), privacy.EventExportRequested, privacy.PackageKey(org.Scope(), id.Export(o.ID))))
	again := ask(ada, "k")
	w.Want(again, http.StatusAccepted, "")
	var ready privacy.OrderBody
	again.Into(t, &ready)
	if o.State != privacy.PackageQueued || ready.ID != o.ID || ready.State != privacy.PackageReady || ready.Until == nil || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("asked = %+v, repeated when it was built = %+v; want the same, ready", o, ready)
	}
	w.Want(ask(ada, ""), http.StatusConflict, "export_ordered")
	if n := len(w.packages.Keys()); n != 1 {
		t.Errorf("%d packages were built; want 1", n)
	}
}
