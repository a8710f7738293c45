package organization_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/keys/keystest"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/taxid"
)

const taxID = "DE123456789"

func (w world) taxID(c apitest.Caller) string {
	w.T.Helper()
	a := w.Call(organization.GetOrganization(w.vault), c, apitest.Request{})
	w.Want(a, http.StatusOK, "")
	var body organization.Body
	a.Into(w.T, &body)
	return body.TaxID
}

func (w world) row(c apitest.Caller) *organization.Organization {
	w.T.Helper()
	o, err := store.Get[organization.Organization](context.Background(), w.Store.BindOrganization(c.Org, store.Actor{Who: "test"}), organization.Key(c.Org))
	if err != nil {
		w.T.Fatal(err)
	}
	return o
}

func TestATaxIDIsShownToThoseWhoMayReadIt(t *testing.T) {
	w := world{apitest.New(t), new(keystest.Vault)}
	ada := w.settle(w.Organization())
	bob := w.settle(w.Organization())
	manager := w.Member(ada.Org, access.Manager)
	if got := w.taxID(manager); got != "" {
		t.Errorf("before there is a tax id a manager reads %q; want nothing", got)
	}
	w.Want(w.update(ada, `"1"`, map[string]any{"tax_id": taxID}), http.StatusOK, "")
	for _, tt := range []struct {
		name   string
		caller apitest.Caller
		want   string
	}{
		{"the owner", ada, taxID},
		{"an admin", w.Member(ada.Org, access.Admin), taxID},
		{"an accountant", w.Member(ada.Org, access.Accountant), taxID},
		{"a manager", manager, taxid.Masked},
		{"a member", w.Member(ada.Org, access.Contributor), taxid.Masked},
		{"the owner of another organization", bob, ""},
	} {
		if got := w.taxID(tt.caller); got != tt.want {
			t.Errorf("%s reads %q; want %q", tt.name, got, tt.want)
		}
	}
}

func TestATaxIDIsSealedChangedAndRemoved(t *testing.T) {
	w := world{apitest.New(t), new(keystest.Vault)}
	ada := w.settle(w.Organization())
	for _, tt := range []struct {
		name  string
		match string
		body  map[string]any
		want  string
	}{
		{"is set", `"1"`, map[string]any{"tax_id": taxID}, taxID},
		{"stays when something else changes", `"2"`, map[string]any{"name": "Studio"}, taxID},
		{"changes", `"3"`, map[string]any{"tax_id": "12/345/67890"}, "12/345/67890"},
		{"is removed", `"4"`, map[string]any{"tax_id": ""}, ""},
		{"is removed again", `"5"`, map[string]any{"tax_id": ""}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := world{w.In(t), w.vault}
			a := w.update(ada, tt.match, tt.body)
			w.Want(a, http.StatusOK, "")
			var body organization.Body
			a.Into(t, &body)
			if got := w.taxID(ada); body.TaxID != tt.want || got != tt.want {
				t.Errorf("the change answers %q and the organization says %q; want %q", body.TaxID, got, tt.want)
			}
			stored := w.row(ada).TaxID
			if (len(stored) > 0) != (tt.want != "") || tt.want != "" && bytes.Contains(stored, []byte(tt.want)) {
				t.Errorf("the row holds %q; want it sealed, and nothing where there is none", stored)
			}
		})
	}
}

func TestATaxIDOpensInItsOwnOrganizationAlone(t *testing.T) {
	w := world{apitest.New(t), new(keystest.Vault)}
	ada, bob := w.settle(w.Organization()), w.settle(w.Organization())
	w.Want(w.update(ada, `"1"`, map[string]any{"tax_id": taxID}), http.StatusOK, "")
	moved := w.row(bob)
	moved.TaxID = w.row(ada).TaxID
	tx := w.Store.Begin()
	tx.Replace(w.Store.BindOrganization(bob.Org, store.Actor{Who: "test"}), moved)
	if err := tx.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	a := w.Call(organization.GetOrganization(w.vault), bob, apitest.Request{})
	if a.Status != http.StatusInternalServerError || bytes.Contains(a.Body, []byte(taxID)) {
		t.Errorf("a tax id that was moved answers %d %s; want 500 and nothing of it", a.Status, a.Body)
	}
}

func TestWhatIsNoTaxIDIsRefused(t *testing.T) {
	w := world{apitest.New(t), new(keystest.Vault)}
	ada := w.settle(w.Organization())
	for _, text := range []string{" ", "-", "DE 1 ", "DE\n1", taxid.Masked, strings.Repeat("1", 41)} {
		a := w.update(ada, `"1"`, map[string]any{"tax_id": text})
		w.Want(a, http.StatusUnprocessableEntity, "invalid_input")
	}
	w.Want(w.update(w.Member(ada.Org, access.Accountant), `"1"`, map[string]any{"tax_id": taxID}), http.StatusForbidden, "permission_denied")
	w.Want(w.update(ada, `"9"`, map[string]any{"tax_id": taxID}), http.StatusPreconditionFailed, "stale_version")
	if got := w.taxID(ada); got != "" {
		t.Errorf("after refusals the tax id is %q; want none", got)
	}
	w.Want(w.update(ada, `"1"`, map[string]any{"tax_id": strings.Repeat("1", 40)}), http.StatusOK, "")
}
