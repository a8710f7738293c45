package agreements_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/organization/agreements"
	"pixeltrack.io/platform/pkg/registry"
)

func TestRowsAreRegistered(t *testing.T) {
	for _, f := range registry.Check(agreements.Rows()) {
		t.Error(f)
	}
}

// A published text never changes: organizations have accepted its hash.
func TestPublishedTextsNeverChange(t *testing.T) {
	published := map[string]string{
		"terms": "81eebd700f8ea5502a6e101df0e0e9df64eb5b6972d95190fa074b5f3f5a4de2",
		"dpa":   "a5da4ba874df5b56bbf4677e37c93d4e789c132fd9c4b7452bd6876b8c19826c",
	}
	for _, d := range agreements.Documents() {
		if d.SHA256() != published[d.ID] {
			t.Errorf("%s version %d has the hash %s; want %s: make a new version", d.ID, d.Version, d.SHA256(), published[d.ID])
		}
		if !strings.Contains(string(d.Text), "Version 1.") || !strings.HasPrefix(string(d.Text), "# "+d.Title) {
			t.Errorf("%s does not state its title and version", d.ID)
		}
	}
}

func TestAnOwnerAcceptsForTheOrganization(t *testing.T) {
	w := apitest.New(t)
	owner, other := w.Organization(), w.Organization()
	admin := w.Member(owner.Org, access.Admin)
	accept := func(as apitest.Caller, change map[string]any) apitest.Answer {
		d := agreements.Documents()[1]
		body := map[string]any{"document": d.ID, "version": d.Version, "sha256": d.SHA256()}
		for k, v := range change {
			body[k] = v
		}
		return w.Call(agreements.CreateAgreement(w.Store), as, apitest.Request{Body: body})
	}
	list := func(as apitest.Caller) map[string]agreements.Agreement {
		t.Helper()
		a := w.Call(agreements.ListAgreements(), as, apitest.Request{})
		w.Want(a, http.StatusOK, "")
		var l api.List[agreements.Agreement]
		a.Into(t, &l)
		all := map[string]agreements.Agreement{}
		for _, b := range l.Data {
			all[b.Document] = b
		}
		return all
	}
	w.Want(accept(admin, nil), http.StatusForbidden, "permission_denied")
	for _, change := range []map[string]any{{"version": 2}, {"sha256": strings.Repeat("0", 64)}, {"document": "lease"}} {
		w.Want(accept(owner, change), http.StatusUnprocessableEntity, "invalid_input")
	}
	first := w.Clock.Now().Truncate(time.Second)
	w.Want(accept(owner, nil), http.StatusOK, "")
	w.Clock.Advance(time.Minute)
	w.Want(accept(owner, nil), http.StatusOK, "")
	all := list(admin)
	if b := all["dpa"]; b.AcceptedAt == nil || !b.AcceptedAt.Equal(first) || b.AcceptedBy != string(owner.Member) {
		t.Errorf("the agreement = %+v; want it accepted once, by the owner, at %v", b, first)
	}
	if all["terms"].AcceptedAt != nil || list(other)["dpa"].AcceptedAt != nil {
		t.Error("another text, or another organization's, counts as accepted")
	}
	text := w.Call(agreements.GetAgreement(), admin, apitest.Request{Path: "/v1/org/agreements/dpa"})
	w.Want(text, http.StatusOK, "")
	if string(text.Body) != string(agreements.Documents()[1].Text) || !strings.HasPrefix(text.Header.Get("Content-Type"), "text/markdown") {
		t.Errorf("the text is served as %s: %.80s", text.Header.Get("Content-Type"), text.Body)
	}
	w.Want(w.Call(agreements.GetAgreement(), admin, apitest.Request{Path: "/v1/org/agreements/lease"}), http.StatusNotFound, "agreement_not_found")
}
