package organization_test

import (
	"context"
	"net/http"
	"testing"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/keys/keystest"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/store"
)

type world struct {
	*apitest.World
	vault *keystest.Vault
}

// settle gives an organization its settings.
func (w world) settle(c apitest.Caller) apitest.Caller {
	w.T.Helper()
	tx := w.Store.Begin()
	tx.Create(w.Store.BindOrganization(c.Org, store.Actor{Who: string(c.Member)}), organization.New(c.Org, "Example Studio", "DE", w.Clock.Now()))
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
	return c
}

func (w world) update(c apitest.Caller, match string, body any) apitest.Answer {
	w.T.Helper()
	return w.Call(organization.UpdateOrganization(w.Store, w.vault), c, apitest.Request{Body: body, IfMatch: match})
}

func TestSettingsAreShownAndChanged(t *testing.T) {
	w := world{apitest.New(t), new(keystest.Vault)}
	ada := w.settle(w.Organization())
	bob := w.settle(w.Organization())
	a := w.Call(organization.GetOrganization(w.vault), ada, apitest.Request{})
	w.Want(a, http.StatusOK, "")
	a = w.update(ada, a.Header.Get("ETag"), map[string]any{"legal_name": "Example Studio GmbH", "retention_days": 730, "currency": "CHF",
		"address": map[string]any{"line1": "Beispielstraße 1", "city": "Berlin", "country": "DE"}})
	w.Want(a, http.StatusOK, "")
	var body organization.Body
	a.Into(t, &body)
	if body.Name != "Example Studio" || body.LegalName != "Example Studio GmbH" || body.RetentionDays != 730 || body.Address.City != "Berlin" || body.Currency != "CHF" {
		t.Errorf("the settings = %+v; want what was sent changed and nothing else", body)
	}
	w.Call(organization.GetOrganization(w.vault), bob, apitest.Request{}).Into(t, &body)
	if body.ID != string(bob.Org) || body.RetentionDays != 0 || body.Currency != "EUR" {
		t.Errorf("another organization's settings = %+v; want its own", body)
	}
	for _, role := range []access.Role{access.Manager, access.Contributor, access.Accountant} {
		m := w.Member(ada.Org, role)
		w.Want(w.Call(organization.GetOrganization(w.vault), m, apitest.Request{}), http.StatusOK, "")
		w.Want(w.update(m, `"2"`, map[string]any{"name": "X"}), http.StatusForbidden, "permission_denied")
	}
	w.Want(w.Call(organization.GetOrganization(w.vault), w.Member(ada.Org, access.Guest), apitest.Request{}), http.StatusForbidden, "permission_denied")
	w.Want(w.update(w.Member(ada.Org, access.Admin), `"2"`, map[string]any{"retention_days": 0}), http.StatusOK, "")
}

func TestAChangeOfSettingsIsRefused(t *testing.T) {
	w := world{apitest.New(t), new(keystest.Vault)}
	ada := w.settle(w.Organization())
	tests := []struct {
		name   string
		match  string
		body   any
		status int
		code   string
	}{
		{"without the version", "", map[string]any{"name": "X"}, 428, "if_match_required"},
		{"of an old version", `"7"`, map[string]any{"name": "X"}, 412, "stale_version"},
		{"to 29 days", `"1"`, map[string]any{"retention_days": 29}, 422, "invalid_input"},
		{"to 3661 days", `"1"`, map[string]any{"retention_days": 3661}, 422, "invalid_input"},
		{"to days before today", `"1"`, map[string]any{"retention_days": -1}, 422, "invalid_input"},
		{"to no currency", `"1"`, map[string]any{"currency": "QQQ"}, 422, "invalid_input"},
		{"to no zone", `"1"`, map[string]any{"time_zone": ""}, 422, "invalid_input"},
		{"to numbers without a count", `"1"`, map[string]any{"invoice_number_pattern": "INV-{YYYY}"}, 422, "invalid_input"},
		{"to numbers nobody writes", `"1"`, map[string]any{"number_format": "1234,5,6"}, 422, "invalid_input"},
		{"to dates nobody writes", `"1"`, map[string]any{"date_format": "YY"}, 422, "invalid_input"},
		{"to a phone of letters", `"1"`, map[string]any{"phone": "call me"}, 422, "invalid_input"},
		{"to a second factor of nobody", `"1"`, map[string]any{"require_second_factor": true}, 409, "second_factor_missing"},
		{"to another rounding", `"1"`, map[string]any{"tax_rounding": "up"}, 422, "invalid_input"},
		{"of the status", `"1"`, map[string]any{"status": "active"}, 422, "invalid_input"},
		{"to sessions of 721 idle hours", `"1"`, map[string]any{"session_idle_hours": 721}, 422, "invalid_input"},
		{"to sessions of 366 days", `"1"`, map[string]any{"session_max_days": 366}, 422, "invalid_input"},
		{"to an event nobody knows", `"1"`, map[string]any{"retention_event": "never"}, 422, "invalid_input"},
		{"to 30 days", `"1"`, map[string]any{"retention_days": 30}, 200, ""},
		{"to 3660 days", `"2"`, map[string]any{"retention_days": 3660}, 200, ""},
		{"to numbers by month", `"3"`, map[string]any{"invoice_number_pattern": "R{YY}{MM}-{SEQ3}", "tax_rounding": "line"}, 200, ""},
		{"to formats and a phone", `"4"`, map[string]any{"number_format": "1 234,56", "date_format": "DD/MM/YYYY", "phone": "+49 30 5550100"}, 200, ""},
		{"to the usual numbers", `"5"`, map[string]any{"invoice_number_pattern": ""}, 200, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := world{w.In(t), w.vault}
			w.Want(w.update(ada, tt.match, tt.body), tt.status, tt.code)
		})
	}
}
